"""The protected resource: an API that takes the test server's tokens (RFC 6750)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauthreg.testing.records import Answer

if TYPE_CHECKING:
    from oauthreg.testing.records import RecordedRequest
    from oauthreg.testing.site import Site
    from oauthreg.testing.state import State


def answer_api(site: Site, state: State, request: RecordedRequest) -> Answer:
    """200 with what was sent and who sent it, for a live token in the Authorization header.

    `/api/forbidden` answers 403, `/api/always-401` refuses every token, and
    `/api/redirect?to=URL` sends on to any URL by a 307, without asking for a token.
    """
    below = site.below_api(request.path)
    if below == "/redirect":
        return Answer(307, (("Location", dict(request.query).get("to", site.api_uri)),))
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return Answer(401, (("WWW-Authenticate", "Bearer"),))
    token = state.live_token(value)
    if token is None or below == "/always-401":
        return _refused(401, "invalid_token")
    if below == "/forbidden":
        return _refused(403, "insufficient_scope")
    return Answer.of_json(
        {
            "client": token.client_id,
            "subject": token.subject,
            "scope": token.scope,
            "method": request.method,
            "path": request.path,
            "body": request.body.decode(errors="replace"),
        }
    )


def _refused(status: int, error: str) -> Answer:
    challenge = ("WWW-Authenticate", f'Bearer error="{error}"')
    return Answer.of_json({"error": error}, status, (challenge,))
