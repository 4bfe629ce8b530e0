"""What every adapter is made of.

An adapter has one `TokenSupplier`, and makes an `AuthorizedRequest` for each request of its caller:

```python
client = supplier.authorize()
authorized = AuthorizedRequest(supplier, client, url)  # UrlNotAllowedError: nothing is sent
authorized.add_token(headers, method, url)  # before every sending: a proof is used once
...  # send
budget = RetryBudget(supplier, authorized)
while budget.allows(answer):  # for each `Answer`, whatever its status: it may have a nonce
    ...  # `authorized.add_token` and send once more
```
"""

from __future__ import annotations

import inspect
import json
from base64 import urlsafe_b64decode
from enum import Enum, auto
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from oauthreg._errors import AuthorizationError
from oauthreg._registration import hide_options
from oauthreg._sources.tree import canonical
from oauthreg.auth._policy import demands_nonce, may_send_token, refuses_token

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping, MutableMapping

    from oauthreg._registration import AsyncManager, AuthorizedClient, AuthorizeOptions, Manager

AUTHORIZATION = "Authorization"
DPOP = "DPoP"  # the type of a bound token, and the header of a proof
NONCE = "dpop-nonce"
LIBRARIES = ("requests", "httpx", "httpx2", "aiohttp")  # each has a module here


class TokenSupplier:
    """Gets an adapter its tokens: of one registration, with the options of `authorize`.

    Attributes:
        authorize: Returns an authorized client; an awaitable of one if the manager is asynchronous.
    """

    def __init__(
        self,
        manager: Manager | AsyncManager,
        registration_id: str,
        options: AuthorizeOptions,
    ) -> None:
        hide_options(options)
        self.authorize: Callable[[], Any] = partial(manager.authorize, registration_id, **options)
        self._manager = manager
        self._registration_id = registration_id
        self._canonical_id = canonical(str(registration_id))
        self._is_async = _is_asynchronous(type(manager))

    @property
    def token_header(self) -> str:
        """The name of the header field that carries the token: a request with one is left alone."""
        registration = self._manager.registrations.get(self._canonical_id)
        return AUTHORIZATION if registration is None else registration.provider.token_header

    def check(self, *, asynchronous: bool) -> None:
        """Refuse a manager of the wrong kind: it would block the loop, or never be awaited.

        Raises:
            TypeError: the manager is synchronous and the HTTP client is not, or the reverse.
        """
        if asynchronous != self._is_async:
            needed = "AsyncAuthorizedClientManager" if asynchronous else "AuthorizedClientManager"
            kind = "an asynchronous" if asynchronous else "a synchronous"
            raise TypeError(
                f"{kind} HTTP client needs an {needed}, not {type(self._manager).__name__}"
            )

    def reject(self, client: AuthorizedClient) -> None:
        """Report to the manager that an API refused this client's token."""
        self._manager.reject(self._registration_id, client.access_token.token_value)

    def renew(self, authorized: AuthorizedRequest) -> bool:
        """Get another token for a refused one; False leaves the API's 401 to the caller."""
        try:
            return authorized.replace_client(self.authorize())
        except AuthorizationError:
            return False

    async def renew_async(self, authorized: AuthorizedRequest) -> bool:
        """Get another token; otherwise as `renew`."""
        try:
            return authorized.replace_client(await self.authorize())
        except AuthorizationError:
            return False


class Answer(NamedTuple):
    """What came back for one request.

    Attributes:
        url: The address that answered.
        status: The HTTP status.
        headers: Its header fields, looked up in lower case.
        challenge: Its `WWW-Authenticate` headers, joined.
        authorization: What the request carried in the token's own header field.
        replayable: Whether the request's body can be sent again.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    challenge: str
    authorization: str | None
    replayable: bool


class RetryReason(Enum):
    """Why a refused request may be sent again."""

    TOKEN_REFUSED = auto()  # another token may be accepted
    NONCE_REQUIRED = auto()  # a proof with the nonce of the answer may be (RFC 9449 section 9)


class AuthorizedRequest:
    """One request of the caller with the token on it, through its redirects and retries.

    Attributes:
        client: The authorized client whose token is on it.
        first_url: An address of the origin that the token may not leave, if there are no `urls`.
        sends_token: Whether the token goes to the first address.
        proof: The latest proof; None if the token needs none.
        added: The header fields that were added with the token, as they were last.
        token_header: The name of the token's own header field.
    """

    __slots__ = (
        *("_fields", "_is_alone", "_supplier", "added", "client", "first_url", "proof"),
        *("sends_token", "token_header"),
    )

    def __init__(
        self,
        supplier: TokenSupplier,
        client: AuthorizedClient,
        url: str,
        first_url: str | None = None,
    ) -> None:
        """Begin with an address, which is the first one unless another is named.

        Raises:
            UrlNotAllowedError: the token may not go there.
        """
        self._supplier = supplier
        self.proof: str | None = None
        self.added: Mapping[str, str] = {}
        self._take(client)
        self.first_url = first_url or url
        self.sends_token = self.may_send_token(url)

    def _take(self, client: AuthorizedClient) -> None:
        self.client = client
        self._fields = client.headers
        self.token_header = next(iter(self._fields))
        self._is_alone = len(self._fields) == 1 and client.registration.prover is None

    @property
    def authorization(self) -> str:
        """The value of the token's own header field."""
        return self._fields[self.token_header]

    @property
    def has_own_headers(self) -> bool:
        """Whether there are fields but Authorization: libraries take them along anywhere."""
        return self._fields.keys() != {AUTHORIZATION}

    @property
    def has_urls(self) -> bool:
        """Whether `urls` says where the token may go."""
        return bool(self.client.urls)

    @property
    def needs_proof(self) -> bool:
        """Whether every request needs a proof of its own (RFC 9449)."""
        client = self.client
        return client.registration.prover is not None and client.access_token.token_type == DPOP

    def may_send_token(self, url: str) -> bool:
        """Whether the token goes along to this address, the first one or a redirect's.

        Raises:
            UrlNotAllowedError: nothing at all may be sent there.
        """
        client = self.client
        return may_send_token(client.registration, url, self.first_url, client.urls)

    def add_token(self, headers: MutableMapping[str, str], method: str, url: str) -> None:
        """Set the header fields of one request that carry the token and its proof.

        A proof may be sent just once. Fields besides the token's own that the caller set stay.
        """
        if self._is_alone:  # nearly always: nothing to remove, and nothing to add beside it
            self.added = self._fields
            headers.update(self._fields)
            return
        self.remove_token(headers)
        headers.update(self.fields_beside(headers, method, url))

    def fields_beside(self, taken: Container[str], method: str, url: str) -> dict[str, str]:
        """Return the fields to add to those of one request, whose names are given (lower case)."""
        self.proof = self.client.proof(method, url)
        fields = self._fields.items()
        self.added = {name: value for name, value in fields if name.lower() not in taken}
        return {**self.added, DPOP: self.proof} if self.proof is not None else {**self.added}

    def remove_token(self, headers: MutableMapping[str, str]) -> None:
        """Remove the token from the header fields of a request, and all that was added with it."""
        headers.pop(self.token_header, None)
        for name, value in self.added.items():
            if headers.get(name) == value:
                del headers[name]
        if self.proof is not None or self.needs_proof:
            headers.pop(DPOP, None)

    def note_nonce(self, url: str, headers: Mapping[str, str]) -> None:
        """Keep the nonce of any answer to a request that carried the token."""
        self.client.note_nonce(url, headers)

    def retry_reason(self, answer: Answer) -> RetryReason | None:
        """Report a refusal to the manager; return why the request may be sent again, if it may."""
        if answer.authorization != self.authorization:
            return None
        self.note_nonce(answer.url, answer.headers)
        if refuses_token(answer.status, answer.challenge):
            self._supplier.reject(self.client)
            return RetryReason.TOKEN_REFUSED
        if self.proof is None or not demands_nonce(answer.status, answer.challenge):
            return None
        # Not whether it is news to the registration: another request may have learnt it already.
        is_new = answer.headers.get(NONCE, "") not in {"", _nonce_of(self.proof)}
        return RetryReason.NONCE_REQUIRED if is_new else None

    def replace_client(self, client: AuthorizedClient) -> bool:
        """Use another client from now on; False if its token is the one that was refused.

        A token that was just issued may be refused until the API knows it: it counts as another.
        """
        before = self.client
        self._take(client)
        is_other = client.access_token.token_value != before.access_token.token_value
        return is_other or client.is_settling


class RetryBudget:
    """How often one request is retried: once with another token, once with another nonce."""

    def __init__(self, supplier: TokenSupplier, authorized: AuthorizedRequest) -> None:
        self._supplier = supplier
        self._authorized = authorized
        self._left = set(RetryReason)

    def allows(self, answer: Answer) -> bool:
        """Take note of an answer; True if the request is to be sent again."""
        reason = self._retry_reason(answer)
        if reason is RetryReason.TOKEN_REFUSED:
            return self._supplier.renew(self._authorized)
        return reason is RetryReason.NONCE_REQUIRED

    async def allows_async(self, answer: Answer) -> bool:
        """Take note of an answer; otherwise as `allows`."""
        reason = self._retry_reason(answer)
        if reason is RetryReason.TOKEN_REFUSED:
            return await self._supplier.renew_async(self._authorized)
        return reason is RetryReason.NONCE_REQUIRED

    def _retry_reason(self, answer: Answer) -> RetryReason | None:
        reason = self._authorized.retry_reason(answer)
        if reason not in self._left or not answer.replayable:
            return None
        self._left.discard(reason)
        return reason


def refuse_foreign_request(library: str, request: object) -> NoReturn:
    """Refuse a request of another HTTP library than the one an auth object is for.

    Raises:
        TypeError: always; it says which module has the right one.
    """
    other = type(request).__module__.partition(".")[0]
    right = f"use oauthreg.auth.{other}" if other in LIBRARIES else "see oauthreg.auth"
    raise TypeError(
        f"this auth object is for {library}, and not for a {type(request).__name__} of {other}: "
        f"{right}"
    )


@lru_cache(maxsize=16)
def _is_asynchronous(kind: type[Any]) -> bool:
    return inspect.iscoroutinefunction(getattr(kind, "authorize", None))


def _nonce_of(proof: str) -> object:
    claims = proof.split(".")[1]
    return json.loads(urlsafe_b64decode(claims + "=" * (-len(claims) % 4))).get("nonce")
