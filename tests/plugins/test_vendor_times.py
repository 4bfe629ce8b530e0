"""What vendors say of how long a token is of use, and the helpers that read such times."""

import pytest
import requests

from oauthreg._renewal.fetches import TokenFetch
from oauthreg._tokens import life
from oauthreg.plugin import (
    ProviderPlugin,
    ProviderSettings,
    TokenResponse,
    jwt_claims,
    refusal,
    seconds_until,
)
from oauthreg.testing import Fault


class Settling(ProviderPlugin[ProviderSettings]):
    settling = 3600


class Demanding(ProviderPlugin[ProviderSettings]):
    minimum_life = 30


def test_a_token_that_is_still_settling_is_sent_again_and_not_renewed(plug, acme, server):
    plug(Settling)
    manager = acme()
    server.inject(Fault(status=401), times=1, path="api")
    assert requests.get(server.api_uri, auth=manager.auth("my-client"), timeout=5).ok
    assert server.token_requests == 1
    server.inject(Fault(status=401), times=2, path="api")
    refused = requests.get(server.api_uri, auth=manager.auth("my-client"), timeout=5)
    assert refused.status_code == 401
    assert server.token_requests == 1


def test_a_token_with_too_little_life_left_is_never_given_out(plug, acme, server):
    plug(Demanding)
    server.inject(Fault(body={"access_token": "t", "expires_in": 90}))
    client = acme().authorize("my-client")
    plugin = Demanding(ProviderSettings())
    fetch = TokenFetch(key="k", registration=client.registration, plugin=plugin)
    assert fetch.life_of(client.access_token, 90, spread=0.0) == (30, 54)


@pytest.mark.parametrize(
    ("lifetime", "needed", "expected"),
    [
        (3600, 30, (3570 - 1200, 3560)),
        (60, 30, (15, 27)),
        (30, 30, (15, 27)),
        (20, 600, (10, 18)),
    ],
)
def test_what_a_vendor_needs_is_taken_off_the_lifetime(lifetime, needed, expected):
    assert life(lifetime, spread=0.0, minimum_life=needed) == expected


@pytest.mark.parametrize(
    ("lifetime", "refresh_in", "stale"),
    [(86400, 43200, 43200), (3600, 3599, 2400), (3600, 1, 360), (3600, None, 2400)],
)
def test_a_server_may_want_its_token_renewed_earlier(lifetime, refresh_in, stale):
    assert life(lifetime, spread=0.0, refresh_in=refresh_in).stale_after == pytest.approx(stale)
    own = life(lifetime, spread=0.0, refresh_in=refresh_in, refresh_before=60)
    assert own.stale_after == lifetime - 60


# -- helpers


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("1970-01-01T00:01:40Z", 40),
        ("1970-01-01T00:01:40", 40),
        ("1970-01-01T02:01:40+02:00", 40),
        (100, 40),
        ("100", 40),
        (100.5, 40.5),
        (True, None),
        ("tomorrow", None),
        (None, None),
        (float("inf"), None),
        ("1e999", None),
        (10**400, None),
    ],
)
def test_seconds_until_a_point_in_time(value, seconds):
    assert seconds_until(value, 60.0) == seconds


def test_helpers_of_the_door_read_odd_answers():
    answer = TokenResponse(status=400, body=b'{"reason": "gone", "error_uri": 7}')
    error = refusal(answer, now=0.0, answer={"error": ("reason",)})
    assert error.error == "gone"
    assert jwt_claims("no jwt") is None
