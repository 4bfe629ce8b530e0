"""Where a problem stands, and which problems are not told because another explains them."""

from __future__ import annotations

import logging

import pytest

from oauthreg import AuthorizedClientManager, ConfigurationError
from oauthreg._settings.vocabulary import SIGNING_ALGORITHMS
from oauthreg._signing_keys.keys import ALGORITHMS
from oauthreg.testing import AuthorizationServer

PROVIDER = '[provider.p]\ntoken-uri = "https://sso.example.com/token"\n'
GOOD = 'client-id = "id"\nclient-secret = "a-secret"\n'
TABLES = {"provider": {"p": {"token-uri": "https://sso.example.com/token"}}}


def told(*args, **options):
    with pytest.raises(ConfigurationError) as caught:
        AuthorizedClientManager.from_settings(*args, **options)
    return list(map(str, caught.value.problems))


def test_a_missing_key_stands_at_its_table_whatever_defaults_there_are(problems):
    found = problems(
        f"[registration.a]\n{GOOD}[registration.B]\n{PROVIDER}[defaults]\neager = true"
    )
    assert "settings.toml line 4" in found["registration.B.client-id"].source


def test_a_bad_default_is_one_problem_under_its_own_path(problems):
    many = "".join(f"[registration.r{number}]\n{GOOD}" for number in range(10))
    found = problems(
        f'{many}{PROVIDER}[defaults]\nrefresh-before = "2m"\nhttp = "slw"\n[http.slow]'
    )
    assert set(found) == {"defaults.refresh-before", "defaults.http"}


def test_a_bad_setting_of_every_profile_is_one_problem(problems):
    text = f"[registration.a]\n{GOOD}{PROVIDER}[http.default]\nread-timeout = 0\n[http.slow]\n"
    assert set(problems(text)) == {"http.default.read-timeout"}


def test_a_path_is_spelled_as_it_is_written(tmp_path):
    path = tmp_path / "pyproject.toml"
    path.write_text(
        '[tool.oauthreg.registration.My_Client]\nclient_id = ""\nclient-secret = "s"\n'
        '[tool.oauthreg.provider.p]\ntoken-uri = "https://sso.example.com/token"\n'
    )
    (text,) = told(path)
    assert text.startswith("registration.My_Client.client_id (")
    assert "line 2" in text


def test_a_dict_an_argument_and_register_name_themselves_once():
    settings = {**TABLES, "registration": {"a": {"client_id": "id", "client-secrett": "s"}}}
    (text, *_) = told(settings)
    assert text.startswith("registration.a.client-secrett (the dict of settings): there is no")
    good = {"client-id": "id", "client-secret": "s"}
    tables = {**TABLES, "registration": {"a": good}}
    (text,) = told(tables, arguments={"registration": {"a": {"eager": "x"}}})
    assert text.startswith("registration.a.eager (arguments): must be true or false")
    manager = AuthorizedClientManager.from_settings(tables)
    with manager, pytest.raises(ConfigurationError) as caught:
        manager.register("b", {"client-id": "id"})
    assert "registration.b.client-secret (register()): is missing" in str(caught.value)


def test_what_a_missing_file_explains_is_not_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "settings.toml").write_text(f'[registration.a]\nclient-idd = "x"\n{PROVIDER}')
    assert len(told(["settings.toml", "secrets.toml"])) == 2
    texts = told(["settings.toml", "secrets.toml"])
    assert any("client-idd" in text for text in texts)
    assert any("secrets.toml: is not there" in text for text in texts)


def test_what_another_problem_explains_is_not_told(tmp_path):
    path = tmp_path / "application.yml"
    path.write_text(
        "spring.security.oauth2.client:\n"
        "  registration.a: {clientId: '${NOWHERE}', client-secret: s, provider: p,\n"
        "    authorization-grant-type: client_credentials}\n"
        "  provider.p.token-uri: https://sso.example.com/token\n"
    )
    (text,) = told(path)
    assert "clientId (" in text
    assert "NOWHERE" in text


def test_a_misspelt_variable_is_one_problem_in_a_file_that_is_right(tmp_path, monkeypatch):
    path = tmp_path / "settings.toml"
    path.write_text(f"[registration.orders]\n{GOOD}{PROVIDER}")
    monkeypatch.setenv("OAUTHREG_REGISTRATION__ORDERS2__CLIENT_ID", "two")
    monkeypatch.setenv("OAUTHREG_REGISTRATION__ORDERS2__CLIENT_SECRET", "two")
    with AuthorizedClientManager.from_settings(path) as manager:
        assert set(manager.registrations) == {"orders", "orders2"}, "it is complete"
    monkeypatch.delenv("OAUTHREG_REGISTRATION__ORDERS2__CLIENT_ID")
    (text,) = told(path)
    assert text.endswith("Did you mean OAUTHREG_REGISTRATION__ORDERS__CLIENT_SECRET?")


@pytest.mark.parametrize("most", [86_400, 86_401, 1e300])
def test_a_timeout_is_at_most_a_day(most):
    settings = {**TABLES, "registration": {"a": {"client-id": "id", "client-secret": "s"}}}
    settings["http"] = {"default": {"total-timeout": most}}
    if most == 86_400:
        AuthorizedClientManager.from_settings(settings).close()
    else:
        assert "at most 86400 seconds (a day)" in told(settings)[0]


@pytest.mark.parametrize("value", [True, "", "1e999", float("nan"), 10**400, -1, 4e9, "x"])
def test_a_lifetime_is_a_number_of_seconds_up_to_100_years(value):
    registration = {"client-id": "id", "client-secret": "s", "max-lifetime": value}
    (text,) = told({**TABLES, "registration": {"a": registration}})
    assert "seconds" in text


def test_the_signing_algorithms_are_those_of_the_keys():
    ours = {name for names in ALGORITHMS.values() for name in names}
    assert {name for name in SIGNING_ALGORITHMS if not name.startswith("HS")} == ours


@pytest.mark.parametrize(
    ("settings", "warned"),
    [({}, 1), ({"allow-readable": True}, 0)],
)
def test_a_file_that_everybody_may_read_is_one_warning(tmp_path, caplog, settings, warned):
    path = tmp_path / "secret"
    path.write_text("a-secret")
    path.chmod(0o644)
    registration = {"client-id": "id", "client-secret-file": str(path), **settings}
    for _ in range(2):
        tables = {**TABLES, "registration": {"a": registration}}
        with caplog.at_level(logging.WARNING), AuthorizedClientManager.from_settings(tables):
            pass
    assert len(caplog.records) == warned
    if warned:
        assert f"every user of this machine can read {path}" in caplog.text
    path.chmod(0o640)


def test_a_secret_of_the_secrets_directory_is_read_again_when_it_changes(tmp_path):
    """Kubernetes swaps the folder that `..data` leads to."""
    name = "REGISTRATION__MY_CLIENT__CLIENT_SECRET"
    for version, secret in (("..1", "old\n"), ("..2", "new\n")):
        (tmp_path / version).mkdir()
        (tmp_path / version / name).write_text(secret)
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / name).symlink_to(f"..data/{name}")
    with AuthorizationServer() as server:
        server.add_client("my-client", "old")
        tables = f'[registration.my-client]\nclient-id = "my-client"\n{PROVIDER}'
        settings = tmp_path / "settings.toml"
        settings.write_text(tables.replace("https://sso.example.com/token", server.token_uri))
        manager = AuthorizedClientManager.from_settings(settings, secrets_dir=tmp_path)
        manager.authorize("my-client")
        server.change_secret("my-client", "new")
        (tmp_path / "..data").unlink()
        (tmp_path / "..data").symlink_to("..2")
        assert manager.authorize("my-client", force=True).access_token.token_value
        manager.close()


def test_ids_are_not_compared_each_with_each_where_there_are_very_many(problems, monkeypatch):
    monkeypatch.setattr("oauthreg._settings.misspelt.MOST_COMPARED", 2)
    monkeypatch.setenv("OAUTHREG_REGISTRATION__ORDRES__CLIENT_ID", "id")
    table = f"[registration.orders]\n{GOOD}{PROVIDER}"
    assert "registration.ordres" in problems(table)
    assert "registration.ordres" not in problems(f"[registration.b]\n{GOOD}{table}")


GRANT = 'authorization-grant-type = "refresh_token"\n'


def test_a_refresh_token_in_two_places_would_be_used_up(problems, loaded, tmp_path, monkeypatch):
    (tmp_path / "token").write_text("planted-secret-value\n")
    (tmp_path / "token").chmod(0o600)
    monkeypatch.setenv("RT", "planted-secret-value")
    table = f"{GRANT}{GOOD}refresh-token"
    one = f'[registration.one]\n{table} = "planted-secret-value"\n'
    others = {"file": 'file = "token"', "ref": 'ref = "env:RT"'}
    for name, line in others.items():
        found = problems(f"{PROVIDER}{one}[registration.two]\n{table}-{line}\n")
        (problem,) = found.values()
        assert problem.path == f"registration.two.refresh-token-{name}"
        assert "registration.one, which has it from another place" in problem.message
    same = f"{PROVIDER}{one}{one.replace('one', 'two')}"
    assert len(loaded(same).entries) == 2
    another = table.replace('"id"', '"other"')
    client = f'[registration.two]\n{another}-file = "token"\n'
    assert len(loaded(f"{PROVIDER}{one}{client}").entries) == 2


def test_a_refresh_token_in_two_places_is_no_problem_where_it_is_read_later(loaded, tmp_path):
    table = f"[registration.one]\n{GRANT}{GOOD}refresh-token = 'a'\n"
    other = f"[registration.two]\n{GRANT}{GOOD}refresh-token-ref = 'keyring:a/b'\n"
    assert len(loaded(f"{PROVIDER}{table}{other}").entries) == 2
