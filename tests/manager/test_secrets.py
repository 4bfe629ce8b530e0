"""Client secrets: read for each attempt, read again when refused, watched while backing off."""

from __future__ import annotations

import threading
from base64 import b64decode
from dataclasses import replace

import pytest

from oauthreg._errors import SecretUnavailableError, TokenEndpointError
from oauthreg._renewal.clocks import Clocks
from oauthreg._secret_values import Secret, SecretReadError
from oauthreg.testing import Fault

ENGINE = "oauthreg/renewal/engine.py"


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "secret"
    file.write_text("secret\n")
    file.chmod(0o600)
    return file


@pytest.fixture
def of_file(make, file):
    return make({"client-secret-file": str(file)})


def sent(server):
    """The secrets that were sent, in order."""
    headers = [request.headers["Authorization"] for request in server.requests_to("token")]
    return [b64decode(header.split()[1]).decode().partition(":")[2] for header in headers]


class Source:
    """A secret source in the test's hands."""

    def __init__(self, *values, local=False):
        self.values = list(values)
        self.reads = 0
        self.local = local
        self.reference = "vault:kv/app"

    def read(self):
        self.reads += 1
        value = self.values.pop(0) if len(self.values) > 1 else self.values[0]
        if isinstance(value, Exception):
            raise value
        return Secret(value)


def serve_from(h, *sources):
    """Let the registration take its secret from these sources."""
    entry = h.core.registry._configuration.entries["app"]
    changed = replace(entry.registration, client_secrets=sources)
    entries = {
        **h.core.registry._configuration.entries,
        "app": replace(entry, registration=changed),
    }
    h.core.registry._configuration = replace(h.core.registry._configuration, entries=entries)
    return h


def test_a_secret_is_read_anew_for_every_flight(of_file, file, server):
    of_file.token()
    server.change_secret("app", "rotated")
    file.write_text("rotated")
    assert of_file.token(force=True)
    assert sent(server) == ["secret", "rotated"]


def test_a_source_is_read_once_per_attempt(h, server):
    source = Source("secret")
    assert serve_from(h, source).token()
    assert source.reads == 1


def test_invalid_client_reads_the_secret_again_and_tries_once_if_it_changed(h, server):
    source = Source("old", "secret")
    assert serve_from(h, source).token()
    assert sent(server) == ["old", "secret"]


def test_invalid_client_with_the_same_secret_makes_no_second_request(h, server):
    source = Source("wrong")
    error = serve_from(h, source).failure()
    assert error.error == "invalid_client"
    assert (source.reads, server.token_requests) == (2, 1)


def test_a_secret_that_changes_at_every_read_is_tried_twice(h, server):
    serve_from(h, Source("a", "b", "c", "d")).failure()
    assert sent(server) == ["a", "b"]


def test_then_the_next_of_the_client_secrets_is_tried(make, server):
    h = make({"client-secrets": ["retired", "secret", "never"]})
    assert h.token()
    assert sent(server) == ["retired", "secret"]


def test_any_other_refusal_ends_the_attempts(make, server):
    h = make({"client-secrets": ["secret", "never"]})
    server.inject(Fault(status=400, body={"error": "invalid_scope"}))
    assert h.failure().error == "invalid_scope"
    assert server.token_requests == 1


def test_a_secret_that_cannot_be_read_gives_way_to_the_next(h, server):
    unread = Source(SecretReadError("vault:kv/app: sealed"))
    assert serve_from(h, unread, Source("secret")).token()
    assert unread.reads == 1


def test_a_secret_that_cannot_be_read_is_named(h, server):
    error = serve_from(h, Source(SecretReadError("vault:kv/app: sealed"))).failure()
    assert isinstance(error, SecretUnavailableError)
    assert "vault:kv/app: sealed" in str(error)
    assert error.retryable
    assert error.registration_id == "app"
    assert server.token_requests == 0


def test_a_source_that_raises_anything_else_is_named_too(h):
    error = serve_from(h, Source(ZeroDivisionError("planted"))).failure()
    assert isinstance(error, SecretUnavailableError)
    assert "ZeroDivisionError from vault:kv/app" in str(error)
    assert "planted" not in str(error)


def test_a_source_that_hangs_is_given_up_with_the_flight(make, server):
    h = make(http={"default": {"total-timeout": 0.2}}, clocks=Clocks())
    release = threading.Event()
    source = Source("secret")
    source.read = lambda: Secret("secret") if release.wait(10) else None
    try:
        error = serve_from(h, source).failure()
    finally:
        release.set()
    assert isinstance(error, SecretUnavailableError)
    assert "vault:kv/app did not answer" in str(error)


# While invalid_client is waited out


def test_a_changed_secret_file_is_tried_at_once(of_file, file, server, clock):
    server.change_secret("app", "rotated")
    assert of_file.failure().retry_after == 15
    file.write_text("rotated")
    assert of_file.token()
    assert sent(server) == ["secret", "rotated"]


def test_the_refused_secret_is_not_sent_again(of_file, server, clock):
    server.change_secret("app", "rotated")
    first = of_file.failure()
    for _ in range(10):
        error = of_file.failure()
        assert (error.error, error.status) == ("invalid_client", 401)
        assert error.backing_off
        assert 0 < error.retry_after <= first.retry_after
        clock.advance(1)
    assert server.token_requests == 1
    clock.advance(6)
    assert not of_file.failure().backing_off, "the administrator may have enabled the client"
    assert server.token_requests == 2


def test_the_secret_is_read_at_most_once_a_second(h, server, clock):
    source = Source("wrong", local=True)
    serve_from(h, source).failure()
    reads = source.reads
    for _ in range(50):
        h.failure()
    assert source.reads == reads + 1
    clock.advance(1)
    for _ in range(50):
        h.failure()
    assert source.reads == reads + 2


def test_a_herd_that_finds_the_changed_secret_makes_one_request(of_file, file, server):
    server.change_secret("app", "rotated")
    of_file.failure()
    file.write_text("rotated")
    with server.hold():
        calls = of_file.herd(20)
    assert len({call.result(5).access_token.token_value for call in calls}) == 1
    assert server.token_requests == 2


def test_a_second_wrong_secret_is_remembered_as_well(of_file, file, server, clock):
    server.change_secret("app", "rotated")
    of_file.failure()
    file.write_text("mistyped")
    assert not of_file.failure().backing_off
    for _ in range(5):
        clock.advance(1)
        assert of_file.failure().backing_off
        file.write_text("secret")
    assert sent(server) == ["secret", "mistyped"]
    clock.advance(1)
    file.write_text("rotated")
    assert of_file.token()


def test_a_changed_environment_variable_is_tried_at_once(make, server, monkeypatch):
    monkeypatch.setenv("APP_SECRET", "old")
    h = make({"client-secret-ref": "env:APP_SECRET"})
    assert h.failure().error == "invalid_client"
    monkeypatch.setenv("APP_SECRET", "secret")
    assert h.token()


def test_a_network_source_is_left_alone(h, server, clock):
    source = Source("wrong")
    serve_from(h, source).failure()
    reads = source.reads
    for _ in range(5):
        assert h.failure().backing_off
        clock.advance(1)
    assert source.reads == reads


def test_a_literal_secret_is_not_looked_at(make, server):
    h = make({"client-secret": "wrong"})
    h.failure()
    assert h.failure().backing_off
    assert h.core.state.cache.entries[h.core.fetch(h.core.registry.find("app")).key].flight is None


def test_the_servers_retry_after_holds_for_a_changed_secret_too(of_file, file, server):
    with server.inject(Fault(status=401, body={"error": "invalid_client"}, retry_after=60)):
        of_file.failure()
    file.write_text("changed")
    assert of_file.failure().backing_off
    assert server.token_requests == 1


def test_a_stale_token_is_renewed_with_a_secret_that_changed(of_file, file, server, clock):
    first = of_file.token()
    server.change_secret("app", "rotated")
    clock.advance(200)
    assert of_file.token() == first
    of_file.settled()
    file.write_text("rotated")
    clock.advance(1.01)
    assert of_file.token() == first
    of_file.settled()
    assert of_file.token() != first
    assert sent(server) == ["secret", "secret", "rotated"]


def test_a_look_is_told_as_backing_off_and_logs_no_error(make, file, server, clock, caplog):
    events = []
    h = make({"client-secret-file": str(file)}, on_event=events.append)
    server.change_secret("app", "rotated")
    h.failure()
    h.failure()
    clock.advance(1)
    h.failure()
    assert h.told(events, 3) == ["Failed", "BackingOff", "BackingOff"]
    assert caplog.records == [], "callers get the error"


# What clears a backoff


def test_a_new_configuration_clears_every_backoff(make, server):
    h = make({"client-secret": "wrong"})
    assert isinstance(h.failure(), TokenEndpointError)
    tables = {"provider": "as", "client-id": "app", "client-secret": "secret", "scope": "read"}
    h.do("register", "app", tables)
    assert h.token()
    assert server.token_requests == 2


def test_a_flight_of_the_old_configuration_says_nothing_of_the_new(make, server):
    h = make({"client-secret": "wrong"})
    with server.hold() as gate:
        old = h.start()
        gate.wait_for(1)
        tables = {"provider": "as", "client-id": "app", "client-secret": "secret"}
        h.do("register", "app", tables)
    assert old.exception(5).error == "invalid_client"
    assert h.token()
