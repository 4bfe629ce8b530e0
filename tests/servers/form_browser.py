"""A browser without scripts: follows redirects, fills in login and consent forms, submits them."""

from html.parser import HTMLParser
from urllib.parse import urljoin

import requests

CALLBACK = "http://127.0.0.1:9/callback"
REFUSALS = ("abort", "cancel", "deny")
PAGES = 15


class Forms(HTMLParser):
    """The forms of a page; fields and buttons outside of theirs find it by its id."""

    def __init__(self, html):
        super().__init__()
        self.forms = []
        self._open = None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = {"fields": [], "buttons": [], **given}
            self.forms.append(self._open)
        elif tag in {"input", "button"}:
            wanted = given.get("form")
            owner = next((one for one in self.forms if wanted and one.get("id") == wanted), None)
            kind = given.get("type") or ("submit" if tag == "button" else "text")
            owner = owner or self._open
            if owner is not None and kind not in {"reset", "button", "image"}:
                owner["buttons" if kind == "submit" else "fields"].append(given)

    def handle_endtag(self, tag):
        if tag == "form":
            self._open = None


class Browser:
    """Somebody who logs in as `user` and agrees to everything."""

    def __init__(self, user, verify):
        self._user = user
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = verify

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._session.close()

    def log_in(self, url):
        """Go through a login; the address of the callback, which is not called."""
        last = self._walk(url, {})
        if not last.startswith(CALLBACK):
            raise AssertionError(f"the login ended at {last}")
        return last

    def approve(self, url, user_code):
        """Let the device go on that shows this code; the address of the last page."""
        return self._walk(url, {"user_code": user_code})

    def _walk(self, url, more):
        method, form = "GET", None
        for _ in range(PAGES):
            answer = self._session.request(
                method,
                url,
                data=form,
                headers={"Accept": "text/html"},
                timeout=30,
                allow_redirects=False,
            )
            for cookie in self._session.cookies:
                cookie.secure = False  # on loopback addresses browsers send these over http too
            if answer.is_redirect:
                method, form = "GET", None
                url = urljoin(url, answer.headers["Location"])
                if url.startswith(CALLBACK):
                    return url
                continue
            pages = [one for one in Forms(answer.text).forms if self._agrees(one)]
            if not pages:
                return f"{url.partition('?')[0]} ({answer.status_code})"
            url = urljoin(url, pages[0].get("action") or url)
            method, form = "POST", self._filled(pages[0], more)
        raise AssertionError(f"no end after {PAGES} pages: {url.partition('?')[0]}")

    @staticmethod
    def _agrees(form):
        return form.get("method", "get").lower() == "post" and form["fields"]

    def _filled(self, form, more):
        person = {**self._user, **more, "login": self._user["username"]}
        filled = [
            (one["name"], person.get(one["name"], one.get("value", "")))
            for one in form["fields"]
            if one.get("name")
        ]
        for button in form["buttons"]:
            name = button.get("name", "")
            if not name.lower().startswith(REFUSALS):
                return filled + ([(name, button.get("value", ""))] if name else [])
        return filled
