"""What a login checks, on both managers against the embedded server."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from oauthreg import (
    AuthorizationError,
    AuthorizationRequest,
    CallbackError,
    DeviceAuthorization,
    TokenEndpointError,
)
from oauthreg.testing import DELETE, Fault

REDIRECT = "http://127.0.0.1:9/callback"
OPENID = "/.well-known/openid-configuration"
RFC_8414 = "/.well-known/oauth-authorization-server"
WEB = {
    "authorization-grant-type": "authorization_code",
    "redirect-uri": REDIRECT,
    "scope": "openid read",
}
DEVICE = {"authorization-grant-type": "device_code", "scope": "openid read"}


@pytest.fixture(params=["issuer-uri", "metadata-uri", "issuer-uri and every address"])
def known_by(request, server):
    """The ways in which settings may name a server whose metadata promises an issuer."""
    return {
        "issuer-uri": {"issuer-uri": server.issuer},
        "metadata-uri": {"metadata-uri": f"{server.issuer}{OPENID}"},
        "issuer-uri and every address": {
            "issuer-uri": server.issuer,
            "authorization-uri": server.authorization_uri,
            "token-uri": server.token_uri,
            "jwk-set-uri": server.jwk_set_uri,
        },
    }[request.param]


@pytest.fixture
def begun(manage, browse, known_by):
    """Begin a login, and give the manager, the request and the callback."""
    manager = manage(known_by, web=WEB)
    request = manager.authorization_request("web")
    return manager, request, browse(request.url)


def changed(callback, **fields):
    parts = urlsplit(callback)
    query = {**dict(parse_qsl(parts.query)), **fields}
    kept = {name: value for name, value in query.items() if value is not None}
    return parts._replace(query=urlencode(kept)).geturl()


def test_a_login_is_completed_from_a_session_whatever_names_the_server(begun):
    manager, request, callback = begun
    kept = json.loads(json.dumps(request.to_mapping()))
    client = manager.complete("web", callback, request=kept, principal="alice")
    assert client.access_token.extra["id_token"]
    assert AuthorizationRequest.from_mapping(kept).iss_required


@pytest.mark.parametrize("iss", ["https://evil.example", None, ""])
def test_a_callback_that_is_not_from_the_issuer_is_refused(begun, server, iss):
    manager, request, callback = begun
    with pytest.raises(CallbackError, match=r"\(iss\)|from the issuer https://evil"):
        manager.complete("web", changed(callback, iss=iss), request=request, principal="alice")
    assert server.token_requests == 0


def test_an_id_token_of_another_issuer_is_refused(begun, server):
    manager, request, callback = begun
    server.id_token_overrides = {"iss": "https://evil.example"}
    with pytest.raises(CallbackError, match="web: the id_token must not be trusted: its iss"):
        manager.complete("web", callback, request=request, principal="alice")


@pytest.mark.parametrize("nonce", [None, ""])
def test_an_id_token_without_a_nonce_to_compare_is_not_asked_for(begun, server, nonce):
    manager, request, callback = begun
    with pytest.raises(CallbackError, match="begun without the scope openid"):
        manager.complete(
            "web", callback, request={**request.to_mapping(), "nonce": nonce}, principal="alice"
        )
    assert server.token_requests == 0


def test_a_request_of_another_registration_is_refused_before_its_code_is_sent(
    manage, browse, server
):
    manager = manage(bad=WEB, good=WEB)
    request = manager.authorization_request("good")
    with pytest.raises(CallbackError, match="begun for registration good"):
        manager.complete("bad", browse(request.url), request=request, principal="alice")
    assert server.token_requests == 0


def test_a_request_of_another_kind_of_login_is_refused(begun, server):
    manager, request, callback = begun
    kept = {**request.to_mapping(), "response_type": "token"}
    callback = callback.replace("?", "#")
    with pytest.raises(CallbackError, match="begun for token"):
        manager.complete("web", callback, request=kept, principal="alice")
    assert server.token_requests == 0


def test_a_callback_at_another_address_is_refused_and_its_query_alone_is_not(begun, server):
    manager, request, callback = begun
    query = f"?{urlsplit(callback).query}"
    with pytest.raises(CallbackError, match="another host, port"):
        manager.complete(
            "web", f"http://other.example/callback{query}", request=request, principal="alice"
        )
    assert server.token_requests == 0
    assert manager.complete("web", query, request=request, principal="alice")


def test_a_callback_and_a_request_of_another_kind_are_type_errors(begun):
    manager, request, callback = begun
    with pytest.raises(TypeError, match="a str is no AuthorizationRequest"):
        manager.complete("web", callback, request=request.state, principal="alice")
    with pytest.raises(TypeError, match="must be a str, not NoneType"):
        manager.complete("web", None, request=request, principal="alice")


def test_parameters_stay_out_of_the_browser(manage, server):
    web = {**WEB, "parameters": {"api_key": "planted"}, "authorization-parameters": {"prompt": "p"}}
    url = manage(web=web).authorization_request("web").url
    pushed = server.requests_to("pushed_authorization_request")[0]
    assert "planted" not in url
    assert ("prompt", "p") in pushed.form
    assert "planted" not in str(pushed.form)


def test_a_login_for_openid_needs_an_issuer_and_says_so_at_its_start(manage, server):
    addresses = {"authorization-uri": server.authorization_uri, "token-uri": server.token_uri}
    with pytest.raises(AuthorizationError, match=r"Set provider\.p\.issuer-uri"):
        manage(addresses, web=WEB).authorization_request("web")
    assert server.requests == []


# Devices, renewals, and tokens that were not asked for


def on_device(manager, server):
    device = manager.device_authorization("device")
    server.approve_device(device.user_code)
    kept = json.loads(json.dumps(device.to_mapping()))
    assert DeviceAuthorization.from_mapping(kept) == device
    return manager.poll("device", kept, principal="alice")


def test_the_id_token_of_a_device_is_verified_too(manage, server):
    assert on_device(manage(device=DEVICE), server).access_token.extra["id_token"]
    server.id_token_overrides = {"aud": "another"}
    with pytest.raises(CallbackError, match="must not be trusted: its aud"):
        on_device(manage(device=DEVICE), server)


def test_a_device_login_without_a_known_issuer_hands_no_id_token_on(manage, server):
    addresses = {
        "device-authorization-uri": server.device_authorization_uri,
        "token-uri": server.token_uri,
    }
    client = on_device(manage(addresses, device=DEVICE), server)
    assert "id_token" not in client.access_token.extra


def test_an_id_token_that_nobody_verified_is_not_handed_on(manage, server):
    server.extra_fields = {"id_token": "un.signed.x"}
    manager = manage(device={**DEVICE, "scope": "read"}, app={"scope": "read"})
    for client in (on_device(manager, server), manager.authorize("app")):
        assert "id_token" not in client.access_token.extra


def test_the_id_token_of_a_renewal_is_not_handed_on(begun, server):
    manager, request, callback = begun
    manager.complete("web", callback, request=request, principal="alice")
    server.extra_fields = {"id_token": "not.even.signed"}
    client = manager.authorize("web", principal="alice", force=True)
    assert "id_token" not in client.access_token.extra


def test_a_device_login_outlives_faults_of_the_server(manage, server):
    manager = manage(device=DEVICE)
    device = manager.device_authorization("device")
    server.approve_device(device.user_code)
    faults = [Fault(status=503), Fault(drop="before"), Fault(status=429), Fault(status=502)]
    server.script("token", faults)
    assert manager.poll("device", device, principal="alice")
    assert server.token_requests == 5
    assert dict(server.requests_to("device_authorization")[0].form)["client_id"] == "id"


# Introspection and revocation


def test_an_endpoint_that_only_the_second_document_lists_is_found(manage, server):
    first = {k: v for k, v in server.metadata().items() if k != "introspection_endpoint"}
    server.inject(Fault(body=first), path=OPENID, times=None)
    manager = manage(app={})
    assert manager.introspect("app")["active"] is True
    asked = server.metadata_requests
    assert manager.introspect("app")["active"] is True
    assert server.metadata_requests == asked, "it was kept"


@pytest.mark.parametrize("fault", [None, Fault(status=503), Fault(body="none")])
def test_an_endpoint_that_no_document_lists_is_missing(manage, server, fault):
    server.metadata_overrides = {"introspection_endpoint": DELETE}
    if fault is not None:
        server.inject(fault, path=RFC_8414)
    manager = manage(app={})
    for _ in range(2):
        with pytest.raises(AuthorizationError, match="its metadata does not list one"):
            manager.introspect("app")
    assert server.metadata_requests == 2


def test_a_revocation_names_the_type_of_token_that_is_known(begun, server):
    manager, request, callback = begun
    manager.complete("web", callback, request=request, principal="alice")
    manager.revoke("web", principal="alice")
    hints = [
        dict(request.form).get("token_type_hint") for request in server.requests_to("revocation")
    ]
    assert hints == ["refresh_token", "access_token"]
    manager.revoke("web", "unknown")
    assert "token_type_hint" not in dict(server.requests_to("revocation")[-1].form)


def test_a_failure_at_another_endpoint_names_that_endpoint(manage, server):
    manager = manage(app={})
    server.inject(Fault(status=404, body="<html><title>Not here</title>"), path="introspection")
    with pytest.raises(TokenEndpointError) as caught:
        manager.introspect("app")
    assert str(caught.value) == (
        'app: the introspection endpoint answered 404 with an HTML page titled "Not here" '
        f"[{server.introspection_uri}]. Is it the right address for provider.p.introspection-uri? "
        "Some servers answer 404 for a client-id that they do not know."
    )


def test_a_bearer_token_is_refused_where_dpop_is_asked_for(manage, server):
    server.extra_fields = {"token_type": "Bearer"}
    manager = manage(app={"dpop": True}, either={"dpop": "optional"})
    with pytest.raises(AuthorizationError, match=r"registration\.app\.dpop asks for one"):
        manager.authorize("app")
    assert manager.authorize("either").access_token.token_type == "Bearer"
