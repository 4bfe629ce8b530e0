"""A server's words about an error: found wherever vendors put them, and cleaned."""

from __future__ import annotations

import pytest

from oauthreg._flow import TokenResponse
from oauthreg._protocol.error_words import error_words

SHAPES = {
    # the body, the status, the code, the words
    "RFC 6749": (
        {"error": "invalid_scope", "error_description": "unknown", "message": "x"},
        400,
        ("invalid_scope", "unknown"),
    ),
    "Okta": (
        {"errorCode": "E0000011", "errorSummary": "Invalid token", "errorCauses": []},
        401,
        ("E0000011", "Invalid token"),
    ),
    "Apigee's gateway": (
        {"fault": {"faultstring": "Quota is used up", "detail": {"errorcode": "policies.quota"}}},
        429,
        ("policies.quota", "Quota is used up"),
    ),
    "Apigee's OAuth": (
        {"ErrorCode": "invalid_client", "Error": "ClientId is Invalid"},
        401,
        ("invalid_client", "ClientId is Invalid"),
    ),
    "Google": (
        {"error": {"code": 403, "message": "Permission denied", "status": "PERMISSION_DENIED"}},
        403,
        ("PERMISSION_DENIED", "Permission denied"),
    ),
    "problem+json": (
        {"type": "https://e.example/p", "title": "Forbidden", "status": 403, "detail": "no right"},
        403,
        (None, "Forbidden; no right"),
    ),
    "API gateways": ({"statusCode": 401, "message": "Access denied"}, 401, (None, "Access denied")),
    "a list of texts": ({"errors": ["permission denied"]}, 403, (None, "permission denied")),
    "a list of objects": (
        {"errors": [{"code": 99, "message": "Unable to verify", "label": "x"}]},
        403,
        ("99", "Unable to verify"),
    ),
    "texts by field": (
        {"errors": {"client_id": ["is invalid", "is odd"]}},
        422,
        (None, "is invalid; is odd"),
    ),
    "an array": (
        [{"message": "Session expired", "errorCode": "INVALID_SESSION_ID"}],
        401,
        ("INVALID_SESSION_ID", "Session expired"),
    ),
    "OneLogin": (
        {"status": {"error": True, "code": 401, "type": "Unauthorized", "message": "Bad secret"}},
        401,
        ("Unauthorized", "Bad secret"),
    ),
    "Twitch": ({"status": 400, "message": "missing client id"}, 400, (None, "missing client id")),
    "GitHub": ({"message": "Bad credentials", "status": "401"}, 401, (None, "Bad credentials")),
    "Zoom": (
        {"reason": "Invalid client", "error": "invalid_client"},
        401,
        ("invalid_client", "Invalid client"),
    ),
    "Slack": ({"ok": False, "error": "bad_client_secret"}, 200, ("bad_client_secret", None)),
    "Spring Boot": ({"status": 401, "error": "Unauthorized"}, 401, ("Unauthorized", None)),
    "Keycloak": ({"error": "Realm does not exist"}, 404, ("Realm does not exist", None)),
    "a number": ({"result": 0, "error": 9}, 400, ("9", None)),
    "other names": ({"userMessage": "nope", "fault-code": "F1"}, 400, ("F1", "nope")),
    "a form": (b"error=invalid_scope&error_description=no+such", 400, ("invalid_scope", "no such")),
    "an object of nothing": ({"error": {"name": "TypeError"}}, 500, (None, None)),
    "no code, but yes or no": ({"error": True, "status": "error"}, 400, (None, None)),
    "nothing": ({}, 400, (None, None)),
    "no object": (b'"text"', 400, (None, None)),
    "no JSON": (b"who are you?", 401, (None, None)),
    "a page": (b"<html>error=1&</html>", 400, (None, None)),
}


@pytest.mark.parametrize(("body", "status", "words"), SHAPES.values(), ids=SHAPES)
def test_the_words_are_found_in_every_shape(answer, body, status, words):
    found = error_words(answer(body, status))
    assert (found.code, found.description) == words


def test_a_challenge_has_the_words_that_the_body_lacks(answer):
    challenge = 'Bearer realm="x", error="invalid_token", error_description="bad\tone"'
    found = error_words(answer(b"", 401, www_authenticate=challenge))
    assert found == ("invalid_token", "bad one", None)
    found = error_words(answer(b"", 401, www_authenticate="DPoP error=use_dpop_nonce, my_error=x"))
    assert found.code == "use_dpop_nonce"
    body = {"error": "invalid_client"}
    assert error_words(answer(body, 401, www_authenticate=challenge)).code == "invalid_client"


def test_a_challenge_of_64_kb_is_read_at_its_beginning_only(answer):
    for filler in ("error " * 11_000, 'error="' * 9_000, "DPoP " * 13_000):
        found = error_words(answer(b"", 401, www_authenticate=f'{filler} error="late"'))
        assert found.code != "late"


def test_words_are_on_one_line_and_no_longer_than_500_characters(answer):
    body = {
        "error": "a\x1b[31m",
        "error_description": "b\n" * 400,
        "error_uri": "https://e.example/\u202ex",
    }
    found = error_words(answer(body, 400))
    assert found == ("a [31m", "b " * 250 + "...", "https://e.example/ x")
    found = error_words(answer({"errors": ["one\u2028two", "\ud800", 5, "three", "four"]}, 400))
    assert found.description == "one two; three; four"


def test_a_deep_or_a_wide_answer_is_read_in_part(answer):
    deep = b'{"error": ' * 400 + b'"x"' + b"}" * 400
    assert error_words(TokenResponse(status=400, body=deep)).code is None
    wide = {"errors": [{"message": f"m{number}"} for number in range(10_000)]}
    assert error_words(answer(wide, 400)).description == "m0; m1; m2"


@pytest.mark.parametrize("charset", ["", "; charset=ISO-8859-1", "; charset=cp1252", "; charset=x"])
def test_words_in_a_single_byte_charset_are_read(answer, charset):
    body = '{"error": "invalid_scope", "error_description": "port\u00e9e"}'.encode("cp1252")
    found = error_words(answer(body, 400, content_type=f"application/json{charset}"))
    assert found[:2] == ("invalid_scope", "port\u00e9e")


def test_words_in_a_named_charset_are_read(answer):
    body = '{"error": "x", "error_description": "\u0434\u0430"}'.encode("windows-1251")
    found = error_words(answer(body, 400, content_type="text/html; charset=windows-1251"))
    assert found.description == "\u0434\u0430"
    assert error_words(answer(body, 400, content_type="a; charset=iso-8859-12")).code == "x"
