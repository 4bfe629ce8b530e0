"""The client certificate that a registration's tokens are bound to, on API calls (RFC 8705).

An auth object sees requests, not connections, so the client that it is given to has to show the
certificate. `manager.session()` and `manager.client()` do; for a client of your own:

```python
registration = manager.registrations["my-client"]
from oauthreg.auth import certificate

session.cert = certificate.files(registration)  # requests
context = certificate.shown_by(ssl.create_default_context(), registration)
client = httpx.Client(verify=context, auth=Auth(manager, "my-client"))
connector = aiohttp.TCPConnector(ssl=context)
```
"""

from __future__ import annotations

import os
import ssl

from oauthreg._errors import TlsError
from oauthreg._registration import ClientRegistration
from oauthreg._transports.trust import load_certificate

__all__ = ["files", "shown_by"]


def files(registration: ClientRegistration) -> tuple[str, str] | None:
    """Return the certificate's file and its key's, as `requests.Session.cert`; None if none.

    requests wants the registration's own certificate before the others of its chain.
    """
    certificate = registration.certificate
    if certificate is None:
        return None
    return str(certificate.certificate_file), str(certificate.key_file)


def shown_by(context: ssl.SSLContext, registration: ClientRegistration) -> ssl.SSLContext:
    """Return a TLS context, which from now on shows the registration's certificate, if any.

    The files are read here and now: make another client when they have changed.

    Raises:
        TlsError: a file cannot be read, or does not hold what it should.
    """
    certificate = registration.certificate
    if certificate is None:
        return context
    try:
        load_certificate(context, certificate.certificate_file, certificate.key_file)
    except OSError as error:
        said = os.strerror(error.errno or 0)
        if isinstance(error, ssl.SSLError):
            said = "they do not hold a PEM certificate and its unencrypted key"
        raise TlsError(
            f"the client certificate {certificate.certificate_file} with key "
            f"{certificate.key_file} cannot be read: {said}",
            registration_id=registration.registration_id,
            provider=registration.provider.name,
        ) from None
    return context
