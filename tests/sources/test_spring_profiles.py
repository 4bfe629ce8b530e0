"""Which documents of Spring files count: profiles, groups, conditions, cloud platforms."""

from __future__ import annotations

import pytest

from oauthreg._sources.spring_profiles import ProfileError, matches

P = "spring.security.oauth2.client.registration.a."
ON = "spring.config.activate."
DEV = {"SPRING_PROFILES_ACTIVE": "dev"}
EVERY = ("default", "dev", "prod", "eu", "local", "db")
"""Profiles that have a file here; each names itself."""


@pytest.fixture
def active(folder):
    """`active(head, environ)`: the profiles whose files count, low to high."""

    def read(head, environ=None):
        folder.write("application.yml", f"{head}\n")
        for profile in EVERY:
            folder.write(f"application-{profile}.yml", f"{P}client-name: {profile}")
        values = folder.values("application.yml", environ)
        found = values["registration"]["a"]["client-name"] if values else None
        there = []
        while found is not None:  # take away the highest, and look again
            there.insert(0, found)
            folder.write(f"application-{found}.yml", "")
            values = folder.values("application.yml", environ)
            found = values["registration"]["a"]["client-name"] if values else None
        return there

    return read


@pytest.mark.parametrize(
    ("head", "environ", "profiles"),
    [
        ("", {}, ["default"]),
        ("spring.profiles.active: prod", {}, ["prod"]),
        ("spring.profiles.active: [x, prod]", {}, ["prod"]),
        ("spring.profiles.active: dev, prod", {}, ["dev", "prod"]),
        ("spring.profiles.active: ${STAGE:local}", {}, ["local"]),
        ("spring.profiles.active: ${STAGE:local}", {"STAGE": "eu"}, ["eu"]),
        ("spring.profiles.active: prod", {"SPRING_PROFILES_ACTIVE": "dev"}, ["dev"]),
        ("spring.profiles.active: prod", {"SPRING_PROFILES_ACTIVE": ""}, ["default"]),
        ("spring.profiles.active: prod", {"SPRING_PROFILES_ACTIVE_0": "dev"}, ["dev"]),
        ("spring.profiles.active: prod", {"spring.profiles.active": "dev"}, ["dev"]),
        ("spring.profiles.default: eu", {}, ["eu"]),
        ("spring.profiles.default: eu\nspring.profiles.active: dev", {}, ["dev"]),
        ("spring.profiles.include: eu\nspring.profiles.active: dev", {}, ["eu", "dev"]),
        (
            "spring.profiles.group.dev: [db, eu]\nspring.profiles.active: dev",
            {},
            ["dev", "db", "eu"],
        ),
        ("spring.profiles.group.dev: eu\nspring.profiles.include: dev", {}, ["dev", "eu"]),
        ("spring.profiles.active: dev", {"SPRING_PROFILES_GROUP_DEV": "eu"}, ["dev", "eu"]),
        ("spring.profiles.active: dev", {"SPRING_PROFILES_INCLUDE": "eu"}, ["eu", "dev"]),
        (f"{ON}on-profile: x\nspring.profiles.active: prod", {}, ["prod"]),
    ],
)
def test_the_profiles_that_are_active(active, head, environ, profiles):
    assert active(head, environ) == profiles


@pytest.mark.parametrize(
    ("head", "problem"),
    [
        ("spring.profiles.active: a b", "names the profile 'a b': Spring Boot takes letters"),
        ("spring.profiles.active: 'dev,'", "names an empty profile"),
        ("spring.profiles.active: -dev", "names the profile '-dev'"),
        ("spring.profiles.active: ${STAGE}", "cannot be known: ${STAGE} is neither in"),
        ("spring.profiles.active: yes", "is no text in YAML"),
        ("spring.profiles.active[1]: dev", "is item 1 of a list that has 0 before it"),
        ("spring.profiles.validate: maybe", "must be true or false"),
        ("spring.profiles.validate: false\nspring.profiles.active: a/b", "one with ! or /"),
        (f"{ON}on-profile: x\nspring.profiles.include: y", "stands in a document with a condition"),
        (f"{ON}on-profile: x\nspring.profiles.validate: false", "in a document with a condition"),
        ("spring.config: x", "has a value, which hides what is below it"),
        (f"spring.config.activate: ''\n{ON}on-profile: x", "has a value, which hides"),
        ("spring.profiles.group: x", "has a value, which hides"),
        ("spring.profiles: dev", "Write spring.config.activate.on-profile"),
        ("spring.profiles: [dev]", "is the header of Spring Boot before 2.4"),
        (f"{ON}on-profile: a & b | c", "is no expression of profiles: 'a & b | c'"),
        (f"{ON}on-profile: '&'", "is no expression of profiles"),
        (f"{ON}on-profil: a", "Did you mean 'on-profile'?"),
        (f"{ON}on-cloud-platform: mars", "is no cloud platform that Spring Boot knows"),
        (f"{ON}on-profile: ${{X}}", "cannot be known: ${X}"),
        (f"{ON}on-profile: ${{X}}\n---\n{ON}on-profile: y\nX: z", "in a document with a condition"),
    ],
)
def test_what_boot_refuses_is_a_problem(folder, head, problem):
    folder.write("application.yml", head)
    assert problem in folder.problem("application.yml")


@pytest.mark.parametrize("word", ["active", "include", "default"])
def test_profiles_cannot_be_set_in_the_file_of_one(folder, word):
    folder.write("application.yml", "spring.profiles.active: dev")
    folder.write("application-dev.properties", f"spring.profiles.{word}=eu")
    problem = folder.problem("application.yml")
    assert problem.startswith(f"spring.profiles.{word} (application-dev.properties line 1): stands")
    assert "in a file of one profile" in problem


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("prod", True),
        ("dev", False),
        ("!dev", True),
        ("!!prod", True),
        ("dev | prod", True),
        ("dev & prod", False),
        ("prod & !dev", True),
        ("(dev & eu) | prod", True),
        ("!(dev | prod)", False),
        ("(prod & eu) & !dev", True),
        ("((prod", True),
        ("(prod)(dev)", True),
        ("prod & eu) | dev", True),
    ],
)
def test_expressions_of_profiles(expression, holds):
    assert matches([expression], {"prod", "eu"}.__contains__) is holds
    assert matches(["none", expression], {"prod", "eu"}.__contains__) is holds


@pytest.mark.parametrize("expression", ["", "()", "a & b | c", "!", "&"])
def test_an_expression_that_spring_does_not_know(expression):
    with pytest.raises(ProfileError):
        matches(["prod", expression], {"prod"}.__contains__)


@pytest.mark.parametrize(
    ("platform", "environ", "counts"),
    [
        ("kubernetes", {}, False),
        ("none", {}, True),
        ("", {}, True),
        ("KUBERNETES", {"KUBERNETES_SERVICE_HOST": "h", "KUBERNETES_SERVICE_PORT": "1"}, True),
        ("kubernetes", {"KUBERNETES_SERVICE_HOST": "h"}, False),
        ("kubernetes", {"X_SERVICE_HOST": "h", "X_SERVICE_PORT": "1"}, True),
        ("none", {"X_SERVICE_HOST": "h", "X_SERVICE_PORT": "1"}, False),
        ("cloud-foundry", {"VCAP_SERVICES": "{}"}, True),
        ("heroku", {"DYNO": "web.1"}, True),
        ("aws-ecs", {"AWS_EXECUTION_ENV": "AWS_ECS_FARGATE"}, True),
        ("heroku", {"SPRING_MAIN_CLOUDPLATFORM": "heroku"}, True),
        ("none", {"SPRING_MAIN_CLOUDPLATFORM": "other", "DYNO": "web.1"}, True),
    ],
)
def test_a_document_for_a_cloud_platform(folder, platform, environ, counts):
    folder.write("a.yml", f"{ON}on-cloud-platform: {platform}\n{P}client-id: x")
    assert bool(folder.values("a.yml", environ)) is counts


def test_the_platform_may_be_named_in_the_file_but_not_under_a_condition(folder):
    head = "spring.main.cloud-platform: heroku\n"
    folder.write("a.yml", f"{head}---\n{ON}on-cloud-platform: heroku\n{P}client-id: x")
    assert folder.values("a.yml", {"X_SERVICE_HOST": "h", "X_SERVICE_PORT": "1"})
    folder.write("a.yml", f"{head}{ON}on-profile: x")
    assert "stands in a document with a condition" in folder.problem("a.yml")
