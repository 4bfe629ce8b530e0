"""What to install when an optional library is missing."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def needed(library: str, *, by: str) -> Iterator[None]:
    """Import an optional library in the block; its extra has the library's name.

    Args:
        library: The library, and the extra of oauthreg that installs it.
        by: What cannot be used without it.

    Raises:
        ModuleNotFoundError: it is not installed; the text says what to run.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{by} needs {library} ({error}): pip install 'oauthreg[{library}]'", name=error.name
        ) from None
