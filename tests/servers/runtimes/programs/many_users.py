"""1,500 users whose tokens need renewal while the server hangs, with 1,024 descriptors."""

import asyncio
import json
import os
import resource
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from oauthreg import AsyncAuthorizedClientManager, AuthorizedClientManager
from oauthreg._manager.core import Core
from oauthreg._manager.registry import RegistrationRegistry
from oauthreg._renewal.clocks import Clocks
from oauthreg._settings.load import load

USERS, CALLERS = 1500, 250
FDS = Path("/proc/self/fd")
resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
later = [0.0]
clocks = Clocks(wall=lambda: time.time() + later[0], monotonic=lambda: time.monotonic() + later[0])
core = Core(RegistrationRegistry(load(json.loads(os.environ["MANAGER_SETTINGS"]))), clocks=clocks)
for_threads = sys.argv[1] == "threads"
manager = AuthorizedClientManager(core) if for_threads else AsyncAuthorizedClientManager(core)


def outcome(call):
    """Return what a call of the manager for threads ends with."""
    try:
        return call().access_token.token_value.partition(".")[0]
    except Exception as error:  # noqa: BLE001 - the test looks at it
        return type(error).__name__


async def awaited(call):
    """Return what a call of the manager for asyncio ends with."""
    try:
        return (await call).access_token.token_value.partition(".")[0]
    except Exception as error:  # noqa: BLE001 - the test looks at it
        return type(error).__name__


def authorize_all(users, **options):
    """Return the outcomes of all users at once, and what the process was like meanwhile."""
    if for_threads:
        with ThreadPoolExecutor(CALLERS) as pool:
            calls = [
                pool.submit(
                    outcome, lambda u=user: manager.authorize("user", subject_token=u, **options)
                )
                for user in users
            ]
            time.sleep(0.5)
            seen = look()
            return [call.result() for call in calls], seen

    async def gather():
        calls = [
            asyncio.create_task(awaited(manager.authorize("user", subject_token=user, **options)))
            for user in users
        ]
        await asyncio.sleep(0.5)
        seen = look()
        return await asyncio.gather(*calls), seen

    return loop.run_until_complete(gather())


def look():
    """Return how many descriptors and threads there are, and whether the program can open one."""
    with Path(os.devnull).open():
        pass
    return {"fds": len([*FDS.iterdir()]), "threads": threading.active_count()}


loop = asyncio.new_event_loop()
users = [f"user{number}" for number in range(USERS)]
first = []
for start in range(0, USERS, CALLERS):
    first += authorize_all(users[start : start + CALLERS])[0]
print("READY", flush=True)
sys.stdin.readline()
later[0] = 2500.0  # all of them are stale, none has ended
stale, while_stale = authorize_all(users)
new, while_new = authorize_all([f"new{number}" for number in range(CALLERS)], timeout=1.0)
print(
    json.dumps(
        {
            "first": first == users,
            "stale": stale == users,
            "new": Counter(new),
            "while_stale": while_stale,
            "while_new": while_new,
        }
    ),
    flush=True,
)
os._exit(0)
