"""The adapter for httpx, for its synchronous and its asynchronous clients.

```python
with httpx.Client(auth=Auth(manager, "my-client")) as client:
    client.get("https://api.example.com/v1/users")
```
"""

from __future__ import annotations

from oauthreg._extras import needed
from oauthreg.auth._httpx_flow import HttpxFlow
from oauthreg.auth._httpx_token_headers import TokenHeaders

with needed("httpx", by="oauthreg.auth.httpx"):
    import httpx

__all__ = ["Auth"]


class _Headers(TokenHeaders, httpx.Headers):
    pass


class Auth(HttpxFlow, httpx.Auth):
    """`HttpxFlow`, which says what it does, as an auth object of httpx."""

    byte_stream = httpx.ByteStream
    token_headers = _Headers
