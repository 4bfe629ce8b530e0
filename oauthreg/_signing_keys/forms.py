"""Private keys in the forms in which tools write them, each told from the others by its content."""

from __future__ import annotations

import codecs
import json
import re
from base64 import b64decode, urlsafe_b64decode
from contextlib import suppress
from dataclasses import replace

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from oauthreg._signing_keys.certificates import certificates_in
from oauthreg._signing_keys.found import Found
from oauthreg._signing_keys.jwk import from_json

_KEY_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{40,}={0,2}")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_JAVA_KEY_STORE = b"\xfe\xed\xfe\xed"
_PATH = re.compile(r"\S+\.(?:pem|key|jwks?|json|p12|pfx|der)", re.IGNORECASE)
_REFUSALS = {
    "-----BEGIN PGP": "it is a PGP key, which signs no tokens",
    "-----BEGIN PUBLIC KEY": "it is a public key; a private one is needed",
    "-----BEGIN RSA PUBLIC KEY": "it is a public key; a private one is needed",
    "ssh-": "it is a public key of OpenSSH; the private one is in the file without .pub",
    "ecdsa-sha2-": "it is a public key of OpenSSH; the private one is in the file without .pub",
    "PuTTY-User-Key-File": "it is a key of PuTTY: convert it by "
    "`puttygen key.ppk -O private-openssh -o key.pem`",
    "<RSAKeyValue": "it is a key as XML of .NET: export it as PEM (ExportPkcs8PrivateKeyPem)",
}
_NO_BCRYPT = (
    "it is an encrypted OpenSSH key, which takes the library bcrypt: pip install bcrypt, or "
    "convert it by `ssh-keygen -p -m PKCS8 -f FILE`"
)
_PSS = bytes.fromhex("06092a864886f70d01010a")
_PSS_DIGESTS = {
    bytes.fromhex("0609608648016503040201"): "PS256",
    bytes.fromhex("0609608648016503040202"): "PS384",
    bytes.fromhex("0609608648016503040203"): "PS512",
}
_ALGORITHM_SIZE = 100
"""The bytes of PKCS#8 in which the algorithm stands; its identifiers in DER are above."""
_CUT = "it is no valid PEM private key: its END line is missing, or not that of its BEGIN line"


def find_key(content: bytes, passphrase: str | None, key_id: str | None) -> Found:
    """Return the private key of PEM, a JWK or JWK set, DER, PKCS#12, or of their base64.

    Args:
        content: The content of a file, variable or setting.
        passphrase: What opens it.
        key_id: Which key of a JWK set.

    Raises:
        ValueError: there is no private key in it, or the passphrase is wrong; the text says which.
    """
    text = _text(content)
    inner = _decoded(text)
    if inner is not None:  # base64 of a file, or DER without its PEM frame
        content, text = inner, _text(inner)
    if text[:1] in {"{", "["}:
        return from_json(text, key_id)
    blocks = [match[0] for match in _KEY_BLOCK.finditer(text)]
    if blocks:
        return _from_pem(text, blocks, passphrase)
    for start, refusal in _REFUSALS.items():
        if text.startswith(start):
            raise ValueError(refusal)
    if "-----BEGIN" in text:
        cut = "PRIVATE KEY-----" in text
        raise ValueError(_CUT if cut else "there is no private key in it")
    if "BEGIN" in text and "PRIVATE KEY" in text:
        raise ValueError("its BEGIN line has no five hyphens: copied text may have other dashes")
    if _PATH.fullmatch(text):
        raise ValueError("it looks like the path of a file: use private-key-file for that")
    return _from_der(content, passphrase)


def _text(content: bytes) -> str:
    """Return a text as it was before editors, shells or JSON wrote it; "" for other bytes."""
    try:
        encoding = "utf-16" if content.startswith(_UTF16) else "utf-8-sig"
        text = content.decode(encoding).strip("\ufeff\u200b\u00a0 \t\r\n")
    except UnicodeDecodeError:
        return ""
    if text[:1] == '"':
        with suppress(ValueError):  # it is no JSON either, then
            text = str(json.loads(text, strict=False)).strip()
    if text[:1] in {"'", '"', "`"} and text[-1:] == text[:1]:
        text = text[1:-1].strip()
    if "-----BEGIN" in text and text[:1] not in {"{", "["}:
        text = re.sub(r"\\r\\n|\\n|\\r", "\n", text).replace("\\/", "/")
    return text


def _decoded(text: str) -> bytes | None:
    joined = "".join(text.split())
    if "-----BEGIN" in text or not _BASE64.fullmatch(joined):
        return None
    decode = urlsafe_b64decode if {"-", "_"} & set(joined) else b64decode
    try:
        return decode(joined + "=" * (-len(joined) % 4))
    except ValueError:
        return None


def _from_pem(text: str, blocks: list[str], passphrase: str | None) -> Found:
    if len(blocks) > 1:
        raise ValueError(f"there are {len(blocks)} private keys in it: leave one")
    block, password = blocks[0].encode(), passphrase.encode() if passphrase else None
    load = serialization.load_pem_private_key
    if "OPENSSH" in blocks[0][:40]:
        load = serialization.load_ssh_private_key
    try:
        private = load(block, password)
    except TypeError:
        raise ValueError(_passphrase_words(passphrase)) from None
    except UnsupportedAlgorithm:
        raise ValueError(_NO_BCRYPT) from None
    except Exception:  # noqa: BLE001 - cryptography names internals here
        words = "the passphrase is wrong" if passphrase else "it is no valid PEM private key"
        raise ValueError(words) from None
    der = _decoded(block.decode().partition("KEY-----")[2].partition("-----END")[0])
    return _with_algorithm(Found(private, certificates_in(text.encode())), der or b"")


def _with_algorithm(found: Found, der: bytes) -> Found:
    """Note an RSA key that is for PSS only, and for which digest: cryptography does not say so."""
    head = der[:_ALGORITHM_SIZE]
    if _PSS not in head:
        return found
    digests = (name for identifier, name in _PSS_DIGESTS.items() if identifier in head)
    return replace(found, algorithm=next(digests, None), pss=True)


def _from_der(content: bytes, passphrase: str | None) -> Found:
    password = passphrase.encode() if passphrase else None
    if content.startswith(_JAVA_KEY_STORE):
        raise ValueError(
            "it is a Java key store: convert it by `keytool -importkeystore -srckeystore FILE "
            "-destkeystore key.p12 -deststoretype PKCS12`"
        )
    for load in (_load_der, _load_pkcs12):
        try:
            found = load(content, password)
        except TypeError:
            raise ValueError(_passphrase_words(passphrase)) from None
        except ValueError:
            continue
        if found.private is None:
            raise ValueError("there is no private key in it")
        return found
    if not content.strip():
        raise ValueError("it is empty, and so neither PEM, JWK nor PKCS#12")
    words = "it is neither PEM, JWK nor PKCS#12"
    words = f"{words}, or the passphrase is {'wrong' if passphrase else 'missing'}"
    raise ValueError(words)


def _load_der(content: bytes, password: bytes | None) -> Found:
    return _with_algorithm(Found(serialization.load_der_private_key(content, password)), content)


def _load_pkcs12(content: bytes, password: bytes | None) -> Found:
    key, own, others = pkcs12.load_key_and_certificates(content, password)
    return Found(key, tuple(one for one in (own, *others) if one is not None))


def _passphrase_words(passphrase: str | None) -> str:
    if passphrase:
        return "it is not encrypted, so that a passphrase does not fit"
    return "it is encrypted: set private-key-passphrase"
