"""The exit codes of the command line, one for each class of error."""

from __future__ import annotations

DONE = 0
NO_TOKEN = 1
WRONG_SETTINGS = 2
FAULT = 70
INTERRUPTED = 130
PIPE_CLOSED = 141

EXIT_CODES = {
    DONE: "done; `check`: all is well",
    NO_TOKEN: "it could not be had (AuthorizationError, StoreError); `check`: something is wrong",
    WRONG_SETTINGS: "the settings or the call are wrong (ConfigurationError, usage)",
    FAULT: "a fault of oauthreg itself",
    INTERRUPTED: "ended by Ctrl-C",
    PIPE_CLOSED: "the reader of the output went away",
}
"""What each exit code means, for help and documentation."""

EPILOG = (
    "Exit codes: 0 done, 1 it could not be had or is not well, 2 the settings or the call are "
    "wrong, 70 a fault of oauthreg itself, 130 Ctrl-C, 141 closed pipe."
)
