"""The files of a new provider plugin: each a template over `name`, `module` and `title`."""

from __future__ import annotations

from string import Template

PROJECT = """\
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "oauthreg-$name"
version = "0.1.0"
description = "$title as a provider of oauthreg"
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["oauthreg>=$installed,<$next"]

[project.entry-points."oauthreg.providers"]
$name = "$module:$target"

[tool.hatch.build.targets.wheel]
packages = ["$module"]
"""

README = """\
# oauthreg-$name

$title as a provider of oauthreg: `pip install oauthreg-$name`.

```toml
[provider.$name]
type = "$name"
base-url = "https://auth.example.com"

[registration.my-client]
provider = "$name"
client-id = "my-client"
client-secret-file = "/run/secrets/my-client"
```

Settings of `provider.$name`:

$settings
"""

DATA = '''\
"""$title as a provider of oauthreg."""

from collections.abc import Mapping
from typing import Any, ClassVar

from oauthreg.plugin import BaseUrl, ProviderPlugin, ProviderSettings


class ${title}Settings(ProviderSettings):
    """What `provider.$name` takes.

    Attributes:
        base_url: The address of the authorization server.
    """

    base_url: BaseUrl


class $title(ProviderPlugin[${title}Settings]):
    """$title, whose token endpoint has a fixed place."""

    token_uri = "{base_url}/oauth2/token"
    client_authentication_method = "client_secret_basic"
    defaults: ClassVar[Mapping[str, Any]] = {"default-lifetime": 3600}
    error_hints: ClassVar[Mapping[str, str]] = {
        "unauthorized_client": "Allow the grant client_credentials for the client.",
    }
'''

DATA_TESTS = '''\
"""$title by the conformance kit; nothing is sent to it."""

from $module import $title

from oauthreg.testing import ProviderPluginTests, Sample, answer, key_file


class Test$title(ProviderPluginTests):
    plugin = $title
    name = "$name"
    settings = {"base-url": "https://auth.example.com"}
    registration = {"client-id": "my-client", "scope": "read"}
    cases = {"secret": {}, "signed assertion": {"private-key-file": key_file}}
    samples = [
        Sample(
            answer(access_token="2YotnFZFEjr1zCsicMWpAA", token_type="Bearer", expires_in=3600),
            token="2YotnFZFEjr1zCsicMWpAA",
            lifetime=3600,
        ),
        Sample(answer(400, error="unauthorized_client"), hint="Allow the grant"),
    ]
'''

FLOW = '''\
"""$title as a provider of oauthreg."""

from oauthreg.plugin import (
    BaseUrl,
    Flow,
    Granted,
    PluginContext,
    ProviderPlugin,
    ProviderSettings,
    TokenRequest,
    granted_from,
    json_object,
    refusal,
)


class ${title}Settings(ProviderSettings):
    """What `provider.$name` takes.

    Attributes:
        base_url: The address of the authorization server.
    """

    base_url: BaseUrl


class $title(ProviderPlugin[${title}Settings]):
    """$title, which gives tokens in its own way."""

    token_uri = "{base_url}/tickets"

    def flow(self, context: PluginContext) -> Flow[Granted]:
        """Ask for a ticket, which is the token."""
        request = TokenRequest(url=context.endpoints["token-uri"], form=(("kind", "api"),))
        response = yield self.authenticate(context, request)
        if response.status != 200:
            raise refusal(response, now=context.now)
        found = json_object(response) or {}
        return granted_from(
            {"access_token": found.get("ticket"), "expires_in": found.get("seconds")}
        )
'''

FLOW_TESTS = '''\
"""$title by the conformance kit; nothing is sent to it."""

from $module import $title

from oauthreg.testing import ProviderPluginTests, Sample, answer


class Test$title(ProviderPluginTests):
    plugin = $title
    name = "$name"
    settings = {"base-url": "https://auth.example.com"}
    samples = [Sample(answer(ticket="a-ticket", seconds=300), token="a-ticket", lifetime=300)]
    requests = [
        """
POST https://auth.example.com/tickets
Authorization: Basic kit:<secret>
kind=api
"""
    ]
'''

PRESET = '''\
"""$title as a provider of oauthreg: see presets.toml beside this file."""

from oauthreg.presets import load

__getattr__ = load(__name__)
'''

PRESET_TABLE = """\
[$name]
settings.base-url = { type = "base-url", help = "The address of the authorization server." }
token-uri = "{base_url}/oauth2/token"
client-authentication-method = "client_secret_basic"
error-hints.unauthorized_client = "Allow the grant client_credentials for the client."

[[$name.samples]]
body = '{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"Bearer","expires_in":3600}'
expect = { token = "2YotnFZFEjr1zCsicMWpAA", lifetime = 3600 }

[[$name.samples]]
status = 400
body = '{"error":"unauthorized_client"}'
expect = { hint = "Allow the grant" }
"""

PRESET_TESTS = '''\
"""Every preset by the conformance kit, with its documented answers; nothing is sent anywhere."""

from oauthreg.testing import preset_tests

globals().update(preset_tests("$module"))
'''

SOURCES = {
    "data": {"$module/__init__.py": DATA, "tests/test_$file.py": DATA_TESTS},
    "flow": {"$module/__init__.py": FLOW, "tests/test_$file.py": FLOW_TESTS},
    "preset": {
        "$module/__init__.py": PRESET,
        "$module/presets.toml": PRESET_TABLE,
        "tests/test_$file.py": PRESET_TESTS,
    },
}
"""The sources of each kind of plugin, by their path."""


def files(kind: str, **values: str) -> dict[str, str]:
    """Return the files of a new plugin but its README, by their path in its folder."""
    wanted = {"pyproject.toml": PROJECT, "$module/py.typed": "", **SOURCES[kind]}
    return {
        Template(path).substitute(values): Template(text).substitute(values)
        for path, text in wanted.items()
    }


def readme(**values: str) -> str:
    """Return the README of a new plugin."""
    return Template(README).substitute(values)
