"""The adapter for httpx2, for its synchronous and its asynchronous clients.

```python
with httpx2.Client(auth=Auth(manager, "my-client")) as client:
    client.get("https://api.example.com/v1/users")
```
"""

from __future__ import annotations

from oauthreg._extras import needed
from oauthreg.auth._httpx_flow import HttpxFlow
from oauthreg.auth._httpx_token_headers import TokenHeaders

with needed("httpx2", by="oauthreg.auth.httpx2"):
    import httpx2

__all__ = ["Auth"]


class _Headers(TokenHeaders, httpx2.Headers):
    pass


class Auth(HttpxFlow, httpx2.Auth):
    """`HttpxFlow`, which says what it does, as an auth object of httpx2."""

    byte_stream = httpx2.ByteStream
    token_headers = _Headers
