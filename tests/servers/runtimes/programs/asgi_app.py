"""An ASGI application with both managers at module level."""

import asyncio
import json
import os

from oauthreg import AsyncAuthorizedClientManager, OAuthRegError

manager = AsyncAuthorizedClientManager.from_settings(json.loads(os.environ["MANAGER_SETTINGS"]))
for_threads = manager.as_sync()


async def app(scope, receive, send):
    """Answer with this process and a token: `/app`, `/force`, `/thread`, `/user/<name>`."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
        return
    _, kind, *rest = scope["path"].split("/")
    try:
        if kind == "user":
            client = await manager.authorize("user", subject_token=rest[0])
        elif kind == "thread":
            client = await asyncio.to_thread(for_threads.authorize, "app")
        else:
            client = await manager.authorize("app", force=kind == "force")
        answer = {"pid": os.getpid(), "token": client.access_token.token_value}
    except OAuthRegError as error:
        answer = {"pid": os.getpid(), "error": f"{type(error).__name__}: {error}"}
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


async def _live(receive, send):
    await receive()
    async with manager:
        await send({"type": "lifespan.startup.complete"})
        await receive()
    await send({"type": "lifespan.shutdown.complete"})
