"""Real authorization servers as fixtures, each started once, when a test first asks for it.

A server that cannot be had skips its tests and says why; with OAUTHREG_REQUIRE_SERVERS=1 (as in
.ci/run) it fails them. Every test in this folder carries the `server` marker by itself.
"""

import contextlib
import importlib
import json
import os
import subprocess
import sys
import time
import uuid
import warnings
from pathlib import Path
from urllib.parse import quote

import pytest
import requests
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

HERE = Path(__file__).resolve().parent
LOGS = HERE.parents[1] / ".build" / "logs"

# Taken out of the environment: the library rightly refuses OAUTHREG_* names it does not know.
REQUIRED = os.environ.pop("OAUTHREG_REQUIRE_SERVERS", "") == "1"

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

FIXTURES = {
    "oidc_provider": ("node_oidc_provider.py", 240),
    "keycloak": ("keycloak.py", 900),
    "spring": ("spring_authorization_server.py", 600),
}


def _load(name):
    """A module beside this file: test modules are imported without a path to their folder."""
    sys.path.insert(0, str(HERE))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(HERE))


serving = _load("serving")
records = _load("records")
form_browser = _load("form_browser")


@pytest.hookimpl(tryfirst=True)  # before -m looks at the markers
def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            chosen = item.callspec.params.values() if hasattr(item, "callspec") else ()
            names = sorted({*FIXTURES, "boot"} & {*item.fixturenames, *map(str, chosen)})
            item.add_marker(pytest.mark.server(*names))


@contextlib.contextmanager
def _running(name):
    script, seconds = FIXTURES[name]
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{name}.log"
    with (
        log.open("w") as errors,
        serving.child(
            [sys.executable, HERE / script],
            seconds=30,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        line = serving.ready_line(process, seconds)
        word, _, rest = line.partition(" ")
        if word == "READY":
            yield records.Server.from_ready(json.loads(rest))
            return
    reason = rest.strip() if word else f"{script} gave no READY line within {seconds} s; see {log}"
    _unavailable(f"{name}: {reason}")


def _unavailable(why):
    (pytest.fail if REQUIRED else pytest.skip)(why)


@pytest.fixture(scope="session")
def unavailable():
    """`unavailable("why")`: skips a test, or fails it where everything is required."""
    return _unavailable


@pytest.fixture(scope="session")
def oidc_provider():
    with _running("oidc_provider") as server:
        yield server


@pytest.fixture(scope="session")
def keycloak():
    with _running("keycloak") as server:
        yield server


@pytest.fixture(scope="session")
def spring():
    with _running("spring") as server:
        yield server


@pytest.fixture(scope="session")
def boot():
    """`boot(folder, environ)`: what Spring Boot itself makes of a folder of files."""
    try:
        with _load("spring_boot_view").start() as view:
            yield view
    except serving.UnavailableError as why:
        _unavailable(f"Spring Boot: {why}")


@pytest.fixture(scope="session")
def boot_cases():
    """The module that makes folders of Spring files from seeds."""
    return _load("spring_boot_view").cases()


@pytest.fixture(scope="session")
def embedded(tmp_path_factory):
    """The library's own test server, as a peer of the real ones."""
    with _load("embedded").start(tmp_path_factory.mktemp("embedded")) as server:
        yield server


@pytest.fixture(scope="session")
def interop():
    return _load("interop")


@pytest.fixture(scope="session")
def interop_document(interop):
    return _load("interop_document")


@pytest.fixture(scope="session", params=sorted(FIXTURES, reverse=True))
def server(request):
    """Each of them in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def http():
    """A requests.Session out of reach of the environment's proxies, bundles and .netrc."""
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Accept"] = "application/json"
        yield session


@pytest.fixture
def browser():
    """`browser(server)`: its user, who logs in and agrees, by forms alone."""
    with contextlib.ExitStack() as stack:
        yield lambda server: stack.enter_context(
            form_browser.Browser(server.extra["user"], server.ca_bundle)
        )


@pytest.fixture
def ask(http):
    """`ask(server, "client", **form)`: a token request by plain requests, with its own method."""

    def send(server, name, url=None, headers=None, **form):
        client = server.clients[name]
        url = url or (server.mtls_token_uri if client.certificate_file else server.token_uri)
        form = {"grant_type": "client_credentials", **form}
        auth = certificate = None
        if client.method == "client_secret_basic":
            auth = tuple(quote(part, safe="") for part in (client.client_id, client.client_secret))
        else:
            form["client_id"] = client.client_id
        if client.method == "client_secret_post":
            form["client_secret"] = client.client_secret
        elif client.method.endswith("_jwt"):
            form["client_assertion"] = signed(client, aud=server.issuer)
            form["client_assertion_type"] = ASSERTION_TYPE
        elif client.certificate_file:
            certificate = (client.certificate_file, client.certificate_key_file)
        return http.post(
            url,
            data=form,
            auth=auth,
            headers=headers,
            cert=certificate,
            verify=server.ca_bundle,
            timeout=30,
            allow_redirects=False,
        )

    return send


def signed(client, **claims):
    """A client assertion: valid for a minute, for one use."""
    now = int(time.time())
    claims = {
        "iss": client.client_id,
        "sub": client.client_id,
        "jti": uuid.uuid4().hex,
        "iat": now,
        "exp": now + 60,
        **claims,
    }
    header = {"alg": client.algorithm}
    if client.key_file is None:
        key = OctKey.import_key(client.client_secret)
    else:
        header["kid"] = client.key_id
        kind = {"RS256": RSAKey, "ES256": ECKey, "EdDSA": OKPKey}[client.algorithm]
        key = kind.import_key(Path(client.key_file).read_text())
    with warnings.catch_warnings():
        # The servers still say EdDSA; RFC 9864 calls the same thing Ed25519.
        warnings.simplefilter("ignore", SecurityWarning)
        return jwt.encode(header, claims, key, algorithms=[client.algorithm])


@pytest.fixture
def settings_for():
    """`settings_for(client, provider, **registration)`: the whole configuration of one client."""

    def build(client, provider, **registration):
        mine = {"client-id": client.client_id, "provider": "my-provider", **registration}
        if client.client_secret is not None:
            mine.setdefault("client-secret", client.client_secret)
        return {"registration": {"my-client": mine}, "provider": {"my-provider": provider}}

    return build


@pytest.fixture
def manager_for():
    """`manager_for(source)`: the library's manager, closed after the test."""
    from oauthreg import AuthorizedClientManager

    with contextlib.ExitStack() as stack:
        yield lambda source: stack.enter_context(AuthorizedClientManager.from_settings(source))


@pytest.fixture
def assert_authorized():
    """Look at every part of an authorized client."""

    def look(client):
        token = client.access_token
        assert client.registration.registration_id == "my-client"
        assert token.token_value
        assert token.expires_at > token.issued_at
        assert client.authorization == f"Bearer {token.token_value}"
        assert token.token_value not in f"{client!r} {client} {token!r} {token}"

    return look
