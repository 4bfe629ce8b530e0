"""`oauthreg explain`: every value with its source, why it is so, and never a credential."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr

from oauthreg._explain import masks
from oauthreg._secret_values import MASK
from oauthreg.plugin import BaseUrl, ProviderPlugin, ProviderSettings
from oauthreg.testing import private_key

SECRET = "s3cret-of-the-cli"


@pytest.fixture
def explained(oauthreg):
    """`explained(...)`: run `oauthreg explain --json ...`; the whole answer."""

    def run(*arguments, **variables):
        done = oauthreg("explain", "--json", *arguments, **variables)
        assert (done.returncode, done.stderr) == (0, ""), done
        assert SECRET not in done.stdout
        return json.loads(done.stdout)

    return run


def by_path(answer):
    return {value["path"]: value for value in answer["values"]}


@pytest.fixture
def layered(tmp_path):
    """Settings in every kind of source, one over the other."""
    (tmp_path / "settings.toml").write_text(
        f"""
[defaults]
scope = "from-defaults"
refresh-before = 10

[registration.my-client]
client-id = "my-client"
client-secret = "{SECRET}"
audience = "https://base.example"
[registration.my-client.parameters]
organization = "acme"
pin = "{SECRET}"

[provider.company]
token-uri = "https://auth.example.com/token"
"""
    )
    (tmp_path / "settings.test.toml").write_text(
        '[registration.my-client]\naudience = "https://profile.example"\n'
    )
    (tmp_path / "the.env").write_text("OAUTHREG_HTTP__DEFAULT__READ_TIMEOUT=7\n")
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "registration__my_client__client_secret").write_text(SECRET)
    return [
        *("--profile", "test", "--env-file", tmp_path / "the.env", "--secrets-dir", secrets),
        "my-client",
    ]


def test_every_value_stands_with_its_source_and_what_it_overrides(explained, layered):
    variable = "OAUTHREG_REGISTRATION__MY_CLIENT__EAGER"
    answer = explained(*layered, **{variable: "true"})
    found = by_path(answer)
    path = "registration.my-client"
    sources = {key: found[f"{path}.{key}"]["source"] for key in ("client-id", "audience", "scope")}
    assert sources == {
        "client-id": "settings.toml line 7",
        "audience": "settings.test.toml line 2",
        "scope": "settings.toml line 3, defaults.scope",
    }
    audience = found[f"{path}.audience"]
    assert (audience["value"], audience["line"]) == ("https://profile.example", 2)
    (below,) = audience["overrides"]
    assert (below["value"], below["source"]) == ("https://base.example", "settings.toml line 9")
    secret = found[f"{path}.client-secret-file"]
    assert secret["kind"] == "secrets-directory"
    assert [one["value"] for one in secret["overrides"]] == [MASK]
    eager = found[f"{path}.eager"]
    assert (eager["value"], eager["variable"]) == (True, variable)
    assert found["http.default.read-timeout"]["kind"] == "env-file"
    assert found["http.default.read-timeout"]["value"] == 7
    assert found["http.default.connect-timeout"]["source"] == "default"
    assert found[f"{path}.default-lifetime"]["value"] == 300
    provider = found[f"{path}.provider"]
    assert provider["source"] == "rule: the only provider configured"


def test_parameters_are_shown_only_where_they_are_no_credentials(explained, layered):
    found = by_path(explained(*layered))
    path = "registration.my-client.parameters"
    assert found[f"{path}.organization"]["value"] == "acme"
    assert found[f"{path}.pin"]["value"] == MASK


def test_why_and_how_long_are_said(explained, layered):
    answer = explained(*layered)
    assert answer["why"]["provider"] == "company: the only provider configured"
    assert answer["why"]["plugin"].startswith("generic: no type is set")
    assert answer["why"]["method"].startswith("client_secret_basic: default")
    assumed = answer["tokens"][0]
    assert assumed["assumed"]
    assert assumed["renewed-after"] == [290, 290]  # refresh-before = 10, and the safety margin
    assert assumed["used-for"] == 290


def test_the_request_is_shown_without_credentials(explained, layered):
    request = explained(*layered)["request"]
    assert (request["method"], request["url"]) == ("POST", "https://auth.example.com/token")
    assert request["headers"]["Authorization"] == f"Basic {MASK}"
    assert ["scope", "from-defaults"] in request["form"]
    assert ["pin", MASK] in request["form"]


def test_a_plugin_and_its_defaults_are_named(explained, tmp_path):
    (tmp_path / "settings.toml").write_text(
        '[registration.one]\nprovider = "kc"\nclient-id = "a"\nclient-secret = "b"\n'
        '[provider.kc]\ntype = "keycloak"\nbase-url = "https://kc.example"\nrealm = "r"\n'
    )
    answer = explained("one")
    found = by_path(answer)
    assert found["provider.kc.issuer-uri"]["source"] == "plugin keycloak"
    assert found["provider.kc.realm"]["source"] == "settings.toml line 8"
    assert "named by type (settings.toml line 6)" in answer["why"]["plugin"]
    assert "metadata" in answer["request"]["url"]


def test_online_says_what_the_metadata_adds(explained, server, settings):
    settings.write_text(
        settings.read_text().replace(
            f'token-uri = "{server.token_uri}"', f'issuer-uri = "{server.issuer}"'
        )
    )
    assert server.metadata_requests == 0
    answer = explained("my-client", "--online")
    found = by_path(answer)
    path = "provider.my-provider"
    assert found[f"{path}.token-uri"]["kind"] == "discovery"
    assert answer["request"]["url"] == server.token_uri
    assert answer["why"]["method"].endswith("the metadata lists it")
    assert (server.metadata_requests, server.token_requests) == (1, 0)


def test_online_asks_nobody_where_there_is_no_metadata(explained, server, settings):
    assert explained("my-client", "--online")["request"]["url"] == server.token_uri
    assert server.requests == []


@pytest.fixture
def key(tmp_path):
    pem = generate_private_key(65537, 2048).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    (tmp_path / "key.pem").write_bytes(pem)


GRANTS = {
    "refresh_token": f'authorization-grant-type = "refresh_token"\nrefresh-token = "{SECRET}"',
    "device": 'authorization-grant-type = "device_code"',
    "password": 'authorization-grant-type = "password"\nallow-insecure-grants = true\n'
    f'username = "alice"\npassword = "{SECRET}"',
    "exchange": 'authorization-grant-type = "token-exchange"',
    "chained": 'authorization-grant-type = "token-exchange"\n'
    'subject-token = "registration:refresh_token"',
    "bearer": 'authorization-grant-type = "jwt-bearer"\nprivate-key-file = "key.pem"\n'
    'username = "alice"',
    "signed": 'private-key-file = "key.pem"\nclient-authentication-method = "private_key_jwt"',
    "jwt": 'client-authentication-method = "client_secret_jwt"',
    "post": 'client-authentication-method = "client_secret_post"\ndpop = true',
    "headers": f'headers = {{ X-Key = "{SECRET}" }}',
}


@pytest.mark.parametrize("name", GRANTS)
def test_the_request_of_every_grant_is_shown_and_nothing_secret(explained, tmp_path, key, name):
    tables = [
        f'[registration.{one}]\nprovider = "company"\nclient-id = "a"\n'
        f'client-secret = "{SECRET}-of-32-bytes-at-the-least"\n{lines}\n'
        for one, lines in GRANTS.items()
    ]
    company = '[provider.company]\ntoken-uri = "https://auth.example.com/token"\n'
    (tmp_path / "settings.toml").write_text("\n".join([*tables, company]))
    request = explained(name)["request"]
    assert request["url"] == "https://auth.example.com/token", request
    form = dict(map(tuple, request["form"]))
    assert "grant_type" in form
    assert "eyJ" not in json.dumps(request)
    shown = {key for key, value in form.items() if value != MASK}
    assert not shown & {"password", "refresh_token", "subject_token", "assertion", "client_secret"}


def test_implicit_has_no_token_request(explained, tmp_path):
    (tmp_path / "settings.toml").write_text(
        '[registration.one]\nclient-id = "a"\nauthorization-grant-type = "implicit"\n'
        'allow-insecure-grants = true\nclient-authentication-method = "none"\n'
        'redirect-uri = "https://app.example/cb"\n'
        '[provider.p]\nissuer-uri = "https://auth.example.com"\n'
    )
    assert explained("one")["request"].startswith("none")


def test_a_key_that_is_not_there_now_is_told_instead_of_the_request(explained, tmp_path, key):
    (tmp_path / "settings.toml").write_text(
        '[registration.one]\nclient-id = "a"\nprivate-key-ref = "keyring:no/entry"\n'
        'client-authentication-method = "private_key_jwt"\n'
        '[provider.p]\ntoken-uri = "https://auth.example.com/token"\n'
    )
    assert "keyring:no/entry" in explained("one")["request"]


def test_a_spring_file_is_explained_by_its_lines(explained, tmp_path):
    (tmp_path / "application.yml").write_text(
        "spring:\n  security:\n    oauth2:\n      client:\n        registration:\n"
        "          one:\n            provider: p\n            client-id: ${ID:abc}\n"
        "            client-secret: x\n"
        "            authorization-grant-type: client_credentials\n        provider:\n"
        "          p:\n            token-uri: https://auth.example.com/token\n"
    )
    found = by_path(explained("one", "-s", "application.yml"))
    client_id = found["registration.one.client-id"]
    assert (client_id["value"], client_id["line"]) == ("abc", 8)


def test_people_read_it_as_lines(oauthreg, layered):
    done = oauthreg("explain", *layered)
    assert done.returncode == 0
    assert SECRET not in done.stdout
    assert "<- settings.test.toml line 2" in done.stdout
    assert "overrides https://base.example   <- settings.toml line 9" in done.stdout
    assert "connect-timeout" not in done.stdout
    assert "POST https://auth.example.com/token" in done.stdout
    assert "connect-timeout" in oauthreg("explain", "--all", *layered).stdout


def test_other_registrations_may_be_wrong(oauthreg, settings):
    with settings.open("a") as file:
        file.write('[registration.other]\nprovider = "my-provider"\nclient-idd = "x"\n')
    assert oauthreg("explain", "my-client").returncode == 0
    done = oauthreg("explain", "other")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Did you mean 'client-id'?" in done.stderr


def test_an_unknown_id_and_no_settings_are_exit_2_with_advice(oauthreg, settings):
    done = oauthreg("explain", "my-clint")
    assert done.returncode == 2
    assert "Did you mean 'my-client'?" in done.stderr
    settings.unlink()
    done = oauthreg("explain", "my-client")
    assert done.returncode == 2
    assert "oauthreg init" in done.stderr


@pytest.mark.parametrize(
    ("key", "leaf", "value", "shown"),
    [
        ("client-secret", "client-secret", SECRET, MASK),
        ("client-secret", "client-secrets", [SECRET, {"file": "a"}], [MASK, {"file": "a"}]),
        ("client-secret", "client-secret-file", "a.secret", "a.secret"),
        ("subject-token", "subject-token", "registration:other", "registration:other"),
        ("subject-token", "subject-token", SECRET, MASK),
        ("headers", "X-Any", SECRET, MASK),
        ("admin-password", "admin-password", SECRET, MASK),
        ("proxy", "proxy", f"http://me:{SECRET}@proxy:1", f"http://{MASK}@proxy:1"),
        ("token-uri", "token-uri", f"https://a/t?key={SECRET}", f"https://a/t?{MASK}"),
        ("urls", "urls", ("https://a",), ["https://a"]),
        ("anything", "anything", object, str(object)),
    ],
)
def test_what_may_be_shown_of_a_setting(key, leaf, value, shown):
    assert masks.setting(key, leaf, value) == shown


def test_an_authorization_header_of_one_word_is_masked_whole():
    assert masks.header("authorization", SECRET) == MASK


class AcmeSettings(ProviderSettings):
    base_url: BaseUrl
    pin: SecretStr


class Acme(ProviderPlugin[AcmeSettings]):
    token_uri = "{base_url}/token"


def test_a_setting_of_a_plugin_is_a_credential_by_its_type(explained, tmp_path, monkeypatch):
    monkeypatch.setattr("oauthreg._settings.providers.provider_plugin", lambda _name: Acme)
    (tmp_path / "settings.toml").write_text(
        '[registration.one]\nclient-id = "a"\nclient-secret = "b"\n'
        f'[provider.a]\ntype = "acme"\nbase-url = "https://a.example"\npin = "{SECRET}"\n'
    )
    (tmp_path / "settings.test.toml").write_text(f'[provider.a]\npin = "{SECRET}-2"\n')
    found = by_path(explained("one", "--profile", "test"))
    pin = found["provider.a.pin"]
    assert (pin["value"], [one["value"] for one in pin["overrides"]]) == (MASK, [MASK])
    assert found["provider.a.token-uri"]["source"] == "plugin acme"


def test_a_plugins_settings_of_a_registration_and_its_document_are_shown_with_their_sources(
    oauthreg, explained, write, tmp_path
):
    document = {"client_email": "orders@acme.example", "private_key": private_key()}
    (tmp_path / "key.json").write_text(json.dumps(document))
    write(
        '[registration.app]\nprovider = "github-app"\nclient-id = "app"\ninstallation-id = 7',
        'private-key-file = "key.pem"\n[provider.github-app]\ntype = "github-app"',
        '[registration.google]\nauthorization-grant-type = "jwt-bearer"',
        'provider = "google"\ncredentials-file = "key.json"',
    )
    (tmp_path / "key.pem").write_text(private_key())
    app = by_path(explained("app"))
    assert app["registration.app.installation-id"]["value"] == 7
    assert app["registration.app.client-id"]["value"] == "app"
    google = by_path(explained("google"))
    assert google["registration.google.credentials-file"]["value"] == "key.json"
    assert google["registration.google.client-id"]["value"] == "orders@acme.example"
    assert google["registration.google.private-key"]["value"] == MASK
    assert "key.json" in google["registration.google.client-id"]["source"]
    assert '"credentials-file"' in oauthreg("list", "--json").stdout
