"""`oauthreg import`: Spring's settings as TOML that load to the same registrations."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace

import pytest

from oauthreg._cli import toml_text
from oauthreg._cli.spring_comments import comments_of
from oauthreg._settings.load import load

SECRET = "s3cret-of-the-cli"
PREFIX = "spring.security.oauth2.client"
YAML = f"""\
# The orders service
server:
  port: 8080  # not of the client
spring:
  security:
    oauth2:
      client:  # all clients
        registration:
          # places orders
          orders:
            client-id: "or#ders"  # as registered
            # rotate it
            # every year
            client-secret: "{SECRET}"
            scope:
              - read
              - write  # needed since May
            authorization-grant-type: client_credentials
            provider: company
            # client-name: Old
          google:
            client-id: g
            client-secret: ${{GOOGLE_SECRET:{SECRET}}}
          okta:
            clientId: o
            client-secret: {SECRET}
            client-authentication-method: client_secret_post
        provider:
          company:
            token-uri: ${{BASE:https://auth.example.com}}/token
          okta:
            authorization-uri: https://okta.example.com/authorize
            token-uri: https://okta.example.com/token
            user-name-attribute: email
# the end
logging: off
"""
PROPERTIES = f"""\
# The orders service
! and its client
{PREFIX}.registration.orders.client-id=orders
{PREFIX}.registration.orders.client-secret: {SECRET}
# comma-separated
{PREFIX}.registration.orders.scope=read,write
{PREFIX}.registration.orders.redirect-uri={{baseUrl}}/login/oauth2/code/{{registrationId}}
{PREFIX}.provider.orders.issuer-uri=https://auth.example.com
# server.port=1
server.port=8080
"""


@pytest.fixture
def spring(tmp_path):
    """`spring(name, text)`: a Spring file in the working directory."""

    def write(name, text):
        (tmp_path / name).write_text(text)
        return name

    return write


def without_secrets(configuration):
    return {
        id_: replace(registration, client_secrets=())
        for id_, registration in configuration.registrations.items()
    }


def secrets_of(configuration):
    return {
        id_: [source.read().get_secret_value() for source in registration.client_secrets]
        for id_, registration in configuration.registrations.items()
    }


@pytest.mark.parametrize("name", ["application.yml", "application.properties"])
def test_both_files_load_to_equal_registrations(oauthreg, spring, monkeypatch, tmp_path, name):
    spring(name, YAML if name.endswith("yml") else PROPERTIES)
    done = oauthreg("import", name, "-o", "settings.toml", "--json")
    assert done.returncode == 0, done
    moved = json.loads(done.stdout)["secrets"]
    for secret in moved:
        monkeypatch.setenv(secret["variable"], SECRET)
    before, after = load(name), load("settings.toml")
    assert without_secrets(before) == without_secrets(after)
    assert secrets_of(before) == secrets_of(after)
    assert SECRET not in done.stdout + done.stderr + (tmp_path / "settings.toml").read_text()


def test_comments_stay_with_what_they_are_about(oauthreg, spring):
    spring("application.yml", YAML)
    lines = oauthreg("import", "application.yml").stdout.splitlines()
    at = lines.index("[registration.orders]")
    assert {"# places orders", "# all clients"} <= set(lines[:at])
    assert 'client-id = "or#ders"  # as registered' in lines
    secret = next(n for n, line in enumerate(lines) if "ORDERS_CLIENT_SECRET" in line)
    assert lines[secret - 2 : secret] == ["# rotate it", "# every year"]
    assert 'scope = ["read", "write"]  # needed since May' in lines
    assert "# client-name: Old" in lines[at : lines.index("[registration.google]")]
    assert not any("not of the client" in line for line in lines)


def test_what_to_put_where_is_said(oauthreg, spring):
    spring("application.yml", YAML)
    done = oauthreg("import", "application.yml")
    table = tomllib.loads(done.stdout)["registration"]
    references = {id_: one["client-secret-ref"] for id_, one in table.items()}
    assert references == {
        "orders": "env:ORDERS_CLIENT_SECRET",
        "google": "env:GOOGLE_SECRET",
        "okta": "env:OKTA_CLIENT_SECRET",
    }
    assert "put the value of application.yml line 14 there" in done.stdout
    assert "ORDERS_CLIENT_SECRET: registration.orders.client-secret" in done.stderr


def test_springs_own_defaults_and_placeholders_are_written_out(oauthreg, spring):
    spring("application.properties", PROPERTIES)
    spring("application.yml", YAML)
    text = oauthreg("import", "application.properties").stdout
    assert 'authorization-grant-type = "authorization_code"  # Spring\'s default' in text
    text = oauthreg("import", "application.yml").stdout
    assert "# was ${BASE:https://auth.example.com}/token, which TOML does not expand" in text


def test_a_variable_of_spring_stays_the_source_of_a_secret(oauthreg, spring):
    spring("application.yml", YAML.replace(f'client-secret: "{SECRET}"', "client-name: n"))
    name = "SPRING_SECURITY_OAUTH2_CLIENT_REGISTRATION_ORDERS_CLIENTSECRET"
    audience = {"SPRING_SECURITY_OAUTH2_CLIENT_REGISTRATION_ORDERS_CLIENTNAME": "Orders"}
    done = oauthreg("import", "application.yml", **{name: SECRET}, **audience)
    assert done.returncode == 0, done
    assert f'client-secret-ref = "env:{name}"' in done.stdout
    assert SECRET not in done.stdout


def test_variables_have_names_that_oauthreg_does_not_read_as_settings(oauthreg, spring):
    text = PROPERTIES.replace("orders", "spring-1").replace("spring-1.i", "spring-1.i")
    other = PROPERTIES.replace("registration.orders", "registration.[spring.1]").replace(
        "provider.orders", "provider.[spring.1]"
    )
    spring("application.properties", f"{text}{other}")
    done = oauthreg("import", "application.properties", "--json")
    assert done.returncode == 0, done
    found = [secret["variable"] for secret in json.loads(done.stdout)["secrets"]]
    assert found == ["MY_SPRING_1_CLIENT_SECRET", "MY_SPRING_1_CLIENT_SECRET_"]


def test_our_own_variables_do_not_get_into_the_file(oauthreg, spring):
    spring("application.yml", YAML)
    done = oauthreg(
        "import", "application.yml", OAUTHREG_REGISTRATION__ORDERS__CLIENT_ID="overridden"
    )
    assert 'client-id = "or#ders"' in done.stdout


def test_a_file_that_is_there_is_replaced_only_where_that_is_asked(oauthreg, spring, tmp_path):
    spring("application.yml", YAML)
    (tmp_path / "settings.toml").write_text("# mine\n")
    done = oauthreg("import", "application.yml", "-o", "settings.toml")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--replace" in done.stderr
    assert (tmp_path / "settings.toml").read_text() == "# mine\n"
    assert oauthreg("import", "application.yml", "-o", "settings.toml", "--replace").returncode == 0
    assert "[registration.orders]" in (tmp_path / "settings.toml").read_text()


@pytest.mark.parametrize("target", ["gone/settings.toml", "."])
def test_a_file_that_cannot_be_written_is_exit_2(oauthreg, spring, tmp_path, target):
    spring("application.yml", YAML)
    before = sorted(tmp_path.iterdir())
    done = oauthreg("import", "application.yml", "-o", target, "--replace")
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", ["gone.yml", "settings.toml"])
def test_what_is_no_spring_file_is_exit_2(oauthreg, tmp_path, name):
    (tmp_path / "settings.toml").write_text("")
    done = oauthreg("import", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert name in done.stderr


def test_problems_of_the_file_are_reported_with_their_lines(oauthreg, spring):
    spring("application.yml", YAML.replace("client-id: g", "client-idd: g"))
    done = oauthreg("import", "application.yml")
    assert (done.returncode, done.stdout) == (2, "")
    assert "line 22" in done.stderr


def test_comments_about_nothing_of_ours_are_left_out():
    found = comments_of("a: 1\n# about b\nb: 2\n", {1}, yaml=True)
    assert (dict(found.below), dict(found.above)) == ({1: ["about b"]}, {})
    found = comments_of("# of x\nx: 1  # beside x\n- y # item\na: 1\n", {4}, yaml=True)
    assert dict(found.tables) == {4: ["of x"]}
    assert not found.beside


def test_values_are_written_as_toml_reads_them():
    table = {"a": 'quo"te\x7f\n', "b": [1, True, {"c d": 0.5}]}
    text = "\n".join(toml_text.line(key, value) for key, value in table.items())
    assert tomllib.loads(text) == table
    assert toml_text.line("k", "v", "x" * 100).startswith("# xxx")


def test_a_line_with_several_values_is_not_quoted(oauthreg, spring):
    inline = f'{{client-id: "${{ID:a}}", client-secret: "{SECRET}", client-name: "${{NAME:n}}"}}'
    spring(
        "application.yml",
        "spring.security.oauth2.client:\n  registration:\n"
        f"    one: {inline}\n    two: {{client-secret: {SECRET},\n      client-id: b}}\n"
        "  provider:\n    one: {token-uri: https://a.example.com/t}\n"
        "    two: {token-uri: https://a.example.com/t}\n",
    )
    text = (spring("x", "") and oauthreg("import", "application.yml")).stdout
    assert SECRET not in text
