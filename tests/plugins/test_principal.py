"""Whether a plugin sees the principal, and whether calls for different ones share a token."""

from __future__ import annotations

from oauthreg import ProviderPlugin, ProviderSettings


class Hint(ProviderPlugin[ProviderSettings]):
    """Asks for a token on behalf of the principal, in whatever grant."""

    def parameters(self, context):
        return [("requested_subject", str(context.principal))]


class PerUser(Hint):
    uses_principal = True


def subjects(server):
    return [dict(sent.form)["requested_subject"] for sent in server.requests_to("token")]


def test_without_a_user_all_share_one_token_and_no_hook_sees_who_calls(acme, plug, server):
    plug(Hint)
    manager = acme()
    clients = [manager.authorize("my-client", principal=who) for who in ("alice", "bob")]
    assert clients[0].access_token is clients[1].access_token
    assert [client.principal for client in clients] == ["alice", "bob"]
    assert subjects(server) == ["None"]


def test_a_plugin_that_uses_the_principal_gets_each_their_own(acme, plug, server):
    plug(PerUser)
    manager = acme()
    whose = ("alice", "bob", "alice", None)
    tokens = [manager.authorize("my-client", principal=who).access_token for who in whose]
    assert tokens[0] is tokens[2]
    assert len({token.token_value for token in tokens}) == 3
    assert subjects(server) == ["alice", "bob", "None"]


def test_a_user_of_a_users_grant_is_seen(acme, plug, server):
    plug(Hint)
    server.add_client("web", "a secret", grants=("password",))
    server.add_user("alice", "a password")
    manager = acme(
        **{
            "client-id": "web",
            "authorization-grant-type": "password",
            "allow-insecure-grants": True,
            "username": "alice",
            "password": "a password",
        }
    )
    manager.authorize("my-client", principal="alice")
    assert subjects(server) == ["alice"]


def test_a_plugins_settings_at_their_defaults_are_not_listed(acme, plug):
    class Settings(ProviderSettings):
        tenant: str = "common"
        modes: tuple[str, ...] = ()

    class Tenants(ProviderPlugin[Settings]):
        pass

    plug(Tenants)

    def listed(**settings):
        return acme(settings).registrations["my-client"].provider.settings

    assert listed() == listed(tenant="common", modes=()) == {}
    assert listed(tenant="mine") == {"tenant": "mine"}
