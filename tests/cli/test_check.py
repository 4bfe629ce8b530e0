"""`oauthreg check`: which registration does not work, at which step, and what to do."""

from __future__ import annotations

import json
import socket
from email.utils import formatdate
from time import time

import pytest

from oauthreg import AuthorizedClientManager, TokenEndpointError
from oauthreg._check.judgement import latency_step
from oauthreg._registration import HttpProfile
from oauthreg.testing import DELETE, AuthorizationServer, Fault

SECRET = "s3cret-of-the-cli"
CLIENT = f'client-id = "my-client"\nclient-secret = "{SECRET}"\n'


def steps(result):
    return {step["name"]: step for step in result["steps"]}


def outcomes(result):
    return {step["name"]: step["outcome"] for step in result["steps"]}


def registration(name, provider, more="", client=CLIENT):
    return f'[registration.{name}]\nprovider = "{provider}"\n{client}{more}\n'


def provider(name, server):
    return f'[provider.{name}]\nissuer-uri = "{server.issuer}"\n'


def test_what_is_well_is_one_line_and_a_verdict(oauthreg, server, settings):
    done = oauthreg("check")
    first, verdict = done.stdout.splitlines()
    assert first.startswith("ok")
    assert "my-client" in first
    assert "Bearer token; " in first
    assert verdict == "1 of 1 registration well"
    assert (done.returncode, done.stderr, server.token_requests) == (0, "", 1)


def test_as_json_every_step_is_there_and_no_token(found, server, settings):
    results, code = found()
    result = results["my-client"]
    assert (code, result["ok"], result["grant"]) == (0, True, "client_credentials")
    names = ["settings", "name", "tls", "token", "latency", "scopes", "lifetime", "clock"]
    assert [step["name"] for step in result["steps"]] == names
    assert all(step["ok"] for step in result["steps"])
    assert outcomes(result)["clock"] == "skipped"  # this server dates no answer
    assert steps(result)["token"]["seconds"] > 0
    assert server.tokens[0].value not in json.dumps(results)


TEN_FAULTS = {
    "wrong-secret": ("token", "client-secret"),
    "disabled": ("token", "unauthorized_client"),
    "misspelt": ("settings", "client-secret"),
    "untrusted": ("tls", "ca-bundle"),
    "no-such-name": ("name", "DNS"),
    "no-server": ("token", "server is running"),
    "wrong-issuer": ("metadata", "issuer-uri"),
    "scope": ("scopes", "scope"),
    "no-token": ("token", ""),
    "secret-file": ("settings", "gone.secret"),
}


def test_ten_faults_are_each_named_with_a_remedy_and_the_good_ones_pass(found, server, write):
    server.add_client("other-grants", SECRET, grants=("refresh_token",))
    servers = AuthorizationServer(tls=True), AuthorizationServer(), AuthorizationServer()
    with servers[0] as tls, servers[1] as faulty, servers[2] as narrowing:
        narrowing.inject(Fault(body={"access_token": "t", "token_type": "Bearer", "scope": ""}))
        faulty.inject(Fault(body="no token", status=200))
        write(
            registration("good", "company"),
            registration("also-good", "company", 'scope = "read"'),
            registration("wrong-secret", "company").replace(SECRET, "another"),
            registration("disabled", "company").replace("my-client", "other-grants"),
            registration("misspelt", "company").replace("client-secret", "client-secrte"),
            registration("untrusted", "tls"),
            registration("no-such-name", "nowhere"),
            registration("no-server", "silent"),
            registration("wrong-issuer", "elsewhere"),
            registration("scope", "narrowing", 'scope = "read"'),
            registration("no-token", "faulty"),
            registration("secret-file", "company").replace(
                f'client-secret = "{SECRET}"', 'client-secret-file = "gone.secret"'
            ),
            provider("company", server),
            provider("tls", tls),
            provider("faulty", faulty),
            provider("narrowing", narrowing),
            '[provider.nowhere]\nissuer-uri = "https://nowhere.invalid"\n',
            '[provider.silent]\ntoken-uri = "http://127.0.0.1:1/token"\n',
            f'[provider.elsewhere]\nissuer-uri = "{server.issuer}/elsewhere"\n',
        )
        results, code = found()
    assert code == 2
    assert [id_ for id_, one in results.items() if one["ok"]] == ["good", "also-good"]
    for id_, (step, word) in TEN_FAULTS.items():
        failed = [one for one in results[id_]["steps"] if not one["ok"]]
        assert [one["name"] for one in failed] == [step], results[id_]
        assert word in f"{failed[0]['seen']} {failed[0]['remedy']}", failed
        assert failed[0]["remedy"], failed


def test_who_is_not_trusted_is_named(found, write):
    with AuthorizationServer(tls=True) as server:
        write(registration("one", "tls"), provider("tls", server))
        results, code = found()
        step = steps(results["one"])["tls"]
        assert (code, step["outcome"]) == (1, "failed")
        assert "issued by CN=oauthreg test authority" in step["seen"]
        bundle = f'[http.default]\nca-bundle = "{server.ca_bundle}"\n'
        server.add_client("my-client", SECRET)
        write(registration("one", "tls"), provider("tls", server), bundle)
        results, code = found()
    step = steps(results["one"])["tls"]
    assert code == 0
    assert "certificate of server issued by oauthreg test authority" in step["seen"]
    assert step["outcome"] == "warning"  # it ends within two weeks


def test_metadata_is_fetched_once_for_all_registrations_of_a_provider(found, server, write):
    write(*(registration(f"r{n}", "company") for n in range(12)), provider("company", server))
    results, code = found()
    assert (code, len(results)) == (0, 12)
    assert (server.metadata_requests, server.token_requests) == (1, 12)


@pytest.mark.parametrize("fault", [Fault(status=503), Fault(drop="before"), Fault(status=401)])
def test_a_failure_is_not_tried_again(found, server, settings, fault):
    settings.write_text(
        settings.read_text().replace(
            f'client-secret = "{SECRET}"', f'client-secrets = ["{SECRET}", "another"]'
        )
    )
    server.inject(fault)
    results, code = found()
    assert (code, server.token_requests) == (1, 1)
    assert outcomes(results["my-client"])["token"] == "failed"


def test_a_server_that_hangs_ends_in_time_at_the_step_where_it_hung(found, server, settings):
    server.inject(Fault(hang=True))
    results, code = found("--timeout", "0.5")
    failed = [one for one in results["my-client"]["steps"] if not one["ok"]]
    assert (code, [one["name"] for one in failed]) == (1, ["token"])


def test_offline_sends_nothing_and_still_judges_the_settings(found, server, write):
    write(
        registration("good", "company"),
        registration("bad", "company").replace("client-id", "client-idd"),
        provider("company", server),
    )
    results, code = found("--offline")
    assert (code, server.requests) == (2, [])
    assert outcomes(results["good"]) == {"settings": "ok"}
    assert (results["good"]["ok"], results["bad"]["ok"]) == (True, False)


def test_only_what_is_named_is_checked_whatever_is_wrong_with_others(found, server, write):
    write(
        registration("good", "company"),
        registration("bad", "company").replace("client-id", "client-idd"),
        provider("company", server),
    )
    results, code = found("GOOD")
    assert ([*results], code) == (["good"], 0)


def test_an_unknown_id_is_exit_2_with_advice(oauthreg, settings):
    done = oauthreg("check", "my-clint")
    assert done.returncode == 2
    assert "Did you mean 'my-client'?" in done.stderr


def test_a_problem_of_no_registration_is_reported_beside_the_checks(oauthreg, server, settings):
    done = oauthreg("check", OAUTHREG_REGISTRATIONN__X__Y="1")
    assert done.returncode == 2
    assert "OAUTHREG_REGISTRATIONN__X__Y" in done.stderr
    assert done.stdout.startswith("ok")


def test_a_file_that_cannot_be_read_is_all_that_is_reported(oauthreg, settings):
    settings.write_text("[registration")
    done = oauthreg("check")
    assert (done.returncode, done.stdout) == (2, "")
    assert "settings.toml" in done.stderr


def test_the_clock_is_compared_with_the_servers_date(found, server, settings):
    server.inject(Fault(headers={"Date": formatdate(time() + 300, usegmt=True)}))
    results, code = found()
    step = steps(results["my-client"])["clock"]
    assert (code, step["outcome"]) == (1, "failed")
    assert "behind the server's" in step["seen"]
    assert "NTP" in step["remedy"]


def test_the_clock_is_told_of_a_refusal_too(found, server, settings):
    fault = Fault(status=401, headers={"Date": formatdate(time() - 300, usegmt=True)})
    server.inject(fault)
    results, _ = found()
    assert "ahead of the server's" in steps(results["my-client"])["clock"]["seen"]


@pytest.mark.parametrize(
    ("answer", "judged"),
    [
        ({"expires_in": None}, ("lifetime", "warning")),
        ({"expires_in": 10}, ("lifetime", "warning")),
        ({"expires_in": 300, "scope": "read extra"}, ("scopes", "ok")),
        ({"expires_in": 300, "scope": "other"}, ("scopes", "failed")),
    ],
)
def test_what_was_granted_is_judged(found, server, settings, answer, judged):
    server.inject(Fault(body={"access_token": "t", "token_type": "Bearer", **answer}))
    results, _ = found()
    assert judged in outcomes(results["my-client"]).items()


@pytest.mark.parametrize(("scope", "outcome"), [("read", "ok"), ("write", "warning")])
def test_the_api_is_asked_with_the_token(found, server, settings, scope, outcome):
    text = settings.read_text().replace('"read"', f'"{scope}"\nurls = ["{server.api_uri}"]')
    settings.write_text(text)
    server.inject(Fault(status=403) if scope == "write" else Fault(), path="api")
    results, code = found("--api")
    assert (code, server.api_requests) == (0, 1)
    assert outcomes(results["my-client"])["api"] == outcome


@pytest.mark.parametrize("status", [401, 500])
def test_an_api_that_does_not_take_the_token_is_not_well(found, server, settings, status):
    text = settings.read_text().replace('"read"', f'"read"\nurls = ["{server.api_uri}"]')
    settings.write_text(text)
    server.inject(Fault(status=status), path="api")
    results, code = found("--api")
    assert (code, outcomes(results["my-client"])["api"]) == (1, "failed")


def test_a_pattern_of_urls_is_no_address_to_ask(found, server, settings):
    text = settings.read_text().replace('"read"', '"read"\nurls = ["https://*.example.com"]')
    settings.write_text(text)
    results, code = found("--api")
    assert (code, outcomes(results["my-client"])["api"]) == (0, "skipped")


def test_a_dpop_nonce_is_no_second_try(found, server, settings):
    server.require_dpop_nonce = True
    text = settings.read_text()
    text = text.replace('"read"', f'"read"\ndpop = true\nurls = ["{server.api_uri}"]')
    settings.write_text(text)
    results, code = found("--api")
    assert (code, server.token_requests) == (0, 2)
    assert "DPoP token" in steps(results["my-client"])["token"]["seen"]
    assert outcomes(results["my-client"])["api"] == "ok"


def test_without_any_registration_it_says_where_it_looked(oauthreg):
    done = oauthreg("check")
    assert done.returncode == 2
    assert "oauthreg init" in done.stderr


def test_a_wait_that_another_process_was_told_of_is_respected_unless_forced(
    found, server, settings, tmp_path
):
    (tmp_path / "state").mkdir(0o700)
    with settings.open("a") as file:
        file.write('[store]\ntype = "sqlite"\npath = "state/tokens.db"\n')
    with server.inject(Fault(status=429, retry_after=60)):
        with (
            AuthorizedClientManager.from_settings(settings) as manager,
            pytest.raises(TokenEndpointError),
        ):
            manager.authorize("my-client")
        results, code = found()
    assert (code, server.token_requests) == (1, 1)
    assert "429" in steps(results["my-client"])["token"]["seen"]
    results, code = found("--force")
    assert (code, server.token_requests) == (0, 2)


def test_a_server_that_never_shakes_hands_is_named_at_tls(found, write):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        write(
            registration("one", "silent"),
            f'[provider.silent]\ntoken-uri = "https://127.0.0.1:{port}/token"\n',
            "[http.default]\nconnect-timeout = 0.3\n",
        )
        results, code = found()
    step = steps(results["one"])["tls"]
    assert (code, step["outcome"]) == (1, "failed")
    assert "connect-timeout" in step["remedy"]


def test_a_proxy_is_named_where_it_is_not_there(found, write):
    write(
        registration("one", "far"),
        '[provider.far]\ntoken-uri = "https://auth.example.com/token"\n',
        '[http.default]\nproxy = "http://proxy.invalid:3128"\n',
    )
    results, code = found()
    assert code == 1
    assert "proxy.invalid" in steps(results["one"])["name"]["seen"]
    assert "http.default.proxy" in steps(results["one"])["name"]["remedy"]


def test_behind_a_proxy_the_certificate_is_left_to_the_request(found, write):
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        port = proxy.getsockname()[1]
        write(
            registration("one", "far"),
            '[provider.far]\ntoken-uri = "https://auth.example.com/token"\n',
            f'[http.default]\nproxy = "http://127.0.0.1:{port}"\ntotal-timeout = 0.3\n',
        )
        results, code = found()
    assert code == 1
    assert outcomes(results["one"])["tls"] == "skipped"
    assert outcomes(results["one"])["token"] == "failed"


def test_metadata_without_a_token_endpoint_says_what_to_set(found, server, write):
    server.metadata_overrides = {"token_endpoint": DELETE}
    write(registration("one", "company"), provider("company", server))
    results, _ = found()
    assert "provider.company.token-uri" in steps(results["one"])["metadata"]["remedy"]


def test_a_token_endpoint_at_another_host_is_reached_too(found, server, write):
    server.metadata_overrides = {"token_endpoint": "https://tokens.invalid/token"}
    write(registration("one", "company"), provider("company", server))
    results, _ = found()
    failed = results["one"]["steps"][-2]
    assert (failed["name"], failed["outcome"]) == ("name", "failed")
    assert "tokens.invalid" in failed["seen"]


def test_a_secret_that_cannot_be_read_now_is_a_step_of_its_own(found, server, write):
    client = 'client-id = "my-client"\nclient-secret-ref = "keyring:no/entry"\n'
    write(registration("one", "company", client=client), provider("company", server))
    results, code = found()
    assert (code, outcomes(results["one"]).get("secret")) == (1, "failed")


def test_a_defect_of_one_check_does_not_end_the_others(found, server, write, monkeypatch):
    def broken(_registration, _granted):
        raise RuntimeError

    monkeypatch.setattr("oauthreg._check.registration.scopes_step", broken)
    write(registration("one", "company"), registration("two", "none"), provider("company", server))
    results, code = found()
    assert (code, results["one"]["ok"]) == (2, False)
    assert "RuntimeError" in results["one"]["steps"][0]["seen"]


@pytest.mark.parametrize(("seconds", "outcome"), [(0.1, "ok"), (5.0, "warning")])
def test_an_answer_that_nearly_took_too_long_is_worth_a_look(seconds, outcome):
    step = latency_step(HttpProfile(read_timeout=10.0), seconds)
    assert (step.outcome, step.seconds) == (outcome, seconds)
    assert bool(step.remedy) == (outcome == "warning")


def test_an_api_that_is_not_there_is_not_well(found, settings):
    text = settings.read_text().replace('"read"', '"read"\nurls = ["http://127.0.0.1:1"]')
    settings.write_text(text)
    results, code = found("--api")
    step = steps(results["my-client"])["api"]
    assert (code, step["outcome"]) == (1, "failed")
    assert "refused the connection" in step["seen"]
