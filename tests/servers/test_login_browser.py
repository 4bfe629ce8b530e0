"""`oauthreg login` against Keycloak, by a real headless Chromium that types and clicks."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions
from selenium.webdriver.support.wait import WebDriverWait

SECONDS = 60
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
ADDRESS = re.compile(r"\s+(http\S+)$")
DEVICE_ADDRESS = re.compile(r"has the code in it: (\S+)$")


class Person:
    """The user in front of the browser."""

    def __init__(self, driver, user):
        self.driver = driver
        self.user = user

    def log_in(self, url):
        """Open an address, and fill in the form that is there."""
        self.driver.get(url)
        for name in ("username", "password"):
            self.wait_for(By.NAME, name).send_keys(self.user[name])
        self.click(By.ID, "kc-login")

    def click(self, by, what):
        self.wait_for(by, what).click()

    def wait_for(self, by, what):
        there = expected_conditions.element_to_be_clickable((by, what))
        return WebDriverWait(self.driver, SECONDS).until(there)

    def wait_for_text(self, text):
        there = expected_conditions.text_to_be_present_in_element((By.TAG_NAME, "body"), text)
        WebDriverWait(self.driver, SECONDS).until(there)


@pytest.fixture
def person(keycloak, unavailable, tmp_path, monkeypatch):
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        unavailable("there is no chromium with its chromedriver: install both")
    for name in [*os.environ]:
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    with webdriver.Chrome(options, webdriver.ChromeService(driver)) as browser:
        yield Person(browser, keycloak.extra["user"])


@pytest.fixture
def settings(keycloak, tmp_path):
    """A settings file for a browser's login and a device's."""
    web, device = keycloak.clients["web"], keycloak.clients["device"]
    path = tmp_path / "settings.toml"
    path.write_text(
        f"""
[registration.web]
client-id = "{web.client_id}"
client-secret = "{web.client_secret}"
authorization-grant-type = "authorization_code"
scope = "openid read"

[registration.device]
client-id = "{device.client_id}"
client-authentication-method = "none"
authorization-grant-type = "device_code"
scope = "read"

[provider.keycloak]
type = "generic"
issuer-uri = "{keycloak.issuer}"
"""
    )
    return path


@pytest.fixture
def oauthreg(settings):
    """`oauthreg(command, ...)`: start the program on those settings."""
    running = []

    def start(command, *arguments):
        line = [command, *arguments, "--settings", str(settings)]
        process = subprocess.Popen(
            [sys.executable, "-m", "oauthreg.cli", *line],
            cwd=settings.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()


def told(process, pattern):
    """Read what the program says until a line matches; what that line holds."""
    said = []
    for line in process.stderr:
        said.append(line)
        if found := pattern.search(line):
            return found[1]
    raise AssertionError("".join(said))


def outcome(process):
    out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, err
    return out.splitlines(), err


def test_a_login_by_the_browser(keycloak, person, oauthreg):
    login = oauthreg("login", "web", "--no-browser", "--token", "--show-refresh-token")
    person.log_in(told(login, ADDRESS))
    person.wait_for_text("You are logged in")
    (token, refresh_token), said = outcome(login)
    assert re.search(r"^Logged in as \S{8,}\.$", said, re.MULTILINE)
    assert re.search(r"scopes .*\bread\b", said)
    assert "refresh token  yes" in said
    assert person.driver.current_url.startswith("http://127.0.0.1:")
    page = person.driver.page_source
    assert token not in page
    assert refresh_token not in page

    (*lines,), _ = outcome(oauthreg("introspect", "web", token))
    assert json.loads("".join(lines))["username"] == person.user["username"]
    assert outcome(oauthreg("revoke", "web", token))[0] == []
    (*lines,), _ = outcome(oauthreg("introspect", "web", token))
    assert json.loads("".join(lines)) == {"active": False}


def test_a_wrong_password_is_between_the_user_and_the_server(person, oauthreg):
    login = oauthreg("login", "web", "--no-browser")
    right, person.user = person.user, {**person.user, "password": "not hers"}
    person.log_in(told(login, ADDRESS))
    person.wait_for_text("Invalid username or password")
    person.wait_for(By.NAME, "password").send_keys(right["password"])
    person.click(By.ID, "kc-login")
    person.wait_for_text("You are logged in")
    outcome(login)


def test_a_login_by_a_device(person, oauthreg):
    login = oauthreg("login", "device", "--device", "--token")
    person.log_in(told(login, DEVICE_ADDRESS))
    person.click(By.NAME, "accept")
    person.wait_for_text("Device Login Successful")
    (token,), said = outcome(login)
    assert token.count(".") == 2
    assert "Logged in as " in said


def test_a_device_may_be_refused(person, oauthreg):
    login = oauthreg("login", "device", "--device")
    person.log_in(told(login, DEVICE_ADDRESS))
    person.click(By.NAME, "cancel")
    _, said = login.communicate(timeout=SECONDS)
    assert login.returncode == 1
    assert "access_denied" in said
