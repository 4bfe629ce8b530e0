"""What an operator reads: broken settings, each with the whole text of its problems.

`broken_settings.txt` holds the cases. Each changes the settings below: a line that begins with
`-` is replaced by those that begin with `+`; `env` and `file` lines set a variable and write a
file; the lines that begin with `>` are the problems, in full.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from oauthreg import AuthorizedClientManager, ConfigurationError, _plugins

SETTINGS = """\
[registration.orders]
provider = "company"
client-id = "orders"
client-secret-file = "secrets/orders"
scope = ["orders.read"]
urls = ["https://orders.example.com"]
http = "slow"

[registration.billing]
provider = "company"
client-id = "billing"
client-secret = "planted-secret"
client-authentication-method = "client_secret_post"

[registration.portal]
provider = "company"
authorization-grant-type = "authorization_code"
client-id = "portal"
client-secret-ref = "env:PORTAL_SECRET"
redirect-uri = "https://portal.example.com/callback"

[provider.company]
issuer-uri = "https://sso.example.com"

[provider.legacy]
token-uri = "https://legacy.example.com/token"

[http.slow]
total-timeout = 60

[defaults]
refresh-before = 120
"""


@dataclass
class Case:
    """One mistake, and what is to be read of it."""

    name: str
    settings: str = SETTINGS
    environ: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    text: str = ""


def read_case(block: str) -> Case:
    name, *lines = block.strip("\n").split("\n")
    case, replaced, added, expected = Case(name), [], [], []
    for line in lines:
        kind, _, rest = line.partition(" ")
        if kind in ("env", "file"):
            key, _, value = rest.partition("=")
            (case.environ if kind == "env" else case.files)[key] = value.replace("\\n", "\n")
        else:
            {"-": replaced, "+": added, ">": expected}[kind].append(rest)
    if replaced:
        before = "".join(f"{line}\n" for line in replaced)
        assert before in case.settings, f"{name}: no such lines"
        after = "".join(f"{line}\n" for line in added)
        case.settings = case.settings.replace(before, after, 1)
    case.text = "\n".join(expected)
    return case


def read_cases() -> list[Case]:
    text = Path(__file__).with_name("broken_settings.txt").read_text("utf-8")
    return [read_case(block) for block in re.split(r"^# ", text, flags=re.MULTILINE)[1:]]


CASES = read_cases()
FEW_PLUGINS = ("auth0", "keycloak", "okta")  # the closest names must not depend on others


def told(case: Case, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (folder / "secrets").mkdir()
    (folder / "settings.toml").write_text(case.settings, "utf-8")
    for name, content in {"secrets/orders": "orders-secret", **case.files}.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, "utf-8")
        path.chmod(0o600)
    for name, value in {"PORTAL_SECRET": "x", **case.environ}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(folder)
    real = _plugins.installed
    monkeypatch.setattr(
        _plugins, "installed", lambda group: [o for o in real(group) if o.name in FEW_PLUGINS]
    )
    with pytest.raises(ConfigurationError) as caught:
        AuthorizedClientManager.from_settings()
    return "\n".join(map(str, caught.value.problems)).replace(str(folder), "/app")


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_broken_setting_says_what_is_wrong_where_and_what_to_write(case, tmp_path, monkeypatch):
    text = told(case, tmp_path, monkeypatch)
    assert text == case.text
    assert "planted-secret" not in text


def test_the_settings_are_right_before_they_are_broken(tmp_path, monkeypatch):
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        told(Case("none"), tmp_path, monkeypatch)


def test_there_are_more_than_fifty():
    assert len(CASES) > 50
