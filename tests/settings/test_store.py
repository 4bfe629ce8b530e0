from __future__ import annotations

import pytest

from oauthreg import ConfigurationError
from oauthreg._secret_values import Secret
from oauthreg._settings import load as loading
from oauthreg._settings import store as store_settings
from oauthreg._settings.load import load
from oauthreg._shared.seal import new_key
from oauthreg.stores._memory import MemoryStore

KEY, OTHER = new_key(), new_key()


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    """A home for the default path, and a third-party store named `own`."""
    folder = tmp_path / "state"
    folder.mkdir(0o700)
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    own = Own()
    real = store_settings.store_factory
    monkeypatch.setattr(
        store_settings, "store_factory", lambda name: own if name == "own" else real(name)
    )
    return folder


class Own:
    """A factory that remembers what it was given."""

    def __init__(self):
        self.configs = []
        self.failure = None

    def __call__(self, config):
        self.configs.append(config)
        if self.failure is not None:
            raise self.failure
        return MemoryStore()


def configured(**store):
    return load({"store": store}).store


def problems(**store):
    with pytest.raises(ConfigurationError) as caught:
        configured(**store)
    return {problem.path.replace("_", "-"): problem for problem in caught.value.problems}


@pytest.mark.parametrize("kind", ["redis", "sql"])
def test_all_that_is_missing_is_said_at_once(kind):
    found = problems(type=kind)
    assert found.keys() == {"store.keys", "store.url"}
    assert {problem.message for problem in found.values()} == {"is missing"}


def test_an_address_that_cannot_be_read_is_not_missing_too(tmp_path):
    found = problems(type="redis", url_file=str(tmp_path / "none"), keys=[KEY])
    assert found.keys() == {"store.url-file"}


@pytest.mark.parametrize("store", [{}, {"type": "memory"}, {"type": "memory", "timeout": 3}])
def test_memory_is_no_shared_store(store):
    assert configured(**store) is None
    assert load({}).store is None


def test_sqlite_needs_nothing_else(state):
    store = configured(type="sqlite")
    assert store.config.path == state / "oauthreg/tokens.db"
    assert not list(state.iterdir())
    shared = store.open()
    name = shared.names().access_token("key")
    assert (state / "oauthreg/tokens.db.key").exists()
    assert configured(type="sqlite").open().names().access_token("key") == name


def test_a_path_is_relative_to_the_file_that_states_it(tmp_path, monkeypatch):
    folder = tmp_path / "etc"
    folder.mkdir(0o700)
    (folder / "app.toml").write_text('[store]\ntype = "sqlite"\npath = "my.db"')
    assert load(folder / "app.toml").store.config.path == folder / "my.db"


def test_every_setting_reaches_the_factory(state, monkeypatch):
    monkeypatch.setenv("STORE_URL", "own://user:pw@host")
    roots = state / "roots.pem"
    roots.touch()
    store = configured(
        type="own",
        url_ref="env:STORE_URL",
        prefix="app:1",
        ca_bundle=str(roots),
        keys=[KEY],
        timeout=2.5,
        allow_readable=True,
    )
    config = store.config
    assert config.url.read() == Secret("own://user:pw@host")
    assert (config.prefix, config.ca_bundle, config.timeout) == ("app:1", roots, 2.5)
    assert config.allow_readable
    assert "pw" not in repr(store)
    assert KEY not in repr(store)


def test_equal_settings_are_equal_stores(state):
    (state / "keys").write_text(KEY)
    one = {"type": "own", "url": "own://host", "keys": [KEY]}
    two = {"type": "sqlite", "keys_file": str(state / "keys")}
    assert configured(**one) == configured(**one)
    assert configured(**two) == configured(**two)
    assert configured(**one) != configured(**one | {"keys": [OTHER]})
    assert configured(**one) != configured(**one | {"url": "own://other"})


@pytest.mark.parametrize("how", ["list", "text", "file", "reference"])
def test_keys_are_given_in_four_ways(state, monkeypatch, how):
    monkeypatch.setenv("STORE_KEYS", f"{KEY},{OTHER}")
    (state / "keys").write_text(f"{KEY}\n{OTHER}\n")
    given = {
        "list": {"keys": [KEY, OTHER]},
        "text": {"keys": f"{KEY} {OTHER}"},
        "file": {"keys_file": str(state / "keys")},
        "reference": {"keys_ref": "env:STORE_KEYS"},
    }
    first = configured(type="own", keys=[KEY]).key_ring().current()
    second = configured(type="own", keys=[OTHER]).key_ring().current()
    ring = configured(type="own", **given[how]).key_ring().current()
    assert first.open(ring.seal(b"x")) == b"x"
    assert ring.open(second.seal(b"x")) == b"x"


def test_keys_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("OAUTHREG_STORE__KEYS", f'["{KEY}"]')
    monkeypatch.setenv("OAUTHREG_STORE__TYPE", "sqlite")
    assert load(None, env_file=None).store.keys == (Secret(KEY),)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ([KEY, "c2hvcnQ="], "key 2 of 2 has 5 bytes instead of 32"),
        (["no base64!"], "key 1 of 1 is not base64"),
        ([], "there is no key"),
        ("", "there is no key"),
    ],
)
def test_what_is_no_key_is_a_problem_and_not_shown(keys, words):
    problem = problems(type="own", keys=keys)["store.keys"]
    assert words in problem.message
    assert "c2hvcnQ" not in str(problem)


def test_a_key_file_that_cannot_be_used_is_a_problem(state):
    (state / "keys").write_text("short")
    assert (
        "key 1 of 1"
        in problems(type="own", keys_file=str(state / "keys"))["store.keys-file"].message
    )
    missing = problems(type="own", keys_file=str(state / "none"))["store.keys-file"]
    assert "there is no file" in missing.message


@pytest.mark.parametrize(("mode", "warnings"), [(0o644, 1), (0o640, 0), (0o600, 0)])
def test_keys_that_everybody_can_read_are_warned_of(state, caplog, mode, warnings):
    keys = state / "keys"
    keys.write_text(KEY)
    keys.chmod(mode)
    configured(type="own", keys_file=str(keys))
    assert caplog.text.count(f"store: every user of this machine can read {keys}") == warnings
    assert caplog.text.count("set store.allow-readable = true") == warnings
    caplog.clear()
    configured(type="own", keys_file=str(keys), allow_readable=True)
    assert not caplog.records


def test_a_source_in_the_network_is_not_read_at_load(monkeypatch):
    class Vault:
        reference, local = "vault:keys", False

        def read(self):
            raise AssertionError("read at load")

    monkeypatch.setattr(
        "oauthreg._settings.credentials.secret_source", lambda _scheme, _rest: Vault()
    )
    assert configured(type="own", keys_ref="vault:keys", url_ref="vault:url") is not None


def test_a_store_in_the_network_has_keys_or_says_that_it_is_not_encrypted():
    problem = problems(type="own")["store.keys"]
    assert problem.message == "is missing"
    assert "oauthreg store new-key" in problem.remedy
    assert 'encryption = "off"' in problem.remedy
    plain = configured(type="own", encryption="off")
    assert plain.key_ring().current().seal(b"x") == b"\x00x"


def test_keys_without_encryption_are_a_contradiction():
    assert "encryption" in problems(type="own", keys=[KEY], encryption="off")["store.keys"].message


def test_a_store_whose_key_is_missing_is_a_problem(state):
    configured(type="sqlite").open().names()
    key = state / "oauthreg/tokens.db.key"
    key.unlink()
    assert f"{key} is missing" in problems(type="sqlite")["store.keys"].message
    assert not key.exists()


def test_a_file_that_others_can_read_is_a_problem(state):
    (state / "my.db").touch(0o600)
    (state / "my.db").chmod(0o644)
    problem = problems(type="sqlite", path=str(state / "my.db"))["store.path"]
    assert "0644" in problem.message
    assert "chmod" in problem.remedy
    assert configured(type="sqlite", path=str(state / "my.db"), allow_readable=True)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("", "is a folder"),
        (".", "is a folder"),
        ("..", "is a folder"),
        ("/", "is a folder"),
        ("link", "is a symbolic link"),
        ("readable/my.db", "0755"),
        ("my\0.db", "is no file"),
    ],
)
def test_a_wrong_place_is_one_problem_that_names_no_key(state, monkeypatch, path, words):
    monkeypatch.chdir(state)
    (state / "target").write_bytes(b"x")
    (state / "link").symlink_to("target")
    (state / "readable").mkdir()
    (state / "readable").chmod(0o755)
    ((where, problem),) = problems(type="sqlite", path=path).items()
    assert where == "store.path"
    assert words in problem.message


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"type": "sqllite"}, "Did you mean 'sqlite'"),
        ({"type": "mongo"}, "there is no store called 'mongo'; there are: memory, redis, sql"),
        ({"type": ""}, "empty"),
        ({"prefix": "a b"}, "must be 1 to 60 letters, digits"),
        ({"timeout": 0}, "must be more than 0"),
        ({"encryption": "no"}, "must be on or off; it is 'no'"),
        ({"ca_bundle": "none.pem"}, "there is no file 'none.pem'"),
        ({"keyz": []}, "no such setting"),
        ({"url_ref": "nothing"}, "must be a scheme and a reference"),
    ],
)
def test_what_is_wrong_is_a_problem_with_its_setting(wrong, words):
    found = problems(**{"type": "own", "keys": [KEY]} | wrong)
    key = next(iter(wrong)).replace("_", "-")
    assert words in found[f"store.{key}"].message + found[f"store.{key}"].remedy


def test_the_problems_that_a_factory_finds_stand_where_the_setting_does(tmp_path, state):
    from oauthreg import Problem

    own = store_settings.store_factory("own")
    own.failure = ConfigurationError([Problem("store.url", "has no host", remedy="Name one.")])
    path = tmp_path / "app.toml"
    path.write_text(f'[store]\ntype = "own"\nkeys = ["{KEY}"]\nurl-file = "url"')
    (tmp_path / "url").write_text("own://")
    with pytest.raises(ConfigurationError) as caught:
        load(path)
    (problem,) = caught.value.problems
    assert (problem.path, problem.message) == ("store.url-file", "has no host")
    assert "app.toml line 4" in problem.source


def test_a_factory_that_fails_is_a_problem_and_shows_no_address():
    store_settings.store_factory("own").failure = RuntimeError("own://user:pw@host")
    problem = problems(type="own", keys=[KEY])["store.type"]
    assert "'own' fails with RuntimeError" in problem.message
    assert "pw" not in str(problem)


def test_two_ways_to_say_one_setting_in_one_place_are_a_problem():
    (problem,) = problems(type="own", keys=[KEY], keys_ref="env:X").values()
    assert "keep one" in problem.message


def test_a_registration_added_later_keeps_the_store():
    configuration = load({"store": {"type": "sqlite"}})
    added, _ = loading.with_registration(
        configuration, "late", {"client-id": "x", "provider": "google", "client-secret": "y"}
    )
    assert added.store == configuration.store


@pytest.mark.parametrize(("name", "extra"), [("redis", "redis"), ("sql", "sql")])
def test_a_missing_library_is_a_problem_that_names_the_extra(monkeypatch, name, extra):
    monkeypatch.setattr("oauthreg._plugins.find_spec", lambda _name: None)
    problem = problems(type=name, url="redis://x", keys=[KEY])["store.type"]
    assert f"pip install 'oauthreg[{extra}]'" in problem.remedy


@pytest.mark.parametrize(
    ("key", "value"),
    [("path", "x.db"), ("url", "redis://h"), ("keys", KEY)],
    ids=["path", "url", "keys"],
)
def test_a_place_without_a_type_is_a_problem(key, value):
    problem = problems(**{key: value})[f"store.{key}"]
    assert problem.message == "is of no use without a type"
    assert "store.type" in problem.remedy


def test_memory_may_stand_over_the_settings_of_another_store():
    assert configured(type="memory", url="redis://h", keys=KEY) is None


def test_the_file_of_a_machine_has_more_time_than_a_server(tmp_path):
    tmp_path.chmod(0o700)
    assert configured(type="sqlite").config.timeout == 5
    assert configured(type="own", keys=KEY).config.timeout == 1
    assert configured(type="sqlite", timeout=2).config.timeout == 2
