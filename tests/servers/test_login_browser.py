"""`oauthreg login` against Keycloak, by a real headless Chromium that types and clicks."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

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
ADDRESS = re.compile(r"^\s+(http\S+)$")
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
            self.type(name, self.user[name])
        self.click("#kc-login")

    def type(self, name, text):
        self._find(f"input[name={name}]").send_keys(text)

    def click(self, selector):
        self._find(selector).click()

    def sees(self, text):
        from selenium.webdriver.support.expected_conditions import text_to_be_present_in_element

        self._until(text_to_be_present_in_element(("css selector", "body"), text))

    def _find(self, selector):
        from selenium.webdriver.support.expected_conditions import element_to_be_clickable

        return self._until(element_to_be_clickable(("css selector", selector)))

    def _until(self, condition):
        from selenium.common.exceptions import TimeoutException
        from selenium.webdriver.support.wait import WebDriverWait

        try:
            return WebDriverWait(self.driver, SECONDS).until(condition)
        except TimeoutException:
            page = self.driver.find_element("css selector", "body").text
            where = self.driver.current_url.partition("?")[0]
            raise AssertionError(f"not within {SECONDS} s; the page {where} says: {page}") from None


@pytest.fixture(scope="session")
def programs(unavailable):
    """The browser, and the program that drives it."""
    found = [shutil.which(name) for name in ("chromium", "chromedriver")]
    if None in found:
        unavailable("there is no chromium with its chromedriver: install both")
    return found


@pytest.fixture
def person(programs, keycloak, tmp_path, monkeypatch):
    from selenium import webdriver

    for name in [*os.environ]:
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    chromium, chromedriver = programs
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    with webdriver.Chrome(options, webdriver.ChromeService(chromedriver)) as driver:
        yield Person(driver, keycloak.extra["user"])


@pytest.fixture
def settings(keycloak, tmp_path):
    """A settings file for a browser's login, a device's, and the API that tokens are for."""
    web, device, api = (keycloak.clients[name] for name in ("web", "device", "api"))
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

[registration.api]
client-id = "{api.client_id}"
client-secret = "{api.client_secret}"

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
            [sys.executable, "-m", "oauthreg._cli", *line],
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
    return out, err


def test_a_login_by_the_browser(person, oauthreg):
    login = oauthreg("login", "web", "--no-browser", "--token", "--show-refresh-token")
    person.log_in(told(login, ADDRESS))
    person.sees("You are logged in")
    out, said = outcome(login)
    token, refresh_token = out.splitlines()
    subject = re.search(r"^Logged in as (\S+)\.$", said, re.MULTILINE)[1]
    assert re.search(r"scopes .*\bread\b", said)
    assert "refresh token  yes" in said
    assert person.driver.current_url.startswith("http://127.0.0.1:")
    page = person.driver.page_source
    assert token not in page
    assert refresh_token not in page

    known = json.loads(outcome(oauthreg("introspect", "api", token))[0])
    assert (known["active"], known["sub"]) == (True, subject)
    assert outcome(oauthreg("revoke", "web", token)) == ("", "")
    ended = json.loads(outcome(oauthreg("introspect", "api", token))[0])
    assert ended == {"active": False}


def test_a_wrong_password_is_between_the_user_and_the_server(person, oauthreg):
    login = oauthreg("login", "web", "--no-browser")
    right, person.user = person.user, {**person.user, "password": "not hers"}
    person.log_in(told(login, ADDRESS))
    person.sees("Invalid username or password")
    person.type("password", right["password"])
    person.click("#kc-login")
    person.sees("You are logged in")
    outcome(login)


def test_a_login_by_a_device(person, oauthreg):
    login = oauthreg("login", "device", "--device", "--token")
    person.log_in(told(login, DEVICE_ADDRESS))
    person.click("[name=accept]")
    person.sees("Device Login Successful")
    out, said = outcome(login)
    assert out.count(".") == 2  # a JWT
    assert "Logged in as " in said


def test_a_device_may_be_refused(person, oauthreg):
    login = oauthreg("login", "device", "--device")
    person.log_in(told(login, DEVICE_ADDRESS))
    person.click("[name=cancel]")
    _, said = login.communicate(timeout=SECONDS)
    assert login.returncode == 1
    assert "access_denied" in said
