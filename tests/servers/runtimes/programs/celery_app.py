"""A Celery application with both managers at module level, which have a token before the fork."""

import asyncio
import json
import os

from celery import Celery

from oauthreg import AsyncAuthorizedClientManager, AuthorizedClientManager

settings = json.loads(os.environ["MANAGER_SETTINGS"])
manager = AuthorizedClientManager.from_settings(settings)
async_manager = AsyncAuthorizedClientManager.from_settings(settings)
manager.authorize("app")
asyncio.run(async_manager.authorize("app"))

app = Celery("programs")
app.conf.update(json.loads(os.environ["CELERY_SETTINGS"]))


@app.task(name="token")
def token(user):
    """Return this process and a user's token."""
    client = manager.authorize("user", subject_token=user)
    return os.getpid(), client.access_token.token_value


@app.task(name="token-of-a-loop")
def token_of_a_loop(user):
    """Return this process and a user's token, by a loop of the task's own."""
    client = asyncio.run(async_manager.authorize("user", subject_token=user))
    return os.getpid(), client.access_token.token_value
