"""Everything that a plugin's class says is checked when the class is made, in words."""

from typing import Any, ClassVar, Literal

import pytest
from pydantic import SecretStr

from oauthreg.plugin import (
    BaseUrl,
    Explanation,
    HostLabel,
    ProviderPlugin,
    ProviderSettings,
    filled,
)


class Settings(ProviderSettings):
    base_url: BaseUrl = "https://sso.example.com"
    tenant: str = "blue"
    shop: HostLabel = "acme"
    region: HostLabel | None = None
    cloud: Literal["login.example.com", "login.example.cn"] = "login.example.com"
    pin: SecretStr | None = None
    tags: tuple[str, ...] | None = None


def made(settings=Settings, **body):
    base = ProviderPlugin[settings]
    return type("Acme", (ProviderPlugin,), {**body, "__orig_bases__": (base,)})


def refusal(**body):
    with pytest.raises(TypeError) as caught:
        made(**body)
    return str(caught.value)


# -- where a placeholder may stand


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("https://{base_url}/token", "{base_url} is a BaseUrl, which must begin the template"),
        ("https://a.example/{base_url}", "{base_url} is a BaseUrl, which must begin the template"),
        ("{base_url}.example.com/token", "after {base_url}, a BaseUrl, must come / or ?"),
        ("{base_url}:8443/token", "after {base_url}, a BaseUrl, must come / or ?"),
        ("{base_url}{tenant}/token", "after {base_url}, a BaseUrl, must come / or ?"),
        ("{base_url}@a.example/token", "after {base_url}, a BaseUrl, must come / or ?"),
        ("{tenant}/token", "{tenant} begins the template, and so must be a BaseUrl"),
        ("{shop}/token", "{shop} begins the template, and so must be a BaseUrl"),
        ("https://{tenant}.example.com/token", "{tenant} stands in the host part, and so must be"),
        ("https://{tenant}", "{tenant} stands in the host part"),
        ("https://me:{tenant}@a.example/token", "{tenant} stands in the host part"),
        ("https://a.example:{tenant}/token", "{tenant} stands in the host part"),
        ("https://{shop}@a.example/token", "gives no usable address: it must not carry"),
        ("https://a.example:{shop}/token", "gives no usable address"),
        ("http://{shop}.example.com/token", "gives no usable address: it must be https"),
        ("ftp://a.example/token", "gives no usable address"),
        ("a.example/token", "gives no usable address"),
        ("https://a.example/token#{tenant}", "gives no usable address"),
        ("https://a.example/{pin}", "{pin} is a secret, which must not be shown"),
    ],
)
@pytest.mark.parametrize("attribute", ["token_uri", "mtls_token_uri"])
def test_a_placeholder_where_its_kind_must_not_stand_is_refused(template, words, attribute):
    text = refusal(**{attribute: template})
    assert text.startswith(f"Acme.{attribute}")
    assert words in text


@pytest.mark.parametrize(
    ("template", "address"),
    [
        ("{base_url}", "https://sso.example.com"),
        ("{base_url}?t={tenant}", "https://sso.example.com?t=a%2Fb"),
        ("https://{shop}.example.com/token", "https://acme.example.com/token"),
        ("https://api-{shop}.example.com/{tenant}", "https://api-acme.example.com/a%2Fb"),
        ("https://{cloud}/{tenant}/token", "https://login.example.com/a%2Fb/token"),
        ("https://a.example/{shop}", "https://a.example/acme"),
        ("https://{region}.example.com", None),
        ("http://127.0.0.1:8080/{tenant}", "http://127.0.0.1:8080/a%2Fb"),
    ],
)
def test_a_placeholder_in_its_place_is_filled(template, address):
    plugin = made(token_uri=template)(Settings(tenant="a/b"))
    assert plugin.endpoints().get("token-uri") == address


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        ("acme.myshopify.com", "write 'acme'"),
        ("https://acme.myshopify.com/admin", "write 'acme'"),
        ("acme/../x", "write 'acme'"),
        ("acme:8443", "write 'acme'"),
        ("me@acme", "write 'acme'"),
        ("me@evil.example/", "write 'evil'"),
        ("", "no dot)"),
        ("-acme", "no dot)"),
        ("a b", "no dot)"),
        ("größe", "no dot)"),
        ("acme\\x", "no dot)"),
        ("a" * 64, "no dot)"),
    ],
)
def test_a_host_label_that_is_none_is_a_problem_at_load(value, advice, plug, problems):
    plug(made(token_uri="https://{shop}.example.com/token"))
    found = problems(
        provider={"acme": {"type": "acme", "shop": value}},
        registration={"a": {"client-id": "a", "client-secret": "s"}},
    )
    assert list(found) == ["provider.acme.shop"]
    assert "must be one label of a host name" in found["provider.acme.shop"]
    assert advice in found["provider.acme.shop"]


def test_a_credential_in_a_host_labels_place_is_not_quoted():
    with pytest.raises(ValueError, match="one label") as caught:
        Settings(shop="s3cr3tKEY9fxq0Zz.pAyl0aD.x")
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    ("template", "values", "address"),
    [
        (
            "https://{shop}.example.com/{x}",
            {"shop": "a", "x": "b/c"},
            "https://a.example.com/b%2Fc",
        ),
        ("{base}/t", {"base": "sso.example.com/"}, "https://sso.example.com/t"),
    ],
)
def test_an_address_made_in_code_is_filled_by_the_same_rules(template, values, address):
    assert filled(template, **values) == address


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("https://{x}.example.com", "evil.example/"),
        ("https://{x}.example.com", "a@b"),
        ("{x}/token", "http://a.example"),
        ("https://a.example/{x}", ".."),
    ],
)
def test_an_address_made_in_code_takes_no_value_that_would_lead_elsewhere(template, value):
    with pytest.raises(ValueError, match="must"):
        filled(template, x=value)


# -- the values of data attributes


@pytest.mark.parametrize(
    ("attribute", "value", "words"),
    [
        (
            "client_authentication_method",
            "client_secret_bsic",
            "did you mean 'client_secret_basic'",
        ),
        ("scope_separator", None, "must be a valid string"),
        ("scope_separator", "", "at least 1 character"),
        ("grant_type", "client credentials", "without blanks"),
        ("defaults", ["x"], "must be a valid dictionary"),
        ("defaults", {"client-secret": "x"}, "must not have 'client-secret'"),
        ("defaults", {"private-key": "x"}, "must not have 'private-key'"),
        ("defaults", {"provider": "x"}, "must not have 'provider'"),
        ("defaults", {"urls": ["https://{tenant}.example"]}, "{tenant} stands in the host part"),
        ("defaults", {"audience": "{nobody}"}, "{nobody} is no setting of Settings"),
        ("defaults", {"parameters": {"x": "{pin}"}}, "{pin} is a secret"),
        ("error_hints", {"x": 1}, "error_hints at 'x'"),
        ("error_hints", {"x": ""}, "must say at 'x' what to do"),
        ("error_hints", {"x: ": "Do."}, "must have as keys"),
        ("error_hints", {" x": "Do."}, "must have as keys"),
        ("error_hints", {"*": "Do."}, "must say after '*: '"),
        ("error_hints", {"x": {"hint": "Do.", "category": "odd"}}, "must be 'credential'"),
        ("answer", {"acces_token": "token"}, "did you mean 'access_token'"),
        ("answer", {"access_token": "a..b"}, "names with dots between them"),
        ("answer", {"access_token": []}, "at least 1 item"),
        ("token_types", {"bot": "Bot bot"}, "without blanks"),
        ("body", "xml", "must be 'form' or 'json'"),
        ("addresses", "impersonation-uri", "must be a valid tuple"),
        ("addresses", ("impersonation",), "must be names such as 'impersonation-uri'"),
        ("assertion_header", ("x5u",), "must be 'kid'"),
        ("environment", {"tenant": "A-B"}, "must name environment variables"),
        ("settling", -1, "must be a number of seconds, 0 or more"),
        ("minimum_life", float("nan"), "must be a number of seconds, 0 or more"),
        ("documentation", "see the wiki", "documentation: must"),
        ("unverified", "a text", "must be a valid tuple"),
        ("defaults", {"client_secret": "x"}, "'client_secret' is spelled 'client-secret'"),
        ("defaults", {"Scope": "x"}, "'Scope' is spelled 'scope'"),
        ("token_uri", "https://a.example/{tags}", "{tags} is several values, and must be one"),
        ("flow", 5, "must be a method"),
        ("parameters", [("a", "b")], "must be a method"),
        ("options_class", int, "must be a subclass of RegistrationOptions"),
        ("uses_principal", "perhaps", "must be a valid boolean"),
    ],
)
def test_a_value_that_no_attribute_takes_is_refused(attribute, value, words):
    text = refusal(**{attribute: value})
    assert text.startswith(f"Acme.{attribute}")
    assert words in text


def test_all_that_is_wrong_is_said_at_once():
    text = refusal(scope_separator="", body="xml")
    assert "Acme.scope_separator" in text
    assert "Acme.body" in text


def test_a_subclass_is_checked_with_what_it_inherits():
    class Acme(ProviderPlugin[Settings]):
        error_hints: ClassVar[dict[str, Any]] = {"x": "Do.", "y": Explanation(hint="Go.")}

    class Special(Acme):
        scope_separator = ","

    assert Special.error_hints["x"] == Explanation(hint="Do.")
    assert Special.scope_separator == ","


@pytest.mark.parametrize("name", ["api_key", "password", "webhook_token", "key", "client_secret"])
@pytest.mark.parametrize("kind", [str, str | None])
def test_a_credential_among_the_settings_may_not_be_plain_text(name, kind):
    settings = type("S", (ProviderSettings,), {"__annotations__": {name: kind}})
    text = refusal(settings=settings)
    assert text.startswith(f"S.{name} is text, which is shown: make it a Secret")


@pytest.mark.parametrize("name", ["key_id", "token_uri", "public_key", "secretary"])
def test_a_setting_that_only_sounds_like_a_credential_may_be_text(name):
    made(settings=type("S", (ProviderSettings,), {"__annotations__": {name: str}}))


def test_a_type_that_nobody_imported_is_named():
    settings = type("S", (ProviderSettings,), {"__annotations__": {"shop": "HostLabels"}})
    assert "S: import HostLabels, the type of a setting" in refusal(settings=settings)


# -- versions


@pytest.mark.parametrize("wanted", ["99.0", "0.2", 99.5])
def test_a_plugin_for_a_newer_interface_says_what_it_needs(wanted):
    text = refusal(requires_interface=wanted, a_hook_of_tomorrow=lambda self: None)
    assert text.startswith(f"Acme needs oauthreg >= {wanted}; installed is ")


def test_a_requirement_that_is_no_version_is_refused():
    assert "must be a version such as" in refusal(requires_interface="soon")


# -- defaults are templates


def test_defaults_are_filled_with_the_settings(plug, manager):
    plug(
        made(
            token_uri="https://{shop}.example.com/token",
            defaults={
                "urls": ["https://{shop}.example.com", "https://{region}.example.com"],
                "audience": "api:{tenant}",
                "scope": "{base_url}/.default",
                "resource": "https://{region}.example.com",
                "parameters": {"tenant": "{tenant}", "region": "{region}"},
                "eager": False,
            },
        )
    )
    found = manager(
        provider={"acme": {"type": "acme", "tenant": "a/b", "shop": "blue"}},
        registration={"a": {"client-id": "a", "client-secret": "s"}},
    ).registrations["a"]
    assert found.urls == ("https://blue.example.com",)
    assert found.audience == "api:a/b"
    assert found.scopes == ("https://sso.example.com/.default",)
    assert found.resource == ()
    assert found.parameters == {"tenant": "a/b"}


def test_what_the_registration_says_comes_before_the_defaults(plug, manager):
    plug(made(token_uri="{base_url}/token", defaults={"urls": ["https://{shop}.example.com"]}))
    found = manager(
        provider={"acme": {"type": "acme"}},
        registration={"a": {"client-id": "a", "client-secret": "s", "urls": "https://x.example"}},
    ).registrations["a"]
    assert found.urls == ("https://x.example",)


def test_a_setting_that_cannot_stand_in_a_default_is_a_problem_at_load(plug, problems):
    plug(made(token_uri="{base_url}/t", defaults={"resource": "https://a.example/{tenant}"}))
    found = problems(
        provider={"acme": {"type": "acme", "tenant": ".."}},
        registration={"a": {"client-id": "a", "client-secret": "s"}},
    )
    assert list(found) == ["provider.acme.tenant"]


# -- further addresses


def test_further_addresses_are_settings_too(plug, manager):
    plug(
        made(
            token_uri="{base_url}/token",
            addresses=("impersonation-uri",),
            impersonation_uri="{base_url}/as/{tenant}",
        )
    )

    def endpoints(**provider):
        table = {"type": "acme", **provider}
        registration = {"client-id": "a", "client-secret": "s"}
        made = manager(provider={"acme": table}, registration={"a": registration})
        return made.registrations["a"].provider.endpoints

    assert endpoints()["impersonation-uri"] == "https://sso.example.com/as/blue"
    own = "https://x.example/as"
    assert endpoints(**{"impersonation-uri": own})["impersonation-uri"] == own


def test_a_further_address_is_checked_like_the_others(plug, problems):
    assert "Acme.impersonation_uri" in refusal(
        addresses=("impersonation-uri",), impersonation_uri="http://a.example"
    )
    plug(made(token_uri="{base_url}/token", addresses=("impersonation-uri",)))
    found = problems(
        provider={"acme": {"type": "acme", "impersonation-uri": "http://a.example"}},
        registration={"a": {"client-id": "a", "client-secret": "s"}},
    )
    assert "must be https" in found["provider.acme.impersonation-uri"]
