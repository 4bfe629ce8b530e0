"""What a plugin declares itself: secrets, options of registrations, documents, variables."""

import logging
from collections.abc import Iterable

import pytest
from pydantic import SecretStr

from oauthreg import AuthorizedClientManager, ConfigurationError, TokenEndpointError
from oauthreg._token_key import token_key
from oauthreg.plugin import (
    ProviderPlugin,
    ProviderSettings,
    RegistrationOptions,
    Secret,
)
from oauthreg.testing import Fault


class Settings(ProviderSettings):
    api_key: Secret | None = None
    pin: SecretStr | None = None
    realm: str | None = None


class Options(RegistrationOptions):
    installation_id: int
    admin_token: Secret | None = None
    code: SecretStr | None = None


class Acme(ProviderPlugin[Settings, Options]):
    def parameters(self, context) -> Iterable[tuple[str, str]]:
        yield "installation", str(self.options(context.registration).installation_id)
        for name, secret in context.secrets.items():
            yield name, secret.get_secret_value()
        if self.settings.pin is not None:
            yield "pin", self.settings.pin.get_secret_value()


@pytest.fixture(autouse=True)
def _installed(plug):
    plug(Acme)


def token_key_of(registration):
    return token_key(registration, fingerprint_key=b"k", key_of=str)


def sent(server):
    return dict(server.requests[-1].form)


# -- secrets


def test_a_secret_is_read_from_its_file_for_each_attempt(acme, server, tmp_path):
    path = tmp_path / "key"
    path.write_text("first-key\n")
    manager = acme({"api-key-file": str(path)}, **{"installation-id": 7})
    manager.authorize("my-client")
    assert sent(server)["api_key"] == "first-key"
    path.write_text("second-key\n")
    manager.authorize("my-client", force=True)
    assert sent(server)["api_key"] == "second-key"


@pytest.mark.parametrize(
    "given", [{"api-key": "s3cret key"}, {"api-key-ref": "env:ACME_KEY"}], ids=["literal", "ref"]
)
def test_a_secret_may_be_a_literal_or_a_reference(acme, server, monkeypatch, given):
    monkeypatch.setenv("ACME_KEY", "s3cret key")
    acme(given, **{"installation-id": 7}).authorize("my-client")
    assert sent(server)["api_key"] == "s3cret key"


def test_a_registration_has_secrets_too(acme, server, tmp_path):
    (tmp_path / "token").write_text("an-admin-token")
    path = str(tmp_path / "token")
    acme({}, **{"installation-id": 7, "admin-token-file": path}).authorize("my-client")
    assert sent(server)["admin_token"] == "an-admin-token"


def test_a_secret_of_a_plugin_shows_nowhere(acme, server, caplog):
    given = {"api-key": "topsecret-key", "pin": "topsecret-pin"}
    own = {"admin-token": "topsecret-token", "code": "topsecret-code"}
    manager = acme(given, **{"installation-id": 7, **own})
    words = "bad topsecret-key, topsecret-pin, topsecret-token, topsecret-code"
    echo = {"error": "invalid_request", "error_description": words}
    server.inject(Fault(status=400, body=echo))
    with caplog.at_level(logging.DEBUG), pytest.raises(TokenEndpointError) as caught:
        manager.authorize("my-client")
    registration = manager.registrations["my-client"]
    shown = f"{caught.value} {vars(caught.value)} {caplog.text} {registration!r}"
    settings = f"{registration.provider.settings} {registration.plugin_options}"
    assert "topsecret" not in shown + settings
    assert "bad ***" in str(caught.value)


def test_a_secret_of_the_settings_is_not_read_from_them(acme):
    registration = acme({"api-key": "x"}, **{"installation-id": 7}).registrations["my-client"]
    with pytest.raises(AttributeError, match=r"context\.secrets"):
        registration.provider.settings["api-key"].get_secret_value()


def test_other_secrets_make_other_tokens(acme, server):
    one, two = (acme({"api-key": key}, **{"installation-id": 7}) for key in ("one", "two"))
    keys = [token_key_of(each.registrations["my-client"]) for each in (one, two)]
    assert keys[0] != keys[1]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"api-key-file": "no-such.key"}, "there is no file"),
        ({"api-key-ref": "env:NO_SUCH_VARIABLE"}, "NO_SUCH_VARIABLE is not set"),
        ({"api-key": ""}, "must be text, and not empty"),
        ({"api-key": "${ACME_KEY}"}, "has a placeholder for ACME_KEY"),
        ({"api-key": "line\nline"}, "must not have a line end in it"),
        ({"api-key": "x", "api-key-file": "y"}, "keep one"),
        ({"pin-file": __file__}, "there is no such setting"),
    ],
)
def test_a_secret_that_cannot_be_read_is_a_problem_at_load(problems, given, words):
    found = problems(
        provider={"acme": {"type": "acme", "token-uri": "https://a.example/t", **given}},
        registration={"a": {"client-id": "a", "client-secret": "s", "installation-id": 1}},
    )
    (path,) = found
    assert path.startswith("provider.acme.")
    assert found[path].count("must be text") == (given == {"api-key": ""})
    assert words in found[path]


def test_the_environment_overrides_a_secret_of_a_file(tmp_path, monkeypatch, server):
    path = tmp_path / "settings.toml"
    (tmp_path / "api.key").write_text("of-the-file")
    path.write_text(
        f"""
        [registration.my-client]
        client-id = "my-client"
        client-secret = "a secret"
        installation-id = 7
        [provider.acme]
        type = "acme"
        token-uri = "{server.token_uri}"
        api-key-file = "api.key"
        """
    )
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "REGISTRATION__MY_CLIENT__ADMIN_TOKEN").write_text("of-the-directory")
    monkeypatch.setenv("OAUTHREG_SECRETS_DIR", str(secrets))
    with AuthorizedClientManager.from_settings(path) as manager:
        manager.authorize("my-client")
        assert sent(server)["api_key"] == "of-the-file"
        (secrets / "REGISTRATION__MY_CLIENT__ADMIN_TOKEN").write_text("changed")
        manager.authorize("my-client", force=True)
        assert sent(server)["admin_token"] == "changed"
    monkeypatch.setenv("OAUTHREG_PROVIDER__ACME__API_KEY", "of-the-environment")
    with AuthorizedClientManager.from_settings(path) as manager:
        manager.authorize("my-client")
        assert sent(server)["api_key"] == "of-the-environment"


# -- options of a registration


def test_options_of_registrations_are_typed_and_tell_tokens_apart(manager, server):
    mine = {"client-id": "my-client", "client-secret": "a secret"}
    made = manager(
        provider={"acme": {"type": "acme", "token-uri": server.token_uri}},
        registration={
            "one": {**mine, "installation-id": 1},
            "two": {**mine, "installation-id": "2"},
            "one-again": {**mine, "installation-id": 1},
        },
    )
    tokens = [made.authorize(id_).access_token.token_value for id_ in ("one", "two", "one-again")]
    assert tokens[0] != tokens[1]
    assert tokens[0] == tokens[2]
    assert [dict(each.form)["installation"] for each in server.requests] == ["1", "2"]


@pytest.mark.parametrize(
    ("given", "path", "words"),
    [
        ({}, "registration.a.installation-id", "is missing"),
        ({"installation-id": "x"}, "registration.a.installation-id", "must be a whole number"),
        (
            {"installation-id": 1, "instalation-id": 2},
            "registration.a.instalation-id",
            "Did you mean 'installation-id'?",
        ),
        (
            {"installation-id": 1, "admin-token-file": "x"},
            "registration.a.admin-token-file",
            "No such file",
        ),
    ],
)
def test_an_option_that_is_wrong_is_a_problem_at_load(problems, given, path, words):
    found = problems(
        provider={"acme": {"type": "acme", "token-uri": "https://a.example/t"}},
        registration={"a": {"client-id": "a", "client-secret": "s", **given}},
    )
    assert list(found) == [path]
    assert words in found[path]


def test_a_secret_that_cannot_be_read_is_one_problem(manager):
    with pytest.raises(ConfigurationError) as caught:
        manager(
            provider={
                "acme": {
                    "type": "acme",
                    "token-uri": "https://a.example/t",
                    "api-key-ref": "env:NO",
                }
            },
            registration={
                "a": {
                    "client-id": "a",
                    "client-secret": "s",
                    "installation-id": 1,
                    "admin-token-ref": "env:NO",
                }
            },
        )
    assert [problem.path for problem in caught.value.problems] == [
        "provider.acme.api-key-ref",
        "registration.a.admin-token-ref",
    ]


@pytest.mark.parametrize("name", ["client_id", "scopes", "credentials", "refresh_token"])
def test_an_option_that_every_registration_has_is_refused(name):
    options = type("O", (RegistrationOptions,), {"__annotations__": {name: int}})
    base = ProviderPlugin[ProviderSettings, options]
    with pytest.raises(TypeError, match=rf"O\.{name}: every registration has"):
        type("Acme", (ProviderPlugin,), {"__orig_bases__": (base,)})
