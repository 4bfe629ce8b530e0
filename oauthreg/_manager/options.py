"""Reading what a call of `authorize` is given: its options, strictly, and what they change.

An option that is None is not given. Whatever else is not of the right kind is a `TypeError` that
names the option, the kind of what was given, and what to write; never a value that may be secret.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from oauthreg._errors import LoginRequiredError, WrongOptionError
from oauthreg._grants.table import GRANTS
from oauthreg._invisible import invisible_inside
from oauthreg._masked import Hidden
from oauthreg._registration import AuthorizeOptions
from oauthreg._secret_values import Secret, TokenOf
from oauthreg._settings.types import checked_resource, checked_scope, free_parameters, words
from oauthreg._sources.tree import canonical
from oauthreg._suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthreg._registration import ClientRegistration

T = TypeVar("T")
OPTIONS = frozenset(AuthorizeOptions.__annotations__)
DAY = 86_400
YEAR = 365 * DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOptions:
    """The options of one call.

    Attributes:
        registration: The registration, with the options in it that change it.
        principal: On whose behalf: the call's, else the registration's.
        subject_token: The token to exchange (RFC 8693), if the call gives one.
        actor_token: The acting party's token, likewise.
        min_ttl: Seconds of life that the token must have left.
        force: Whether to fetch a new token in any case.
        timeout: Seconds that the caller waits; None for the default.
    """

    registration: ClientRegistration
    principal: str | None
    subject_token: Secret | TokenOf | None = field(default=None, repr=False)
    actor_token: Secret | TokenOf | None = field(default=None, repr=False)
    min_ttl: float = 0.0
    force: bool = False
    timeout: float | None = None


def read_options(registration: ClientRegistration, options: Mapping[str, Any]) -> CallOptions:
    """Return the options of one call, checked.

    A callable in a token's place is called once; what it raises goes to the caller.

    Raises:
        TypeError: there is no option of a name, or one is not of the right kind.
    """
    if not options:
        return CallOptions(registration=registration, principal=registration.principal)
    refuse_unknown(options)
    given = {name: _read(name, value) for name, value in options.items() if value is not None}
    changed = {name: given.pop(key) for key, name in _CHANGED.items() if key in given}
    if "parameters" in changed:
        changed["parameters"] = {**registration.parameters, **changed["parameters"]}
    given.setdefault("principal", registration.principal)
    return CallOptions(registration=registration.with_options(**changed), **given)


def refuse_unknown(options: Mapping[str, Any]) -> None:
    """Refuse an option that does not exist, which a call would silently go without.

    Raises:
        TypeError: with a did-you-mean.
    """
    for name in options:
        if name not in OPTIONS:
            advice = did_you_mean(name, OPTIONS) or f"Known: {', '.join(sorted(OPTIONS))}."
            raise WrongOptionError(f"authorize() has no option {name!r}. {advice}")


def checked_id(registration_id: object) -> str:
    """Return a registration's id as the settings spell it.

    Raises:
        TypeError: it is no text.
    """
    wanted = 'a string, as in "my-client"'
    text: str = _checked("registration_id", _id, wanted, registration_id)
    return text


def checked_ids(ids: object) -> tuple[str, ...]:
    """Return the ids that `only=` names: one, or several.

    Raises:
        TypeError: it is neither.
    """
    listed = (ids,) if isinstance(ids, str) or not isinstance(ids, Iterable) else tuple(ids)
    if not all(isinstance(one, str) for one in listed):
        raise WrongOptionError('only must be an id or a list of ids, as in only="my-client"')
    return listed


def checked_principal(principal: object) -> str:
    """Return the principal of a call.

    Raises:
        TypeError: it is no text, or empty.
    """
    text: str = _read("principal", principal)
    return text


def checked_token(token_value: Hidden) -> Secret | None:
    """Return a token that a caller asks about; None if none was given.

    Raises:
        TypeError: it is no text.
    """
    if token_value.value is None:
        return None
    token: Secret = _checked("token_value", _token_value, "a non-empty string", token_value)
    return token


def read_hidden(read: Callable[[Any], T], hidden: Hidden) -> T:
    """Read a hidden value; a failure keeps no frame alive in which it stands in clear.

    Raises:
        Exception: what reading it raises.
    """
    try:
        return read(hidden.value)
    except Exception as error:  # noqa: BLE001 - whatever it is, its frames show the value
        failure = error.with_traceback(None)
        failure.__context__ = None
    raise failure


def needs_principal(registration: ClientRegistration) -> bool:
    """Whether the grant is a user's, so that a call must name the user."""
    return GRANTS[registration.authorization_grant_type].needs_principal(registration)


def login_required(registration: ClientRegistration) -> LoginRequiredError:
    """Return the error of a call that names no user, where the grant is a user's."""
    name = registration.registration_id
    grant = GRANTS[registration.authorization_grant_type].setting
    return LoginRequiredError(
        f"the grant {grant} acts for a user: name the user by principal=",
        registration_id=name,
        provider=registration.provider.name,
        hint="Pass principal= (--principal on the command line); or, for the scripts of one user, "
        f"set registration.{name}.principal.",
    )


class _Unfit(ValueError):  # noqa: N818 - it never leaves this module
    """What is wrong with a value, as the end of a sentence: `is an int`."""


def _read(name: str, value: object) -> Any:
    read, wanted = _READERS[name]
    return _checked(f"the option {name}", read, wanted, value)


def _checked(what: str, read: Callable[[Any], Any], wanted: str, value: object) -> Any:
    """Return a value as a reader reads it; a failure keeps no frame alive that shows it."""
    hidden = value if isinstance(value, Hidden) else Hidden(value)
    del value
    called = ""
    if read is _token and callable(hidden.value):
        hidden, read = Hidden(_called(hidden.value)), _token_value
        called = "is a callable, and what it gave "
    try:
        return read(hidden.value)
    except ValueError as error:
        fault = str(error)
    raise WrongOptionError(f"{what} must be {wanted}; it {called}{fault}")


def _kind(value: object) -> str:
    name = type(value).__name__
    return f"is {'an' if name[:1].lower() in tuple('aeiou') else 'a'} {name}"


def _any_text(value: object) -> str:
    if not isinstance(value, str):
        raise _Unfit(_kind(value))
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _Unfit("has a character that is no Unicode text (a surrogate)") from None
    return value


def _id(value: object) -> str:
    return canonical(_any_text(value))


def _text(value: object) -> str:
    text = _any_text(value)
    if not text.strip():
        raise _Unfit("is empty")
    return text


def _word(value: object) -> str:
    text = _text(value)
    unseen = invisible_inside(text)
    if unseen is not None:
        raise _Unfit(f"has {unseen} in it")
    return text


def _texts(value: object) -> list[str]:
    items = value if isinstance(value, list | tuple | set | frozenset) else [value]
    wrong = next((item for item in items if not isinstance(item, str)), None)
    if wrong is not None and wrong is not value:
        raise _Unfit(f"has an item that {_kind(wrong)}")
    return [_any_text(item) for item in items]


def _scopes(value: object) -> tuple[str, ...]:
    texts = _texts(value)
    return tuple(map(checked_scope, words(texts[0]) if isinstance(value, str) else texts))


def _resources(value: object) -> tuple[str, ...]:
    return tuple(map(checked_resource, _texts(value)))


def _parameters(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise _Unfit(_kind(value))
    return free_parameters({_text(name): _field(name, item) for name, item in value.items()})


def _field(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    try:
        return _any_text(str(value) if isinstance(value, int | float) else value)
    except ValueError as error:
        raise _Unfit(f"has a {name!r} that {error}") from None


def _token(value: object) -> Secret | TokenOf:
    return value if isinstance(value, TokenOf) else _token_value(value)


def _token_value(value: object) -> Secret:
    return Secret(_text(value))


def _called(given: Callable[[], object]) -> object:
    result = given()
    if inspect.iscoroutine(result):
        result.close()
    return result


def _seconds(most: int) -> Callable[[object], float]:
    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _Unfit(_kind(value))
        if not 0 <= value <= most:
            short = isinstance(value, float) or abs(value) <= YEAR * 1000
            raise _Unfit(f"is {value!r}" if short else "is out of range")
        return float(value)

    return read


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise _Unfit(_kind(value))
    return value


_CHANGED = {
    "scope": "scopes",
    "audience": "audience",
    "resource": "resource",
    "parameters": "parameters",
}
"""Options that change the registration, and the fields they change."""

_A_TOKEN = 'a non-empty string, a callable that gives one, or TokenOf("registration-id")'
_READERS: Mapping[str, tuple[Callable[[object], Any], str]] = {
    "principal": (_text, 'a non-empty string, as in principal="alice"'),
    "scope": (_scopes, 'a string or a list of strings, as in scope="read write"'),
    "audience": (_word, 'one non-empty string, as in audience="orders"'),
    "resource": (_resources, 'an address or a list of them, as in resource="https://a.example"'),
    "parameters": (_parameters, 'a mapping of strings, as in parameters={"tenant": "a"}'),
    "subject_token": (_token, _A_TOKEN),
    "actor_token": (_token, _A_TOKEN),
    "min_ttl": (_seconds(YEAR), f"a number of seconds from 0 to {YEAR}, as in min_ttl=300"),
    "force": (_truth, "True or False"),
    "timeout": (_seconds(DAY), f"a number of seconds from 0 to {DAY}, as in timeout=5"),
}
"""How each option is read, and what to write."""
