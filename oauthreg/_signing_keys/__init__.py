"""Private keys: found in the forms that tools write, matched with an algorithm, used to sign."""

from oauthreg._signing_keys.keys import (
    ALGORITHMS,
    AlgorithmRegistry,
    SigningKey,
    generated_key,
    secret_key,
    signing_key,
)
from oauthreg._signing_keys.sources import FileBytes, KeySource, SecretBytes

__all__ = [
    "ALGORITHMS",
    "AlgorithmRegistry",
    "FileBytes",
    "KeySource",
    "SecretBytes",
    "SigningKey",
    "generated_key",
    "secret_key",
    "signing_key",
]
