"""The protocol as pure functions: bodies, client authentication, answers. No I/O, no clock."""
