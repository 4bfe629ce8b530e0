"""Start a real Keycloak (its realm: keycloak_realm.py). See serving.py.

The distribution comes from Maven once and is built once, into .build/keycloak; every start has an
empty database, fresh keys and fresh secrets.
"""

import contextlib
import http.client
import json
import os
import secrets
import shutil
import subprocess
import time
import zipfile

import certificates
import keycloak_realm
import serving

VERSIONS = ("26.7.4", "26.7.3")  # the second only where the first cannot be fetched
START_SECONDS = 300

FEATURES = (
    "dpop,token-exchange-standard,resource-indicators,client-secret-rotation,"
    "jwt-authorization-grant,identity-assertion-jwt"
)
# What no test needs: leaving it out makes the start shorter.
FEATURES_OFF = (
    "step-up-authentication-saml,admin-fine-grained-authz,account,account-api,admin,impersonation,"
    "kerberos,organization,web-authn,passkeys,ciba,authorization,workflows,update-email,"
    "persistent-user-sessions,identity-brokering-api,twitter-broker,instagram-broker,docker,"
    "step-up-authentication,user-event-metrics,recovery-codes"
)
BUILD_OPTIONS = (
    "--db=dev-file",
    "--https-client-auth=request",
    "--health-enabled=true",
    f"--features={FEATURES}",
    f"--features-disabled={FEATURES_OFF}",
)
# Must be JAVA_OPTS: appended, a second garbage collector is refused. C1 only: starts sooner.
JAVA_OPTIONS = (
    "-XX:MaxMetaspaceSize=256m -Dfile.encoding=UTF-8 -Djava.security.egd=file:/dev/urandom "
    "-Xms64m -Xmx512m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
)


def install(folder):
    """The home of a built Keycloak below `folder`: fetched, unpacked and built if it is not."""
    for version in VERSIONS:
        if (folder / f"keycloak-{version}" / ".built").exists():
            return folder / f"keycloak-{version}"
    archive = _fetch(folder)
    home = folder / archive.stem.replace("-quarkus-dist", "")
    shutil.rmtree(home, ignore_errors=True)
    with zipfile.ZipFile(archive) as zipped:
        zipped.extractall(folder)
    for script in home.glob("bin/*.sh"):
        script.chmod(0o755)  # zipfile drops the x bits
    serving.run([home / "bin/kc.sh", "build", *BUILD_OPTIONS], env=_environment())
    archive.unlink()
    (home / ".built").touch()
    return home


def _fetch(folder):
    maven = serving.tool("mvn", "install Maven")
    failed = None
    for version in VERSIONS:
        artifact = f"org.keycloak:keycloak-quarkus-dist:{version}:zip"
        options = [f"-Dartifact={artifact}", f"-DoutputDirectory={folder}"]
        try:
            serving.run([maven, "dependency:copy", "-q", "-B", *options], cwd=folder)
        except serving.UnavailableError as error:
            failed = error
        else:
            return folder / f"keycloak-quarkus-dist-{version}.zip"
    raise failed


def _environment(**more):
    return {**os.environ, "JAVA_OPTS": JAVA_OPTIONS, **more}


@contextlib.contextmanager
def start(folder):
    """Run Keycloak with fresh keys in `folder`; gives its READY facts."""
    serving.need_java()
    certificates.make(folder)
    realm, clients, user = keycloak_realm.build(folder)
    plain, tls, management = serving.free_ports(3)
    admin = {"username": "admin", "password": secrets.token_urlsafe(16)}
    with serving.alone("keycloak") as cache:
        home = install(cache)
        shutil.rmtree(home / "data", ignore_errors=True)  # a realm once imported is not replaced
        (home / "data" / "import").mkdir(parents=True)
        (home / "data" / "import" / "test-realm.json").write_text(json.dumps(realm))
        command = [
            home / "bin/kc.sh",
            "start",
            "--optimized",
            "--import-realm",
            "--http-enabled=true",
            "--http-host=127.0.0.1",
            f"--http-port={plain}",
            f"--https-port={tls}",
            f"--https-certificate-file={folder / 'server.pem'}",
            f"--https-certificate-key-file={folder / 'server-key.pem'}",
            f"--https-trust-store-file={folder / 'ca.pem'}",
            "--http-management-host=127.0.0.1",
            f"--http-management-port={management}",
            "--http-management-scheme=http",
            "--hostname-strict=false",
            "--cache=local",
        ]
        environment = _environment(
            KC_BOOTSTRAP_ADMIN_USERNAME=admin["username"],
            KC_BOOTSTRAP_ADMIN_PASSWORD=admin["password"],
        )
        with serving.child(
            command, seconds=15, stdin=subprocess.DEVNULL, stdout=2, env=environment
        ) as process:
            wait_until_ready(process, plain)
            people = {"user": user, "admin": admin}
            yield facts(folder, plain, tls, clients) | people | {"version": home.name[9:]}


def wait_until_ready(process, port):
    """Until the realm answers: the port alone listens 20 s before an empty database is filled."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise serving.UnavailableError(f"Keycloak ended with {process.returncode}: see its log")
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            with contextlib.closing(connection):
                connection.request("GET", f"/realms/{keycloak_realm.REALM}")
                if connection.getresponse().status == http.HTTPStatus.OK:
                    return
        time.sleep(0.25)
    raise serving.UnavailableError(f"Keycloak did not answer within {START_SECONDS} s")


def facts(folder, plain, tls, clients):
    """What READY says, but for the two people's passwords."""
    base, secure = f"http://127.0.0.1:{plain}", f"https://127.0.0.1:{tls}"
    realm = f"/realms/{keycloak_realm.REALM}"
    protocol = f"{realm}/protocol/openid-connect"
    return {
        "issuer": base + realm,
        "token_uri": f"{base}{protocol}/token",
        "introspection_uri": f"{base}{protocol}/token/introspect",
        "revocation_uri": f"{base}{protocol}/revoke",
        "device_authorization_uri": f"{base}{protocol}/auth/device",
        "pushed_authorization_request_uri": f"{base}{protocol}/ext/par/request",
        "authorization_uri": f"{base}{protocol}/auth",
        "mtls_issuer": secure + realm,
        "mtls_token_uri": f"{secure}{protocol}/token",
        "ca_bundle": str(folder / "ca.pem"),
        "clients": clients,
        "base_url": base,
        "mtls_base_url": secure,
        "realm": keycloak_realm.REALM,
        "refused": ["none token-exchange", "none jwt-bearer"],  # public clients
        "resources": [keycloak_realm.RESOURCE],
        "assertion": {
            "issuer": keycloak_realm.ASSERTION_ISSUER,
            "subject": keycloak_realm.ASSERTION_SUBJECT,
            "key_file": str(folder / "issuer.pem"),
            "algorithm": "ES256",
        },
    }


if __name__ == "__main__":
    serving.main(start)
