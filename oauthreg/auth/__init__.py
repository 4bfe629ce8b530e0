"""Adapters that put an authorized client's token on an HTTP library's requests.

One module per library, named after it, so that only that library is imported:

```python
from oauthreg.auth.requests import Auth

requests.get("https://api.example.com/v1/users", auth=Auth(manager, "my-client"))
```

`oauthreg.auth._policy` says, once for all of them, where a token may go and when a 401 is renewed.
"""
