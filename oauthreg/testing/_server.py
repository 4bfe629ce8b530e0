"""The embedded authorization server: what tests hold in their hands."""

from __future__ import annotations

import ssl
import threading
from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping  # noqa: F401 - hints of the inherited fields
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from oauthreg.testing import _mtls as mtls
from oauthreg.testing._api import answer_api
from oauthreg.testing._certificates import CertificateAuthority
from oauthreg.testing._endpoints import Endpoints
from oauthreg.testing._faults import Fault, FaultPlan, FaultSource, Gate, Injection
from oauthreg.testing._listener import Listener
from oauthreg.testing._metadata import metadata_document
from oauthreg.testing._records import Answer, BasicDecoding, Client, RecordedRequest, TokenRecord
from oauthreg.testing._site import MetadataPath, Site  # noqa: F401 - as above
from oauthreg.testing._state import State

RECORDED = 10_000
"""How many of the latest requests are kept."""


@dataclass(eq=False, repr=False, kw_only=True)
class AuthorizationServer(Site):
    """An OAuth2 authorization server in this process, and an API that takes its tokens.

    Use it as a context manager. Its settings (those of `Site`) are keyword arguments, and may be
    changed while it runs. All methods may be called from any thread.

    Endpoint names, for `path` and `layout`: authorization, token, introspection, revocation,
    device_authorization, verification, pushed_authorization_request, user_info, jwk_set, metadata,
    api; where a `path` is asked, one that begins with `/` means that very path, and `*` means all.
    """

    host: str = "127.0.0.1"
    port: int = 0
    """0: any free port; `port` says which, once the server has started."""
    tls: bool = False
    """Speak https, by a certificate that `ca_bundle` vouches for."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._state = State()
        self._endpoints = Endpoints(self, self._state)
        self._faults = FaultPlan()
        self._gates: list[Gate] = []
        self._requests: deque[RecordedRequest] = deque(maxlen=RECORDED)
        self._counts: Counter[str] = Counter()
        self._arrived = threading.Condition()
        self._protocol = threading.RLock()
        self._listener: Listener | None = None
        self._connections_before = 0

    # Life

    def start(self) -> Self:
        """Listen; after a `stop`, at the same port again."""
        if self._listener:
            return self
        context = None
        if self.tls:
            context = self.certificates.server_context(
                self.host, request_client_certificate=self.request_client_certificate
            )
        self._listener = Listener(self.host, self.port, self, context)
        self.port = self._listener.port
        host = f"[{self.host}]" if ":" in self.host else self.host
        self.base_uri = f"{'https' if self.tls else 'http'}://{host}:{self.port}"
        return self

    def stop(self) -> None:
        """End every connection and refuse new ones, within a second; tokens are kept."""
        listener, self._listener = self._listener, None
        if listener is None:
            return
        for gate in self._gates:
            gate.open()
        listener.stop()
        self._connections_before += listener.accepted

    def close(self) -> None:
        """Stop for good."""
        self.stop()
        if self._state.authority:
            self._state.authority.close()
            self._state.authority = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<AuthorizationServer {self.issuer or 'not started'}>"

    @property
    def certificates(self) -> CertificateAuthority:
        """The authority behind the server's certificate.

        Its `issue_client` and `self_signed` make client certificates.
        """
        if self._state.authority is None:
            from oauthreg.testing._certificates import (  # noqa: PLC0415 - 50 ms, for TLS only
                CertificateAuthority,
            )

            self._state.authority = CertificateAuthority()
        return self._state.authority

    @property
    def ca_bundle(self) -> str:
        """The path of the PEM file to trust when `tls` is on."""
        return str(self.certificates.ca_bundle)

    def metadata(self) -> dict[str, object]:
        """The metadata document, as it is published."""
        return metadata_document(self)

    # Clients and users

    def add_client(
        self,
        client_id: str,
        secret: str | None = None,
        *,
        secrets: Iterable[str] = (),
        client_authentication_methods: Iterable[str] = (
            "client_secret_basic",
            "client_secret_post",
        ),
        grants: Iterable[str] = ("client_credentials",),
        scopes: Iterable[str] = ("read", "write"),
        default_scopes: Iterable[str] | None = None,
        redirect_uris: Iterable[str] = (),
        public_keys: Mapping[str, Any] | None = None,
        certificate_subject: str | None = None,
        certificates: Iterable[str | Path] = (),
        certificate_bound: bool = False,
        dpop_bound: bool = False,
        basic_decoding: BasicDecoding = "form",
    ) -> Client:
        """Register a client, in the place of one of the same id.

        `secret` and `secrets` are all valid. `client_authentication_methods` may also name
        `client_secret_jwt`, `private_key_jwt` (whose `public_keys` are a JWK set), `none`, and
        with `tls` and `request_client_certificate` two more: `tls_client_auth`, by a certificate
        of the server's `certificates` with this `certificate_subject` (RFC 4514), and
        `self_signed_tls_client_auth`, by one of `certificates` (PEM, or a path of such a file) or
        one in an `x5c` of `public_keys`.
        `grants` are `grant_type` values, and `implicit`. A request without `scope` gets the
        `default_scopes`, None meaning all `scopes`. Tokens of a client that is `dpop_bound` or
        `certificate_bound` are good only with its key or certificate, and not to be had without.
        `basic_decoding` says how the server reads Basic credentials: form-decoded (RFC 6749
        section 2.3.1), percent-decoded alone, or raw.
        """
        methods = tuple(client_authentication_methods)
        shown: list[str] = []
        if self.tls and self.request_client_certificate:
            shown = mtls.registered(certificates, public_keys)
            for pem in shown:
                self.certificates.admit(pem)
        elif certificate_bound or certificates or mtls.METHODS.intersection(methods):
            raise ValueError(f"{client_id} needs tls=True and request_client_certificate=True")
        live = (*secrets,) if secret is None else (secret, *secrets)
        client = Client(
            client_id=client_id,
            secrets=live,
            client_authentication_methods=methods,
            grants=tuple(grants),
            scopes=tuple(scopes),
            default_scopes=tuple(scopes if default_scopes is None else default_scopes),
            redirect_uris=tuple(redirect_uris),
            public_keys=public_keys,
            certificate_subject=certificate_subject,
            certificates=tuple(map(ssl.PEM_cert_to_DER_cert, shown)),
            certificate_bound=certificate_bound,
            dpop_bound=dpop_bound,
            basic_decoding=basic_decoding,
        )
        with self._protocol:
            self._state.clients[client_id] = client
        return client

    def change_secret(self, client_id: str, *secrets: str) -> None:
        """From now on these secrets are the client's, and no other."""
        self._state.clients[client_id].secrets = secrets

    def disable_client(self, client_id: str) -> None:
        """Refuse the client with `invalid_client`."""
        self._state.clients[client_id].enabled = False

    def enable_client(self, client_id: str) -> None:
        """Accept a disabled client again."""
        self._state.clients[client_id].enabled = True

    def remove_client(self, client_id: str) -> None:
        """Forget the client; its tokens live on."""
        with self._protocol:
            del self._state.clients[client_id]

    def add_user(self, username: str, password: str) -> None:
        """Let this user take part in the password grant."""
        self._state.users[username] = password

    def trust_issuer(self, issuer: str, public_keys: Mapping[str, Any]) -> None:
        """Take JWTs of another issuer (its JWK set) as assertions and subject tokens."""
        self._state.trusted_issuers[issuer] = public_keys

    def approve_device(self, user_code: str, subject: str = "alice") -> None:
        """Let the device go on that shows this code; KeyError if there is none."""
        self._device(user_code).subject = subject

    def deny_device(self, user_code: str) -> None:
        """Refuse the device that shows this code; KeyError if there is none."""
        self._device(user_code).denied = True

    # Tokens

    @property
    def tokens(self) -> list[TokenRecord]:
        """The tokens issued, oldest first; long expired ones may be gone."""
        with self._protocol:
            return list(self._state.tokens.values())

    def token(self, token_value: str) -> TokenRecord:
        """What is known about a token; KeyError if it was never issued."""
        with self._protocol:
            return self._state.tokens[token_value]

    def revoke(self, token_value: str) -> None:
        """End an access or refresh token; KeyError if it was never issued."""
        self.token(token_value).revoked = True

    def revoke_all(self) -> None:
        """End every token."""
        for token in self.tokens:
            token.revoked = True

    def advance(self, seconds: float) -> None:
        """Let time pass for what was issued: tokens, codes and devices expire so much earlier."""
        with self._protocol:
            self._state.advance(seconds)

    def rotate_dpop_nonce(self, *, keep_old: bool = False) -> None:
        """Ask for another nonce from now on; the one before may still be taken, until the next."""
        with self._protocol:
            self._state.rotate_nonces(keep_old=keep_old)

    # What reached it

    @property
    def requests(self) -> list[RecordedRequest]:
        """The latest requests to any path, oldest first."""
        with self._arrived:
            return list(self._requests)

    def requests_to(self, path: str) -> list[RecordedRequest]:
        """Those to one endpoint or path."""
        return [request for request in self.requests if path in {request.endpoint, request.path}]

    @property
    def last_token_request(self) -> RecordedRequest:
        """The latest token request; IndexError if there was none."""
        return self.requests_to("token")[-1]

    @property
    def token_requests(self) -> int:
        """How many requests reached the token endpoint, spoilt ones included."""
        return self._counts["token"]

    @property
    def metadata_requests(self) -> int:
        """How many requests reached a metadata address, 404 ones included."""
        return self._counts["metadata"]

    @property
    def api_requests(self) -> int:
        """How many requests reached the protected resource."""
        return self._counts["api"]

    @property
    def connections(self) -> int:
        """How many connections were accepted since the server was made."""
        return self._connections_before + (self._listener.accepted if self._listener else 0)

    def reset_counters(self) -> None:
        """Forget the requests and count from zero."""
        with self._arrived:
            self._requests.clear()
            self._counts.clear()

    def wait_for_requests(self, count: int, path: str = "token", timeout: float = 5.0) -> None:
        """Return when `count` requests reached an endpoint; TimeoutError after `timeout` seconds.

        A request counts as soon as it was read: its answer may still be on the way.
        """
        with self._arrived:
            if not self._arrived.wait_for(lambda: self._counts[path] >= count, timeout):
                raise TimeoutError(f"{self._counts[path]} of {count} requests came to {path}")

    # What goes wrong

    def inject(
        self, fault: FaultSource, times: int | None = None, path: str = "token"
    ) -> Injection:
        """Let a fault hit the next `times` requests (None: all) to an endpoint.

        `fault` is a `Fault`, or a function from the request to one (None: not this request). Of
        several faults the one injected last hits. Call what is returned to undo it.
        """
        return self._faults.inject(fault, path, times)

    def script(self, path: str, faults: Iterable[Fault | None]) -> Injection:
        """Let each of the next requests to an endpoint meet the next of `faults` (None: none)."""
        return self._faults.script(path, faults)

    def heal(self) -> None:
        """Take every fault away."""
        self._faults.heal()

    def hold(self, path: str = "token") -> Gate:
        """Hold the requests to an endpoint back, after they were counted, until the gate opens."""
        gate = Gate(path)
        with self._arrived:
            self._gates = [*(old for old in self._gates if not old.opened), gate]
        return gate

    # What the listener asks

    def admit(self, request: RecordedRequest) -> tuple[Fault, Injection | None]:
        """Record a request, hold it at the gates, and decide what goes wrong with it."""
        with self._arrived:
            self._requests.append(request)
            self._counts.update({request.endpoint, request.path} - {""})
            self._arrived.notify_all()
        for gate in self._gates:
            gate.hold(request)
        return self._faults.pick(request)

    def answer(self, request: RecordedRequest) -> Answer:
        """The real answer. One lock makes each protocol step, such as using a code up, whole."""
        with self._protocol:
            if request.endpoint == "api":
                return answer_api(self, self._state, request)
            return self._endpoints.answer(request)

    def _device(self, user_code: str) -> Any:
        with self._protocol:
            device = self._state.device_of_user(user_code)
        if device is None:
            raise KeyError(user_code)
        return device
