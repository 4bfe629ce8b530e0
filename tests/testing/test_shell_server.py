"""`python -m oauthreg.testing`: users, grants and faults by flags."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import requests

from oauthreg.testing.__main__ import _parser

FLAGS = [
    *("--client", "app:a-secret", "--client", "other:another"),
    *("--grant", "client_credentials", "--grant", "password", "--grant", "token-exchange"),
    *("--scope", "orders", "--user", "bob:his", "--lifetime", "77"),
    *("--fault", "token:status=503,retry-after=2,times=1"),
]


@pytest.fixture(scope="module")
def addresses():
    command = [sys.executable, "-m", "oauthreg.testing", *FLAGS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            word, _, text = process.stdout.readline().partition(" ")
            assert word == "READY"
            yield json.loads(text)
        finally:
            process.terminate()


def ask(addresses, client="app", secret="a-secret", **form):
    return requests.post(addresses["token"], data=form, auth=(client, secret), timeout=5)


def test_flags_say_clients_grants_users_and_faults(addresses):
    busy = ask(addresses, grant_type="client_credentials")
    assert (busy.status_code, busy.headers["Retry-After"]) == (503, "2.0")
    good = ask(addresses, "other", "another", grant_type="client_credentials").json()
    assert (good["scope"], good["expires_in"]) == ("orders", 77)
    login = {"grant_type": "password", "username": "bob", "password": "his"}
    assert ask(addresses, **login).status_code == 200
    assert ask(addresses, **{**login, "password": "hers"}).status_code == 400
    assert ask(addresses, grant_type="authorization_code").status_code == 400


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--client", "a-secret"], "must be two words with a colon between them"),
        (["--grant", "magic"], "is none of client_credentials"),
        (["--fault", "status=503"], "begins with no endpoint and colon"),
        (["--fault", "token:status=busy"], "status takes a number, not 'busy'"),
        (["--fault", "token:explode"], "knows no fault 'explode'"),
        (["--fault", "token:hang=1"], "knows no fault 'hang=1'"),
    ],
)
def test_what_a_flag_cannot_mean_is_said(capsys, flags, words):
    with pytest.raises(SystemExit) as caught:
        _parser().parse_args(flags)
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert words in said
    assert "a-secret" not in said


def test_every_fault_of_a_flag_is_a_fault_of_the_server():
    faults = (
        _parser()
        .parse_args(
            [
                *("--fault", "token:error=invalid_grant,times=2"),
                *("--fault", "metadata:hang", "--fault", "/x:delay=0.5", "--fault", "*:reset"),
            ]
        )
        .fault
    )
    assert [(path, times) for path, _, times in faults] == [
        ("token", 2),
        ("metadata", None),
        ("/x", None),
        ("*", None),
    ]
    assert faults[0][1].body == {"error": "invalid_grant"}
    assert faults[0][1].status == 400
    assert [faults[1][1].hang, faults[2][1].delay, faults[3][1].reset] == [True, 0.5, True]
