"""The authorization server of the soak of stores: one answer in five goes wrong.

Each line on its standard input is answered by one: how often it was asked, how many faults it
made, and how often each refresh token was sent.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
import threading
import time
from collections import Counter

from server import FAULTS, LIFETIME, SHARE_OF_FAULTS

from oauthreg.testing import AuthorizationServer, Fault

GRANTING = {Fault(delay=0.7), Fault(close_idle=True), None}
REDIRECT = "http://127.0.0.1:9/callback"


class Records:
    """What the server saw."""

    def __init__(self) -> None:
        self.chance = random.Random(7)  # noqa: S311 - which answers go wrong is no secret
        self.asked: Counter[str] = Counter()
        self.faults = 0
        self.sent: dict[str, list[tuple[float, str]]] = {}
        """By refresh token: when it was sent, and whether it was `granted`, `refused` by a status
        that uses it up for nobody, or its answer was `lost`."""
        self._lock = threading.Lock()

    def chaos(self, request):
        """Note a token request, and return what goes wrong with it."""
        form = dict(request.form)
        if form["grant_type"] == "authorization_code":
            return None
        with self._lock:
            fault = None
            if self.chance.random() < SHARE_OF_FAULTS:
                fault = self.chance.choice(FAULTS)
                self.faults += 1
            self.asked[form.get("client_id", "")] += 1
            if "refresh_token" in form:
                digest = hashlib.sha256(form["refresh_token"].encode()).hexdigest()[:12]
                lost = "lost" if fault is not None and fault.status is None else "refused"
                answer = "granted" if fault in GRANTING else lost
                self.sent.setdefault(digest, []).append((time.time(), answer))
        return fault

    def told(self) -> str:
        """Return all of it."""
        with self._lock:
            return json.dumps({"asked": self.asked, "faults": self.faults, "sent": self.sent})


def main() -> None:
    """Serve until standard input ends."""
    records = Records()
    with AuthorizationServer(jwt_access_tokens=True, token_lifetime=LIFETIME) as server:
        for name in json.loads(sys.argv[1]):
            server.add_client(
                name,
                "secret",
                grants=("client_credentials", "authorization_code", "refresh_token"),
                scopes=("read",),
                redirect_uris=(REDIRECT,),
            )
        server.add_user("alice", "her-password")
        server.inject(records.chaos)
        print(json.dumps({"issuer": server.issuer, "token_uri": server.token_uri}), flush=True)
        for _ in sys.stdin:
            print(records.told(), flush=True)


if __name__ == "__main__":
    main()
