"""A Flask application with a manager at module level."""

import json
import os

from flask import Flask

from oauthreg import AuthorizedClientManager

manager = AuthorizedClientManager.from_settings(json.loads(os.environ["MANAGER_SETTINGS"]))
app = Flask(__name__)


@app.get("/app")
def token():
    """Answer with this process and its token."""
    client = manager.authorize("app")
    return {"pid": os.getpid(), "token": client.access_token.token_value}
