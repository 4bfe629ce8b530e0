"""`python -m oauthreg.cli` is the `oauthreg` command."""

from oauthreg.cli import main

if __name__ == "__main__":
    main()
