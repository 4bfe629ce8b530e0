"""The adapter for httpx, for its synchronous and its asynchronous clients.

```python
with httpx.Client(auth=Auth(manager, "my-client")) as client:
    client.get("https://api.example.com/v1/users")
```
"""

from __future__ import annotations

import httpx

from oauthreg.auth._httpx_flow import HttpxFlow


class Auth(HttpxFlow, httpx.Auth):
    """`HttpxFlow`, which says what it does, as an auth object of httpx."""

    byte_stream = httpx.ByteStream
