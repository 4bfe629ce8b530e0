"""What settings become: defaults, profiles, credentials, the grants of Spring files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from oauthreg._errors import ConfigurationError
from oauthreg._secret_values import EnvironmentSecret, FileSecret, KeyringSecret, LiteralSecret
from oauthreg._settings.load import load

if TYPE_CHECKING:
    from pathlib import Path

ID = 'client-id = "id"\n'
GOOD = f'{ID}client-secret = "a-secret"\n'
PROVIDER = '\n[provider.p]\ntoken-uri = "https://auth.example.com/token"\n'


@pytest.fixture
def one(loaded):
    """Load one registration; give it."""
    return lambda text, more="": (
        loaded(f"[registration.app]\n{text}\n{PROVIDER}{more}").entries["app"].registration
    )


def test_everything_has_its_default(one):
    registration = one(GOOD)
    assert registration.authorization_grant_type == "client_credentials"
    assert registration.client_name == "app"
    assert registration.default_lifetime == 300
    assert registration.http.total_timeout == 10
    assert registration.scopes == ()
    assert registration.provider.chosen_by == "the only provider configured"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ('"a b"', ("a", "b")),
        ('"a,b"', ("a", "b")),
        ('"a,b c"', ("a,b", "c")),
        ('["a", "b,c"]', ("a", "b,c")),
        ('""', ()),
    ],
)
def test_scopes_are_split_at_spaces_else_at_commas_and_lists_never(one, said, meant):
    assert one(f"{GOOD}scope = {said}").scopes == meant


def test_defaults_lie_under_a_registration_and_tables_merge(one):
    more = '[defaults]\nscope = "d"\nmax-lifetime = 60\nheaders = { A = "1", B = "1" }\n'
    registration = one(f'{GOOD}scope = "own"\nheaders = {{ B = "2" }}', more)
    assert registration.scopes == ("own",)
    assert registration.max_lifetime == 60
    assert registration.headers == {"A": "1", "B": "2"}


def test_numbers_and_switches_in_parameters_become_text(one):
    registration = one(f"{GOOD}parameters = {{ n = 1, yes = true, no = false }}")
    assert registration.parameters == {"n": "1", "yes": "true", "no": "false"}


def test_http_profiles_build_on_the_default_one(one, tmp_path):
    more = (
        '[http.default]\nread-timeout = 3\nca-bundle = "ca.pem"\n[http.slow]\ntotal-timeout = 60\n'
    )
    (tmp_path / "ca.pem").write_text("roots")
    profile = one(f'{GOOD}http = "slow"', more).http
    assert (profile.read_timeout, profile.total_timeout, profile.connect_timeout) == (3, 60, 5)
    assert profile.ca_bundle == tmp_path / "ca.pem"


def test_secrets_come_from_everywhere_in_order(one, tmp_path, monkeypatch):
    (tmp_path / "one.txt").write_text("1")
    monkeypatch.setenv("TWO", "2")
    text = (
        'client-secrets = ["literal", { file = "one.txt" }, { ref = "env:TWO" }, '
        '{ ref = "file:one.txt" }, { ref = "keyring:service/user" }]'
    )
    kinds = [type(source) for source in one(ID + text).client_secrets]
    assert kinds == [LiteralSecret, FileSecret, EnvironmentSecret, FileSecret, KeyringSecret]


def certificate(folder: Path, *, days: int = 1, since: int = 0, key=None, encrypted=False):
    own = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "app")])
    start = datetime.now(UTC) + timedelta(days=since)
    made = x509.CertificateBuilder(
        name, name, own.public_key(), 1, start, start + timedelta(days=days)
    ).sign(own, hashes.SHA256())
    lock = BestAvailableEncryption(b"x") if encrypted else NoEncryption()
    key_text = (key or own).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)
    (folder / "app.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "app-key.pem").write_bytes(key_text)


FILES = 'certificate-file = "app.pem"\ncertificate-key-file = "app-key.pem"\n'


def test_a_certificate_is_checked_and_kept_by_its_files(one, tmp_path):
    certificate(tmp_path)
    registration = one(ID + FILES)
    assert registration.certificate.certificate_file == tmp_path / "app.pem"


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ({"since": -3, "days": 1}, "the certificate expired on"),
        ({"since": 2, "days": 1}, "is not valid until"),
        ({"key": ec.generate_private_key(ec.SECP256R1())}, "is not the certificate's"),
        ({"encrypted": True}, "is no unencrypted PEM private key"),
    ],
)
def test_a_certificate_that_cannot_work_is_a_problem(problems, tmp_path, made, message):
    certificate(tmp_path, **made)
    found = problems(f"[registration.app]\n{ID}{FILES}\n{PROVIDER}")
    assert message in found["registration.app.certificate-file"].message


def test_a_key_of_its_own_needs_its_certificate(problems, tmp_path):
    certificate(tmp_path)
    text = f'[registration.app]\n{GOOD}certificate-key-file = "app-key.pem"\n{PROVIDER}'
    assert "only its key" in problems(text)["registration.app.certificate-file"].message


def test_a_private_key_may_be_named_with_its_certificate(one, tmp_path):
    certificate(tmp_path)
    registration = one(f'{ID}private-key-file = "app-key.pem"\n{FILES}')
    assert "x5t#S256" in registration.signing_key.read().header


def test_a_private_key_may_be_written_or_referred_to(one, tmp_path, monkeypatch):
    certificate(tmp_path)
    text = (tmp_path / "app-key.pem").read_text()
    monkeypatch.setenv("APP_KEY", text)
    assert one(f'{ID}private-key-ref = "env:APP_KEY"').signing_key.read().algorithm == "ES256"
    assert one(f'{ID}private-key = """{text}"""').signing_key.read().algorithm == "ES256"


def test_a_dpop_key_of_a_wrong_kind_is_a_problem(problems, tmp_path):
    (tmp_path / "key.jwk").write_text('{"kty": "oct", "k": "AA"}')
    text = f'[registration.app]\n{GOOD}dpop = true\ndpop-key-file = "key.jwk"\n{PROVIDER}'
    assert "it is a symmetric key" in problems(text)["registration.app.dpop-key-file"].message


def test_a_client_secret_cannot_sign_as_a_private_key_does(problems):
    method = 'client-authentication-method = "client_secret_jwt"\nsigning-algorithm = "RS256"\n'
    problem = problems(f"[registration.app]\n{GOOD}{method}{PROVIDER}")[
        "registration.app.signing-algorithm"
    ]
    assert problem.message == "must be one of HS256, HS384, HS512 for client_secret_jwt"


def test_the_bearer_grant_about_a_user_needs_a_key(problems):
    text = f'[registration.app]\n{GOOD}authorization-grant-type = "jwt-bearer"\nusername = "u"\n'
    assert "it signs the assertion" in (
        problems(text + PROVIDER)["registration.app.private-key-file"].message
    )


def spring(folder: Path, *lines: str) -> Path:
    prefix = "spring.security.oauth2.client."
    path = folder / "application.properties"
    path.write_text("".join(f"{prefix}{line}\n" for line in lines))
    return path


APP = ("registration.app.client-id=id", "registration.app.client-secret=s")


def test_a_spring_file_has_springs_default_grant(tmp_path):
    issuer = "provider.p.issuer-uri=https://auth.example.com"
    configuration = load(spring(tmp_path, *APP, issuer))
    assert (
        configuration.entries["app"].registration.authorization_grant_type == "authorization_code"
    )


def test_a_spring_file_without_discovery_must_say_its_grant(tmp_path):
    token = "provider.p.token-uri=https://auth.example.com/token"
    with pytest.raises(Exception, match=r"(?s)authorization-grant-type.*is missing.*Spring file"):
        load(spring(tmp_path, *APP, token))
    grant = "registration.app.authorization-grant-type=client_credentials"
    configuration = load(spring(tmp_path, *APP, token, grant))
    assert configuration.entries["app"].registration.client_id == "id"


def test_a_common_provider_needs_its_name_only(tmp_path):
    lines = ("registration.github.client-id=id", "registration.github.client-secret=s")
    registration = load(spring(tmp_path, *lines)).entries["github"].registration
    assert registration.scopes == ("read:user",)
    assert registration.provider.token_uri == "https://github.com/login/oauth/access_token"


COMMON = {
    "google": ("Google", "client_secret_basic", ("openid", "profile", "email"), "sub"),
    "github": ("GitHub", "client_secret_basic", ("read:user",), "id"),
    "facebook": ("Facebook", "client_secret_post", ("public_profile", "email"), "id"),
    "x": ("X", "client_secret_post", ("users.read", "tweet.read"), "username"),
}


@pytest.mark.parametrize("name", COMMON)
def test_each_common_provider_has_springs_defaults(tmp_path, name):
    lines = (f"registration.{name}.client-id=id", f"registration.{name}.client-secret=s")
    one = load(spring(tmp_path, *lines)).entries[name].registration
    found = one.client_name, one.client_authentication_method, one.scopes
    assert (*found, one.provider.user_name_attribute) == COMMON[name]
    assert (one.authorization_grant_type, one.redirect_uri) == ("authorization_code", None)


def test_a_common_provider_stays_where_another_is_configured(tmp_path):
    lines = (
        "registration.google.client-id=id",
        "registration.google.client-secret=s",
        "provider.kakao.token-uri=https://kauth.kakao.com/oauth/token",
    )
    one = load(spring(tmp_path, *lines)).entries["google"].registration
    assert one.provider.token_uri == "https://www.googleapis.com/oauth2/v4/token"


def test_only_leaves_out_what_is_wrong_with_other_registrations_of_a_spring_file(tmp_path):
    path = spring(
        tmp_path,
        *APP,
        "registration.app.authorization-grant-type=client_credentials",
        "registration.app.provider=p",
        "registration.kakao.client-id=${KAKAO_ID}",
        "registration.kakao.api-key=x",
        "registration[na.ver].client-secret={cipher}x",
        "provider.p.token-uri=https://auth.example.com/token",
        "provider.kakao.logout-uri=${NOWHERE}",
    )
    variable = "SPRING_SECURITY_OAUTH2_CLIENT_REGISTRATION_KAKAO_CLIENTNAME"
    assert [*load(path, only=["app"], environ={variable: "${NO}"}).entries] == ["app"]
    with pytest.raises(ConfigurationError) as raised:
        load(path, environ={variable: "${NO}"})
    assert len(raised.value.problems) >= 5


def test_okta_has_springs_defaults_where_its_addresses_are_given(tmp_path):
    lines = ("registration.okta.client-id=id", "registration.okta.client-secret=s")
    addresses = (
        "provider.okta.token-uri=https://d.okta.com/token",
        "provider.okta.authorization-uri=https://d.okta.com/authorize",
    )
    one = load(spring(tmp_path, *lines, *addresses)).entries["okta"].registration
    assert (one.client_name, one.client_authentication_method) == ("Okta", "client_secret_basic")
    assert one.scopes == ("openid", "profile", "email")
    assert one.authorization_grant_type == "authorization_code"
    issuer = "provider.okta.issuer-uri=https://d.okta.com"
    found = load(spring(tmp_path, *lines, issuer)).entries["okta"].registration
    assert (found.scopes, found.authorization_grant_type) == ((), "authorization_code")


def test_a_secret_in_a_variable_changes_no_default_of_a_spring_file(tmp_path):
    issuer = "provider.p.issuer-uri=https://auth.example.com"
    path = spring(tmp_path, "registration.app.client-id=id", issuer)
    for variable in (
        "OAUTHREG_REGISTRATION__APP__CLIENT_SECRET",
        "SPRING_SECURITY_OAUTH2_CLIENT_REGISTRATION_APP_CLIENTSECRET",
    ):
        one = load(path, environ={variable: "s"}).entries["app"].registration
        assert one.authorization_grant_type == "authorization_code"
        assert one.client_secrets


def test_each_setting_of_a_registration_reaches_it(one, tmp_path):
    settings = """
        authorization-parameters = { prompt = "consent" }
        pushed-authorization-requests = false
        dpop = "optional"
        principal = "me"
        shared = false
        allow-readable = true
        http = "slow"
    """
    registration = one(GOOD + settings, "[http.slow]\nmax-connections = 4\n")
    assert registration.authorization_parameters == {"prompt": "consent"}
    assert registration.pushed_authorization_requests is False
    assert registration.prover is not None
    assert registration.dpop_optional
    assert registration.principal == "me"
    assert registration.shared is False
    assert registration.allow_readable
    assert registration.http.max_connections == 4


def test_what_is_left_out_is_told_from_what_is_off(one):
    registration = one(GOOD + "dpop = true")
    assert not registration.dpop_optional
    assert registration.pushed_authorization_requests is None
    assert registration.shared is None


def test_the_environment_of_a_deployment_is_one_setting_for_all(loaded, monkeypatch):
    assert loaded('environment = "test"').environment == "test"
    monkeypatch.setenv("OAUTHREG_ENVIRONMENT", "production")
    assert loaded('environment = "test"').environment == "production"
    monkeypatch.delenv("OAUTHREG_ENVIRONMENT")
    assert loaded("").environment is None
