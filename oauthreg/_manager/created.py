"""Who is told of every manager that is built, such as telemetry for a whole program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

listeners: list[Callable[[Any], object]] = []
"""Each is called with the core of a new manager."""
