"""`python -m oauthreg.testing`: the test server from the shell, until it is interrupted."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from contextlib import suppress
from typing import Any

from oauthreg.testing._faults import Fault
from oauthreg.testing._server import AuthorizationServer
from oauthreg.testing._site import ENDPOINTS

GRANTS = {
    "device_code": "urn:ietf:params:oauth:grant-type:device_code",
    "jwt-bearer": "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "token-exchange": "urn:ietf:params:oauth:grant-type:token-exchange",
}
"""What settings call them, and what a request does."""
EPILOG = """\
example, the server of a team that wants logins, and a token endpoint that is busy at first:
  python -m oauthreg.testing --port 8099 --client web:secret --grant authorization_code \\
    --grant refresh_token --redirect-uri http://127.0.0.1:8000/callback --user alice:hers \\
    --fault token:status=503,retry-after=1,times=2
"""


def main() -> None:
    """Start the server and print `READY` and its addresses as JSON on one line."""
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    server = AuthorizationServer(
        host=options.host,
        port=options.port,
        token_lifetime=options.lifetime,
        tls=options.tls,
        login=options.login or None,
    )
    for client_id, secret in options.client:
        server.add_client(
            client_id,
            secret,
            grants=options.grant or ("client_credentials",),
            scopes=options.scope or ("read", "write"),
            redirect_uris=options.redirect_uri,
        )
    for name, password in options.user:
        server.add_user(name, password)
    for path, fault, times in options.fault:
        server.inject(fault, times, path)
    with server, suppress(KeyboardInterrupt):
        names = ("issuer", "metadata", "api", *ENDPOINTS)
        addresses = {
            name: getattr(server, name if name == "issuer" else f"{name}_uri") for name in names
        }
        if options.tls:
            addresses["ca_bundle"] = server.ca_bundle
        sys.stdout.write(f"READY {json.dumps(addresses)}\n")
        sys.stdout.flush()
        threading.Event().wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m oauthreg.testing",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="the address to listen at (%(default)s)")
    add("--port", type=int, default=0, help="0, the default, is any free port")
    add("--lifetime", type=int, default=300, help="of tokens, in seconds (%(default)s)")
    add("--tls", action="store_true", help="speak https, by a certificate of its own")
    again: dict[str, Any] = {"action": "append", "default": []}
    add("--client", type=_pair, metavar="ID:SECRET", help="register a client; repeatable", **again)
    add("--grant", type=_grant, metavar="NAME", help="a grant of every client; repeatable", **again)
    add("--scope", metavar="SCOPE", help="a scope of every client; repeatable", **again)
    add("--redirect-uri", metavar="URI", help="of every client; repeatable", **again)
    add("--user", type=_pair, metavar="NAME:PASSWORD", help="a user; repeatable", **again)
    add("--login", default="alice", help="who is logged in and consents (%(default)s); '': nobody")
    add(
        "--fault",
        type=_fault,
        metavar="ENDPOINT:WHAT",
        help="what goes wrong at an endpoint, such as token:status=503,times=2; WHAT is status=, "
        "error=, delay=, retry-after=, hang, reset, and times= (all requests without it)",
        **again,
    )
    return parser


def _pair(text: str) -> tuple[str, str]:
    name, colon, secret = text.partition(":")
    if not colon or not name:
        raise argparse.ArgumentTypeError("must be two words with a colon between them")
    return name, secret


def _grant(text: str) -> str:
    known = ("client_credentials", "authorization_code", "refresh_token", "password", "implicit")
    if text not in {*known, *GRANTS, *GRANTS.values()}:
        raise argparse.ArgumentTypeError(f"is none of {', '.join((*known, *GRANTS))}")
    return GRANTS.get(text, text)


def _fault(text: str) -> tuple[str, Fault, int | None]:
    path, colon, words = text.partition(":")
    if not colon or (path not in {*ENDPOINTS, "api", "metadata", "*"} and path[:1] != "/"):
        known = ", ".join((*ENDPOINTS, "api", "metadata"))
        raise argparse.ArgumentTypeError(f"begins with no endpoint and colon; there are: {known}")
    fields: dict[str, Any] = {}
    times: int | None = None
    for word in words.split(","):
        key, _, value = word.partition("=")
        try:
            match key:
                case "status":
                    fields["status"] = int(value)
                case "error":
                    fields["body"] = {"error": value}
                    fields.setdefault("status", 400)
                case "delay":
                    fields["delay"] = float(value)
                case "retry-after":
                    fields["retry_after"] = float(value)
                case "hang" | "reset" if not value:
                    fields[key] = True
                case "times":
                    times = int(value)
                case _:
                    raise argparse.ArgumentTypeError(f"knows no fault {word!r}")
        except ValueError:
            raise argparse.ArgumentTypeError(f"{key} takes a number, not {value!r}") from None
    return path, Fault(**fields), times


if __name__ == "__main__":
    main()
