"""A server that answers to the byte as it is told, and both transports behind one face."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from oauthreg._registration import HttpProfile
from oauthreg._transports.httpx2 import Httpx2Transport
from oauthreg._transports.requests import RequestsTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from oauthreg._flow import TokenRequest, TokenResponse

OK = b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"answer":1}'[:-1]
PROXY_VARIABLES = ("https_proxy", "http_proxy", "all_proxy", "no_proxy")


@dataclass
class Line:
    """One connection, as the server sees it."""

    server: RawServer
    sock: socket.socket
    pending: bytes = b""

    def request(self) -> bytes | None:
        """Read one whole request and note it; None at the end of the connection."""
        while b"\r\n\r\n" not in self.pending:
            if not self._more():
                return None
        head, _, rest = self.pending.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        length = int(fields.get(b"content-length", b"0"))
        while len(rest) < length and self._more():
            rest = self.pending.partition(b"\r\n\r\n")[2]
        whole = head + b"\r\n\r\n" + rest[:length]
        self.pending = rest[length:]
        self.server.requests.append(whole)
        return whole

    def _more(self) -> bool:
        data = self.sock.recv(65536)
        self.pending += data
        return bool(data)

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def drip(self, data: bytes, pause: float = 0.02) -> None:
        for byte in data:
            self.sock.sendall(bytes([byte]))
            if self.server.stopping.wait(pause):
                return

    def hold(self) -> None:
        self.server.stopping.wait(5)

    def reset(self) -> None:
        """Close with a RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()


@dataclass
class RawServer:
    """Runs `script(line)` for each connection; by default every request is answered `OK`."""

    script: Callable[[Line], None]
    context: ssl.SSLContext | None = None
    family: int = socket.AF_INET
    host: str = "127.0.0.1"
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.listener = socket.socket(self.family)
        self.listener.bind((self.host, 0))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        self.lines: list[socket.socket] = []
        self.threads = [threading.Thread(target=self._accept)]
        self.threads[0].start()

    def url(self, path: str = "/token", host: str | None = None) -> str:
        scheme = "https" if self.context else "http"
        return f"{scheme}://{host or self.host}:{self.port}{path}"

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                self.connections += 1
                self.lines.append(sock)
                thread = threading.Thread(target=self._serve, args=(sock,))
                self.threads.append(thread)
                thread.start()

    def _serve(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(OSError):
            if self.context:
                sock = self._secured(sock)
            self.script(Line(self, sock))
        sock.close()

    def _secured(self, sock: socket.socket) -> socket.socket:
        """Shake hands; after a failure let the client read the alert before the end."""
        tls = self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        self.lines.append(tls)
        try:
            tls.do_handshake()
        except OSError:
            with socket.socket(fileno=tls.detach()) as plain:
                plain.shutdown(socket.SHUT_WR)
                while plain.recv(65536):
                    pass
            raise
        return tls

    def stop(self) -> None:
        self.stopping.set()
        for sock in (self.listener, *self.lines):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join()
        for sock in self.lines:
            sock.close()


def always(answer: bytes = OK) -> Callable[[Line], None]:
    def script(line: Line) -> None:
        while line.request() is not None:
            line.send(answer)

    return script


@pytest.fixture
def serve() -> Iterator[Callable[..., RawServer]]:
    servers: list[RawServer] = []

    def start(script: Callable[[Line], None] | bytes = OK, **options: object) -> RawServer:
        server = RawServer(always(script) if isinstance(script, bytes) else script, **options)
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()


@dataclass
class Sender:
    """A transport, awaited or not."""

    transport: RequestsTransport | Httpx2Transport
    runner: asyncio.Runner | None = None

    def __call__(self, request: TokenRequest, **options: float) -> TokenResponse:
        if self.runner is None:
            return self.transport.send(request, **options)
        return self.runner.run(self.transport.send(request, **options))

    def at_once(self, requests: Sequence[TokenRequest]) -> list[TokenResponse]:
        if self.runner is None:
            with ThreadPoolExecutor(len(requests)) as pool:
                return list(pool.map(self.transport.send, requests))

        async def gathered() -> list[TokenResponse]:
            return await asyncio.gather(*map(self.transport.send, requests))

        return self.runner.run(gathered())

    def beside(self, first: TokenRequest, arrived: threading.Event, second: TokenRequest) -> None:
        """Send two requests, the second for 0.2 s when the first has arrived at its server."""
        if self.runner is None:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(self.transport.send, first, within=1.0)
                assert arrived.wait(5)
                self.transport.send(second, within=0.2)
            return

        async def both() -> None:
            task = asyncio.create_task(self.transport.send(first, within=1.0))
            await asyncio.to_thread(arrived.wait, 5)
            try:
                await self.transport.send(second, within=0.2)
            finally:
                await asyncio.gather(task, return_exceptions=True)

        self.runner.run(both())

    def shut(self) -> None:
        if self.runner is None:
            self.transport.close()
        else:
            self.runner.run(self.transport.aclose())

    def shut_elsewhere(self) -> None:
        """Close the transport while another thread, or another thread's loop, sends."""
        if self.runner is None:
            self.transport.close()
        else:
            asyncio.run(self.transport.aclose())

    def close(self) -> None:
        self.shut()
        if self.runner is not None:
            self.runner.close()


@pytest.fixture(params=["requests", "httpx2"])
def sender(request: pytest.FixtureRequest) -> Iterator[Callable[..., Sender]]:
    """Make a `send(request)` for a profile's fields, with either library."""
    senders: list[Sender] = []

    def make(**profile: object) -> Sender:
        settings = HttpProfile(**{"total_timeout": 5.0, **profile})
        if request.param == "requests":
            senders.append(Sender(RequestsTransport(settings)))
        else:
            senders.append(Sender(Httpx2Transport(settings), asyncio.Runner()))
        return senders[-1]

    yield make
    for made in senders:
        made.close()


@pytest.fixture
def send(sender: Callable[..., Sender]) -> Sender:
    return sender()


@pytest.fixture
def full_listener():
    """A port whose queue is full, so that connecting to it hangs."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        with socket.socket() as first, socket.socket() as second:
            for sock in (first, second):
                sock.settimeout(0)
                sock.connect_ex(listener.getsockname())
            yield listener.getsockname()[1]


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


_SIGNS_CERTIFICATES = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


@dataclass(frozen=True)
class Authority:
    """A CA of the tests' own."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def bundle(self) -> Path:
        return self.folder / "ca.pem"

    @classmethod
    def make(cls, folder: Path) -> Authority:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
        certificate = (
            _unsigned(name, name, key.public_key(), days=30)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_SIGNS_CERTIFICATES, critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .sign(key, hashes.SHA256())
        )
        authority = cls(folder, key, certificate)
        authority.bundle.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return authority

    def server_context(self, name: str = "127.0.0.1", days: int = 30) -> ssl.SSLContext:
        """Make a server's context, its certificate for this name and so many days."""
        path = self.folder / f"{name.replace(':', '_')}-{days}.pem"
        key, certificate = self.issue(name, days)
        path.write_bytes(key + certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def issue(self, name: str, days: int = 30) -> tuple[bytes, bytes]:
        """Return a private key and a certificate for this name, of server or client, in PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        alternative: x509.GeneralName = x509.DNSName(name)
        with suppress(ValueError):
            alternative = x509.IPAddress(ipaddress.ip_address(name))
        certificate = (
            _unsigned(subject, self.certificate.subject, key.public_key(), days)
            .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
                critical=False,
            )
            .sign(self.key, hashes.SHA256())
        )
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return pem, certificate.public_bytes(serialization.Encoding.PEM)


def _unsigned(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=60))
        .not_valid_after(now + dt.timedelta(days=days))
    )


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="session")
def other_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("other-ca"))
