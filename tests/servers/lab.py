"""One real server, and managers for its clients, made from settings alone."""

import base64
import contextlib
import json
import threading
import time
import uuid
from pathlib import Path

import requests
from form_browser import CALLBACK, Browser
from joserfc import jwt
from joserfc.jwk import ECKey

from oauthreg import AuthorizedClientManager

ID = "my-client"
USER = "alice"


class NotOfferedError(Exception):
    """The server does not have this, and says so; the text is what it says."""


class Lab:
    """What the runs of one server share."""

    def __init__(self, server):
        self.server = server
        self.clients = server.clients
        self.extra = server.extra
        self.metadata = self._metadata()
        self.refused = frozenset(self.extra.get("refused", ()))
        self._lock = threading.Lock()
        self._subjects = {}

    def _metadata(self):
        url = f"{self.server.issuer}/.well-known/openid-configuration"
        with requests.Session() as session:
            session.trust_env = False
            return session.get(url, verify=self.server.ca_bundle, timeout=30).json()

    def need(self, name, field):
        """A client of this name, else what the metadata does not list."""
        if name not in self.clients:
            offered = self.metadata.get(field)
            raise NotOfferedError(
                f"its metadata has `{field}`, but no way to use it is set up here"
                if offered
                else f"its metadata has no `{field}`"
            )
        return name

    def issuer_of(self, client):
        """Where the client's metadata is: at the TLS address if only that leads to TLS."""
        aliases = self.metadata.get("mtls_endpoint_aliases", {})
        aliased = aliases.get("token_endpoint") == self.server.mtls_token_uri
        plain = client.certificate_file is None or aliased
        return self.server.issuer if plain else self.server.mtls_issuer

    def settings(self, name, grant="client_credentials", *, issuer=None, pushed=False, **more):
        """The whole configuration of one client, for one grant."""
        client = self.clients[name]
        provider = {"issuer-uri": issuer or self.issuer_of(client)}
        if pushed:
            provider["pushed-authorization-request-uri"] = (
                self.server.pushed_authorization_request_uri
            )
        mine = {
            "client-id": client.client_id,
            "client-secret": client.client_secret,
            "client-authentication-method": client.method,
            "authorization-grant-type": grant,
            "provider": "my-provider",
            "private-key-file": client.key_file,
            "key-id": client.key_id,
            "signing-algorithm": client.algorithm,
            "certificate-file": client.certificate_file,
            "certificate-key-file": client.certificate_key_file,
            "scope": ["read"],
            **{key.replace("_", "-"): value for key, value in more.items()},
        }
        return {
            "registration": {ID: {key: item for key, item in mine.items() if item is not None}},
            "provider": {"my-provider": provider},
            "http": {"default": {"ca-bundle": self.server.ca_bundle}},
        }

    def manager(self, name, grant="client_credentials", **more):
        """A manager of that one client."""
        return AuthorizedClientManager.from_settings(self.settings(name, grant, **more))

    @contextlib.contextmanager
    def browser(self):
        """The user's own browser, without a session yet."""
        with Browser(self.extra["user"], self.server.ca_bundle) as browser:
            yield browser

    def log_in(self, manager):
        """Log the user in by authorization code; the request, whose URL tells about it."""
        request = manager.authorization_request(ID, redirect_uri=CALLBACK)
        with self.browser() as browser:
            callback = browser.log_in(request.url)
        manager.complete(ID, callback, request=request, principal=USER)
        return request

    def approve(self, manager):
        """Log the user in by device code."""
        device = manager.device_authorization(ID)
        with self.browser() as browser:
            url = device.verification_uri_complete or device.verification_uri
            browser.approve(url, device.user_code)
        manager.poll(ID, device, principal=USER)

    def subject_token(self, name):
        """A token of the user, from the issuer of the client that is to exchange it."""
        issuer = self.issuer_of(self.clients[name])
        with self._lock:
            if issuer not in self._subjects:
                with self.manager("web", "authorization_code", issuer=issuer) as manager:
                    self.log_in(manager)
                    token = manager.authorize(ID, principal=USER).access_token
                    self._subjects[issuer] = token.token_value
            return self._subjects[issuer]

    def assertion(self, name):
        """A JWT about the user from somebody whom the server trusts, if it trusts anybody."""
        issuer = self.extra.get("assertion")
        now = int(time.time())
        claims = {
            "iss": issuer["issuer"] if issuer else "https://issuer.example.com",
            "sub": issuer["subject"] if issuer else USER,
            "aud": self.issuer_of(self.clients[name]),
            "jti": uuid.uuid4().hex,
            "iat": now,
            "exp": now + 60,
        }
        key = ECKey.generate_key("P-256")
        if issuer:
            key = ECKey.import_key(Path(issuer["key_file"]).read_text())
        return jwt.encode({"alg": "ES256"}, claims, key)

    def claims(self, manager, token_value):
        """What is known about a token: read from it, else asked of the server."""
        parts = token_value.split(".")
        if len(parts) == 3:
            return json.loads(base64.urlsafe_b64decode(parts[1] + "=="))
        return manager.introspect(ID, token_value)
