"""docs/interoperability.md says what runs; `make interop` writes it anew."""

import os

import pytest

SERVERS = {
    "embedded": "oauthreg.testing",
    "oidc_provider": "oidc-provider",
    "keycloak": "Keycloak",
    "spring": "Spring Authorization Server",
}
WRITE = os.environ.get("WRITE_INTEROPERABILITY") == "1"


@pytest.mark.parametrize("name", SERVERS)
def test_the_document_says_what_runs(name, request, interop, interop_document):
    server = request.getfixturevalue(name)
    cells, extras = interop.run(server)
    failed = {key: text for key, text in {**cells, **extras}.items() if text.startswith("FAILS")}
    assert not failed, "\n".join(f"{key}: {text}" for key, text in failed.items())

    version = server.extra.get("version", "").split(".")[:2]  # a patch release changes nothing here
    title = " ".join(filter(None, [SERVERS[name], ".".join(version)]))
    text = interop_document.section(title, cells, extras)
    if WRITE:
        interop_document.write(title, text, list(SERVERS.values()))
    assert interop_document.sections().get(title) == text, "run `make interop`"
    assert interop_document.PATH.read_text().startswith(interop_document.INTRODUCTION)
