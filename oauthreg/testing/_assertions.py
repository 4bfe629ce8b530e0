"""What a test asserts of the server, with words for when it does not hold."""

from __future__ import annotations

from oauthreg.testing._records import RecordedRequest
from oauthreg.testing._server import AuthorizationServer

SHOWN = ("grant_type", "client_id", "scope", "audience", "resource")
MOST = 20


def assert_token_requests(server: AuthorizationServer, count: int) -> None:
    """Assert how many token requests the server had since its start or `reset_counters()`.

    Raises:
        AssertionError: there were more or fewer; the text lists them, without any credential.
    """
    found = server.token_requests
    if found != count:
        requests = server.requests_to("token")[-MOST:]
        lines = "".join(f"\n  {_words(request)}" for request in requests)
        raise AssertionError(f"expected {count} token requests, the server had {found}:{lines}")


def _words(request: RecordedRequest) -> str:
    form = dict(request.form)
    return ", ".join(f"{name}={form[name]}" for name in SHOWN if name in form)
