"""One flow per grant: a generator that decides and never does I/O. `table` lists them."""
