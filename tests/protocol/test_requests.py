"""Token requests as they go out."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from oauthreg._errors import AuthorizationError, ConnectionFailedError, SecretUnavailableError
from oauthreg._flow import ClientCertificate
from oauthreg._grants.client_credentials import client_credentials
from oauthreg._protocol.authentication import METHODS, advertised_method
from oauthreg._protocol.hints import credential_hint
from oauthreg._protocol.requests import endpoint, token_request
from oauthreg._provider import GenericProvider, ProviderSettings
from oauthreg._secret_values import LiteralSecret, Secret

HOOKS = GenericProvider(ProviderSettings())


def basic(request):
    (header,) = [value for name, value in request.headers if name == "Authorization"]
    return b64decode(header.removeprefix("Basic ")).decode()


def test_a_form_is_ordered_and_repeats_what_repeats(context):
    request = token_request(
        context(
            scopes=("write", "read"),
            audience="api",
            resource=("https://b.example", "https://a.example"),
            parameters={"z": "1", "a": "2"},
        ),
        HOOKS,
        "client_credentials",
    )
    assert request.form == (
        ("grant_type", "client_credentials"),
        ("scope", "write read"),
        ("audience", "api"),
        ("resource", "https://b.example"),
        ("resource", "https://a.example"),
        ("z", "1"),
        ("a", "2"),
    )
    assert request.method == "POST"
    assert request.url == "https://as.example/token"
    assert parse_qsl(request.body.decode()) == list(request.form)


def test_nothing_that_is_not_asked_for_is_sent(context):
    request = token_request(context(), HOOKS, "client_credentials")
    assert request.form == (("grant_type", "client_credentials"),)


def test_a_parameter_takes_the_place_of_a_field_of_its_name(context):
    request = token_request(
        context(audience="api", parameters={"audience": "other"}), HOOKS, "client_credentials"
    )
    assert [value for name, value in request.form if name == "audience"] == ["other"]


def test_a_plugins_parameters_come_before_the_registrations(context):
    class Plugin(GenericProvider):
        def parameters(self, context):
            return [("a", "plugin"), ("b", "plugin")]

    request = token_request(
        context(parameters={"a": "registration"}), Plugin(ProviderSettings()), "x"
    )
    assert request.form[1:] == (("a", "registration"), ("b", "plugin"))


def test_a_client_id_among_the_parameters_is_sent_once(context):
    for method in ("client_secret_post", "none"):
        made = context(parameters={"client_id": "id"}, client_authentication_method=method)
        form = token_request(made, HOOKS, "client_credentials").form
        assert [value for name, value in form if name == "client_id"] == ["id"]


def test_another_client_id_among_the_parameters_is_refused(context):
    with pytest.raises(AuthorizationError, match=r"write registration\.app\.client-id"):
        token_request(context(parameters={"client_id": "other"}), HOOKS, "x")


def test_headers_of_the_registration_are_sent(context):
    request = token_request(context(headers={"X-Tenant": "one"}), HOOKS, "x")
    assert request.headers[0] == ("X-Tenant", "one")


def test_a_missing_address_says_what_to_set(context):
    with pytest.raises(AuthorizationError, match=r"provider\.as\.token-uri") as caught:
        endpoint(context(endpoints=()), "token-uri")
    assert "provider as has no token-uri" in str(caught.value)


def test_an_address_that_the_metadata_does_not_list_is_named_so(context):
    made = replace(context(), metadata={"issuer": "https://as.example"})
    with pytest.raises(AuthorizationError) as caught:
        endpoint(made, "revocation-uri")
    assert "its metadata does not list one. Set provider.as.revocation-uri" in str(caught.value)
    assert "issuer-uri" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://auth.internal:8080/token", "/token", "https://a b/"])
def test_an_unusable_address_of_the_metadata_is_said_to_be_of_the_metadata(context, url):
    made = replace(context(endpoints=()), endpoints={"token-uri": url})
    with pytest.raises(ConnectionFailedError) as caught:
        endpoint(made, "token-uri")
    assert "The address is token-uri in the metadata of as" in str(caught.value)
    assert "set provider.as.token-uri" in caught.value.hint


def test_client_credentials_keep_no_refresh_token(context, drive, answer):
    granted, script = drive(
        client_credentials(context(), HOOKS), answer({"access_token": "t", "refresh_token": "r"})
    )
    assert granted.refresh_token is None
    assert script.requests[0].form[0] == ("grant_type", "client_credentials")


# Client authentication

ODD = [
    ("id", "secret", "id:secret"),
    ("id", "a b", "id:a%20b"),
    ("id", "a+b", "id:a%2Bb"),
    ("id", "100%", "id:100%25"),
    ("id", "a:b", "id:a%3Ab"),
    ("i:d", "/=&", "i%3Ad:%2F%3D%26"),
    ("id", "pässwörd", "id:p%C3%A4ssw%C3%B6rd"),
    ("id", "密码", "id:%E5%AF%86%E7%A0%81"),
    ("id", "~-._", "id:~-._"),
]


@pytest.mark.parametrize(("client_id", "secret", "pair"), ODD)
def test_basic_is_percent_encoded(context, client_id, secret, pair):
    request = token_request(context(secret, client_id=client_id), HOOKS, "x")
    assert basic(request) == pair
    assert secret in request.sensitive


@pytest.mark.parametrize(("client_id", "secret", "_"), ODD)
def test_raw_basic_is_utf_8_as_it_is(context, client_id, secret, _):
    request = token_request(context(secret, client_id=client_id, basic_encoding="raw"), HOOKS, "x")
    assert basic(request) == f"{client_id}:{secret}"


@pytest.mark.parametrize("decoding", ["form", "unquote"])
@pytest.mark.parametrize("secret", [secret for _, secret, _ in ODD])
def test_servers_of_both_decodings_read_it_alike(manager, server, decoding, secret):
    server.add_client("odd", secret, basic_decoding=decoding)
    assert manager({"client-id": "odd", "client-secret": secret}).authorize("app")


@pytest.mark.parametrize("secret", [secret for _, secret, _ in ODD])
def test_servers_that_take_the_bytes_as_they_are_read_raw(manager, server, secret):
    server.add_client("odd", secret, basic_decoding="raw")
    app = {"client-id": "odd", "client-secret": secret, "basic-encoding": "raw"}
    assert manager(app).authorize("app")


def test_post_puts_the_credential_into_the_body_alone(context):
    request = token_request(
        context("s", client_authentication_method="client_secret_post"), HOOKS, "x"
    )
    assert request.form[-2:] == (("client_id", "id"), ("client_secret", "s"))
    assert request.headers == ()


def test_none_names_the_client(context):
    request = token_request(context(None, client_authentication_method="none"), HOOKS, "x")
    assert request.form[-1] == ("client_id", "id")
    assert request.headers == ()


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_method_that_needs_a_secret_says_so(context, method):
    with pytest.raises(SecretUnavailableError, match=r"registration\.app\.client-secret") as caught:
        token_request(context(None, client_authentication_method=method), HOOKS, "x")
    assert not caught.value.retryable


@pytest.mark.parametrize("method", ["tls_client_auth", "self_signed_tls_client_auth"])
def test_a_method_that_needs_a_certificate_says_so(context, method):
    with pytest.raises(SecretUnavailableError, match="certificate-file"):
        token_request(context(None, client_authentication_method=method), HOOKS, "x")


def test_a_method_that_is_unknown_lists_those_there_are(context):
    with pytest.raises(AuthorizationError, match=r"'unheard_of' is not .*client_secret_post"):
        token_request(context(client_authentication_method="unheard_of"), HOOKS, "x")


LITERAL = LiteralSecret(Secret("s"))
CREDENTIALS = [
    ({"client_secrets": (LITERAL,)}, "a client-secret"),
    ({"assertion": LITERAL}, "an assertion-file"),
    ({"signing_key": object()}, "a private-key"),
    ({"certificate": ClientCertificate(Path("c"), Path("k"))}, "a client certificate"),
]


@pytest.mark.parametrize(("credential", "kind"), CREDENTIALS)
def test_a_server_without_a_fitting_method_is_told_what_it_takes_and_what_there_is(
    context, credential, kind
):
    made = replace(
        context(None, client_authentication_method=None, **credential),
        metadata={"token_endpoint_auth_methods_supported": ["vendor_auth", 5]},
    )
    assert advertised_method(made.registration, made.metadata) is None
    with pytest.raises(AuthorizationError, match=f"only vendor_auth as .*has {kind}"):
        token_request(made, HOOKS, "x")


@pytest.mark.parametrize(
    ("offered", "method"),
    [
        (None, "client_secret_basic"),
        ([], "client_secret_basic"),
        (["none"], "client_secret_basic"),
        ("client_secret_post", "client_secret_post"),
        (["CLIENT_SECRET_POST"], "client_secret_post"),
        (5, "client_secret_basic"),
        (["client_secret_post", "client_secret_basic"], "client_secret_basic"),
        (["client_secret_post", "private_key_jwt"], "client_secret_post"),
        (["client_secret_jwt"], "client_secret_jwt"),
        (["private_key_jwt"], None),
    ],
)
def test_the_method_is_the_metadatas_where_the_settings_name_none(context, offered, method):
    registration = context(client_secrets=(LITERAL,)).registration
    metadata = {"token_endpoint_auth_methods_supported": offered}
    assert advertised_method(registration, metadata) == method


def test_a_client_without_any_credential_is_public(context):
    assert advertised_method(context().registration, {}) == "none"


@pytest.mark.parametrize("encoding", ["form", "raw"])
def test_a_refused_secret_that_encoding_changes_gets_a_hint(context, encoding):
    other = {"form": "raw", "raw": "form"}[encoding]
    hint = credential_hint(context("a+b", basic_encoding=encoding))
    assert f'try basic-encoding = "{other}"' in hint


HINTS = [
    ("client_secret_basic", "Check registration.app.client-id, client-secret and client-auth"),
    ("client_secret_post", "(client_secret_post)."),
    ("tls_client_auth", "certificate-file: the server must know this certificate"),
    ("none", "wants a credential of this client"),
]


@pytest.mark.parametrize(("method", "hint"), HINTS)
def test_a_refused_credential_has_the_hint_of_its_method(context, method, hint):
    text = credential_hint(context("plain", client_authentication_method=method))
    assert hint in text
    assert "basic-encoding" not in text
    assert ("client-secret and" in text) is method.startswith("client_secret")


def test_the_hint_reaches_the_caller(manager, server):
    server.add_client("odd", "a+b%", basic_decoding="raw")
    with pytest.raises(AuthorizationError, match='basic-encoding = "raw"'):
        manager({"client-id": "odd", "client-secret": "a+b%"}).authorize("app")


def test_exactly_one_method_goes_out(manager, server):
    manager().authorize("app")
    request = server.last_token_request
    assert request.headers["Authorization"].startswith("Basic ")
    assert not {"client_id", "client_secret"} & {name for name, _ in request.form}
    assert request.headers["Accept"] == "application/json"
    assert set(METHODS) >= {"client_secret_basic", "client_secret_post", "none"}
