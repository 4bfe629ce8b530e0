"""Presets: provider plugins that are data alone, as tables of a package's `presets.toml`.

```python
# oauthreg_acme/__init__.py: each entry point names a preset, such as acme = "oauthreg_acme:acme"
from oauthreg.presets import load

__getattr__ = load(__name__)
```

A preset's keys are the data attributes of `ProviderPlugin`, in kebab case, and `settings`,
`example` and `samples`. A `-` in its name is a `_` in the entry point's target.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from functools import cache
from importlib import resources
from types import new_class
from typing import Any

from oauthreg._preset_tables import PresetTable, preset_table
from oauthreg._provider import ProviderPlugin

__all__ = ["load", "names"]


def load(package: str) -> Callable[[str], type[ProviderPlugin[Any]]]:
    """Return the `__getattr__` of a package, which makes a preset's class when it is asked for.

    Args:
        package: The package's name; beside its modules is `presets.toml`.
    """
    made: dict[str, type[ProviderPlugin[Any]]] = {}

    def preset(attribute: str) -> type[ProviderPlugin[Any]]:
        """Return the class of a preset.

        Raises:
            AttributeError: there is no such preset.
            TypeError: its table is wrong; the text says where and how.
        """
        name = attribute.replace("_", "-")
        if attribute.startswith("_") or name not in _tables(package):
            raise AttributeError(f"module {package!r} has no attribute {attribute!r}")
        if name not in made:
            made.setdefault(name, _class(package, name))
        return made[name]

    return preset


def names(package: str) -> tuple[str, ...]:
    """Return the names of a package's presets, in the order of its `presets.toml`.

    Raises:
        TypeError: the file is no TOML, or has something else than tables.
    """
    return tuple(_tables(package))


@cache
def _tables(package: str) -> dict[str, dict[str, Any]]:
    text = resources.files(package).joinpath("presets.toml").read_text("utf-8")
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TypeError(f"{package}/presets.toml is no TOML: {error}") from None
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise TypeError(f"{package}/presets.toml: {name} stands outside of a preset's table")
    return tables


def _class(package: str, name: str) -> type[ProviderPlugin[Any]]:
    try:
        table = preset_table(name, _tables(package)[name])
        return _plugin_class(package, name, table)
    except TypeError as error:
        lines = str(error).splitlines()
        listed = "".join(f"\n  {line}" for line in lines) if len(lines) > 1 else f" {lines[0]}"
        raise TypeError(f"{package}/presets.toml [{name}]:{listed}") from None


def _plugin_class(package: str, name: str, table: PresetTable) -> type[ProviderPlugin[Any]]:
    title = "".join(word.capitalize() for word in name.split("-"))
    body = {
        "__module__": package,
        "__doc__": f"The preset {name} of {package}.",
        "_preset": table,
        "settings_class": table.settings_class(title),
        **table.attributes(),
    }
    return new_class(title, (ProviderPlugin,), exec_body=lambda names: names.update(body))
