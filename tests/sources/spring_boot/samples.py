"""Spring files as articles, public repositories and bug reports have them, with an environment."""

from __future__ import annotations

P = "spring.security.oauth2.client."
A = f"{P}registration.a."
ARTICLE = f"""\
{P}registration.my-client.client-id=my-client-id
{P}registration.my-client.client-secret=my-client-secret
{P}registration.my-client.authorization-grant-type=client_credentials
{P}provider.my-provider.token-uri=https://my-auth-server.com/oauth2/token
"""
LOGINS = """\
spring:
  security:
    oauth2:
      client:
        registration:
          google:
            client-id: ${GOOGLE_ID:gid}
            client-secret: ${GOOGLE_SECRET:gsecret}
            scope: profile, email
          kakao:
            client-id: kid
            client-authentication-method: client_secret_post
            authorization-grant-type: authorization_code
            redirect-uri: "{baseUrl}/login/oauth2/code/{registrationId}"
            scope:
              - profile_nickname
              - account_email
        provider:
          kakao:
            authorization-uri: https://kauth.kakao.com/oauth/authorize
            token-uri: https://kauth.kakao.com/oauth/token
            user-info-uri: https://kapi.kakao.com/v2/user/me
            user-name-attribute: id
"""
SECRET = f"{A}client-secret: ${{SECRET:default}}\n"
BASE = f"{A}client-id: base\n{A}client-secret: changeme\n"


def _yml(*documents: str, **files: str) -> dict:
    return {
        "main": "application.yml",
        "files": {"application.yml": "---\n".join(documents)} | files,
    }


def _properties(*documents: str) -> dict:
    text = "#---\n".join(documents)
    return {"main": "application.properties", "files": {"application.properties": text}}


def _one(name: str, value: str) -> dict:
    """Return a file of a profile, or another, with one property."""
    return {name: f"{A}client-{value}"}


SAMPLES = {
    "article": (
        _properties(ARTICLE),
        {},
    ),
    "article with the secret in a variable": (
        _properties(ARTICLE),
        {"SPRING_SECURITY_OAUTH2_CLIENT_REGISTRATION_MYCLIENT_CLIENTSECRET": "real"},
    ),
    "logins": (_yml(LOGINS), {}),
    "profile by a variable of their own": (
        _yml(
            f"spring.profiles.active: ${{STAGE:local}}\n{BASE}",
            **{
                "application-local.yml": f"{A}client-id: local",
                "application-stage.yml": f"{A}client-id: stage",
            },
        ),
        {"STAGE": "stage"},
    ),
    "its default": (
        _yml(
            f"spring.profiles.active: ${{STAGE:local}}\n{BASE}",
            **_one("application-local.yml", "id: local"),
        ),
        {},
    ),
    "old headers": (_yml(BASE, f"spring.profiles: dev\n{A}client-id: dev\n"), {}),
    "old headers, the other profile": (
        _yml(BASE, f"spring:\n  profiles: prod\n{A}client-id: prod\n"),
        {"SPRING_PROFILES_ACTIVE": "dev"},
    ),
    "old headers as a list": (_yml(BASE, f"spring.profiles: [dev]\n{A}client-id: dev\n"), {}),
    "group": (
        _yml(
            f"{BASE}spring.profiles.group.prod: prodauth,proddb\n",
            f"spring.config.activate.on-profile: proddb\n{A}client-id: db\n",
            **_one("application-prodauth.properties", "secret=auth"),
        ),
        {"SPRING_PROFILES_ACTIVE": "prod"},
    ),
    "group by index": (
        _yml(
            f"{BASE}spring.profiles.group.prod[0]: x\n",
            **_one("application-x.yml", "secret: x"),
        ),
        {"SPRING_PROFILES_ACTIVE": "prod"},
    ),
    "include": (
        _yml(
            f"{BASE}spring.profiles.include: live\n",
            **_one("application-live.yml", "id: live"),
        ),
        {},
    ),
    "include in a document with a condition": (
        _yml(BASE, "spring.config.activate.on-profile: x\nspring.profiles.include: live\n"),
        {},
    ),
    "active in a document with a condition": (
        _yml(
            BASE,
            "spring.config.activate.on-profile: x\nspring.profiles.active: live\n",
            **_one("application-live.yml", "id: live"),
        ),
        {},
    ),
    "active in a profile's file": (
        _yml(BASE, **{"application-x.yml": f"spring.profiles.active: y\n{A}client-id: x"}),
        {"SPRING_PROFILES_ACTIVE": "x"},
    ),
    "default": (
        _yml(f"{BASE}spring.profiles.default: dev\n", **_one("application-dev.yml", "id: dev")),
        {},
    ),
    "an empty variable clears the profiles": (
        _yml(f"{BASE}spring.profiles.active: dev\n", **_one("application-dev.yml", "id: dev")),
        {"SPRING_PROFILES_ACTIVE": ""},
    ),
    "a name that Boot refuses": (_yml(BASE), {"SPRING_PROFILES_ACTIVE": "dev prod"}),
    "profiles by index in the environment": (
        _yml(BASE, **_one("application-dev.yml", "id: dev")),
        {"SPRING_PROFILES_ACTIVE_0": "dev"},
    ),
    "expression": (
        _yml(BASE, f"spring.config.activate.on-profile: prod & !eu | us\n{A}client-id: x\n"),
        {"SPRING_PROFILES_ACTIVE": "prod"},
    ),
    "expression in parentheses": (
        _yml(BASE, f"spring.config.activate.on-profile: (prod & !eu) | us\n{A}client-id: x\n"),
        {"SPRING_PROFILES_ACTIVE": "prod"},
    ),
    "on kubernetes": (
        _yml(BASE, f"spring.config.activate.on-cloud-platform: kubernetes\n{A}client-id: k8s\n"),
        {"ORDERS_SERVICE_HOST": "10.0.0.1", "ORDERS_SERVICE_PORT": "80"},
    ),
    "import": (
        _yml(
            f"{BASE}spring.config.import: optional:file:./secrets.yml\n",
            **_one("secrets.yml", "secret: real"),
        ),
        {},
    ),
    "import that is missing": (_yml(f"{BASE}spring.config.import: file:./secrets.yml\n"), {}),
    "import for a profile": (
        _yml(
            f"{BASE}spring.config.import: secrets.yml\n",
            **_one("secrets.yml", "secret: s"),
            **_one("secrets-prod.yml", "secret: p"),
        ),
        {"SPRING_PROFILES_ACTIVE": "prod"},
    ),
    "import of .env": (
        _yml(
            f"{SECRET}spring.config.import: optional:file:.env[.properties]\n",
            **{".env": "SECRET=dotenv\n"},
        ),
        {},
    ),
    "import of a tree": (
        _yml(
            f"{SECRET}spring.config.import: configtree:@FOLDER@/t/\n",
            **{"t/SECRET": "mounted\n", f"t/{A}client-id": "id", "t/..data/x": "y"},
        ),
        {},
    ),
    "config beside the file": (
        _yml(BASE, **_one("config/application.yml", "id: config")),
        {},
    ),
    "both formats": (_yml(BASE, **_one("application.properties", "id=properties")), {}),
    "a latin comment": (
        {
            "main": "application.properties",
            "files": {"application.properties": f"# f\xfcr\n{A}client-id=x"},
            "encoding": "latin-1",
        },
        {},
    ),
    "divided by comments": (
        _properties(
            f"{A}client-id=one\n",
            f"# joined again\nspring.config.activate.on-profile=x\n{A}client-id=two\n",
            f"{A}client-name=three\n# a comment before\n",
            f"{A}client-secret=four\n",
        ),
        {},
    ),
    "a gap in a list": (_yml(f"{BASE}{A}scope[0]: x\n{A}scope[2]: y\n"), {}),
    "an id in brackets": (_yml(f"{P}registration:\n  '[a/b.c]':\n    client-id: x\n"), {}),
    "an id with an umlaut": (_yml(f"{P}registration.k\xe4se.client-id: x\n"), {}),
    "a variable in a placeholder in a variable": (
        _yml(f"{A}client-secret: ${{ONE:x}}\n"),
        {"ONE": "${TWO:y}-1", "TWO": "two"},
    ),
    "json": (
        _yml(BASE),
        {"SPRING_APPLICATION_JSON": f'{{"{A}client-secret": "json", "{P}registration": {{}}}}'},
    ),
    "a list by variables": (
        _yml(f"{BASE}{A}scope: x,y\n"),
        {f"SPRING_SECURITY_OAUTH2_CLIENT_REGISTRATION_A_SCOPE_{i}": f"s{i}" for i in range(2)},
    ),
    "merge keys": (
        _yml(
            "x: &base {client-id: low, client-secret: s}\n"
            f"{P}registration:\n  a: {{<<: *base, client-id: own}}\n  b: {{<<: [*base]}}\n"
        ),
        {},
    ),
    "numbers and words of YAML": (
        _yml(f"{A}client-id: 0123\n{A}client-secret: 1_000\n{A}client-name: yes\n"),
        {},
    ),
}


def case(name: str) -> dict:
    """Return a sample as a case."""
    files, environ = SAMPLES[name]
    return {**files, "environ": environ}
