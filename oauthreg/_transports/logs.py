"""What libraries may not log of our requests."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contextvars import ContextVar


def leave_out(words: str, *, of: str, during: ContextVar[Any]) -> None:
    """Keep records with these words out of a library's log while one of our requests is sent.

    They show the header of an answer, in which there may be cookies and codes.
    """

    def passes(record: logging.LogRecord) -> bool:
        return during.get(None) is None or words not in record.getMessage()

    logging.getLogger(of).addFilter(passes)
