"""What must work with every real server: first the server itself, then the library with it."""

import pytest

METHODS = {"basic": "client_secret_basic", "post": "client_secret_post"}
ODD_CHARACTERS = '+%:/="\\ '
SPRING = """\
spring.security.oauth2.client.registration.my-client.client-id={client_id}
spring.security.oauth2.client.registration.my-client.client-secret={client_secret}
spring.security.oauth2.client.registration.my-client.authorization-grant-type=client_credentials
spring.security.oauth2.client.provider.my-provider.token-uri={token_uri}
"""


# --- the server itself, by plain requests ---------------------------------------------------------


def test_metadata_answers_with_the_issuer_it_was_asked_at(server, http):
    url = f"{server.issuer}/.well-known/openid-configuration"
    answer = http.get(url, timeout=30)
    assert answer.status_code == 200
    assert answer.json()["issuer"] == server.issuer
    assert answer.json()["token_endpoint"] == server.token_uri


@pytest.mark.parametrize("name", METHODS)
def test_it_gives_a_token_for_a_secret(server, ask, name):
    answer = ask(server, name)
    assert answer.status_code == 200, answer.text
    assert answer.json()["access_token"]
    assert answer.json()["expires_in"] > 60


def test_it_refuses_a_wrong_secret(server, http):
    form = {"grant_type": "client_credentials", "scope": "read"}
    answer = http.post(server.token_uri, data=form, auth=("basic", "wrong"), timeout=30)
    assert answer.status_code == 401
    assert answer.json()["error"]


def test_it_takes_odd_characters_percent_encoded(server, ask):
    odd = server.clients["odd"]
    assert set(ODD_CHARACTERS) <= set(odd.client_id)
    assert set(ODD_CHARACTERS) <= set(odd.client_secret)
    assert ask(server, "odd").status_code == 200


def test_a_short_token_says_so(server, ask):
    assert ask(server, "short").json()["expires_in"] <= 5


# --- the library ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", METHODS)
def test_a_token_through_token_uri(server, settings_for, manager_for, assert_authorized, name):
    mine = settings_for(
        server.clients[name],
        {"token-uri": server.token_uri},
        **{"client-authentication-method": METHODS[name]},
    )
    assert_authorized(manager_for(mine).authorize("my-client"))


@pytest.mark.parametrize("name", METHODS)
def test_a_token_through_issuer_uri(server, settings_for, manager_for, assert_authorized, name):
    mine = settings_for(
        server.clients[name],
        {"issuer-uri": server.issuer},
        **{"client-authentication-method": METHODS[name]},
    )
    assert_authorized(manager_for(mine).authorize("my-client"))


def test_the_second_call_gives_the_same_token(server, settings_for, manager_for):
    manager = manager_for(settings_for(server.clients["basic"], {"token-uri": server.token_uri}))
    first = manager.authorize("my-client").access_token.token_value
    assert manager.authorize("my-client").access_token.token_value == first


def test_a_spring_file_with_only_host_id_and_secret_changed(
    server, manager_for, assert_authorized, tmp_path
):
    basic = server.clients["basic"]
    path = tmp_path / "application.properties"
    path.write_text(
        SPRING.format(
            client_id=basic.client_id,
            client_secret=basic.client_secret,
            token_uri=server.token_uri,
        )
    )
    assert_authorized(manager_for(path).authorize("my-client"))


def test_odd_characters_in_id_and_secret(server, settings_for, manager_for, assert_authorized):
    manager = manager_for(settings_for(server.clients["odd"], {"token-uri": server.token_uri}))
    assert_authorized(manager.authorize("my-client"))


def test_a_scope_that_is_asked_for_is_granted(server, settings_for, manager_for):
    basic = server.clients["basic"]
    manager = manager_for(settings_for(basic, {"token-uri": server.token_uri}, scope=["read"]))
    assert "read" in manager.authorize("my-client").access_token.scopes


def test_a_wrong_secret_is_an_error_with_the_servers_own_words(
    server, settings_for, manager_for, http
):
    from oauthreg import TokenEndpointError

    basic = server.clients["basic"]
    form = {"grant_type": "client_credentials"}
    said = http.post(server.token_uri, data=form, auth=("basic", "wrong-secret"), timeout=30)
    manager = manager_for(
        settings_for(basic, {"token-uri": server.token_uri}, **{"client-secret": "wrong-secret"})
    )
    with pytest.raises(TokenEndpointError) as caught:
        manager.authorize("my-client")
    assert caught.value.status == said.status_code == 401
    assert caught.value.error == said.json()["error"]
    assert caught.value.registration_id == "my-client"
    assert "my-client" in str(caught.value)
    assert server.token_uri in str(caught.value)
    assert "wrong-secret" not in str(caught.value)


def test_the_auth_adapter_reaches_a_protected_resource(server, settings_for, manager_for, http):
    manager = manager_for(settings_for(server.clients["basic"], {"token-uri": server.token_uri}))
    url = f"{server.issuer}/.well-known/openid-configuration"  # answers anybody, and shows the way
    answer = http.get(url, auth=manager.auth("my-client"), timeout=30)
    assert answer.status_code == 200
    assert answer.request.headers["Authorization"].startswith("Bearer ")
