"""What people write in Spring files: the values and spellings that cases are made of."""

P = "spring.security.oauth2.client."
PROFILES = ("dev", "prod", "local", "test", "eu", "prod-db", "default")
IDS = ("my-client", "orders", "myClient", "my_client", "google", "okta")
PROVIDERS = ("my-provider", "myProvider", "keycloak", "okta")
REGISTRATION = {
    "provider": ("my-provider", "myProvider", "keycloak", "${PROVIDER:my-provider}"),
    "client-id": ("app", "app-{n}", "${CLIENT_ID}", "${CLIENT_ID:app}", "${app.client-id:dflt}"),
    "client-secret": (
        "s3cret{n}",
        "${CLIENT_SECRET}",
        "${CLIENT_SECRET:changeme}",
        "${app.secret}",
        "${APP_SECRET:${CLIENT_SECRET:deep}}",
        "${app.clientSecret:none}",
        "a=b:c#d",
        "p@ss w0rd!",
        "back\\\\slash",
        "tab\there",
        "",
        "${MISSING:}",
        "${MISSING: }",
        "\\${literal}",
        "x\\${literal}${CLIENT_ID:y}",
        "${a\\:b:c}",
        "${${KEY:app.secret}}",
        "${app.secret:${app.client-id:z}}-${STAGE:s}",
        "${unclosed",
        "$(CLIENT_SECRET)",
        "#{spel}",
        "0123",
        "1.10",
        "yes",
        "12345678901",
        "1_000",
        "null",
        "@secret@",
        "%s%d",
        "{noop}x",
    ),
    "client-authentication-method": ("client_secret_basic", "client_secret_post", "none"),
    "authorization-grant-type": (
        "client_credentials",
        "authorization_code",
        "${GRANT:client_credentials}",
    ),
    "redirect-uri": (
        "{baseUrl}/login/oauth2/code/{registrationId}",
        "https://a.example/{action}/{registrationId}",
        "/cb",
    ),
    "scope": (
        "read",
        "read,write",
        "read, write",
        "openid , profile",
        "${SCOPES:read,write}",
        "",
        ["read", "write"],
        ["openid", "${SCOPE:x}"],
        ["a,b", "c"],
        "a,a",
    ),
    "client-name": (
        "My Client",
        "Käse",
        "'quoted'",
        "two  blanks",
        "${spring.application.name:svc}",
    ),
}
SEALED = ("{cipher}AQB3", "ENC(x)")
PROVIDER = {
    "token-uri": (
        "https://as.example/token",
        "https://${AS_HOST:localhost}:8443/token",
        "${app.base}/token",
        "${my.url:${AS_URL:https://x.example}/t}",
    ),
    "authorization-uri": ("https://as.example/authorize", "${app.base}/authorize"),
    "issuer-uri": ("https://as.example/realms/r{n}", "${ISSUER_URI:https://i.example}"),
    "jwk-set-uri": ("https://as.example/jwks",),
    "user-info-uri": ("https://as.example/me",),
    "user-name-attribute": ("sub", "email"),
}
UNKNOWN = ("client-idd", "api-key", "scopes")
OTHERS = {
    "app.secret": ("from-file", "${CLIENT_SECRET:fs}", "x${app.suffix:}"),
    "app.client-id": ("file-id", "${APP_ID:aid}"),
    "app.base": ("https://base.example", "https://${AS_HOST:h}.example"),
    "server.port": ("8080", "${PORT:8080}"),
    "spring.application.name": ("orders-service",),
    "logging.level.root": ("INFO",),
}
EXPRESSIONS = (
    "dev",
    "prod",
    "dev,prod",
    "!prod",
    "prod & eu",
    "prod | dev",
    "!(prod | dev)",
    "(prod & !eu) | local",
    "default",
    "prod & eu | dev",
    "!!prod",
    "(dev",
    "${STAGE:dev}",
    ["dev", "eu"],
    ["!dev", "prod & eu"],
    "test",
    "",
)
PLATFORMS = ("kubernetes", "none", "heroku", "cloud-foundry", "CLOUD_FOUNDRY", "mars")
ACTIVE = (
    *("dev", "prod", "local") * 4,
    "dev,prod",
    "prod, eu",
    "${STAGE:local}",
    "${STAGE}",
    ["dev", "eu"],
    "",
    "@stage@",
    "bad name",
    "a/b",
    "local,",
    "yes",
    "prod-db",
    "-dev",
)
INCLUDE = ("eu", "prod-db,test", ["test", "eu"], "${EXTRA:local}", "")
GROUPED = ("prod", "dev", "local", "eu", "[prod]")
MEMBERS = ("prod-db", "eu,test", ["prod-db", "eu"], "local", "prod", "")
DEFAULT = ("local", "dev,eu", "none", "")
IMPORTS = {
    "optional:file:./secrets.yml": 5,
    "file:./secrets.properties": 4,
    "optional:secrets.yml": 3,
    "secrets.properties": 2,
    "optional:file:.env[.properties]": 5,
    "optional:file:./creds[.yml]": 1,
    "secrets.properties[encoding=utf-8]": 1,
    "configtree:@FOLDER@/tree/": 3,
    "optional:configtree:@FOLDER@/tree/": 3,
    "optional:configtree:@FOLDER@/trees/*/": 1,
    "sub/more.yml": 2,
    "optional:file:@FOLDER@/sub/more.yml": 1,
    "optional:classpath:extra.yml": 1,
    "optional:configserver:": 1,
    "optional:sub/": 1,
    "file:./sub/": 1,
    "file:./missing.yml": 1,
    "optional:file:./missing.yml": 2,
    "optional:${IMPORTED:secrets.yml}": 2,
    "optional:vault://secret/x": 1,
    "optional:a.yml;optional:b.yml": 1,
    "optional:${app.dir:sub}/more.yml": 1,
    "notes.txt": 1,
}
IMPORTED = ("secrets.yml", "secrets.properties", "sub/more.yml", "a.yml", "b.yml")
DOTENV = (
    ("CLIENT_SECRET", "dotenv-secret"),
    ("APP_SECRET", "dotenv"),
    ("app.secret", "dotted"),
    (f"{P}registration.my-client.client-secret", "env-file"),
    ("CLIENT_ID", '"quoted"'),
)
MOUNTED = ("mounted\n", "mounted", "two\nlines\n", "m\r\n", "${CLIENT_ID:literal}", "")
VARIABLES = {
    "CLIENT_ID": ("env-id",),
    "CLIENT_SECRET": (
        "env-secret",
        "env-secret",
        "with ${APP_SECRET:nested}",
        "dollar$sign",
        "${CLIENT_SECRET2:rec}",
        "\\${kept}",
    ),
    "APP_SECRET": ("env-app-secret", ""),
    "APP_CLIENTID": ("env-bound",),
    "APP_CLIENT_ID": ("env-legacy",),
    "app_client_id": ("env-lower",),
    "STAGE": ("prod", "eu", ""),
    "AS_HOST": ("as.internal",),
    "SCOPES": ("a,b", "x"),
    "KUBERNETES_SERVICE_HOST": ("10.0.0.1",),
    "KUBERNETES_SERVICE_PORT": ("443",),
    "app.secret": ("dotted-variable",),
}
SPRING_VARIABLES = {
    "SPRING_PROFILES_ACTIVE_0": ("prod",),
    "spring.profiles.active": ("prod",),
    "SPRING_PROFILES_INCLUDE": ("eu", "test,local"),
    "SPRING_PROFILES_INCLUDE_0": ("test",),
    "SPRING_PROFILES_DEFAULT": ("local",),
    "SPRING_PROFILES_GROUP_PROD": ("eu,prod-db",),
    "SPRING_PROFILES_GROUP_DEV_0": ("local",),
    "SPRING_CONFIG_IMPORT": ("optional:file:./secrets.yml", "secrets.properties"),
    "SPRING_CONFIG_ADDITIONAL_LOCATION": (
        "optional:file:./more/",
        "file:./more/application.yml",
        "optional:file:./sub/;optional:file:./more/",
    ),
    "SPRING_CONFIG_NAME": ("application", "application,app", "app"),
    "SPRING_CONFIG_ON_NOT_FOUND": ("ignore",),
    "SPRING_CONFIG_LOCATION": ("optional:file:./,optional:file:./more/", "file:./more/"),
    "SPRING_CONFIG_ACTIVATE_ON_PROFILE": ("dev",),
    "SPRING_MAIN_CLOUD_PLATFORM": ("kubernetes", "cloud_foundry", "none"),
}
ACTIVE_VARIABLE = (
    *("dev", "prod", "prod", "prod,eu", "local", "prod, dev", "eu"),
    "",
    "bad name",
    "${STAGE:dev}",
)
JSON = (
    {f"{P}registration.my-client.client-secret": "json-secret"},
    {
        "spring": {
            "security": {
                "oauth2": {
                    "client": {
                        "registration": {"my-client": {"clientId": "json-id", "scope": ["j", "k"]}}
                    }
                }
            }
        }
    },
    {"app": {"secret": "json"}},
    {"spring.profiles.active": "prod"},
    {"spring": {"profiles": {"active": ["eu", "dev"]}}},
    {"app": {"secret": None, "base": 7}},
    [1],
)
