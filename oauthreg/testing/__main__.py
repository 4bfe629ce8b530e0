"""`python -m oauthreg.testing`: the test server from the shell, until it is interrupted."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from contextlib import suppress

from oauthreg.testing._server import AuthorizationServer
from oauthreg.testing._site import ENDPOINTS


def main() -> None:
    """Start the server and print `READY` and its addresses as JSON on one line."""
    parser = argparse.ArgumentParser(prog="python -m oauthreg.testing", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0, the default, is any free port")
    parser.add_argument("--client", action="append", default=[], metavar="ID:SECRET")
    parser.add_argument("--lifetime", type=int, default=300, help="of tokens, in seconds")
    parser.add_argument(
        "--tls", action="store_true", help="speak https, by a certificate of its own"
    )
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    server = AuthorizationServer(
        port=options.port, token_lifetime=options.lifetime, tls=options.tls
    )
    for client in options.client:
        client_id, _, secret = client.partition(":")
        server.add_client(client_id, secret)
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


if __name__ == "__main__":
    main()
