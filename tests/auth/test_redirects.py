"""Where a redirect leads decides whether the token goes along: the same for every library."""

from __future__ import annotations

import pytest

from oauthreg import UrlNotAllowedError
from oauthreg.testing import AuthorizationServer, Fault


def redirect(server, target):
    return f"{server.api_uri}/redirect?to={target}"


def test_the_same_origin_gets_the_token(caller, server):
    reply = caller().call("GET", redirect(server, server.api_uri))
    assert (reply.status, reply.hops) == (200, 1)


def test_a_401_after_a_redirect_of_the_same_origin_is_renewed(caller, server):
    made = caller()
    made.authorize()
    server.revoke_all()
    reply = made.call("POST", redirect(server, server.api_uri), body=b"text")
    assert reply.status == 200
    assert server.token_requests == 2


@pytest.mark.parametrize(("status", "streamed"), [(302, False), (303, False), (303, True)])
def test_a_post_that_became_a_get_is_not_posted_again(caller, server, status, streamed):
    made = caller()
    made.authorize()
    server.revoke_all()
    server.inject(
        lambda request: (
            Fault(status=status, redirect_to=f"{server.api_uri}/result")
            if request.method == "POST"
            else None
        ),
        path="api",
    )
    body = made.stream([b"text"]) if streamed else b"text"
    assert made.call("POST", server.api_uri, body=body).status == 200
    assert [request.method for request in server.requests_to("api")] == ["POST", "GET", "GET"]


def test_another_origin_sees_no_token_and_its_401_renews_none(caller, server, other, tokens_seen):
    reply = caller().call("GET", redirect(server, other.api_uri))
    assert reply.status == 401
    assert tokens_seen(other) == [None]
    assert (server.token_requests, other.token_requests, other.api_requests) == (1, 0, 1)


def test_a_way_back_from_another_origin_renews_nothing(caller, server, other):
    caller().call("GET", redirect(server, redirect(other, server.api_uri)))
    assert server.token_requests == 1


def test_a_listed_origin_gets_the_token(caller, server, other, tokens_seen):
    made = caller(urls=[server.base_uri, other.base_uri])
    token = made.authorize().authorization
    other.inject(Fault(status=200, body="welcome"), path="api")
    assert made.call("GET", redirect(server, other.api_uri)).text == "welcome"
    assert tokens_seen(other) == [token]


def test_a_listed_origins_401_is_renewed_there(caller, server, other, tokens_seen):
    made = caller(authority=other, urls=[server.base_uri, other.base_uri])
    made.authorize()
    other.revoke_all()
    assert made.call("GET", redirect(server, other.api_uri)).status == 200
    assert other.token_requests == 2
    assert len(set(tokens_seen(other))) == 2


def test_a_listed_origin_that_refuses_every_token_gets_one_replay(caller, server, other):
    made = caller(urls=[server.base_uri, other.base_uri])
    assert made.call("GET", redirect(server, other.api_uri)).status == 401
    assert (server.token_requests, other.api_requests) == (2, 2)


def test_off_the_list_nothing_is_sent(caller, server, other):
    made = caller(urls=[server.base_uri])
    with pytest.raises(UrlNotAllowedError) as caught:
        made.call("GET", f"{other.api_uri}/private?secret=planted#fragment")
    error = caught.value
    assert (error.registration_id, error.provider, error.endpoint) == (
        "my-client",
        "p",
        other.base_uri,
    )
    assert server.base_uri in str(error)
    assert "registration.my-client.urls" in str(error)
    assert "private" not in str(error)
    assert other.requests == []


def test_a_redirect_off_the_list_is_not_followed(caller, server, other):
    made = caller(urls=[server.base_uri])
    with pytest.raises(UrlNotAllowedError):
        made.call("GET", redirect(server, other.api_uri))
    assert other.requests == []
    assert made.call("GET", server.api_uri).status == 200


def test_a_redirect_out_of_a_listed_path_is_not_followed(caller, server):
    made = caller(urls=[f"{server.api_uri}/redirect"])
    with pytest.raises(UrlNotAllowedError):
        made.call("GET", redirect(server, server.api_uri))
    assert server.api_requests == 1


def test_a_redirect_that_the_caller_does_not_follow_is_the_callers(caller, server, other):
    made = caller(urls=[server.base_uri])
    assert made.call("GET", redirect(server, other.api_uri), follow=False).status == 307
    assert made.call("GET", server.api_uri).status == 200


@pytest.mark.parametrize(
    "path", ["{api}x", "{api}/../admin", "{api}/%2e%2e/admin", "{api}/..%2fadmin", "/"]
)
def test_a_path_covers_whole_segments(caller, server, path):
    made = caller(urls=[server.api_uri])
    asked = server.base_uri + path.format(api=server.api_uri.removeprefix(server.base_uri))
    with pytest.raises(UrlNotAllowedError):
        made.call("GET", asked)
    assert server.requests_to("api") == []
    assert made.call("GET", f"{server.api_uri}/below?x=..").status == 200


def test_plain_http_is_for_loopback(caller, server):
    made = caller()
    with pytest.raises(UrlNotAllowedError, match="allowed: https, and plain http to loopback"):
        made.call("GET", "http://api.example.com/")


def test_a_user_name_in_an_address_does_not_name_its_host(
    caller, library, server, other, tokens_seen
):
    made = caller(urls=[server.base_uri])
    asked = other.api_uri.replace("://", f"://{server.host}@")
    if library == "aiohttp":  # which makes it a header, the caller's own
        assert made.call("GET", asked).status == 401
        assert tokens_seen(other)[0].startswith("Basic ")
        return
    with pytest.raises(UrlNotAllowedError):
        made.call("GET", asked)
    assert other.requests == []


def test_a_downgrade_to_plain_http_loses_the_token(caller, other, tokens_seen):
    with AuthorizationServer(tls=True) as secure:
        secure.add_client("id", "planted-secret-value")
        made = caller(authority=other, verify=secure.ca_bundle)
        made.call("GET", redirect(secure, other.api_uri))
        assert tokens_seen(other) == [None]
        assert other.token_requests == 1
        assert secure.api_requests == 1
