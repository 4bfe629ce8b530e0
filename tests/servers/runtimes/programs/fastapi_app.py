"""A FastAPI application with a manager at module level."""

import json
import os

from fastapi import FastAPI

from oauthreg import AsyncAuthorizedClientManager

manager = AsyncAuthorizedClientManager.from_settings(json.loads(os.environ["MANAGER_SETTINGS"]))
app = FastAPI()


@app.get("/app")
async def token():
    """Answer with this process and its token."""
    client = await manager.authorize("app")
    return {"pid": os.getpid(), "token": client.access_token.token_value}
