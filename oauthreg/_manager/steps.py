"""What both managers do alike when they perform a flow's step, or when that fails."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

from oauthreg._errors import AuthorizationError, ConfigurationError, SecretUnavailableError
from oauthreg._secret_values import SecretReadError

if TYPE_CHECKING:
    from oauthreg._renewal.engine import Ruling
    from oauthreg._secret_values import Readable


def read_secret(source: Readable) -> Any:
    """Read a secret source for a flow.

    Raises:
        SecretUnavailableError: it cannot be read.
    """
    try:
        return source.read()
    except SecretReadError as error:
        raise SecretUnavailableError(f"the client secret cannot be read: {error}") from None
    except Exception as error:  # noqa: BLE001 - a secret plugin may raise anything
        raise SecretUnavailableError(
            f"the client secret cannot be read: {type(error).__name__} from {source.reference}"
        ) from None


def no_answer(source: Readable, within: float) -> SecretUnavailableError:
    """Return the failure of a source that could not be read in time."""
    return SecretUnavailableError(f"{source.reference} did not answer within {within:.1f} s")


def unexpected(error: Exception) -> AuthorizationError:
    """Return the failure of a flight by something that nobody foresaw, without its words."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return AuthorizationError(
        f"unexpected {type(error).__name__} in {frame.name}, line {frame.lineno}"
    )


def value_of(ruling: Ruling) -> Any:
    """Return the value that a flow is answered with."""
    return ruling.held.value if ruling.held is not None else None


def nested(error: ConfigurationError) -> AuthorizationError:
    """Return what a flow is told when the registration it needs does not exist."""
    return AuthorizationError(f"it needs another registration: {error}")
