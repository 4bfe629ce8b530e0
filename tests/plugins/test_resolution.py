"""Which provider a registration is of, which plugin that is, and where its addresses come from."""

import pytest

from oauthreg import BaseUrl, ProviderPlugin, ProviderSettings

SSO = {"token-uri": "https://sso.example.com/token"}
MY = {
    "client-id": "my-client",
    "client-secret": "a secret",
    "authorization-grant-type": "client_credentials",
}


class Settings(ProviderSettings):
    base_url: BaseUrl | None = None


class Acme(ProviderPlugin[Settings]):
    issuer_uri = "{base_url}/"
    token_uri = "{base_url}/token"
    revocation_uri = "{base_url}/revoke"


@pytest.fixture
def details(manager):
    """Return the provider of one registration: `details(providers, id, **settings)`."""

    def details(providers, registration_id="my-client", **registration):
        clients = manager(
            provider=providers, registration={registration_id: {**MY, **registration}}
        )
        return clients.registrations[registration_id].provider

    return details


@pytest.mark.parametrize(
    ("registration_id", "named", "providers", "name", "rule"),
    [
        ("a", "b", ["a", "b"], "b", "named by the registration"),
        ("a", "My_B", ["a", "my-b"], "my-b", "named by the registration"),
        ("a", "github", ["a", "b"], "github", "named by the registration"),
        ("a", None, ["a", "b"], "a", "named like the registration"),
        ("github", None, ["a", "github"], "github", "named like the registration"),
        ("github", None, ["a", "b"], "github", "built in and named like the registration"),
        ("github", None, [], "github", "built in and named like the registration"),
        ("c", None, ["a"], "a", "the only provider configured"),
    ],
)
def test_the_order_of_resolution(details, registration_id, *, named, providers, name, rule):
    own = {"provider": named} if named else {}
    found = details(dict.fromkeys(providers, SSO), registration_id, **own)
    assert (found.name, found.chosen_by) == (name, rule)


def test_an_unknown_provider_is_a_problem_that_lists_what_there_is(problems):
    found = problems(
        provider={"sso": SSO, "idp": SSO}, registration={"a": {**MY, "provider": "ssso"}}
    )
    text = found["registration.a.provider"]
    assert "no provider 'ssso'; configured: idp, sso" in text
    assert "Did you mean 'sso'?" in text


def test_no_provider_and_several_is_a_problem_that_lists_them(problems):
    found = problems(provider={"sso": SSO, "idp": SSO}, registration={"a": MY})
    assert "there are several providers: idp, sso" in found["registration.a.provider"]


def test_no_provider_at_all_is_a_problem_that_says_what_to_write(problems):
    found = problems(registration={"a": MY})
    assert "provider.a.issuer-uri" in found["registration.a.provider"]


@pytest.mark.parametrize("name", ["x", "github", "keycloak"])
def test_a_secret_goes_to_no_vendor_by_the_registrations_name_where_another_is_configured(
    problems, name
):
    found = problems(provider={"sso": SSO}, registration={name: MY})
    text = found[f"registration.{name}.provider"]
    assert f"is ambiguous: '{name}' is built in, and 'sso' is configured" in text
    assert f'Set registration.{name}.provider = "sso" or "{name}".' in text


def test_one_broken_provider_is_one_problem_for_all_its_registrations(problems):
    found = problems(provider={"sso": {}}, registration={"a": MY, "b": MY})
    assert list(found) == ["provider.sso"]


# -- Spring's five


@pytest.mark.parametrize(
    ("name", "token_uri", "method", "scopes"),
    [
        (
            "google",
            "https://www.googleapis.com/oauth2/v4/token",
            "client_secret_basic",
            ("openid", "profile", "email"),
        ),
        (
            "github",
            "https://github.com/login/oauth/access_token",
            "client_secret_basic",
            ("read:user",),
        ),
        (
            "facebook",
            "https://graph.facebook.com/v2.8/oauth/access_token",
            "client_secret_post",
            ("public_profile", "email"),
        ),
        (
            "x",
            "https://api.x.com/2/oauth2/token",
            "client_secret_post",
            ("users.read", "tweet.read"),
        ),
    ],
)
def test_the_common_providers_are_known_by_name(manager, name, token_uri, method, scopes):
    registration = manager(registration={name: MY}).registrations[name]
    assert registration.provider.token_uri == token_uri
    assert registration.provider.type == name
    assert registration.client_authentication_method == method
    assert registration.scopes == scopes


def test_okta_is_our_plugin_where_it_has_a_setting_of_the_plugin(details):
    found = details({"okta": {**SSO, "okta-domain": "my.okta.com"}}, "okta", scope="read")
    assert (found.type, found.token_uri) == ("okta", SSO["token-uri"])


def test_a_common_provider_may_be_configured_further(details):
    found = details({"github": {"token-uri": "https://github.acme.example/token"}}, "github")
    assert (found.type, found.token_uri) == ("github", "https://github.acme.example/token")
    assert found.endpoints["user-info-uri"] == "https://api.github.com/user"


# -- which plugin


def test_type_is_stronger_than_the_name(details, plug):
    plug(Acme)
    found = details({"github": {"type": "acme", "base-url": "https://id.acme.example"}}, "github")
    assert (found.type, found.token_uri) == ("acme", "https://id.acme.example/token")
    assert details({"github": {"type": "generic", **SSO}}, "github").type == "generic"


def test_any_other_name_is_the_generic_provider(details):
    assert details({"sso": SSO}).type == "generic"


# -- addresses


def test_stated_addresses_override_the_plugins_one_by_one(details, plug):
    plug(Acme)
    found = details({"sso": {"type": "acme", "base-url": "https://id.acme.example", **SSO}})
    assert found.issuer_uri == "https://id.acme.example/"
    assert dict(found.endpoints) == {
        "token-uri": "https://sso.example.com/token",
        "revocation-uri": "https://id.acme.example/revoke",
    }


def test_what_the_plugin_was_configured_with_is_kept(details, plug):
    plug(Acme)
    found = details({"sso": {"type": "acme", "base-url": "https://id.acme.example"}})
    assert found.settings == {"base-url": "https://id.acme.example"}


@pytest.mark.parametrize(
    ("addresses", "path", "words"),
    [
        ({"token-uri": "http://sso.example.com/token"}, "token-uri", "must be https"),
        ({"token-uri": "/token"}, "token-uri", "absolute"),
        ({"token-url": "https://sso.example.com/token"}, "token-url", "no such setting"),
    ],
)
def test_a_plugins_addresses_are_held_to_the_same_rules(problems, plug, addresses, path, words):
    class Odd(Acme):
        def endpoints(self):
            return addresses

    plug(Odd)
    found = problems(provider={"sso": {"type": "acme"}}, registration={"a": MY})
    assert words in found[f"provider.sso.{path}"]


def test_a_provider_without_an_address_says_what_would_make_one(problems, plug):
    plug(Acme)
    found = problems(provider={"sso": {"type": "acme"}}, registration={"a": MY})
    assert "token-uri" in found["provider.sso"]
    assert "base-url" in found["provider.sso"]


# -- settings


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("base-ur", "Did you mean 'base-url'?"),
        ("token-urii", "Did you mean 'token-uri'?"),
        ("zzzzzz", "Its plugin 'acme' knows base-url."),
    ],
)
def test_a_plugins_unknown_setting_is_a_problem(problems, plug, key, words):
    plug(Acme)
    found = problems(provider={"sso": {"type": "acme", key: "x"}}, registration={"a": MY})
    assert words in found[f"provider.sso.{key}"]


def test_the_generic_provider_has_no_settings_of_its_own(problems):
    found = problems(provider={"sso": {**SSO, "realm": "demo"}}, registration={"a": MY})
    assert "provider.sso.type" in found["provider.sso.realm"]


def test_every_problem_of_a_provider_is_told_at_once(problems, plug):
    plug(Acme)
    settings = {"type": "acme", "base-url": "http://sso.example.com", "relm": "x"}
    found = problems(provider={"sso": settings}, registration={"a": MY})
    assert set(found) == {"provider.sso.base-url", "provider.sso.relm"}


def test_a_plugins_defaults_are_the_lowest_of_the_settings(manager, plug):
    class Defaulting(Acme):
        defaults = {"scope": "read", "audience": "api"}  # noqa: RUF012 - as plugins write it
        token_uri = "https://id.acme.example/token"

    plug(Defaulting)
    registration = manager(
        provider={"sso": {"type": "acme"}}, registration={"a": {**MY, "scope": "write"}}
    ).registrations["a"]
    assert (registration.scopes, registration.audience) == (("write",), "api")
