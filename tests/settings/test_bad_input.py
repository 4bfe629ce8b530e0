"""Every kind of wrong setting is one problem: which setting, where it stands, what to do."""

from __future__ import annotations

import pytest

from oauthreg import AuthorizedClientManager

PROVIDER = '\n[provider.p]\ntoken-uri = "https://auth.example.com/token"\n'
SECRET = "planted-secret-value"
GOOD = f'client-id = "id"\nclient-secret = "{SECRET}"\n'

REGISTRATION = {
    "a misspelt key": (GOOD + 'client-idd = "x"', "client-idd", "there is no such setting"),
    "no client id": (f'client-secret = "{SECRET}"', "client-id", "is missing"),
    "an empty client id": (f'client-id = ""\nclient-secret = "{SECRET}"', "client-id", "empty"),
    "no secret": ('client-id = "id"', "client-secret", "is missing"),
    "an unknown grant": (
        GOOD + 'authorization-grant-type = "client_credential"',
        "authorization-grant-type",
        "must be one of client_credentials, ",
    ),
    "an unknown method": (
        GOOD + 'client-authentication-method = "basic"',
        "client-authentication-method",
        "must be one of client_secret_basic, ",
    ),
    "a parameter of the login's own": (
        GOOD + 'authorization-parameters = { state = "x" }',
        "authorization-parameters",
        "must not hold state",
    ),
    "another client's id": (
        GOOD + 'parameters = { client_id = "other" }',
        "parameters",
        "another client_id than client-id",
    ),
    "bound tokens without a certificate": (
        GOOD + "certificate-bound-tokens = true",
        "certificate-file",
        "certificate-bound-tokens needs it",
    ),
    "an unknown provider": (GOOD + 'provider = "q"', "provider", "there is no provider 'q'"),
    "an unknown http profile": (GOOD + 'http = "slow"', "http", "there is no http profile"),
    "a scope with a quote": (GOOD + "scope = 'a\"b'", "scope", "RFC 6749"),
    "an address pattern that is none": (GOOD + 'urls = "api.example.com"', "urls", "must"),
    "a relative resource": (GOOD + 'resource = "api"', "resource", "RFC 8707"),
    "a parameter of its own": (
        GOOD + 'parameters = { scope = "x" }',
        "parameters",
        "another setting sets it",
    ),
    "a header of the request's own": (
        GOOD + 'headers = { authorization = "x" }',
        "headers",
        "the request has its own",
    ),
    "a header of two lines": (
        GOOD + 'headers = { X-A = "a\\r\\nb" }',
        "headers",
        "RFC 9110",
    ),
    "a redirect address that is none": (GOOD + 'redirect-uri = "foo"', "redirect-uri", "absolute"),
    "a negative window": (
        GOOD + "refresh-before = -1",
        "refresh-before",
        "must be from 0 to",
    ),
    "a lifetime that is no number": (
        GOOD + 'default-lifetime = "long"',
        "default-lifetime",
        "must be a number of seconds",
    ),
    "a secret given twice": (
        GOOD + 'client-secret-file = "secret.txt"',
        "client-secret-file",
        "client-secret and client-secret-file stand in one place",
    ),
    "a secret file that is not there": (
        'client-id = "id"\nclient-secret-file = "missing.txt"',
        "client-secret-file",
        "there is no file",
    ),
    "an empty secret file": (
        'client-id = "id"\nclient-secret-file = "empty.txt"',
        "client-secret-file",
        "the file is empty",
    ),
    "a secret of an unknown scheme": (
        'client-id = "id"\nclient-secret-ref = "vualt:kv/app"',
        "client-secret-ref",
        "no source of secrets called 'vualt'",
    ),
    "a reference without a scheme": (
        'client-id = "id"\nclient-secret-ref = "NAME"',
        "client-secret-ref",
        "must be a scheme and a reference",
    ),
    "an environment variable that is not set": (
        'client-id = "id"\nclient-secret-ref = "env:NOT_SET_ANYWHERE"',
        "client-secret-ref",
        "NOT_SET_ANYWHERE is not set",
    ),
    "a keyring reference without a user": (
        'client-id = "id"\nclient-secret-ref = "keyring:service"',
        "client-secret-ref",
        "keyring:service/user",
    ),
    "an empty list of secrets": (
        'client-id = "id"\nclient-secrets = []',
        "client-secrets",
        "at least one",
    ),
    "a list with something else": (
        'client-id = "id"\nclient-secrets = [{ file = "a", ref = "b:c" }]',
        "client-secrets",
        "either file or ref",
    ),
    "a private key that is not there": (
        'client-id = "id"\nclient-authentication-method = "private_key_jwt"',
        "private-key-file",
        "private_key_jwt needs it",
    ),
    "a private key that is none": (
        'client-id = "id"\nprivate-key-file = "empty.txt"',
        "private-key-file",
        "neither PEM, JWK nor PKCS#12",
    ),
    "a certificate that is not there": (
        'client-id = "id"\ncertificate-file = "missing.pem"',
        "certificate-file",
        "there is no file",
    ),
    "a certificate that is none": (
        'client-id = "id"\ncertificate-file = "empty.txt"',
        "certificate-file",
        "is no PEM certificate",
    ),
    "a method without its certificate": (
        'client-id = "id"\nclient-authentication-method = "tls_client_auth"',
        "certificate-file",
        "tls_client_auth needs it",
    ),
    "an assertion file that is not there": (
        'client-id = "id"\nassertion-file = "missing.jwt"',
        "assertion-file",
        "there is no file",
    ),
    "a dpop key without dpop": (GOOD + 'dpop-key-file = "empty.txt"', "dpop", "is off"),
    "an insecure grant": (
        GOOD + 'authorization-grant-type = "password"\nusername = "u"\npassword = "p"',
        "authorization-grant-type",
        "off by default",
    ),
    "a password grant without a user": (
        GOOD + 'authorization-grant-type = "password"\nallow-insecure-grants = true',
        "username",
        "is missing",
    ),
}


@pytest.mark.parametrize(("text", "leaf", "message"), REGISTRATION.values(), ids=REGISTRATION)
def test_a_wrong_registration_names_setting_and_place(problems, tmp_path, text, leaf, message):
    (tmp_path / "empty.txt").write_text("")
    found = problems(f"[registration.my-client]\n{text}\n{PROVIDER}")
    problem = found[f"registration.my-client.{leaf}"]
    assert message in problem.message
    assert str(tmp_path / "settings.toml") in problem.source
    assert "line " in problem.source


OTHERS = {
    "http off loopback": (
        '[provider.a]\ntoken-uri = "http://auth.example.com/token"',
        "provider.a.token-uri",
        "must be https",
    ),
    "an address that is none": (
        '[provider.a]\ntoken-uri = "auth.example.com"',
        "provider.a.token-uri",
        "absolute https address",
    ),
    "credentials in an address": (
        f'[provider.a]\ntoken-uri = "https://u:{SECRET}@auth.example.com/t"',
        "provider.a.token-uri",
        "must not carry credentials",
    ),
    "no address at all": ("[provider.a]\n", "provider.a", "neither token-uri nor issuer-uri"),
    "an unknown plugin": (
        '[provider.a]\ntype = "keycloack"\nrealm = "r"',
        "provider.a.type",
        "no provider plugin called 'keycloack'",
    ),
    "a misspelt provider key": (
        '[provider.a]\ntoken-url = "https://a.example/t"',
        "provider.a.token-url",
        "there is no such setting",
    ),
    "a misspelt http key": (
        "[http.default]\nconect-timeout = 1",
        "http.default.conect-timeout",
        "there is no such setting",
    ),
    "a timeout of nothing": (
        "[http.slow]\ntotal-timeout = 0",
        "http.slow.total-timeout",
        "must be more than 0",
    ),
    "a proxy that is no address": (
        '[http.default]\nproxy = "proxy:3128"',
        "http.default.proxy",
        "address of an http proxy",
    ),
    "roots that are not there": (
        '[http.default]\nca-bundle = "missing.pem"',
        "http.default.ca-bundle",
        "there is no file 'missing.pem'",
    ),
    "an unknown store": ('[store]\ntype = "rediss"', "store.type", "memory, redis, sql, sqlite"),
    "a credential among the defaults": (
        f'[defaults]\nclient-secret = "{SECRET}"',
        "defaults.client-secret",
        "must not be a default",
    ),
}


@pytest.mark.parametrize(("text", "path", "message"), OTHERS.values(), ids=OTHERS)
def test_a_wrong_table_names_setting_and_place(problems, text, path, message):
    assert message in problems(text)[path].message


def test_every_problem_of_every_registration_comes_at_once(problems):
    found = problems(
        f"""
        [registration.one]
        client-idd = "x"
        client-secret = "{SECRET}"
        scope = 'a"b'
        provider = "nowhere"
        [registration.two]
        client-id = "two"
        client-secret-file = "missing.txt"
        resource = "relative"
        [provider.a]
        token-uri = "http://auth.example.com/token"
        [provider.b]
        type = "nonesuch"
        """
    )
    assert set(found) == {
        "registration.one.client-idd",
        "registration.one.scope",
        "registration.one.provider",
        "registration.two.client-secret-file",
        "registration.two.resource",
        "registration.two.provider",
        "provider.a.token-uri",
        "provider.b.type",
    }
    assert found["registration.one.client-idd"].remedy == "Did you mean 'client-id'?"


def test_only_resolves_just_what_is_named(loaded, problems):
    text = f'[registration.good]\n{GOOD}\n[registration.bad]\nclient-id = ""\n{PROVIDER}'
    assert set(loaded(text, only=["Good"]).entries) == {"good"}
    assert "registration.other" in problems(text, only=["other"])


def test_invalid_toml_names_line_and_column(problems):
    (problem,) = problems('[registration.a]\nclient-id = "x\n').values()
    assert "line 2" in str(problem)
    assert "column" in str(problem)


def test_a_directory_instead_of_a_secret_file_is_a_problem(problems):
    text = f'[registration.a]\nclient-id = "x"\nclient-secret-file = "."\n{PROVIDER}'
    assert "registration.a.client-secret-file" in problems(text)


def test_a_chain_of_registrations_that_comes_back_is_a_circle(problems):
    exchange = GOOD + 'authorization-grant-type = "token-exchange"\n'
    found = problems(
        f"""
        [registration.a]\n{exchange}subject-token = "registration:B"
        [registration.b]\n{exchange}subject-token = "registration:a"
        [registration.c]\n{exchange}subject-token = "registration:a"
        [registration.d]\n{exchange}subject-token = "registration:nowhere"
        {PROVIDER}"""
    )
    assert found["registration.a.subject-token"].message == "is a circle: a -> b -> a"
    assert found["registration.b.subject-token"].message == "is a circle: b -> a -> b"
    assert "no registration 'nowhere'" in found["registration.d.subject-token"].message
    assert len(found) == 3


def test_only_takes_one_id_as_text():
    settings = {
        "registration": {
            "my-client": {"client-id": "a", "client-secret": "a-secret"},
            "other": {"client-id": "b"},
        },
        "provider": {"p": {"token-uri": "https://auth.example.com/token"}},
    }
    with AuthorizedClientManager.from_settings(settings, only="my-client") as manager:
        assert set(manager.registrations) == {"my-client"}
