"""The realm that Keycloak imports for the tests, as a Python dict: one client for each way in."""

import secrets

import certificates

REALM = "test"
ASSERTION_ISSUER = "https://issuer.example.com"
ASSERTION_SUBJECT = "alice-at-issuer"
METHOD_CLIENTS = ("basic", "post", "secret-jwt", "key-rsa", "key-ec", "key-ed25519", "mtls")
RESOURCE = "https://api.example.com/orders"
CALLBACKS = [
    "http://127.0.0.1:9/callback",
    "https://app.example.com/callback",
    "http://127.0.0.1/callback",  # at any port (RFC 8252 section 7.3)
]
# One client for each way to authenticate, and each of them may use every grant.
EVERY_GRANT = {
    "standardFlowEnabled": True,
    "redirectUris": CALLBACKS,
    "directAccessGrantsEnabled": True,
}
EVERY_GRANT_ATTRIBUTES = {
    "oauth2.device.authorization.grant.enabled": "true",
    "oauth2.device.polling.interval": "1",
    "standard.token.exchange.enabled": "true",
    "oauth2.jwt.authorization.grant.enabled": "true",
    "oauth2.jwt.authorization.grant.idp": "assertions",
}


def build(folder):
    """The realm for the keys in `folder`, and its clients as READY tells them."""
    clients = list(_clients(folder))
    password = secrets.token_urlsafe(16)
    realm = {
        "realm": REALM,
        "enabled": True,
        "sslRequired": "none",
        "accessTokenLifespan": 300,
        "revokeRefreshToken": True,
        "refreshTokenMaxReuse": 0,
        "roles": {"realm": [{"name": "offline_access"}]},
        "clientScopes": [_basic_scope(), *map(_scope, ("read", "write", "offline_access"))],
        "clients": [imported for imported, _ in clients],
        "users": [_user(password)],
        "identityProviders": [_assertion_issuer(folder)],
    }
    known = {name: facts for _, (name, facts) in clients}
    return realm, known, {"username": "alice", "password": password}


def _clients(folder):
    secret = secrets.token_urlsafe
    yield _client("basic", secret(), audience=("exchange",))
    yield _client("post", secret(), method="client_secret_post")
    public = {"publicClient": True, "serviceAccountsEnabled": False}
    yield _client("none", None, method="none", members=public)
    # In the audience of every token, so it may introspect them all.
    yield _client("api", secret(), attributes={"resource_url": RESOURCE})
    yield _client("basic-only", secret(), only="client_secret_basic")
    odd_id = 'odd+%:/="\\ id ключ'
    yield _client("odd", f'a+b%2F:c/d=e"f\\g h%zz ключ é€ {secret()}', client_id=odd_id)
    yield _client("short", secret(), attributes={"access.token.lifespan": "5"})
    yield _client("dpop", secret(), attributes={"dpop.bound.access.tokens": "true"})
    yield _client("refresh", secret(), attributes={"client_credentials.use_refresh_token": "true"})
    yield _client("password", secret(), members={"directAccessGrantsEnabled": True})
    yield _client(
        "web",
        secret(),
        members={"standardFlowEnabled": True, "redirectUris": CALLBACKS},
        attributes={"pkce.code.challenge.method": "S256"},
        audience=("exchange", *METHOD_CLIENTS),
    )
    yield _client(
        "par",
        secret(),
        members={"standardFlowEnabled": True, "redirectUris": CALLBACKS},
        attributes={"require.pushed.authorization.requests": "true"},
    )
    yield _client(
        "device",
        None,
        method="none",
        members={"publicClient": True, "serviceAccountsEnabled": False},
        attributes={
            "oauth2.device.authorization.grant.enabled": "true",
            "oauth2.device.polling.interval": "1",
        },
    )
    yield _client("exchange", secret(), attributes={"standard.token.exchange.enabled": "true"})
    yield _client(
        "jwt-bearer",
        secret(),
        attributes={
            "oauth2.jwt.authorization.grant.enabled": "true",
            "oauth2.jwt.authorization.grant.idp": "assertions",
        },
    )
    yield _client(
        "secret-jwt",
        secret(48),
        method="client_secret_jwt",
        authenticator="client-secret-jwt",
        attributes={"token.endpoint.auth.signing.alg": "HS256"},
        facts={"algorithm": "HS256"},
    )
    for key in ("rsa", "ec", "ed25519"):
        yield _key_client(folder, key)
    yield _client(
        "mtls",
        None,
        method="tls_client_auth",
        authenticator="client-x509",
        attributes={
            "x509.subjectdn": certificates.CLIENT_SUBJECT,
            "x509.casubjectdn": certificates.AUTHORITY_SUBJECT,
            "x509.allow.regex.pattern.comparison": "false",
            "tls.client.certificate.bound.access.tokens": "true",
        },
        facts={
            "certificate_file": str(folder / "client.pem"),
            "certificate_key_file": str(folder / "client-key.pem"),
        },
    )


def _key_client(folder, key):
    algorithm = certificates.ALGORITHMS[key]
    return _client(
        f"key-{key}",
        None,
        method="private_key_jwt",
        authenticator="client-jwt",
        attributes={
            "use.jwks.url": "false",
            "use.jwks.string": "true",
            "jwks.string": certificates.registered_jwks(folder, key, algorithm),
            "token.endpoint.auth.signing.alg": algorithm,
        },
        facts={
            "key_file": str(folder / f"{key}.pem"),
            "key_id": certificates.key_id(folder, key),
            "algorithm": algorithm,
        },
    )


def _client(
    name,
    secret,
    *,
    client_id=None,
    method="client_secret_basic",
    authenticator="client-secret",
    only=None,
    audience=(),
    members=None,
    attributes=None,
    facts=None,
):
    client_id = client_id or name
    members, attributes = dict(members or {}), dict(attributes or {})
    if name in {*METHOD_CLIENTS, "none"}:
        members |= EVERY_GRANT
        attributes |= EVERY_GRANT_ATTRIBUTES
    if only:
        attributes["client.secret.authentication.allowed.method"] = only
    imported = {
        "clientId": client_id,
        "enabled": True,
        "protocol": "openid-connect",
        "clientAuthenticatorType": authenticator,
        "serviceAccountsEnabled": True,
        "standardFlowEnabled": False,
        "directAccessGrantsEnabled": False,
        "defaultClientScopes": ["basic"],
        "optionalClientScopes": ["read", "write", "offline_access"],
        "attributes": attributes,
        "protocolMappers": [_audience(one) for one in audience],
        **({"secret": secret} if secret else {}),
        **members,
    }
    known = {"client_id": client_id, "client_secret": secret, "method": method, **(facts or {})}
    return imported, (name, known)


def _basic_scope():
    # Listing any client scope replaces the built-in ones; without this mapper tokens have no sub.
    subject = _mapper("sub", "oidc-sub-mapper", {"introspection.token.claim": "true"})
    return _scope("basic", in_token=False, mappers=[subject, _audience("api")])


def _scope(name, *, in_token=True, mappers=()):
    return {
        "name": name,
        "protocol": "openid-connect",
        "attributes": {"include.in.token.scope": str(in_token).lower()},
        "protocolMappers": list(mappers),
    }


def _audience(client_id):
    config = {"included.client.audience": client_id, "introspection.token.claim": "true"}
    return _mapper(f"audience-{client_id}", "oidc-audience-mapper", config)


def _mapper(name, kind, config):
    return {
        "name": name,
        "protocol": "openid-connect",
        "protocolMapper": kind,
        "config": {"access.token.claim": "true", **config},
    }


def _user(password):
    return {
        "username": "alice",
        "enabled": True,
        "email": "alice@example.com",
        "emailVerified": True,
        "firstName": "Alice",
        "lastName": "Example",
        "realmRoles": ["offline_access"],
        "credentials": [{"type": "password", "value": password, "temporary": False}],
        "federatedIdentities": [
            {
                "identityProvider": "assertions",
                "userId": ASSERTION_SUBJECT,
                "userName": "alice",
            }
        ],
    }


def _assertion_issuer(folder):
    return {
        "alias": "assertions",
        "providerId": "jwt-authorization-grant",
        "enabled": True,
        "config": {
            "issuer": ASSERTION_ISSUER,
            "useJwksUrl": "false",
            "publicKeySignatureVerifier": certificates.public_pem(folder, "issuer"),
            "jwtAuthorizationGrantEnabled": "true",
        },
    }
