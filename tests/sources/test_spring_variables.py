"""Spring's own variables count for Spring files, as in Boot."""

from __future__ import annotations

import pytest

from oauthreg._sources import locate

P = "spring.security.oauth2.client."
V = "SPRING_SECURITY_OAUTH2_CLIENT_"
NESTED = """{"spring": {"security": {"oauth2": {"client": {"registration": {"my-client": {
    "clientSecret": 12.50, "scope": ["a", "b"], "clientName": true, "provider": null
}}}}}}}"""
FILE = f"{P}registration.my-client.client-id=id\n{P}registration.my-client.client-secret=changeme\n"


@pytest.fixture
def clients(folder):
    """`clients(environ)`: the registrations of a file that has my-client."""

    def read(environ):
        folder.write("a.properties", FILE)
        return folder.values("a.properties", environ).get("registration")

    return read


@pytest.mark.parametrize(
    "variable",
    [
        f"{V}REGISTRATION_MYCLIENT_CLIENTSECRET",
        f"{V}REGISTRATION_MY_CLIENT_CLIENT_SECRET",
        f"{V.lower()}registration_myclient_clientsecret",
        f"{P}registration.my-client.client-secret",
        f"{P}registration.myClient.clientSecret",
    ],
)
def test_a_variable_overrides_a_files_client_and_makes_no_second_one(clients, variable):
    assert clients({variable: "real"}) == {
        "my-client": {"client-id": "id", "client-secret": "real"}
    }


def test_variables_alone_make_a_client(clients):
    environ = {f"{V}REGISTRATION_OTHER_CLIENTID": "x", f"{V}REGISTRATION_OTHER_SCOPE_0": "s"}
    assert clients(environ)["other"] == {"client-id": "x", "scope": ["s"]}


def test_a_variable_that_boot_would_not_take_for_anything_is_a_problem(folder):
    folder.write("a.properties", FILE)
    variable = f"{V}REGISTRATION_MY_CLIENT_CLIENTSECRET"
    problem = folder.problem("a.properties", {variable: "s3cr3t"})
    assert problem.startswith(f"environment variable {variable}: means nothing to Spring Boot")
    assert problem.endswith(f"Write {V}REGISTRATION_MYCLIENT_CLIENTSECRET.")
    assert "s3cr3t" not in problem
    problem = folder.problem("a.properties", {f"{V}REGISTRATION_MY_APP_CLIENTID": "x"})
    assert "are one word each, without - and _" in problem


def test_a_problem_with_a_variable_names_the_property_that_it_means(folder):
    folder.write("a.properties", FILE)
    variable = f"{V}REGISTRATION_MYCLIENT_CLIENTSECRET"
    for value, problem in (("${NO}", "cannot be known: ${NO}"), ("{cipher}x", "is encrypted")):
        text = folder.problem("a.properties", {variable: value})
        path = f"{P}registration.my-client.client-secret"
        assert text.startswith(f"{path} (environment variable {variable}): {problem}")


def test_of_two_variables_boots_first_counts_and_without_one_they_are_a_problem(folder, clients):
    upper, lower = f"{V}REGISTRATION_MYCLIENT_CLIENTSECRET", f"{V.lower()}registration_myclient_"
    environ = {f"{lower}clientsecret": "second", upper: "first"}
    assert clients(environ)["my-client"]["client-secret"] == "first"
    environ = {f"{V}REGISTRATION_my-client_{word}": word for word in ("CLIENTID", "CLIENT-ID")}
    assert "is set twice, by " in folder.problem("a.properties", environ)


def test_ours_override_springs(folder):
    folder.write("a.properties", FILE)
    environ = {
        f"{V}REGISTRATION_MYCLIENT_CLIENTSECRET": "spring's",
        "OAUTHREG_REGISTRATION__MY_CLIENT__CLIENT_SECRET": "ours",
    }
    assert folder.values("a.properties", environ)["registration"]["my-client"] == {
        "client-id": "id",
        "client-secret": "ours",
    }


def test_they_are_not_read_without_a_spring_file(folder):
    folder.write("a.toml", "")
    assert folder.values("a.toml", {f"{V}REGISTRATION_X_CLIENTID": "x"}) == {}


def test_a_value_knows_its_variable(folder):
    folder.write("a.properties", FILE)
    variable = f"{V}REGISTRATION_MYCLIENT_CLIENTSECRET"
    leaf = folder.read("a.properties", {variable: "x"}).tree["registration"]["my-client"]
    assert locate(leaf["client-secret"].origin) == f"environment variable {variable}"


@pytest.mark.parametrize(
    ("json", "expected"),
    [
        (f'{{"{P}registration.my-client.client-secret": "j"}}', {"client-secret": "j"}),
        (NESTED, {"client-secret": "12.50", "scope": ["a", "b"], "client-name": "true"}),
        (f'{{"{P}registration.my-client.scope": []}}', {"scope": []}),
        ("{}", {}),
        ("", {}),
    ],
)
def test_spring_application_json_goes_over_variables(clients, json, expected):
    environ = {"SPRING_APPLICATION_JSON": json}
    leaves = {"client-id": "id", "client-secret": "changeme", **expected}
    assert clients(environ) == {"my-client": leaves}


def test_an_id_in_brackets_is_not_that_of_a_variable(folder):
    folder.write("a.yml", f'{P}registration:\n  "[my-client]": {{client-id: x}}')
    environ = {"SPRING_APPLICATION_JSON": f'{{"{P}registration.my-client.client-id": "json"}}'}
    values = folder.values("a.yml", environ)
    assert values == {"registration": {"my-client": {"client-id": "json"}}}


@pytest.mark.parametrize("json", ["[1]", "s3cr3t", '{"a": '])
def test_what_is_no_json_object_is_a_problem(folder, json):
    folder.write("a.properties", FILE)
    problem = folder.problem("a.properties", {"SPRING_APPLICATION_JSON": json})
    assert problem == "SPRING_APPLICATION_JSON: is not a JSON object"


@pytest.mark.parametrize(
    ("name", "location", "file"),
    [
        ("IMPORT", "file:more.yml", "more.yml"),
        ("ADDITIONAL_LOCATION", "file:./more/", "more/a.yml"),
        ("ADDITIONAL_LOCATION", "more.yml,optional:x.yml", "more.yml"),
        ("ADDITIONALLOCATION", "more.yml", "more.yml"),
        ("LOCATION", "file:a.properties,more.yml", "more.yml"),
        ("NAME", "a,b", "b.yml"),
    ],
)
def test_variables_name_further_files(folder, name, location, file):
    folder.write("a.properties", FILE)
    folder.write(file, f"{P}registration.my-client.client-secret: real")
    values = folder.values("a.properties", {f"SPRING_CONFIG_{name}": location})
    assert values["registration"]["my-client"]["client-secret"] == "real"


@pytest.mark.parametrize(("name", "value"), [("LOCATION", "optional:more.yml"), ("NAME", "b")])
def test_a_variable_that_makes_boot_read_other_files_is_a_problem(folder, name, value):
    folder.write("a.properties", FILE)
    problem = folder.problem("a.properties", {f"SPRING_CONFIG_{name}": value})
    assert problem.startswith(
        f"a.properties: is not read by Spring Boot, because of SPRING_CONFIG_{name}"
    )


def test_a_location_that_cannot_be_known_is_a_problem(folder):
    folder.write("a.properties", FILE)
    problem = folder.problem("a.properties", {"SPRING_CONFIG_LOCATION": "${NOWHERE}/"})
    assert "cannot be known: ${NOWHERE}" in problem


@pytest.mark.parametrize(
    ("text", "environ", "value"),
    [
        ("${my.key-name}", {"MY_KEYNAME": "boot", "MY_KEY_NAME": "legacy"}, "boot"),
        ("${my.key-name}", {"MY_KEY_NAME": "legacy"}, "legacy"),
        ("${my.key-name}", {"my.key-name": "dotted"}, "dotted"),
        ("${My.Key}", {"MY_KEY": "capitals"}, "capitals"),
        ("${MY_KEY}", {"MY_KEY": "x${OTHER}", "OTHER": "y"}, "xy"),
        ("${my.key}", {"MY_KEY": ""}, "file"),
    ],
)
def test_how_a_placeholder_finds_a_variable(folder, text, environ, value):
    folder.write("a.properties", f"{P}registration.a.client-id={text}")
    found = folder.read("a.properties", environ).tree["registration"]["a"]["client-id"].value
    assert found == ("" if value == "file" else value)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("random.uuid", "is made up by Spring at each start"),
        ("user.home", "is a property of the Java machine"),
        ("java.io.tmpdir", "is a property of the Java machine"),
    ],
)
def test_what_only_java_knows_is_a_problem_even_with_a_default(folder, name, problem):
    folder.write("a.properties", f"{P}registration.a.client-id=${{{name}:x}}")
    assert f"cannot be known: ${{{name}}} {problem}" in folder.problem("a.properties")
