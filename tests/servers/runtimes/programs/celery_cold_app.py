"""A Celery application with a manager at module level, which is first used after the fork."""

import json
import os

from celery import Celery

from oauthreg import AuthorizedClientManager

manager = AuthorizedClientManager.from_settings(json.loads(os.environ["MANAGER_SETTINGS"]))
app = Celery("programs")
app.conf.update(json.loads(os.environ["CELERY_SETTINGS"]))


@app.task(name="token")
def token():
    """Return this process and its token."""
    return os.getpid(), manager.authorize("app").access_token.token_value
