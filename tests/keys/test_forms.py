"""Private keys in every form that tools write; each is made here by the tool itself."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from oauthreg._signing_keys.certificates import leaf_first, thumbprint
from oauthreg._signing_keys.keys import signing_key

PASSPHRASE = "a passphrase"
LOCK = BestAvailableEncryption(PASSPHRASE.encode())
RSA, EC = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())


def issued(key, name="client", by=None) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    times = now, now + timedelta(days=1)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), 1, *times)
    return builder.sign(by or key, hashes.SHA256())


ROOT = issued(EC, "root")
LEAF = issued(RSA, by=EC)


def key_pem(form=PrivateFormat.PKCS8, lock=None) -> bytes:
    return RSA.private_bytes(Encoding.PEM, form, lock or NoEncryption())


def chain(*certificates) -> bytes:
    return b"".join(one.public_bytes(Encoding.PEM) for one in certificates)


# --- By tools: what runs here; {} is the file that is written ---

TOOLS = {
    "openssl PKCS#1": ("openssl genrsa -traditional -out {} 2048", "RS256", None),
    "openssl PKCS#8": ("openssl genpkey -algorithm RSA -out {}", "RS256", None),
    "openssl encrypted": (
        "openssl genpkey -algorithm RSA -aes256 -pass pass:pw123 -out {}",
        "RS256",
        "pw123",
    ),
    "openssl EC with its parameters": (
        "openssl ecparam -name secp384r1 -genkey -out {}",
        "ES384",
        None,
    ),
    "openssl Ed25519": ("openssl genpkey -algorithm ed25519 -out {}", "EdDSA", None),
    "openssl DER": (
        "openssl genpkey -algorithm ed25519 -outform DER -out {}",
        "EdDSA",
        None,
    ),
    "openssl for PSS": ("openssl genpkey -algorithm RSA-PSS -out {}", "PS256", None),
    "openssl for PSS as DER": (
        "openssl genpkey -algorithm RSA-PSS -outform DER -out {}",
        "PS256",
        None,
    ),
    "openssl for PSS with one digest": (
        "openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_pss_keygen_md:sha512 -out {}",
        "PS512",
        None,
    ),
    "openssl for PSS, encrypted, with its certificate": (
        "openssl req -x509 -newkey rsa-pss -passout pass:pw123 -subj /CN=x -keyout {} -out {}",
        "PS256",
        "pw123",
    ),
    "openssl key and certificate": (
        "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=x -keyout {} -out {}",
        "RS256",
        None,
    ),
    "ssh-keygen RSA": ("ssh-keygen -q -t rsa -b 2048 -N '' -f {}", "RS256", None),
    "ssh-keygen ECDSA": ("ssh-keygen -q -t ecdsa -N '' -f {}", "ES256", None),
    "ssh-keygen Ed25519": ("ssh-keygen -q -t ed25519 -N '' -f {}", "EdDSA", None),
    "ssh-keygen encrypted PEM": (
        "ssh-keygen -q -t rsa -b 2048 -m PEM -N pw123 -f {}",
        "RS256",
        "pw123",
    ),
    "keytool PKCS#12": (
        "keytool -genkeypair -alias a -keyalg RSA -dname CN=x -storepass pw123456 -keystore {}",
        "RS256",
        "pw123456",
    ),
}
INSTALLED = {name: case for name, case in TOOLS.items() if shutil.which(case[0].split()[0])}


def written_by(command: str, folder: Path) -> bytes:
    path = folder / "key"
    words = [word.strip("'").replace("{}", str(path)) for word in command.split(" ")]
    subprocess.run(words, check=True, capture_output=True)
    return path.read_bytes()


@pytest.mark.parametrize(("command", "algorithm", "passphrase"), INSTALLED.values(), ids=INSTALLED)
def test_a_key_is_read_as_its_tool_wrote_it(tmp_path, command, algorithm, passphrase):
    content = written_by(command, tmp_path)
    assert signing_key(content, passphrase=passphrase).algorithm == algorithm
    if passphrase:
        with pytest.raises(ValueError, match=r"private-key-passphrase|passphrase is missing"):
            signing_key(content)


# --- By people: a PEM on its way through a variable, a secret store or an editor ---

TEXT = key_pem().decode().strip()
PEOPLE = {
    "line ends as backslash and n": TEXT.replace("\n", "\\n"),
    "in double quotes": '"' + TEXT.replace("\n", "\\n") + '"',
    "in single quotes": "'" + TEXT.replace("\n", "\\n") + "'",
    "in quotes, with line ends": f'"{TEXT}"',
    "line ends as backslash r backslash n": TEXT.replace("\n", "\\r\\n"),
    "a string of JSON": json.dumps(TEXT).replace("/", "\\/"),
    "blanks for line ends": TEXT.replace("\n", " "),
    "no line ends": TEXT.replace("\n", ""),
    "line ends of Windows": TEXT.replace("\n", "\r\n"),
    "indented": TEXT.replace("\n", "\n      "),
    "a byte order mark": "\ufeff" + TEXT,
    "blanks around it": f"\n\t {TEXT} \u00a0\n",
    "UTF-16": TEXT.encode("utf-16"),
    "base64": base64.b64encode(TEXT.encode()),
    "base64 in lines": base64.encodebytes(TEXT.encode()),
    "base64 for URLs, without padding": base64.urlsafe_b64encode(TEXT.encode()).rstrip(b"="),
    "base64 of backslash and n": base64.b64encode(TEXT.replace("\n", "\\n").encode()),
    "only what is between BEGIN and END": "".join(TEXT.splitlines()[1:-1]),
    "Bag Attributes before it": f"Bag Attributes\n    localKeyID: 01\n{TEXT}",
    "PKCS#1": key_pem(PrivateFormat.TraditionalOpenSSL),
    "OpenSSH": key_pem(PrivateFormat.OpenSSH),
}


@pytest.mark.parametrize("content", PEOPLE.values(), ids=PEOPLE)
def test_a_pem_is_read_as_people_write_it(content):
    content = content if isinstance(content, bytes) else content.encode()
    key = signing_key(content)
    assert key.algorithm == "RS256"
    assert key.key.private_key.private_numbers() == RSA.private_numbers()


@pytest.mark.parametrize(
    "form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL], ids=["PKCS#8", "PKCS#1"]
)
def test_an_encrypted_pem_opens_with_its_passphrase(form):
    for content in (key_pem(form, LOCK), key_pem(form, LOCK).replace(b"\n", b"\\n")):
        assert signing_key(content, passphrase=PASSPHRASE).algorithm == "RS256"


def test_an_encrypted_der_says_that_it_is_encrypted():
    content = RSA.private_bytes(Encoding.DER, PrivateFormat.PKCS8, LOCK)
    assert signing_key(content, passphrase=PASSPHRASE).algorithm == "RS256"
    with pytest.raises(ValueError, match="set private-key-passphrase"):
        signing_key(content)


# --- Certificates ---


@pytest.mark.parametrize("order", [(LEAF, ROOT), (ROOT, LEAF), (LEAF,)])
def test_the_certificate_that_fits_the_key_is_named_whatever_the_order(order):
    expected = {"x5t#S256": thumbprint(LEAF)}
    assert signing_key(key_pem() + chain(*order)).header == expected
    assert signing_key(chain(*order) + key_pem()).header == expected
    assert signing_key(key_pem(), certificate=chain(*order)).header == expected


def test_a_certificate_of_another_key_is_not_named():
    assert signing_key(key_pem(), certificate=chain(ROOT)).header == {}


def test_a_broken_certificate_is_refused():
    broken = chain(LEAF).replace(b"MII", b"AAA", 1)
    with pytest.raises(ValueError, match="a certificate in it cannot be read"):
        signing_key(key_pem() + broken)


@pytest.mark.parametrize("others", [None, [ROOT]])
@pytest.mark.parametrize("lock", [NoEncryption(), LOCK], ids=["open", "encrypted"])
def test_a_pkcs12_file_has_key_and_certificates(others, lock):
    content = pkcs12.serialize_key_and_certificates(b"me", RSA, LEAF, others, lock)
    passphrase = PASSPHRASE if lock is LOCK else None
    for form in (content, base64.b64encode(content)):
        key = signing_key(form, passphrase=passphrase)
        assert key.header == {"x5t#S256": thumbprint(LEAF)}


def test_a_chain_is_put_in_the_order_of_tls():
    assert leaf_first(chain(ROOT, LEAF), RSA.public_key()) == chain(LEAF, ROOT)
    with pytest.raises(ValueError, match="was issued for the private key"):
        leaf_first(chain(ROOT), RSA.public_key())


# --- What is no key of ours ---

REFUSED = {
    "a public key of OpenSSH": (b"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAB me@host", "public key of"),
    "a key of PuTTY": (b"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none", "puttygen"),
    "a Java key store": (b"\xfe\xed\xfe\xed\0\0\0\2\0\0\0\1", "keytool -importkeystore"),
    "a PGP key": (b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n", "PGP"),
    "XML of .NET": (b"<RSAKeyValue><Modulus>", "export it as PEM"),
    "a path": (b"/run/secrets/client.pem", "use private-key-file"),
    "a cut PEM": (TEXT[:200].encode(), "END line is missing"),
    "two keys": (key_pem() + key_pem(), "2 private keys in it: leave one"),
    "base64 that is cut": (base64.b64encode(key_pem())[:97], "neither PEM, JWK nor PKCS#12"),
    "nothing": (b"", "it is empty, and so neither PEM, JWK nor PKCS#12"),
    "other dashes": (key_pem().replace(b"-----", "\u2014".encode()), "no five hyphens"),
    "a PEM of a public key": (b"-----BEGIN PUBLIC KEY-----\nMII", "it is a public key"),
}


@pytest.mark.parametrize(("content", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_private_key_is_refused_by_its_name(content, words):
    with pytest.raises(ValueError, match=words):
        signing_key(content)


def test_an_encrypted_openssh_key_needs_a_library_or_another_form(monkeypatch):
    content = key_pem(PrivateFormat.PKCS8, LOCK)

    def load(*_):
        raise UnsupportedAlgorithm("Need bcrypt module")

    monkeypatch.setattr("cryptography.hazmat.primitives.serialization.load_pem_private_key", load)
    with pytest.raises(ValueError, match="pip install bcrypt, or convert it by `ssh-keygen"):
        signing_key(content, passphrase=PASSPHRASE)
