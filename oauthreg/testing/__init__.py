"""For tests: an authorization server in the test's own process, with faults on demand.

```python
with AuthorizationServer() as server:
    server.add_client("my-client", "secret")
    server.inject(Fault(status=503, retry_after=1), times=1)
    ...  # ask for a token at server.token_uri, call server.api_uri with it
    assert server.token_requests == 2
```

`python -m oauthreg.testing` runs it from the shell.

`assert_token_requests` counts; docs/testing.md has the fixtures of the pytest plugin.

`ProviderPluginTests` is the conformance kit for provider plugins, `StoreTests` that for stores.
`Sample`, `answer`, `key_file` and the like are what the first is told; `preset_tests` makes it for
every preset of a package.
"""

from typing import TYPE_CHECKING

from oauthreg.testing._assertions import assert_token_requests
from oauthreg.testing._faults import Fault, FaultSource, Gate, Injection
from oauthreg.testing._records import DELETE, Client, RecordedRequest, TokenRecord
from oauthreg.testing._server import AuthorizationServer

if TYPE_CHECKING:
    from oauthreg.testing._kit.answers import answer
    from oauthreg.testing._kit.generated import (
        assertion_file,
        certificate,
        certificate_file,
        key_file,
        private_key,
        text_file,
    )
    from oauthreg.testing._kit.samples import Sample
    from oauthreg.testing._kit.tests import ProviderPluginTests
    from oauthreg.testing._presets import preset_tests
    from oauthreg.testing._store_tests import StoreTests
else:
    _FILES = ("assertion_file", "certificate", "certificate_file", "key_file", "private_key")
    _KITS = {
        "ProviderPluginTests": "_kit.tests",
        "Sample": "_kit.samples",
        "StoreTests": "_store_tests",
        "answer": "_kit.answers",
        "preset_tests": "_presets",
        **dict.fromkeys((*_FILES, "text_file"), "_kit.generated"),
    }

    def __getattr__(name):  # noqa: ANN001, ANN202 - type checkers read the imports above
        if name not in _KITS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module  # noqa: PLC0415 - the kits need all the rest

        return getattr(import_module(f"{__name__}.{_KITS[name]}"), name)


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
    "Sample",
    "StoreTests",
    "TokenRecord",
    "answer",
    "assert_token_requests",
    "assertion_file",
    "certificate",
    "certificate_file",
    "key_file",
    "preset_tests",
    "private_key",
    "text_file",
]
