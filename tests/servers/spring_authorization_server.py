"""Start Spring Authorization Server (its program: spring_authorization_server/). See serving.py.

Maven packages it once, into .build/spring-authorization-server, and again when its sources change;
every start has fresh keys, fresh secrets and nothing stored.
"""

import contextlib
import json
import shutil
import subprocess

import certificates
import serving

SOURCES = serving.HERE / "spring_authorization_server"
START_SECONDS = 90
# C1 and the serial collector: it starts sooner and is smaller.
JAVA_OPTIONS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx128m")


@contextlib.contextmanager
def start(folder):
    """Run the server with fresh keys in `folder`; gives its READY facts."""
    jar = serving.packaged("spring-authorization-server", SOURCES, "server")
    keys(folder)
    plain, tls = serving.free_ports(2)
    with serving.child(
        [_java(), *JAVA_OPTIONS, "-jar", jar, folder, str(plain), str(tls)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=serving.without_proxies(),
        text=True,
        encoding="utf-8",
    ) as process:
        line = serving.ready_line(process, START_SECONDS)
        if not line:
            raise serving.UnavailableError("java ended without READY: its errors are in the log")
        serving.drain(process.stdout)
        yield facts(folder, plain, tls) | json.loads(line.partition(" ")[2])


def keys(folder):
    """Keys and certificates, and what of them this server reads in a way of its own."""
    certificates.make(folder)
    (folder / "public").mkdir()  # it fetches its clients' key sets over http, from itself
    for jwks in folder.glob("*.jwks.json"):
        shutil.copy(jwks, folder / "public")
    pem = {name: (folder / f"{name}.pem").read_text() for name in ("ca", "client", "self-signed")}
    # TLS itself must trust a certificate before the server compares it with a registered one.
    (folder / "trusted.pem").write_text(pem["ca"] + pem["self-signed"])
    # A certificate alone counts as self-signed: a client of tls_client_auth sends its chain.
    (folder / "client-chain.pem").write_text(pem["client"] + pem["ca"])
    (folder / "self-signed-chain.pem").write_text(pem["self-signed"])


def facts(folder, plain, tls):
    """What READY says, but for the clients and the user."""
    base, secure = f"http://127.0.0.1:{plain}", f"https://127.0.0.1:{tls}"
    return {
        "issuer": base,
        "token_uri": f"{base}/oauth2/token",
        "introspection_uri": f"{base}/oauth2/introspect",
        "revocation_uri": f"{base}/oauth2/revoke",
        "device_authorization_uri": f"{base}/oauth2/device_authorization",
        "pushed_authorization_request_uri": f"{base}/oauth2/par",
        "authorization_uri": f"{base}/oauth2/authorize",
        "mtls_issuer": secure,
        "mtls_token_uri": f"{secure}/oauth2/token",
        "ca_bundle": str(folder / "ca.pem"),
    }


def _java():
    return serving.tool("java", "install Java 17 or newer")


if __name__ == "__main__":
    serving.main(start)
