"""A secret where a path, a reference or a name belongs stands in no error."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from oauthreg import AuthorizedClientManager, ConfigurationError

SECRET = "m4rkS3cret-value"
PEM = (
    ec.generate_private_key(ec.SECP256R1())
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode()
)
JWT = f"eyJhbGciOiJub25lIn0.{SECRET}.c2ln"
TOKEN_EXCHANGE = {"authorization-grant-type": "token-exchange"}
FILES = [
    "client-secret-file",
    "private-key-file",
    "private-key-passphrase-file",
    "password-file",
    "refresh-token-file",
    "subject-token-file",
    "assertion-file",
    "certificate-file",
    "certificate-key-file",
    "dpop-key-file",
]
REFERENCES = [leaf.replace("-file", "-ref") for leaf in FILES[:6] if "passphrase" not in leaf]
NAMES = ["provider", "http", "client-authentication-method", "signing-algorithm", "basic-encoding"]
NAMES += ["authorization-grant-type", "dpop", "eager", "refresh-before", "default-lifetime"]


def text_of_problems(registration=None, provider=None, **tables):
    settings = {
        "registration": {"a": {"client-id": "id", **(registration or {})}},
        "provider": {"p": {"token-uri": "https://sso.example.com/token", **(provider or {})}},
        **tables,
    }
    with pytest.raises(ConfigurationError) as caught:
        AuthorizedClientManager.from_settings(settings)
    return f"{caught.value}\n{caught.value.problems!r}".lower()


@pytest.mark.parametrize("key", FILES)
@pytest.mark.parametrize(
    "value", [SECRET, f"C\\{SECRET}", PEM, PEM.replace("\n", "\\n"), JWT, "x/+" * 99]
)
def test_in_the_place_of_a_file(key, value):
    text = text_of_problems({"dpop": True, "client-secret": "s", key: value})
    assert key in text
    for secret in (SECRET, PEM.splitlines()[1], "x/+x"):
        assert secret.lower() not in text


@pytest.mark.parametrize("key", REFERENCES)
@pytest.mark.parametrize(
    "value",
    [SECRET, f"env:{SECRET}", f"file:{SECRET}", f"{SECRET}:rest", f"8fJ:{SECRET}", PEM, JWT],
)
def test_in_the_place_of_a_reference(key, value):
    text = text_of_problems({key: value})
    assert key in text
    for secret in (SECRET, PEM.splitlines()[1], "8fj:"):
        assert secret.lower() not in text


@pytest.mark.parametrize("item", [{"file": SECRET}, {"ref": f"env:{SECRET}"}, {"files": SECRET}])
def test_in_a_list_of_secrets(item):
    assert SECRET.lower() not in text_of_problems({"client-secrets": [item]})


MARKED = SECRET.replace("-", "")


@pytest.mark.parametrize("key", ["client-secret", "password", "refresh-token"])
@pytest.mark.parametrize("written", ["<{}>", "{{{}}}", "a${{{}}}z", "%{}%", "ENC({})"])
def test_in_what_looks_like_a_placeholder(key, written):
    text = text_of_problems({"client-secret": "s", key: written.format(MARKED)})
    assert key in text
    assert MARKED.lower() not in text


@pytest.mark.parametrize("value", [PEM, f"{SECRET}/a", f"https://u:{SECRET}@h/x", "x/+" * 300])
def test_in_the_place_of_a_stores_file(value):
    text = text_of_problems({"client-secret": "s"}, store={"type": "sqlite", "path": value})
    assert "store.path" in text
    for secret in (SECRET, PEM.splitlines()[1], "x/+x"):
        assert secret.lower() not in text


@pytest.mark.parametrize("key", NAMES)
def test_in_the_place_of_a_name(key):
    text = text_of_problems({key: SECRET, "client-secret": "s"})
    assert key in text
    assert SECRET.lower() not in text


def test_in_the_place_of_another_registration():
    registration = {
        **TOKEN_EXCHANGE,
        "client-secret": "s",
        "subject-token": f"registration:{SECRET}",
    }
    assert SECRET.lower() not in text_of_problems(registration)


@pytest.mark.parametrize(
    "address",
    [f"https://u:{SECRET}@sso.example.com/t", SECRET, f"http://sso.example.com?k={SECRET}"],
)
def test_in_an_address(address):
    text = text_of_problems({"client-secret": "s"}, provider={"token-uri": address})
    assert SECRET.lower() not in text


def test_in_a_profile_and_in_a_plugins_name():
    for table in ({"proxy": f"socks5://u:{SECRET}@h:1"}, {"ca-bundle": PEM}, {"ca-bundle": SECRET}):
        text = text_of_problems({"client-secret": "s"}, http={"default": table})
        assert SECRET.lower() not in text
        assert PEM.splitlines()[1].lower() not in text
    assert SECRET.lower() not in text_of_problems({"client-secret": "s"}, provider={"type": SECRET})


def test_a_path_that_is_one_is_named(tmp_path):
    text = text_of_problems({"client-secret-file": str(tmp_path / "orders.secret")})
    assert f"there is no file '{tmp_path}/orders.secret'".lower() in text
