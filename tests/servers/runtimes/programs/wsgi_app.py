"""A WSGI application with one manager at module level, which has a token before it is served."""

import json
import os

from oauthreg import AuthorizedClientManager, OAuthRegError

manager = AuthorizedClientManager.from_settings(json.loads(os.environ["MANAGER_SETTINGS"]))
manager.authorize("app")


def application(environ, start_response):
    """Answer with this process and a token: `/app`, `/force`, `/user/<name>`."""
    _, kind, *rest = environ["PATH_INFO"].split("/")
    try:
        if kind == "user":
            client = manager.authorize("user", subject_token=rest[0])
        else:
            client = manager.authorize("app", force=kind == "force")
        answer = {"pid": os.getpid(), "token": client.access_token.token_value}
    except OAuthRegError as error:
        answer = {"pid": os.getpid(), "error": f"{type(error).__name__}: {error}"}
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(answer).encode()]
