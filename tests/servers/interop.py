"""What this library does with a real server: every method with every grant, and the extras.

Each run goes through the public API, from settings alone. Its outcome is `works`, or `not offered:`
and what the server says, or `FAILS:` and the error, which no committed document holds.
"""

import base64
import hashlib
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc import jwt
from joserfc.jwk import ECKey
from lab import ID, USER, Lab, NotOfferedError

from oauthreg import TokenEndpointError

WORKS = "works"
AT_ONCE = 4  # most of the time goes to waiting for a device's next poll
SAYS_NO = {"unsupported_grant_type", "unauthorized_client"}
PAYMENT = {"type": "payment", "actions": ["initiate"]}

METHODS = {  # and the client of every server that uses it
    "client_secret_basic": "basic",
    "client_secret_post": "post",
    "none": "none",
    "client_secret_jwt": "secret-jwt",
    "private_key_jwt, RSA": "key-rsa",
    "private_key_jwt, EC": "key-ec",
    "private_key_jwt, Ed25519": "key-ed25519",
    "tls_client_auth": "mtls",
    "self_signed_tls_client_auth": "mtls-self-signed",
}


# --- grants ---------------------------------------------------------------------------------------


def client_credentials(lab, name):
    with lab.manager(name) as manager:
        assert manager.authorize(ID).access_token.token_value


def authorization_code(lab, name):
    with lab.manager(name, "authorization_code") as manager:
        lab.log_in(manager)
        assert manager.authorize(ID, principal=USER).access_token.token_value


def refresh_token(lab, name):
    coded = f"{name} authorization_code" not in lab.refused
    log_in, grant = (lab.log_in, "authorization_code") if coded else (lab.approve, "device_code")
    with lab.manager(name, grant) as manager:
        log_in(manager)
        first = manager.authorize(ID, principal=USER)
        if first.refresh_token is None:
            raise NotOfferedError("no refresh token comes with its code grant")
        second = manager.authorize(ID, principal=USER, force=True)
        assert second.access_token.token_value != first.access_token.token_value
        kept = second.refresh_token.token_value
    with lab.manager(name, "refresh_token", refresh_token=kept) as manager:
        assert manager.authorize(ID).access_token.token_value


def device_code(lab, name):
    with lab.manager(name, "device_code") as manager:
        lab.approve(manager)
        assert manager.authorize(ID, principal=USER).access_token.token_value


def password(lab, name):
    user = {**lab.extra["user"], "allow_insecure_grants": True}
    with lab.manager(name, "password", **user) as manager:
        assert manager.authorize(ID, principal=USER).access_token.token_value


def token_exchange(lab, name):
    subject = lab.subject_token(name)
    with lab.manager(name, "token-exchange") as manager:
        token = manager.authorize(ID, subject_token=subject).access_token.token_value
        assert token != subject


def jwt_bearer(lab, name):
    with lab.manager(name, "jwt-bearer", subject_token=lab.assertion(name)) as manager:
        assert manager.authorize(ID).access_token.token_value


GRANTS = {
    "client_credentials": client_credentials,
    "refresh_token": refresh_token,
    "authorization_code": authorization_code,
    "device_code": device_code,
    "password": password,
    "token-exchange": token_exchange,
    "jwt-bearer": jwt_bearer,
}


# --- extras ---------------------------------------------------------------------------------------


def dpop(lab):
    listed(lab, "dpop_signing_alg_values_supported")
    bound(lab, "dpop" if "dpop" in lab.clients else "basic")


def dpop_nonce(lab):
    listed(lab, "dpop_signing_alg_values_supported")
    if "dpop-nonce" not in lab.clients:
        answer = with_proof(lab, "dpop" if "dpop" in lab.clients else "basic")
        assert answer.status_code == 200, answer.text
        assert "DPoP-Nonce" not in answer.headers
        raise NotOfferedError("it takes a proof without a nonce, and gives none")
    answer = with_proof(lab, "dpop-nonce")
    assert answer.json()["error"] == "use_dpop_nonce"
    bound(lab, "dpop-nonce")


def certificate_bound(lab):
    name = lab.need("mtls", "tls_client_certificate_bound_access_tokens")
    pem = Path(lab.clients[name].certificate_file).read_bytes()
    der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    digest = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()
    with lab.manager(name) as manager:
        token = manager.authorize(ID).access_token.token_value
        assert lab.claims(manager, token)["cnf"]["x5t#S256"] == digest


def pushed_request(lab):
    listed(lab, "pushed_authorization_request_endpoint")
    name = "par" if "par" in lab.clients else "web"
    with lab.manager(name, "authorization_code", pushed=True) as manager:
        request = lab.log_in(manager)
        assert "request_uri=" in request.url
        assert manager.authorize(ID, principal=USER).access_token.token_value


def authorization_details(lab):
    listed(lab, "authorization_details_types_supported")
    asked = {"authorization_details": [PAYMENT], "resource": lab.extra["resources"][0]}
    with lab.manager("basic", **asked) as manager:
        granted = manager.authorize(ID).access_token.extra["authorization_details"]
        assert [dict(one)["type"] for one in granted] == ["payment"]


def resource_indicator(lab):
    # One server gives an audience only where it also gives a refresh token.
    name = "refresh" if "refresh" in lab.clients else "basic"
    resource = lab.extra.get("resources", ["https://api.example.com/orders"])[0]
    with lab.manager(name, resource=resource) as manager:
        token = manager.authorize(ID).access_token.token_value
        audience = lab.claims(manager, token).get("aud", ())
    if resource not in ([audience] if isinstance(audience, str) else audience):
        assert "resources" not in lab.extra, audience
        raise NotOfferedError("it ignores `resource`: the token's audience is the client")


def introspection(lab):
    with lab.manager("api" if "api" in lab.clients else "basic") as manager:
        manager.authorize(ID)
        assert manager.introspect(ID)["active"] is True


def revocation(lab):
    with lab.manager("api" if "api" in lab.clients else "basic") as manager:
        token = manager.authorize(ID).access_token.token_value
        manager.revoke(ID)
        assert manager.introspect(ID, token)["active"] is False


EXTRAS = {
    "DPoP (RFC 9449)": dpop,
    "DPoP with a nonce": dpop_nonce,
    "certificate-bound tokens (RFC 8705)": certificate_bound,
    "pushed authorization requests (RFC 9126)": pushed_request,
    "rich authorization requests (RFC 9396)": authorization_details,
    "resource indicators (RFC 8707)": resource_indicator,
    "introspection (RFC 7662)": introspection,
    "revocation (RFC 7009)": revocation,
}


def listed(lab, field):
    if not lab.metadata.get(field):
        raise NotOfferedError(f"its metadata has no `{field}`")


def bound(lab, name):
    with lab.manager(name, dpop=True) as manager:
        client = manager.authorize(ID)
        assert client.access_token.token_type.lower() == "dpop"


def with_proof(lab, name):
    """What a server answers to a proof without a nonce, by plain requests."""
    key = ECKey.generate_key("P-256")
    header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": key.as_dict(private=False)}
    claims = {"jti": uuid.uuid4().hex, "htm": "POST", "htu": lab.server.token_uri}
    proof = jwt.encode(header, {**claims, "iat": int(time.time())}, key)
    client = lab.clients[name]
    with requests.Session() as session:
        session.trust_env = False
        return session.post(
            lab.server.token_uri,
            data={"grant_type": "client_credentials"},
            auth=(client.client_id, client.client_secret),
            headers={"DPoP": proof, "Accept": "application/json"},
            verify=lab.server.ca_bundle,
            timeout=30,
        )


# --- running --------------------------------------------------------------------------------------


def run(server):
    """The outcomes for one server: `{(method, grant): text}` and `{extra: text}`."""
    lab = Lab(server)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        cells = {
            (method, grant): pool.submit(outcome, lab, work, method, grant)
            for method in METHODS
            for grant, work in GRANTS.items()
        }
        extras = {extra: pool.submit(outcome, lab, work) for extra, work in EXTRAS.items()}
        return (
            {key: future.result() for key, future in cells.items()},
            {key: future.result() for key, future in extras.items()},
        )


def outcome(lab, work, method=None, grant=None):
    names = [METHODS[method]] if method else []
    try:
        if method:
            offered(lab, method, *names)
        work(lab, *names)
    except NotOfferedError as why:
        return f"not offered: {why}"
    except TokenEndpointError as error:
        if names and says_no(lab, error, *names, grant):
            return f"not offered: it answers {answered(error)}"
        return f"FAILS: {error}"
    except Exception as error:  # noqa: BLE001 - the table shows them all, not the first
        return f"FAILS: {type(error).__name__}: {error}"
    return WORKS


def offered(lab, method, name):
    """A server without a client for a method must not advertise the method either."""
    if name not in lab.clients:
        word = method.partition(",")[0]
        known = lab.metadata.get("token_endpoint_auth_methods_supported", [])
        assert word not in known, f"{word} is advertised, and there is no client {name}"
        raise NotOfferedError(f"its metadata does not list `{word}`")


def answered(error):
    if not error.error:
        return f"`{error.status}` without an error code"
    about = f" ({error.error_description})" if error.error_description else ""
    return f"`{error.status} {error.error}`{about}"


def says_no(lab, error, name, grant):
    """Whether this answer is about the grant or the method, and not about a mistake of ours."""
    return error.error in SAYS_NO or not lab.refused.isdisjoint({name, f"{name} {grant}"})
