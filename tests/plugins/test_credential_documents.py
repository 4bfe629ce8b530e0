"""Credentials as vendors and platforms hand them out: documents, variables, assertions."""

import json
from base64 import urlsafe_b64decode
from typing import Any, ClassVar

import pytest

from oauthreg import AuthorizedClientManager, ConfigurationError, TokenEndpointError
from oauthreg.plugin import (
    BaseUrl,
    HostLabel,
    ProviderPlugin,
    ProviderSettings,
)
from oauthreg.testing import Fault, certificate_file, key_file, private_key


def header_of(assertion):
    header = assertion.partition(".")[0]
    return json.loads(urlsafe_b64decode(header + "=="))


def sent(server):
    return dict(server.requests[-1].form)


# -- a vendor's own document


class Cloud(ProviderPlugin[ProviderSettings]):
    document: ClassVar[dict[str, str]] = {
        "client-id": "client_email",
        "private-key": "private_key",
        "key-id": "private_key_id",
        "token-uri": "token_uri",
    }


class BindingSettings(ProviderSettings):
    url: BaseUrl | None = None
    zone: HostLabel | None = None


class Binding(ProviderPlugin[BindingSettings]):
    token_uri = "{url}/oauth/token"
    document: ClassVar[dict[str, str]] = {
        "client-id": "uaa.clientid",
        "client-secret": "uaa.clientsecret",
        "url": "uaa.url",
    }


def cloud_key(path, server, key_id="k1"):
    content = {
        "type": "service_account",
        "client_email": "my-client",
        "private_key": private_key(),
        "private_key_id": key_id,
        "token_uri": server.token_uri,
    }
    path.write_text(json.dumps(content))


def test_a_key_file_of_a_vendor_is_all_that_a_registration_needs(plug, manager, server, tmp_path):
    plug(Cloud)
    path = tmp_path / "key.json"
    cloud_key(path, server)
    server.inject(Fault(body={"access_token": "t", "expires_in": 60}))
    made = manager(
        provider={"acme": {"type": "acme"}},
        registration={"a": {"credentials-file": str(path)}},
    )
    assert made.registrations["a"].client_id == "my-client"
    made.authorize("a")
    first = sent(server)["client_assertion"]
    assert header_of(first)["kid"] == "k1"
    cloud_key(path, server, key_id="k2")  # a rotation
    made.authorize("a", force=True)
    second = sent(server)["client_assertion"]
    assert header_of(second)["kid"] == "k2"
    assert second != first


@pytest.fixture(params=["credentials-file", "credentials-ref"])
def binding(request, server, tmp_path, monkeypatch):
    """A binding of a platform, by file or variable: what a registration says of it."""
    uaa = {"clientid": "my-client", "clientsecret": "a secret", "url": server.base_uri}
    text = json.dumps({"uaa": uaa})
    (tmp_path / "binding.json").write_text(text)
    monkeypatch.setenv("BINDING", text)
    by_file = request.param == "credentials-file"
    return {request.param: str(tmp_path / "binding.json") if by_file else "env:BINDING"}


def test_a_binding_says_where_and_who(plug, manager, server, binding):
    plug(Binding)
    server.inject(Fault(body={"access_token": "t", "expires_in": 60}), path="*")
    made = manager(
        provider={"acme": {"type": "acme"}},
        registration={"a": binding, "own": {**binding, "client-id": "mine"}},
    )
    assert made.registrations["a"].provider.token_uri == f"{server.base_uri}/oauth/token"
    assert made.registrations["a"].client_id == "my-client"
    assert made.registrations["own"].client_id == "mine"
    assert "a secret" not in repr(made.registrations["a"])
    made.authorize("a")
    assert server.requests[-1].headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("no json", "it is no JSON object"),
        ("[]", "it is no JSON object"),
        ("{}", "it has none of uaa.clientid"),
        (None, "there is no file"),
    ],
)
def test_a_document_of_no_use_is_a_problem_at_load(plug, problems, tmp_path, content, words):
    plug(Binding)
    path = tmp_path / "binding.json"
    if content is not None:
        path.write_text(content)
    found = problems(
        provider={"acme": {"type": "acme", "url": "a.example"}},
        registration={"a": {"credentials-file": str(path)}},
    )
    assert list(found) == ["registration.a.credentials-file"]
    assert words in found["registration.a.credentials-file"]


def test_a_document_is_not_written_into_the_settings(plug, problems):
    plug(Binding)
    found = problems(
        provider={"acme": {"type": "acme", "url": "a.example"}},
        registration={"a": {"credentials": "{}"}},
    )
    assert "credentials-file or credentials-ref" in found["registration.a.credentials"]


def test_a_document_that_no_plugin_reads_is_a_problem(problems, tmp_path):
    (tmp_path / "key.json").write_text("{}")
    found = problems(
        provider={"p": {"token-uri": "https://a.example/t"}},
        registration={
            "a": {"client-id": "a", "credentials-file": str(tmp_path / "key.json")},
        },
    )
    assert "reads no credential document" in found["registration.a.credentials-file"]


# -- variables of a platform


class Platform(ProviderPlugin[BindingSettings]):
    token_uri = "{url}/oauth/token"
    environment: ClassVar[dict[str, str]] = {
        "url": "ACME_URL",
        "client-id": "ACME_CLIENT_ID",
        "client-secret": "ACME_CLIENT_SECRET",
        "zone": "ACME_ZONE",
    }


def test_a_platforms_variables_stand_in_for_what_nobody_wrote(plug, tmp_path, monkeypatch, server):
    plug(Platform)
    monkeypatch.setenv("ACME_URL", "https://platform.example")
    monkeypatch.setenv("ACME_CLIENT_ID", "of-the-platform")
    monkeypatch.setenv("ACME_CLIENT_SECRET", "first")
    path = tmp_path / "settings.toml"
    path.write_text('[registration.a]\nprovider = "acme"\n[provider.acme]\ntype = "acme"\n')
    with AuthorizedClientManager.from_settings(path) as manager:
        registration = manager.registrations["a"]
    assert registration.client_id == "of-the-platform"
    assert registration.provider.token_uri == "https://platform.example/oauth/token"
    (source,) = registration.client_secrets
    assert source.reference == "env:ACME_CLIENT_SECRET"
    path.write_text(path.read_text() + f'url = "{server.base_uri}"\n')
    with AuthorizedClientManager.from_settings(path) as manager:
        assert manager.registrations["a"].provider.token_uri.startswith(server.base_uri)


def test_a_problem_of_a_platforms_variable_names_it(plug, tmp_path, monkeypatch):
    plug(Platform)
    monkeypatch.setenv("ACME_URL", "http://plain.example")
    path = tmp_path / "settings.toml"
    path.write_text('[registration.a]\nclient-id = "a"\n[provider.acme]\ntype = "acme"\n')
    with pytest.raises(ConfigurationError, match="environment variable ACME_URL"):
        AuthorizedClientManager.from_settings(path)


def test_a_configuration_in_a_dict_reads_no_variable(plug, problems, monkeypatch):
    plug(Platform)
    monkeypatch.setenv("ACME_URL", "https://platform.example")
    found = problems(
        provider={"acme": {"type": "acme"}},
        registration={"a": {"client-id": "a", "client-secret": "s"}},
    )
    assert "provider.acme" in found


# -- assertions of somebody else, and what names a key


def test_an_assertion_may_be_another_registrations_token(manager, server):
    server.inject(Fault(body={"access_token": "an-assertion", "expires_in": 60}), times=1)
    made = manager(
        provider={"p": {"token-uri": server.token_uri}},
        registration={
            "identity": {"client-id": "my-client", "client-secret": "a secret"},
            "a": {"client-id": "a", "assertion": "registration:identity"},
        },
    )
    with pytest.raises(TokenEndpointError):
        made.authorize("a")
    assert sent(server)["client_assertion"] == "an-assertion"


def test_an_assertion_may_be_referred_to(manager, server, monkeypatch):
    monkeypatch.setenv("IDENTITY", "an-assertion")
    made = manager(
        provider={"p": {"token-uri": server.token_uri}},
        registration={"a": {"client-id": "a", "assertion-ref": "env:IDENTITY"}},
    )
    with pytest.raises(TokenEndpointError):
        made.authorize("a")
    assert sent(server)["client_assertion"] == "an-assertion"


def test_assertions_that_need_each_other_are_a_problem(problems):
    found = problems(
        provider={"p": {"token-uri": "https://a.example/t"}},
        registration={
            "a": {"client-id": "a", "assertion": "registration:b"},
            "b": {"client-id": "b", "assertion": "registration:a"},
            "c": {"client-id": "c", "assertion": "registration:nobody"},
        },
    )
    assert "is a circle: a -> b -> a" in found["registration.a.assertion"]
    assert "is a circle: b -> a -> b" in found["registration.b.assertion"]
    assert "there is no registration" in found["registration.c.assertion"]


class Named(ProviderPlugin[ProviderSettings]):
    assertion_header: ClassVar[tuple[Any, ...]] = ("x5t", "x5t#S256", "x5c")


def test_a_vendor_says_what_names_the_key_of_an_assertion(plug, manager, server):
    plug(Named)
    key = {"private-key-file": str(key_file()), "key-id": "k1"}
    certificate = {"assertion-certificate-file": str(certificate_file())}
    made = manager(
        provider={"acme": {"type": "acme", "token-uri": server.token_uri}},
        registration={"my-client": {"client-id": "my-client", **key, **certificate}},
    )
    with pytest.raises(TokenEndpointError):
        made.authorize("my-client")
    header = header_of(sent(server)["client_assertion"])
    assert {"x5t", "x5t#S256", "x5c"} <= header.keys()
    assert "kid" not in header
    assert made.registrations["my-client"].certificate is None
