"""`only=`: one registration of a file that has others, whatever is wrong with them."""

from __future__ import annotations

import pytest

from oauthreg import AuthorizedClientManager, ConfigurationError, UnknownRegistrationError

TEXT = """
[registration.warehouse]
client-id = "warehouse"
client-secret = "a-secret"
provider = "company"

[registration.kakao]
client-id = "${KAKAO_ID}"
client-secrett = "x"
client-secret-file = "missing"
provider = "kakao"
http = "social"

[registration.exchange]
client-id = "exchange"
client-secret = "a-secret"
provider = "company"
authorization-grant-type = "token-exchange"
subject-token = "registration:kakao"

[provider.company]
token-uri = "https://sso.example.com/token"

[provider.kakao]
token-uri = "kauth.example.com"

[http.social]
total-timeout = "soon"
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text(TEXT)
    return path


def paths(path, only):
    with pytest.raises(ConfigurationError) as caught:
        AuthorizedClientManager.from_settings(path, only=only)
    return {problem.path for problem in caught.value.problems}


def test_problems_of_the_others_are_nobodys(path, monkeypatch):
    monkeypatch.setenv("OAUTHREG_REGISTRATION__KAKAO__SCOPPE", "x")
    monkeypatch.setenv("OAUTHREG_PROVIDER__KAKAO__TOKEN_URII", "x")
    with AuthorizedClientManager.from_settings(path, only="Warehouse") as manager:
        assert [*manager.registrations] == ["warehouse"]


def test_problems_of_what_is_asked_for_are_all_told(path):
    assert paths(path, ["kakao"]) == {
        "registration.kakao.client-id",
        "registration.kakao.client-secret-file",
        "registration.kakao.client-secrett",
        "provider.kakao.token-uri",
        "http.social.total-timeout",
    }


def test_so_are_those_of_a_registration_whose_token_it_takes(path):
    assert "registration.kakao.client-id" in paths(path, "exchange")


def test_so_are_those_that_belong_to_none(path):
    path.write_text(f"{TEXT}\n[defaults]\nclient-secret = 'x'\n[stores]\n")
    assert paths(path, "warehouse") == {"defaults.client-secret", "stores"}


def test_an_id_that_is_not_there_is_a_problem_with_a_suggestion(path):
    with pytest.raises(ConfigurationError) as caught:
        AuthorizedClientManager.from_settings(path, only=["ware-house"])
    (problem,) = caught.value.problems
    assert problem.path == "registration.ware-house"
    assert "configured: warehouse, kakao, exchange" in problem.message
    assert problem.remedy == "Did you mean 'warehouse'?"


def test_one_that_was_left_out_says_so_when_it_is_called(path):
    manager = AuthorizedClientManager.from_settings(path, only="warehouse")
    with manager, pytest.raises(UnknownRegistrationError, match="left out by only="):
        manager.authorize("kakao")
