"""What to install when an optional library is missing."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def needed(library: str, *, by: str, extra: str | None = None) -> Iterator[None]:
    """Import an optional library in the block.

    Args:
        library: The library.
        by: What cannot be used without it.
        extra: The extra of oauthreg that installs it; default: the library's name.

    Raises:
        ModuleNotFoundError: it is not installed; the text says what to run.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{by} needs {library} ({error}): pip install 'oauthreg[{extra or library}]'",
            name=error.name,
        ) from None
