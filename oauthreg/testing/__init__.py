"""For tests: an authorization server in the test's own process, with faults on demand.

```python
with AuthorizationServer() as server:
    server.add_client("my-client", "secret")
    server.inject(Fault(status=503, retry_after=1), times=1)
    ...  # ask for a token at server.token_uri, call server.api_uri with it
    assert server.token_requests == 2
```

`python -m oauthreg.testing` runs it from the shell.

`ProviderPluginTests` is the conformance kit for provider plugins.
"""

from typing import TYPE_CHECKING

from oauthreg.testing._faults import Fault, FaultSource, Gate, Injection
from oauthreg.testing._records import DELETE, Client, RecordedRequest, TokenRecord
from oauthreg.testing._server import AuthorizationServer

if TYPE_CHECKING:
    from oauthreg.testing._kit import ProviderPluginTests
else:

    def __getattr__(name):  # noqa: ANN001, ANN202 - type checkers read the import above
        if name != "ProviderPluginTests":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from oauthreg.testing._kit import ProviderPluginTests  # noqa: PLC0415 - it needs all the rest

        return ProviderPluginTests


__all__ = [
    "DELETE",
    "AuthorizationServer",
    "Client",
    "Fault",
    "FaultSource",
    "Gate",
    "Injection",
    "ProviderPluginTests",
    "RecordedRequest",
    "TokenRecord",
]
