"""The soak's authorization server, in a process of its own: one answer in five goes wrong.

It is told by lines of JSON on its standard input, and answers each with one:
`{"secrets": {"client": ["new"]}}`, `{"heal": true}`, `{}`: how often each client asked.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter

from oauthreg.testing import AuthorizationServer, Fault

LIFETIME = 6
FAULTS = (
    Fault(status=500, body="down"),
    Fault(status=503, body="down"),
    Fault(status=503, retry_after=1),
    Fault(status=429, retry_after=1),
    Fault(body="<html>"),
    Fault(reset=True),
    Fault(drop="before"),
    Fault(drop="headers"),
    Fault(delay=0.7),
    Fault(hang=True),
    Fault(close_idle=True),
)
SHARE_OF_FAULTS = 0.2


def main() -> None:
    """Serve until standard input ends."""
    chance = random.Random(7)  # noqa: S311 - which answers go wrong is no secret
    answered: Counter[str] = Counter()
    with AuthorizationServer(jwt_access_tokens=True, token_lifetime=LIFETIME) as server:
        for name in json.loads(sys.argv[1]):
            server.add_client(name, "first", scopes=("read", "write"))

        def chaos(request):
            answered[dict(request.form).get("client_id", "")] += 1
            return chance.choice(FAULTS) if chance.random() < SHARE_OF_FAULTS else None

        server.inject(chaos)
        print(json.dumps({"token_uri": server.token_uri, "lifetime": LIFETIME}), flush=True)
        for line in sys.stdin:
            told = json.loads(line)
            for name, secrets in told.get("secrets", {}).items():
                server.change_secret(name, *secrets)
            if told.get("heal"):
                server.heal()
            print(json.dumps(answered), flush=True)


if __name__ == "__main__":
    main()
