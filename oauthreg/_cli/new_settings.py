"""The text of a new settings file, with a comment for every key."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from oauthreg._cli import toml_text
from oauthreg._errors import ConfigurationError, Problem
from oauthreg._settings.load import load
from oauthreg._sources.tree import canonical

GRANT_COMMENT = (
    "How tokens are obtained: client_credentials for a program's own, authorization_code or "
    "device_code for users."
)
MORE = """\
# The audience of the tokens, where the server wants one.
# audience = "https://api.example.com"
# Where tokens may be sent: adapters refuse any other address.
# urls = ["https://api.example.com"]
"""
REST = """\
# Time limits in seconds, a proxy, your own CA: of every request to an authorization server.
# [http.default]
# total-timeout = 10.0
# ca-bundle = "ca.pem"

# Tokens shared by several processes, and logins that outlive a program.
# [store]
# type = "sqlite"
# path = "state/tokens.db"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSettings:
    """What a new settings file has to say.

    Attributes:
        id: The registration's id.
        client_id: The client-id.
        grant: The grant.
        scopes: The scopes.
        redirect_uri: Where a login comes back to.
        secret: The key that says where the secret is, and its value; None for a public client.
        provider: The provider's name.
        addresses: The provider's settings.
    """

    id: str
    client_id: str
    grant: str = "client_credentials"
    scopes: tuple[str, ...] = ()
    redirect_uri: str | None = None
    secret: tuple[str, str] | None = None
    provider: str = "my-provider"
    addresses: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The file."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield "# Settings of oauthreg. Try them: oauthreg check"
        yield f"# Why each value is what it is: oauthreg explain {self.id}"
        yield ""
        yield toml_text.header("registration", self.id)
        yield from _commented("The table below; needed once there are several providers.")
        yield toml_text.line("provider", self.provider)
        yield from _commented("As the authorization server knows this program.")
        yield toml_text.line("client-id", self.client_id)
        yield from self._credential()
        yield from _commented(GRANT_COMMENT)
        yield toml_text.line("authorization-grant-type", self.grant)
        if self.redirect_uri is not None:
            yield from _commented("Where the browser comes back to after a login.")
            yield toml_text.line("redirect-uri", self.redirect_uri)
        yield from _commented("What the tokens allow.")
        scope = toml_text.line("scope", list(self.scopes) or ["read"])
        yield scope if self.scopes else f"# {scope}"
        yield MORE
        yield toml_text.header("provider", self.provider)
        yield from _commented(
            "issuer-uri: all else is read from the server's metadata; without metadata, token-uri."
        )
        for key, value in self.addresses.items():
            yield toml_text.line(key, value)
        yield ""
        yield REST

    def _credential(self) -> Iterator[str]:
        if self.secret is None:
            yield from _commented("A public client, which has no secret.")
            yield toml_text.line("client-authentication-method", "none")
            return
        yield from _commented(
            "Where the secret is: client-secret-file, or client-secret-ref such as env:NAME."
        )
        yield toml_text.line(*self.secret)

    def check(self) -> None:
        """Find what is wrong, wherever the secret is.

        Raises:
            ConfigurationError: with every problem.
        """
        table = tomllib.loads(self.text)
        for registration in table["registration"].values():
            if self.secret is not None:
                del registration[self.secret[0]]
                registration["client-secret"] = "a" * 32
        try:
            load(table)
        except ConfigurationError as error:
            problems = [Problem(one.path, one.message, "", one.remedy) for one in error.problems]
            raise ConfigurationError(problems) from None

    @property
    def secret_file(self) -> str | None:
        """The file that the secret is to be in, if it is to be in one."""
        if self.secret is None or self.secret[0] != "client-secret-file":
            return None
        return self.secret[1]


def default_secret_file(registration_id: str) -> str:
    """Return the name of the file for a registration's secret."""
    safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in canonical(registration_id))
    return f"{safe.lstrip('.') or 'client'}.secret"


def _commented(words: str) -> Iterator[str]:
    line = "#"
    for word in words.split():
        if len(line) + len(word) >= toml_text.LINE:
            yield line
            line = "#"
        line += f" {word}"
    yield line
