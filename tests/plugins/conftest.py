"""Distributions that are there for one test: real metadata on sys.path, code as the test wants."""

from __future__ import annotations

import sys
from importlib import metadata
from types import ModuleType

import pytest
import stevedore._cache
from stevedore.extension import ExtensionManager

from oauthreg import AuthorizedClientManager, ConfigurationError
from oauthreg import _plugins as plugins

REGISTRATION = {"client-id": "my-client", "client-secret": "a secret"}


@pytest.fixture(autouse=True)
def forget(monkeypatch):
    """Let stevedore see what a test installs, and write its cache nowhere.

    Call it to forget what has been seen so far.
    """

    def forget():
        monkeypatch.setattr(ExtensionManager, "ENTRY_POINT_CACHE", {})
        monkeypatch.setattr(stevedore._cache._c, "_internal", {})
        plugins._listed.cache_clear()

    monkeypatch.setattr(stevedore._cache._c, "_disable_caching", True)
    forget()
    yield forget
    plugins._listed.cache_clear()


@pytest.fixture
def install(tmp_path, monkeypatch, forget):
    """Install a distribution: `install("acme", {"acme": "acme_plugin:Acme"}, acme_plugin=source)`.

    A module is given as its source, or as a dict of what is in it.
    """
    before = set(sys.modules)

    def install(distribution, points, *, group="oauthreg.providers", version="1.0", **modules):
        folder = tmp_path / f"site-{distribution}"
        info = folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        text = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        (info / "METADATA").write_text(text)
        lines = [f"[{group}]", *(f"{name} = {target}" for name, target in points.items())]
        (info / "entry_points.txt").write_text("\n".join(lines))
        for name, content in modules.items():
            if isinstance(content, str):
                (folder / f"{name}.py").write_text(content)
            else:
                module = ModuleType(name)
                vars(module).update(content)
                monkeypatch.setitem(sys.modules, name, module)
        monkeypatch.syspath_prepend(folder)
        forget()

    yield install
    for name in set(sys.modules) - before:
        if name.startswith("acme"):
            del sys.modules[name]


@pytest.fixture
def uninstall(monkeypatch, forget):
    """Hide distributions: `uninstall("oauthreg-keycloak")`."""

    def uninstall(*names):
        real = metadata.Distribution.discover

        def others(**options):
            return (found for found in real(**options) if found.name not in names)

        monkeypatch.setattr(metadata.Distribution, "discover", others)
        forget()

    return uninstall


@pytest.fixture
def plug(install):
    """Install a plugin class under the name `acme`."""

    def plug(plugin_class):
        install("acme-oauth", {"acme": "acme_plugin:Acme"}, acme_plugin={"Acme": plugin_class})
        return plugin_class

    return plug


@pytest.fixture
def manager():
    """Make managers that are closed at the end: `manager(provider={...}, registration={...})`."""
    made = []

    def manager(**settings):
        made.append(AuthorizedClientManager.from_settings(settings))
        return made[-1]

    yield manager
    for each in made:
        each.close()


@pytest.fixture
def acme(manager, server):
    """Make a manager of one registration `my-client` of the plugin `acme`, at the test server."""

    def acme(provider=(), **registration):
        return manager(
            provider={"acme": {"type": "acme", "token-uri": server.token_uri, **dict(provider)}},
            registration={"my-client": {**REGISTRATION, **registration}},
            http={"default": {"total-timeout": 2}},
        )

    return acme


@pytest.fixture
def server():
    from oauthreg.testing import AuthorizationServer

    with AuthorizationServer() as server:
        server.add_client("my-client", "a secret")
        yield server


@pytest.fixture
def problems(manager):
    """Return what is wrong with settings: messages by path."""

    def problems(**settings):
        with pytest.raises(ConfigurationError) as caught:
            manager(**settings)
        return {
            problem.path: f"{problem.message} | {problem.remedy}"
            for problem in caught.value.problems
        }

    return problems
