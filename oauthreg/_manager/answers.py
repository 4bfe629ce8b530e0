"""What a runner answers a flow: a secret, what the store gave, or why there is none."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

from oauthreg._errors import AuthorizationError, SecretUnavailableError, StoreError
from oauthreg._flow import StoreAnswer
from oauthreg._secret_values import SecretReadError

if TYPE_CHECKING:
    from concurrent.futures import Future

    from oauthreg._flow import ReadSecret


def read_secret(step: ReadSecret) -> Any:
    """Read a secret source for a flow.

    Raises:
        SecretUnavailableError: it cannot be read.
    """
    try:
        return step.source.read()
    except SecretReadError as error:
        raise SecretUnavailableError(f"the {step.setting} cannot be read: {error}") from None
    except Exception as error:  # noqa: BLE001 - a secret plugin may raise anything
        raise SecretUnavailableError(
            f"the {step.setting} cannot be read: {type(error).__name__} from "
            f"{step.source.reference}"
        ) from None


def no_answer(step: ReadSecret, within: float) -> SecretUnavailableError:
    """Return the failure of a source that could not be read in time."""
    return SecretUnavailableError(
        f"the {step.setting} cannot be read: {step.source.reference} did not answer within "
        f"{within:.1f} s"
    )


def store_answer(done: Future[Any], seconds: float) -> StoreAnswer:
    """Return what came of a call of the store, as far as it is known by now."""
    if not done.done():
        return StoreAnswer(error=StoreError(f"no answer within {seconds:.1f} s"))
    error = done.exception()
    if error is None:
        return StoreAnswer(done.result())
    return StoreAnswer(error=error if isinstance(error, Exception) else StoreError("interrupted"))


def unexpected(error: Exception) -> AuthorizationError:
    """Return the failure of a flight by something that nobody foresaw, without its words."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return AuthorizationError(
        f"unexpected {type(error).__name__} in {frame.name}, line {frame.lineno}"
    )
