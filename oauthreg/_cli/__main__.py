"""`python -m oauthreg._cli` is the `oauthreg` command."""

from oauthreg._cli import main

if __name__ == "__main__":
    main()
