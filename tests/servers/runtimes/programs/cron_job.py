"""A script that is started again and again, and prints its token."""

import json
import os

from oauthreg import AuthorizedClientManager

with AuthorizedClientManager.from_settings(json.loads(os.environ["MANAGER_SETTINGS"])) as manager:
    print(manager.authorize("app").access_token.token_value)
