"""What `spring.config.import` and Spring's locations name, followed as by Boot."""

from __future__ import annotations

import pytest

P = "spring.security.oauth2.client.registration.a."
SECRET = f"{P}client-secret"


def importing(*locations):
    lines = "".join(f"spring.config.import[{at}]={text}\n" for at, text in enumerate(locations))
    return f"{lines}{P}client-secret=changeme\n"


@pytest.fixture
def secret(folder):
    """`secret(*locations, environ=...)`: the secret of a file that imports them."""

    def read(*locations, environ=None):
        folder.write("application.properties", importing(*locations))
        values = folder.values("application.properties", environ)
        return values["registration"]["a"]["client-secret"]

    return read


@pytest.mark.parametrize(
    ("location", "file", "text"),
    [
        ("file:./secrets.yml", "secrets.yml", f"{SECRET}: real"),
        ("file:secrets.yml", "secrets.yml", f"{SECRET}: real"),
        ("optional:secrets.yml", "secrets.yml", f"{SECRET}: real"),
        ("resource:secrets.yml", "secrets.yml", f"{SECRET}: real"),
        ("secrets.YML", "secrets.YML", f"{SECRET}: real"),
        ("sub/", "sub/application.yml", f"{SECRET}: real"),
        ("none/*/", "none/one/application.yml", f"{SECRET}: real"),
        ("optional:a.yml;optional:b.yml", "b.yml", f"{SECRET}: real"),
        ("optional:file:.env[.properties]", ".env", f"{SECRET}=real"),
        ("hinted[.yml]", "hinted", f"{SECRET}: real"),
        ("x.properties[encoding=latin-1]", "x.properties", f"{SECRET}=real"),
        ("configtree:tree/", f"tree/{SECRET}", "real\n"),
        ("configtree:tree/", f"tree/{SECRET.replace('.', '/')}", "real\r\n"),
        ("optional:configtree:trees/*/", f"trees/one/{SECRET}", "real"),
        ("${WHERE:secrets}.yml", "secrets.yml", f"{SECRET}: real"),
        ("optional:missing.yml", "other.yml", ""),
        ("optional:missing/", "other.yml", ""),
        ("optional:missing.txt", "other.yml", ""),
        ("optional:configtree:missing/", "other.yml", ""),
        ("optional:env:MISSING", "other.yml", ""),
    ],
)
def test_an_import_goes_over_the_importing_file(folder, secret, location, file, text):
    folder.write(file, text)
    assert secret(location) == ("real" if text else "changeme")


def test_a_variable_may_hold_a_files_text(secret):
    assert secret("env:MORE", environ={"MORE": f"{SECRET}=real"}) == "real"
    assert secret("env:MORE[.yml]", environ={"MORE": f"{SECRET}: real"}) == "real"


def test_of_two_imports_the_later_wins_and_each_has_files_for_profiles(folder, secret):
    for name in ("one", "two", "two-prod"):
        folder.write(f"{name}.yml", f"{SECRET}: {name}")
    assert secret("one.yml", "two.yml") == "two"
    assert secret("two.yml", "one.yml") == "one"
    assert secret("two.yml", environ={"SPRING_PROFILES_ACTIVE": "prod"}) == "two-prod"


def test_an_import_in_an_import_starts_from_its_own_folder(folder, secret):
    folder.write("sub/one.yml", "spring.config.import: more.yml")
    folder.write("sub/more.yml", f"{SECRET}: real")
    assert secret("sub/one.yml") == "real"
    assert secret("sub/one.yml", "sub/more.yml") == "real"  # which is read once


def test_a_placeholder_may_come_from_an_import(folder):
    text = f"spring.config.import=.env[.properties]\n{P}client-secret=${{SECRET:changeme}}"
    folder.write("application.properties", text)
    folder.write(".env", "SECRET=real")
    assert folder.values("application.properties")["registration"]["a"]["client-secret"] == "real"


def test_placeholders_stay_in_a_configuration_tree(folder, secret):
    folder.write(f"tree/{SECRET}", "a${b}")
    folder.write("tree/..data/x", "hidden")
    assert secret("configtree:./tree/") == "a${b}"
    folder.write(f"tree/{SECRET}", "two\nlines\n")
    assert secret("configtree:./tree/") == "two\nlines"


@pytest.mark.parametrize(
    ("location", "problem"),
    [
        ("file:./missing.yml", "file:./missing.yml is not there"),
        ("missing/", "missing/ is not there"),
        ("configtree:missing/", "configtree:missing/ is not there"),
        ("configtree:tree", "must end with / to name a tree of files"),
        ("missing", "names neither a folder (ending in /) nor a .properties or .yml"),
        ("env:MISSING", "names the variable MISSING, which is not set"),
        ("optional:classpath:x.yml", "begins with classpath:, which only Spring can follow"),
        ("optional:configserver:http://u:s3cr3t@h", "configserver:... begins with configserver:"),
        ("optional:a.yml;classpath:b.yml", "begins with classpath:"),
        ("vault://secret", "begins with vault:"),
        ("a*b/", "may hold one *, as its last folder"),
        ("sub/x.xml", "is a properties file in XML"),
    ],
)
def test_an_import_that_cannot_be_followed_is_a_problem(folder, location, problem):
    folder.write("sub/x.xml", "<properties/>")
    folder.write("application.properties", importing(location))
    text = folder.problem("application.properties")
    assert problem in text
    assert "s3cr3t" not in text


def test_a_missing_import_may_be_ignored_by_a_variable(secret):
    environ = {"SPRING_CONFIG_ON_NOT_FOUND": "ignore"}
    assert secret("missing.yml", environ=environ) == "changeme"
    assert secret("missing/", environ=environ) == "changeme"


def test_a_path_is_looked_for_beside_the_file_and_in_the_working_directory(folder):
    folder.write("conf/application.properties", importing("file:./secrets.yml"))
    folder.write("secrets.yml", f"{SECRET}: working directory")
    read = folder.values("conf/application.properties")
    assert read["registration"]["a"]["client-secret"] == "working directory"
    folder.write("conf/secrets.yml", f"{SECRET}: beside")
    problem = folder.problem("conf/application.properties")
    assert "is found twice, as conf/secrets.yml and secrets.yml" in problem


def test_one_file_under_two_paths_is_one(folder):
    folder.write("conf/application.properties", importing("file:./secrets.yml"))
    folder.write("conf/secrets.yml", f"{SECRET}: real")
    folder.path.joinpath("secrets.yml").symlink_to("conf/secrets.yml")
    read = folder.values("conf/application.properties")
    assert read["registration"]["a"]["client-secret"] == "real"


def test_a_folder_found_by_a_star_has_no_relative_imports(folder):
    folder.write("application.yml", "")
    folder.write("config/x/application.yml", "spring.config.import: more.yml")
    assert "is relative in a file that was found by *" in folder.problem("application.yml")


def test_files_in_config_and_of_the_other_formats_count(folder):
    for path, name in (
        ("application.yaml", "yaml"),
        ("application.yml", "yml"),
        ("application.properties", "properties"),
        ("config/application.yml", "config"),
        ("config/sub/application.properties", "sub"),
        ("application-default.yml", "profile"),
    ):
        mark = "=" if path.endswith("properties") else ": "
        folder.write(path, f"{P}client-name{mark}{name}")
        values = folder.values("application.yaml")
        assert values["registration"]["a"]["client-name"] == name


def test_several_files_are_one_environment(folder):
    folder.write("a.yml", f"{P}client-id: ${{x}}\n{P}client-name: a\nx: 1")
    folder.write("b.yml", f"{P}client-secret: ${{x}}\n{P}client-name: b\nx: 2")
    leaves = {"client-id": "2", "client-secret": "2", "client-name": "b"}
    assert folder.values(["a.yml", "b.yml"]) == {"registration": {"a": leaves}}
