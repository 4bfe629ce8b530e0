"""The conformance kit for every preset of a package."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from oauthreg import presets
from oauthreg._flow import TokenResponse
from oauthreg.testing._kit.generated import key_file
from oauthreg.testing._kit.samples import Sample
from oauthreg.testing._kit.tests import ProviderPluginTests

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthreg._preset_tables import DocumentedAnswer, PresetTable


def preset_tests(package: str) -> dict[str, type[ProviderPluginTests]]:
    """Return the kit's class for each preset of a package, by its name as pytest finds it.

    ```python
    globals().update(preset_tests("oauthreg_acme"))
    ```

    Settings and registration are those of the preset's example, with a key that is made here in
    place of its `private-key-file`; samples are its documented answers.

    Args:
        package: The package whose `presets.toml` it is.

    Raises:
        TypeError: a table is wrong.
    """
    module = import_module(package)
    found = {}
    for name in presets.names(package):
        plugin = getattr(module, name.replace("-", "_"))
        table: PresetTable = plugin._preset  # noqa: SLF001 - where presets keep it
        title = f"Test{plugin.__name__}"
        found[title] = type(
            title,
            (ProviderPluginTests,),
            {
                "plugin": plugin,
                "name": name,
                "settings": table.example_settings(),
                "registration": {**table.example, **_credentials(table)},
                "samples": [_sample(one) for one in table.samples],
            },
        )
    return found


def _credentials(table: PresetTable) -> dict[str, str | Callable[[], str]]:
    """Return what an example cannot have: a key, and a secret that may be a token."""
    found: dict[str, str | Callable[[], str]] = {}
    if "private-key-file" in table.example:
        found["private-key-file"] = key_file
    if table.token is not None:
        found["client-secret"] = "a-static-token-of-the-kit"
    return found


def _sample(documented: DocumentedAnswer) -> Sample:
    headers = {name.lower(): value for name, value in documented.headers.items()}
    answer = TokenResponse(
        status=documented.status,
        headers={"content-type": "application/json", **headers},
        body=documented.body.encode(),
    )
    expected: dict[str, Any] = documented.expect.model_dump()
    if documented.now is not None:
        expected["now"] = documented.now
    return Sample(answer, **expected)
