"""A program that is frozen while a token request is on its way; by both managers at once.

`renewal`: behind a token that ends meanwhile. `waiting`: callers wait for it.
"""

import asyncio
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from oauthreg import AsyncAuthorizedClientManager, AuthorizedClientManager
from oauthreg.events import Failed

case = sys.argv[1]
settings = json.loads(os.environ["MANAGER_SETTINGS"])
failures = []
manager = AuthorizedClientManager.from_settings(settings)
async_manager = AsyncAuthorizedClientManager.from_settings(settings)
manager.subscribe(Failed, failures.append)
async_manager.subscribe(Failed, failures.append)
loop = asyncio.new_event_loop()


async def handled():
    """Return a token, and let the loop run a little, as a handler does."""
    client = await async_manager.authorize("app")
    await asyncio.sleep(0.05)
    return client


def authorize(which):
    """Return what one of the managers answers."""
    try:
        if which == "threads":
            client = manager.authorize("app")
        else:
            client = loop.run_until_complete(handled())
    except Exception as error:  # noqa: BLE001 - the test looks at it
        return f"{type(error).__name__}: {error}"
    return client.access_token.token_value


with ThreadPoolExecutor(2) as pool:
    if case == "renewal":
        list(pool.map(authorize, ["threads", "asyncio"]))
        time.sleep(1.3)  # both are stale now
    print("READY", flush=True)
    sys.stdin.readline()
    answers = list(pool.map(authorize, ["threads", "asyncio"]))
    if case == "renewal":
        print("RENEWING", flush=True)
        sys.stdin.readline()  # this is where it is frozen
        answers = list(pool.map(authorize, ["threads", "asyncio"]))
print(json.dumps({"answers": answers, "failures": [str(one.error) for one in failures]}))
