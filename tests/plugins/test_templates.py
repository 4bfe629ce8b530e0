"""Templates hold `{name}` of a declared setting and no more; what is wrong shows at once."""

import subprocess
import sys
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr

from oauthreg import BaseUrl, Explanation, ProviderPlugin, ProviderSettings, TokenEndpointError
from oauthreg._common_providers import Google
from oauthreg._endpoints import ENDPOINTS
from oauthreg._templates import UnfitSettingError


class Settings(ProviderSettings):
    base_url: BaseUrl
    realm: str = "demo"
    number: int = 7
    region: str | None = None
    api_url: BaseUrl | None = None
    secret: SecretStr | None = None


def made(template, settings=Settings, attribute="token_uri"):
    """Return a plugin class with one template."""
    base = ProviderPlugin[settings]
    body = {attribute: template, "__orig_bases__": (base,)}
    return type("Acme", (ProviderPlugin,), body)


def filled(template, **settings):
    settings = {"base-url": "https://sso.example.com", **settings}
    plugin = made(template)
    return plugin(plugin.settings_class.model_validate(settings)).endpoints().get("token-uri")


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{base_url.host}/token", "{base_url.host} must be the name of a setting"),
        ("{base_url[0]}/token", "must be the name of a setting"),
        ("{realm!r}/token", "{realm!r} must be the name of a setting"),
        ("{realm:>10}/token", "{realm:>10} must be the name of a setting"),
        ("{realm:{number}}/token", "must be the name of a setting"),
        ("{}/token", "must be the name of a setting"),
        ("{0}/token", "must be the name of a setting"),
        ("{relm}/token", "{relm} is no setting of Settings"),
        ("{base-url}/token", "must be the name of a setting"),
        ("{realm/token", "is no template"),
        ("realm}/token", "is no template"),
        (7, "is no template"),
    ],
)
@pytest.mark.parametrize("attribute", ["token_uri", "issuer_uri", "revocation_uri"])
def test_a_bad_template_is_an_error_when_the_class_is_made(template, words, attribute):
    with pytest.raises(TypeError) as caught:
        made(template, attribute=attribute)
    assert words in str(caught.value)
    assert f"Acme.{attribute}" in str(caught.value)


def test_an_unknown_placeholder_lists_the_settings_there_are():
    with pytest.raises(TypeError, match=r"has: \{base_url\}, \{realm\}"):
        made("{relm}")
    with pytest.raises(TypeError, match="has: none"):
        made("{relm}", settings=ProviderSettings)


@pytest.mark.parametrize(
    ("realm", "segment"),
    [
        ("demo", "demo"),
        ("a b", "a%20b"),
        ("a/b", "a%2Fb"),
        ("../b", "..%2Fb"),
        ("a?b#c", "a%3Fb%23c"),
        ("a%2Fb", "a%252Fb"),
        ("größe", "gr%C3%B6%C3%9Fe"),
        ("{number}", "%7Bnumber%7D"),
        ("@:;", "%40%3A%3B"),
    ],
)
def test_a_setting_becomes_one_path_segment(realm, segment):
    assert filled("{base_url}/{realm}/t", realm=realm) == f"https://sso.example.com/{segment}/t"


@pytest.mark.parametrize("realm", ["", ".", ".."])
def test_a_segment_that_a_path_would_lose_is_refused(realm):
    with pytest.raises(UnfitSettingError) as caught:
        filled("{base_url}/{realm}", realm=realm)
    assert caught.value.setting == "realm"


@pytest.mark.parametrize(
    ("given", "inserted"),
    [
        ("https://sso.example.com", "https://sso.example.com"),
        ("https://sso.example.com/", "https://sso.example.com"),
        (" https://sso.example.com/auth// ", "https://sso.example.com/auth"),
        ("sso.example.com", "https://sso.example.com"),
        ("sso.example.com:8443/auth/", "https://sso.example.com:8443/auth"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
        ("http://localhost", "http://localhost"),
    ],
)
def test_a_base_url_is_inserted_whole_without_a_slash_at_its_end(given, inserted):
    assert filled("{base_url}/t", **{"base-url": given}) == f"{inserted}/t"


@pytest.mark.parametrize(
    "given",
    [
        *("http://sso.example.com", "ftp://sso.example.com", "https://", "", "https://a b"),
        *(
            "https://sso.example.com?x",
            "https://sso.example.com#x",
            "https://me:pw@sso.example.com",
        ),
    ],
)
def test_a_base_url_that_cannot_be_one_is_refused_without_showing_it(given):
    with pytest.raises(ValueError, match="must ") as caught:
        Settings.model_validate({"base-url": given})
    assert "pw" not in str(caught.value)


def test_a_template_of_an_absent_setting_gives_no_address():
    assert filled("{base_url}/{region}/t") is None
    assert filled("{base_url}/{region}/t", region="eu") == "https://sso.example.com/eu/t"
    assert filled("{api_url}/t", **{"api-url": "api.example.com/"}) == "https://api.example.com/t"


def test_other_settings_are_inserted_as_text():
    assert filled("{base_url}/{number}/x", number=12) == "https://sso.example.com/12/x"


def test_settings_are_written_in_kebab_case_and_unknown_ones_refused():
    assert Settings.model_validate({"base-url": "a.example"}).base_url == "https://a.example"
    with pytest.raises(ValueError, match="relm"):
        Settings.model_validate({"base-url": "a.example", "relm": "x"})


# -- the settings class is the type argument


def test_a_subclass_of_a_plugin_keeps_its_settings():
    class Acme(ProviderPlugin[Settings]):
        token_uri = "{base_url}/t"

    class Special(Acme):
        token_uri = "{base_url}/{realm}/t"

    assert Special.settings_class is Settings


def test_a_subclass_of_a_plugin_may_bring_its_own_settings():
    class More(Settings):
        tenant: str = "t"

    class Acme(ProviderPlugin[Settings]):
        token_uri = "{base_url}/t"

    class Special(Acme):
        settings_class = More
        token_uri = "{base_url}/{tenant}/t"

    class MoreSpecial(Special):
        token_uri = "{base_url}/{tenant}/x"

    assert MoreSpecial.settings_class is More


def test_inherited_templates_have_to_fit_the_new_settings():
    class Acme(ProviderPlugin[Settings]):
        token_uri = "{base_url}/t"

    with pytest.raises(TypeError, match="base_url"):

        class Bare(Acme):
            settings_class = ProviderSettings


# -- names


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("authentcate", "authenticate"),
        ("token_url", "token_uri"),
        ("explain_errors", "explain_error"),
        ("error_hint", "error_hints"),
    ],
)
def test_a_misspelt_hook_is_refused_when_the_class_is_made(name, meant):
    with pytest.raises(TypeError, match=f"did you mean '{meant}'"):
        type("Acme", (ProviderPlugin,), {name: None})


def test_a_name_like_no_hook_is_refused_with_advice():
    with pytest.raises(TypeError, match="name helpers with a leading _"):
        type("Acme", (ProviderPlugin,), {"zzzz": None})
    type("Acme", (ProviderPlugin,), {"_zzzz": None})


@pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=lambda endpoint: endpoint.setting)
def test_type_checkers_know_the_template_of_every_address(endpoint):
    assert endpoint.attribute in ProviderPlugin.__annotations__


ONE_MORE_ROW = """
from oauthreg import _endpoints
row = _endpoints.Endpoint("end-session-uri", "end_session_endpoint")
_endpoints.ENDPOINTS = {**_endpoints.ENDPOINTS, row.setting: row}

from oauthreg import AuthorizedClientManager, BaseUrl, ProviderPlugin, ProviderSettings
from oauthreg._discovery import endpoints

class Settings(ProviderSettings):
    base_url: BaseUrl

class Acme(ProviderPlugin[Settings]):
    end_session_uri = "{base_url}/logout"

assert Acme(Settings(base_url="a.example")).endpoints() == {
    "end-session-uri": "https://a.example/logout"
}
assert endpoints({"end_session_endpoint": "https://a.example/end"}) == {
    "end-session-uri": "https://a.example/end"
}
with AuthorizedClientManager.from_settings({
    "registration": {"app": {"client-id": "app", "client-secret": "secret"}},
    "provider": {"p": {
        "token-uri": "https://a.example/token", "end-session-uri": "https://a.example/end"
    }},
}) as manager:
    found = manager.registrations["app"].provider.endpoints
    assert found["end-session-uri"] == "https://a.example/end"
"""


def test_one_row_makes_an_address_of_settings_plugins_and_metadata():
    run = [sys.executable, "-c", ONE_MORE_ROW]
    ended = subprocess.run(run, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_the_common_providers_name_their_own_addresses():
    addresses = Google(ProviderSettings()).endpoints()
    assert addresses["token-uri"] == "https://www.googleapis.com/oauth2/v4/token"
    assert addresses["issuer-uri"] == "https://accounts.google.com"
    assert "metadata-uri" not in addresses


# -- error hints


class Hinting(ProviderPlugin[ProviderSettings]):
    error_hints: ClassVar[dict[str, Any]] = {
        "denied": "Ask for it.",
        "denied: quota": Explanation(hint="Wait.", category="throttled", retryable=True),
        "denied: quota of the month": "Pay.",
    }


@pytest.mark.parametrize(
    ("code", "words", "hint"),
    [
        ("denied", None, "Ask for it."),
        ("denied", "no such thing", "Ask for it."),
        ("denied", "The quota is used up", "Wait."),
        ("denied", "The quota of the month is used up", "Pay."),
        ("denied_again", "quota", None),
        (None, "quota", None),
        ("", None, None),
    ],
)
def test_the_hint_that_says_most_is_given(code, words, hint):
    error = TokenEndpointError("x", status=400, error=code, error_description=words)
    found = Hinting(ProviderSettings()).explain_error(error)
    assert (found and found.hint) == hint
    if hint == "Wait.":
        assert (found.category, found.retryable) == ("throttled", True)
