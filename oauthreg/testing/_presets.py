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
                "registration": {**table.example, **_files(table)},
                "samples": [_sample(one) for one in table.samples],
            },
        )
    return found


def _files(table: PresetTable) -> dict[str, Callable[[], str]]:
    """Return what makes the files that an example names."""
    return {name: key_file for name in table.example if name == "private-key-file"}


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
