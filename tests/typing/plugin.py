"""What type checkers say of a plugin: `make types` asks mypy and pyright; nothing runs this."""

from collections.abc import Iterable, Mapping
from typing import ClassVar, assert_type

from oauthreg.plugin import (
    AuthorizationError,
    BaseUrl,
    ClientRegistration,
    Explanation,
    Flow,
    Granted,
    NeedToken,
    Pause,
    PluginContext,
    Problem,
    ProviderPlugin,
    ProviderSettings,
    Secret,
    SigningKey,
    TokenEndpointError,
    TokenRequest,
    TokenResponse,
    granted_from,
    json_object,
    refusal,
)


class AcmeSettings(ProviderSettings):
    base_url: BaseUrl
    tenant: str = "blue"


class Acme(ProviderPlugin[AcmeSettings]):
    token_uri = "{base_url}/t/{tenant}"
    error_hints: ClassVar = {
        "access_denied": "Ask.",
        "slow": Explanation(hint="Wait.", retry_after=5),
    }

    def parameters(self, context: PluginContext) -> Iterable[tuple[str, str]]:
        assert_type(self.settings, AcmeSettings)
        assert_type(self.settings.base_url, str)
        assert_type(context.registration, ClientRegistration)
        assert_type(context.endpoints, Mapping[str, str])
        assert_type(context.now, float)
        assert_type(context.new_id(), str)
        assert_type(context.secret, Secret | None)
        assert_type(context.signing_key, SigningKey | None)
        assert_type(context.principal, str | None)
        return [("tenant", self.settings.tenant)]

    def check(self, registration: ClientRegistration) -> Iterable[Problem]:
        yield Problem("registration.a", "is wrong", remedy="Mend it.")

    def flow(self, context: PluginContext) -> Flow[Granted]:
        request = self.authenticate(context, TokenRequest(url="https://a.example/", form=()))
        assert_type(request, TokenRequest)
        yield Pause(1)
        yield NeedToken("other")
        response: TokenResponse = yield request
        assert_type(refusal(response, now=context.now), TokenEndpointError)
        if response.status == 400:
            raise AuthorizationError("no", hint="Ask.")
        assert_type(granted_from(json_object(response) or {}), Granted)
        return self.parse_response(context, response)


plugin = Acme(AcmeSettings(base_url="a.example"))
assert_type(plugin.settings, AcmeSettings)
assert_type(plugin.endpoints(), Mapping[str, str])
