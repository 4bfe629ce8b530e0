"""Spring files are read as they are."""

from __future__ import annotations

import pytest

from oauthreg._sources import Sourced, locate
from oauthreg._sources.spring import LEAVES

P = "spring.security.oauth2.client."
ARTICLE = f"""
{P}registration.my-client.client-id=my-id
{P}registration.my-client.client-secret=my-secret
{P}registration.my-client.authorization-grant-type=client_credentials
{P}provider.my-provider.token-uri=https://as.example.com/token
"""
SPELLINGS = {
    "kebab": lambda leaf: leaf,
    "snake": lambda leaf: leaf.replace("-", "_"),
    "camel": lambda leaf: leaf[0] + leaf.title().replace("-", "")[1:],
}


def test_the_four_lines_of_the_article(folder):
    folder.write("application.properties", ARTICLE)
    assert folder.values("application.properties") == {
        "registration": {
            "my-client": {
                "client-id": "my-id",
                "client-secret": "my-secret",
                "authorization-grant-type": "client_credentials",
            }
        },
        "provider": {"my-provider": {"token-uri": "https://as.example.com/token"}},
    }


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("suffix", ["properties", "yml", "yaml"])
def test_all_fifteen_leaves_in_every_spelling(folder, suffix, spelling):
    said = [
        (f"{P}{section}.app.{SPELLINGS[spelling](leaf)}", f"value-{leaf}")
        for section, leaves in LEAVES.items()
        for leaf in leaves
    ]
    assert len(said) == 15
    mark = "=" if suffix == "properties" else ": "
    folder.write(f"a.{suffix}", "".join(f"{key}{mark}{value}\n" for key, value in said))
    expected = {s: {"app": {leaf: f"value-{leaf}" for leaf in ls}} for s, ls in LEAVES.items()}
    expected["registration"]["app"]["scope"] = ["value-scope"]
    assert folder.values(f"a.{suffix}") == expected


def test_every_value_knows_its_line_and_its_kind(folder):
    folder.write(
        "a.properties",
        f"# one\n\n{P}registration.a.client-id = x\\\n  y\n{P}provider.b.token-uri=z",
    )
    folder.write(
        "b.yml",
        "spring:\n  security.oauth2.client:\n    registration:\n      c:\n        clientId: x\n",
    )
    tree = folder.read(["a.properties", "b.yml"]).tree
    said = [
        tree["registration"]["a"]["client-id"],
        tree["provider"]["b"]["token-uri"],
        tree["registration"]["c"]["client-id"],
    ]
    assert [locate(s.origin) for s in said] == [
        f"a.properties line 3, {P}registration.a.client-id",
        f"a.properties line 5, {P}provider.b.token-uri",
        f"b.yml line 5, {P}registration.c.clientId",
    ]
    assert {(s.origin.kind, s.origin.base) for s in said} == {("spring-file", folder.path)}


def test_what_is_outside_the_prefix_is_ignored(folder):
    folder.write(
        "a.properties",
        "server.port=${NOWHERE}\nspring.security.oauth2.clients.x=1",
    )
    folder.write("b.yml", "- just\n- a list in spring\n--- \ntext\n---\n")
    assert folder.values(["a.properties", "b.yml"]) == {}


def test_brackets_hold_an_id_of_any_characters(folder):
    folder.write("a.properties", f"{P}registration[My/Client.x].client-id=a")
    folder.write("b.yml", f'{P}registration:\n  "[My/Client.x]":\n    client-secret: b\n')
    leaves = {"client-id": "a", "client-secret": "b"}
    values = folder.values(["a.properties", "b.yml"])
    assert values == {"registration": {"my/client.x": leaves}}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.properties", f"{P}registration.a.scope=x, y"),
        ("a.properties", f"{P}registration.a.scope[1]=y\n{P}registration.a.scope[0]=x"),
        ("a.yml", f"{P}registration.a.scope: [x, y]"),
        ("a.yml", f"{P}registration.a.scope:\n- x\n- ${{Y}}"),
        ("a.yml", f"{P}registration.a.scope: ${{BOTH}}"),
    ],
)
def test_scope_is_a_list_however_it_is_written(folder, name, text):
    folder.write(name, text)
    values = folder.values(name, {"Y": "y", "BOTH": "x,y"})
    assert values == {"registration": {"a": {"scope": ["x", "y"]}}}


def test_a_list_replaces_that_of_an_earlier_file(folder):
    folder.write("a.properties", f"{P}registration.a.scope=x,y")
    folder.write("b.yml", f"{P}registration.a.scope: []")
    assert folder.values(["a.properties", "b.yml"]) == {"registration": {"a": {"scope": []}}}


@pytest.mark.parametrize(
    "text", ["yes", "0123", "2026-11-01", "1e3", "'null'", '"~"', "null", "~", ""]
)
def test_yaml_scalars_stay_as_written_and_null_is_empty(folder, text):
    folder.write("a.yml", f"{P}registration.a.client-id: {text}")
    empty = text in ("null", "~", "")
    values = folder.values("a.yml")
    assert values == {"registration": {"a": {"client-id": "" if empty else text.strip("'\"")}}}


def test_yaml_anchors_and_merge_keys(folder):
    folder.write(
        "a.yml",
        f"""
x: &base {{client-id: low, client-secret: s}}
y: &more {{client-secret: t, scope: z}}
{P}registration:
  a: {{<<: *base, client-id: own}}
  b: {{client-id: own, <<: [*base, *more]}}
""",
    )
    assert folder.values("a.yml") == {
        "registration": {
            "a": {"client-id": "own", "client-secret": "s"},
            "b": {"client-id": "own", "client-secret": "s", "scope": ["z"]},
        }
    }


def test_of_a_property_said_twice_the_last_counts_as_in_java(folder):
    folder.write("a.properties", f"{P}registration.a.client-id=x\n{P}registration.a.client-id=y")
    assert folder.values("a.properties") == {"registration": {"a": {"client-id": "y"}}}


@pytest.mark.parametrize("separator", ["#---", "!---", "---"])
@pytest.mark.parametrize(
    ("active", "client"),
    [(None, "not prod"), ("prod", "one"), ("test", "not prod"), ("eu,prod", "two"), ("eu", "two")],
)
def test_a_document_counts_when_its_profile_is_active(folder, separator, active, client):
    is_yaml = separator == "---"
    name, mark = ("a.yml", ": ") if is_yaml else ("a.properties", "=")
    not_prod = "'!prod'" if is_yaml else "!prod"
    key, when = f"{P}registration.a.client-id{mark}", f"spring.config.activate.on-profile{mark}"
    documents = [
        f"{key}always",
        f"{when}prod\n{key}one",
        f"{when}{not_prod}\n{key}not prod",
        f"{when}us, eu\n{key}two\n",
    ]
    folder.write(name, f"\n{separator}\n".join(documents))
    environ = {"SPRING_PROFILES_ACTIVE": active} if active else {}
    assert folder.values(name, environ) == {"registration": {"a": {"client-id": client}}}


def test_profile_files_beside_the_file_override_it(folder):
    key = f"{P}registration.a."
    folder.write(
        "application.yml", f"{key}client-id: base\n{key}client-name: base\n{key}scope: base\n"
    )
    folder.write("application-eu.yaml", f"{key}client-id: eu yaml\n{key}client-name: eu")
    folder.write("application-eu.properties", f"{key}client-id=eu properties")
    folder.write("application-prod.properties", f"{key}client-name=prod")
    folder.write("application-test.properties", f"{key}scope=test")
    leaves = {"client-id": "eu properties", "client-name": "prod", "scope": ["base"]}
    values = folder.values("application.yml", {"SPRING_PROFILES_ACTIVE": "eu, prod,none"})
    assert values == {"registration": {"a": leaves}}


def test_our_own_profile_file_may_be_a_spring_file(folder):
    folder.write("a.properties", f"{P}registration.a.client-id=x")
    folder.write("a.prod.properties", f"{P}registration.a.client-id=y")
    values = folder.values("a.properties", profile="prod")
    assert values == {"registration": {"a": {"client-id": "y"}}}


def test_spring_and_toml_files_merge_and_our_environment_overrides(folder):
    folder.write("application.yml", f"{P}registration.my_client: {{client-id: x, clientSecret: y}}")
    folder.write("settings.toml", '[registration.my-client]\nclient-secret-file = "z"\nscope = "s"')
    environ = {
        "OAUTHREG_SETTINGS": "application.yml:settings.toml",
        "OAUTHREG_REGISTRATION__MY_CLIENT__SCOPE": "t",
        "SPRING_SECURITY_OAUTH2_CLIENT_REGISTRATION_MY_CLIENT_CLIENTID": "never read",
    }
    leaves = folder.read(environ=environ).tree["registration"]["my-client"]
    assert {key: (said.leaf, said.value, said.origin.kind) for key, said in leaves.items()} == {
        "client-id": ("client-id", "x", "spring-file"),
        "client-secret": ("client-secret-file", "z", "file"),
        "scope": ("scope", "t", "environment"),
    }


def test_placeholders_come_from_the_environment_then_from_the_files(folder):
    key = f"{P}registration.a."
    folder.write(
        "application.properties",
        f"{key}client-id=${{ID}}\n{key}client-secret=${{app.secret-key}}\n{key}provider=${{NO:p}}",
    )
    folder.write("application-prod.yml", "app:\n  secretKey: from file ${ID}\n")
    values = folder.values("application.properties", {"ID": "i", "SPRING_PROFILES_ACTIVE": "prod"})
    assert values["registration"]["a"] == {
        "client-id": "i",
        "client-secret": "from file i",
        "provider": "p",
    }


def test_placeholders_are_expanded_in_spring_files_only(folder):
    folder.write("a.toml", '[store]\nx = "${ID}"')
    assert folder.values("a.toml", {"ID": "i"}) == {"store": {"x": "${ID}"}}


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("registration.a.client-idd=s3cr3t", "Did you mean 'client-id'?"),
        ("registration.a.token-uri=s3cr3t", "is no property that Spring knows"),
        ("registrations.a.client-id=s3cr3t", "Did you mean 'registration'?"),
        ("registration[].client-id=s3cr3t", "Write registration.<id>.<setting>"),
        ("registration.a=s3cr3t", "Write registration.<id>.<setting>"),
        ("registration.my.client.client-id=s3cr3t", "an id with dots stands in brackets"),
        ("registration.a.client-id[0]=s3cr3t", "Only scope is a list."),
        ("registration.a.scope[x]=s3cr3t", "Items are scope[0] and up."),
        ("registration.a.scope.x.y=s3cr3t", "an id with dots stands in brackets"),
        ("registration.a.client-id=${NO:${NONE}}", "cannot be known: ${NONE} is neither in"),
        ("registration.a.client-id=${random.value}", "${random.value} is made up by Spring"),
    ],
)
def test_what_is_wrong_in_a_spring_file_is_a_problem(folder, line, text):
    folder.write("a.properties", f"\n{P}{line}")
    name = line.partition("=")[0]
    problem = folder.problem("a.properties")
    assert problem.startswith(f"{P}{name} (a.properties line 2): ")
    assert text in problem
    assert "s3cr3t" not in problem


def test_two_spellings_of_a_leaf_in_one_document_are_a_problem(folder):
    folder.write("a.properties", f"{P}registration.a.client-id=x\n{P}registration.a.clientId=y")
    key = f"{P}registration.a.client"
    assert folder.problem("a.properties").startswith(
        f"{key}Id (a.properties line 2): is set twice, by {key}-id and {key}Id: keep one"
    )


@pytest.mark.parametrize("text", ["", "x"])
def test_a_value_at_the_prefix_itself_is_a_problem(folder, text):
    folder.write("a.yml", f"{P}registration.a.client-id: x\n---\n{P[:-1]}: {text}")
    assert "has a value, which hides what is below it" in folder.problem("a.yml")


def test_a_section_without_anything_in_it_is_nothing(folder):
    folder.write("a.yml", f"{P}registration.a.client-id: x\n---\n{P}registration:\n")
    assert folder.values("a.yml") == {"registration": {"a": {"client-id": "x"}}}


@pytest.mark.parametrize(
    ("template", "address"),
    [
        ("{baseUrl}/{action}/oauth2/code/{registrationId}", None),
        ("{baseScheme}://h/login", None),
        ("/login/oauth2/code/a", None),
        ("https://h/{action}/oauth2/code/{registrationId}", "https://h/login/oauth2/code/My-Id"),
        ("https://h/cb", "https://h/cb"),
    ],
)
def test_a_redirect_address_is_filled_in_where_its_base_is_known(folder, template, address):
    folder.write("a.yml", f"{P}registration.My-Id: {{client-id: x, redirect-uri: '{template}'}}")
    leaves = folder.values("a.yml")["registration"]["my-id"]
    assert leaves == {"client-id": "x", **({"redirect-uri": address} if address else {})}


@pytest.mark.parametrize("text", ["{cipher}AQB3", "ENC(abc)", "ENC[AES256_GCM,data:x]"])
def test_an_encrypted_value_is_a_problem(folder, text):
    folder.write("a.properties", f"{P}registration.a.client-secret=${{X}}")
    problem = folder.problem("a.properties", {"X": text})
    assert "is encrypted, and only Spring Cloud Config or Jasypt can read it" in problem
    assert text not in problem


def test_a_common_provider_with_an_issuer_is_none_any_more(folder):
    folder.write("a.yml", f"{P}provider.google.issuer-uri: https://i.example")
    values = folder.values("a.yml")["provider"]["google"]
    assert values == {"type": "generic", "issuer-uri": "https://i.example"}


def test_every_leaf_is_sourced(folder):
    folder.write("application.properties", ARTICLE)
    tree = folder.read("application.properties").tree
    for section in ("registration", "provider"):
        for leaves in tree[section].values():
            assert all(isinstance(leaf, Sourced) for leaf in leaves.values())
