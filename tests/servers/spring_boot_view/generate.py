"""Folders of Spring files with an environment, made from a seed and weighted to what people write.

A case is {"main": path, "files": {path: text}, "environ": {name: text}}; `@FOLDER@` in a text is
the folder.
"""

from __future__ import annotations

import json
import random

import choices as c
import render


def case(seed: int) -> dict:
    """Return the case of a seed."""
    return _Maker(random.Random(seed)).make()  # noqa: S311 - nothing is kept secret by it


class _Maker:
    def __init__(self, source: random.Random) -> None:
        self.random = source
        self.files: dict[str, str] = {}
        self.environ: dict[str, str] = {}
        self.imports = 0

    def some(self, chance):
        return self.random.random() < chance

    def pick(self, values):
        return self.random.choice(list(values))

    def make(self):
        base = self.pick(["yml", "yml", "properties", "properties", "yaml"])
        self.ids = self.random.sample(c.IDS, self.pick([1, 1, 2])) if self.some(0.4) else [c.IDS[0]]
        self.providers = [c.PROVIDERS[0] if self.some(0.7) else self.pick(c.PROVIDERS)]
        documents = [self.document(base=True)]
        while self.some(0.35):
            documents.append(self.document(condition=True))
        self.write(f"application.{base}", documents)
        self.neighbours(base)
        self.variables()
        self.spring_variables()
        return {"main": f"application.{base}", "files": self.files, "environ": self.environ}

    def neighbours(self, base):
        """Write what lies beside the file: other formats, profiles', config/."""
        suffixes = ("yml", "properties", "yaml")
        if self.some(0.05):
            other = self.pick([suffix for suffix in suffixes if suffix != base])
            self.write(f"application.{other}", [self.document()])
        for profile in c.PROFILES:
            if self.some(0.16):
                documents = [self.document()]
                if self.some(0.15):
                    documents.append(self.document(condition=True))
                self.write(f"application-{profile}.{self.pick(suffixes)}", documents)
        if self.some(0.08):
            self.write(f"config/application.{self.pick(suffixes)}", [self.document()])
        if self.some(0.04):
            self.write(f"config/application-{self.pick(c.PROFILES)}.yml", [self.document()])
        if self.some(0.03):
            self.write(f"config/{self.pick('ab')}/application.properties", [self.document()])

    def write(self, path, documents, suffix=None):
        suffix = suffix or path.rsplit(".", 1)[1]
        writer = render.properties if suffix == "properties" else render.yml
        self.files[path] = writer(self.random, documents)

    def document(self, *, base=False, condition=False):
        """Return the properties of one document."""
        entries = []
        if condition and self.some(0.9):
            entries += self.condition()
        if base or self.some(0.75):
            entries += self.clients(full=base)
        for key, values in c.OTHERS.items():
            if self.some(0.85 if base and key.startswith("app.") else 0.15):
                entries.append((self.spelled(key, 0.1), self.pick(values)))
        if self.some(0.45 if base else 0.03):
            entries += self.activation()
        if self.some(0.22 if base else 0.05):
            entries += self.importing()
        if self.some(0.01):
            entries.append((self.pick(["spring.profiles", "spring.profiles[0]"]), "dev"))
        if base and self.some(0.02):
            entries.append(("spring.main.cloud-platform", self.pick(c.PLATFORMS)))
        if self.some(0.02):
            empty = self.pick(["spring.config", c.P[:-1], f"{c.P}registration", f"{c.P}provider"])
            entries.append((empty, self.pick(["", "", "x"])))
        self.random.shuffle(entries)
        return entries

    def clients(self, *, full):
        entries = []
        for id_ in self.ids:
            if full or self.some(0.8):
                always = ("client-id", "client-secret", "authorization-grant-type") if full else ()
                entries += self.table("registration", id_, c.REGISTRATION, always, 0.25)
        for id_ in self.providers:
            if full or self.some(0.3):
                always = ("token-uri",) if full or self.some(0.5) else ()
                entries += self.table("provider", id_, c.PROVIDER, always, 0.15)
        if self.some(0.01):
            entries.append((f"{c.P}registration.my-client.{self.pick(c.UNKNOWN)}", "x"))
        return entries

    def table(self, section, id_, leaves, always, chance):
        if self.some(0.05):
            plain = id_.replace("-", "")
            id_ = self.pick([plain, id_.replace("-", "_"), id_.upper(), f"[{id_}]"])
        chosen = [leaf for leaf in leaves if self.some(0.95 if leaf in always else chance)]
        return [self.leaf(section, id_, leaf, leaves[leaf]) for leaf in chosen]

    def leaf(self, section, id_, leaf, values):
        sealed = leaf == "client-secret" and self.some(0.01)
        value = self.pick(c.SEALED if sealed else values)
        if isinstance(value, str):
            value = value.replace("{n}", str(self.random.randrange(9)))
        dot = "" if id_.startswith("[") else "."
        return (
            f"{self.spelled(c.P[:-1], 0.02)}.{section}{dot}{id_}.{self.spelled(leaf, 0.2)}",
            value,
        )

    def spelled(self, key, chance):
        """Return a key, its last word perhaps in another of the relaxed spellings."""
        if not self.some(chance):
            return key
        start, dot, last = key.rpartition(".")
        snake = last.replace("-", "_")
        camel = last[0] + last.title().replace("-", "")[1:]
        return start + dot + self.pick([camel, snake, snake.upper(), last.replace("-", "")])

    def condition(self):
        if self.some(0.08):
            return [("spring.config.activate.on-cloud-platform", self.pick(c.PLATFORMS))]
        key = self.pick(["on-profile"] * 8 + ["onProfile", "on_profile"])
        return [(f"spring.config.activate.{key}", self.pick(c.EXPRESSIONS))]

    def activation(self):
        entries = []
        if self.some(0.75):
            entries.append(("spring.profiles.active", self.pick(c.ACTIVE)))
        if self.some(0.2):
            entries.append(("spring.profiles.include", self.pick(c.INCLUDE)))
        if self.some(0.25):
            group = self.pick(c.GROUPED)
            dot = "" if group.startswith("[") else "."
            entries.append((f"spring.profiles.group{dot}{group}", self.pick(c.MEMBERS)))
        if self.some(0.1):
            entries.append(("spring.profiles.default", self.pick(c.DEFAULT)))
        if self.some(0.03):
            entries.append(("spring.profiles.validate", "false"))
        return entries

    def importing(self):
        weights = list(c.IMPORTS.values())
        names = self.random.choices(list(c.IMPORTS), weights, k=self.pick([1, 1, 1, 2]))
        for name in names:
            self.imported(name)
        listed = len(names) > 1 and self.some(0.5)
        return [("spring.config.import", names if listed else ",".join(names))]

    def imported(self, name):
        """Write what a location names, mostly."""
        self.imports += 1
        for file in c.IMPORTED:
            if file in name and file not in self.files and self.some(0.85) and self.imports < 6:
                self.write(file, [self.document() for _ in range(self.pick([1, 1, 2]))])
                if self.some(0.2):
                    stem, suffix = file.rsplit(".", 1)
                    self.write(f"{stem}-{self.pick(c.PROFILES)}.{suffix}", [self.document()])
        if ".env" in name and self.some(0.85):
            lines = self.random.sample(c.DOTENV, self.pick([1, 2]))
            self.write(".env", [lines], "properties")
        if "creds" in name:
            self.write("creds", [self.document()], "yml")
        if "sub/" in name and self.some(0.6):
            self.write("sub/application.yml", [self.document()])
        if "tree" in name and self.some(0.85):
            self.mounted("trees/one" if "trees" in name else "tree")

    def mounted(self, folder):
        secret, id_ = (f"{c.P}registration.my-client.client-{word}" for word in ("secret", "id"))
        first = self.pick([secret, secret.replace(".", "/"), "CLIENT_SECRET", "app/secret"])
        self.files[f"{folder}/{first}"] = self.pick(c.MOUNTED)
        if self.some(0.6):
            second = self.pick(["CLIENT_ID", id_, "app.client-id", "..hidden"])
            self.files[f"{folder}/{second}"] = "tree-${STAGE:id}"

    def variables(self):
        for name, values in c.VARIABLES.items():
            if self.some(0.7 if name in ("CLIENT_ID", "CLIENT_SECRET") else 0.1):
                self.environ[name] = self.pick(values)
        while self.some(0.25):
            self.client_variable()
        if self.some(0.01):
            self.environ[f"{c.P}registration.my-client.client-id"] = "dotted-env"

    def client_variable(self):
        registrations = ("REGISTRATION", [*self.ids, "newone"], c.REGISTRATION)
        providers = ("PROVIDER", self.providers, c.PROVIDER)
        section, ids, leaves = self.pick([registrations] * 3 + [providers])
        id_, leaf = self.pick(ids), self.pick(leaves)
        if self.some(0.75):
            id_ = id_.replace("-", "").replace("_", "")
        word = leaf if self.some(0.2) else leaf.replace("-", "")
        name = f"SPRING_SECURITY_OAUTH2_CLIENT_{section}_{id_}_{word}".replace("-", "_").upper()
        value = self.pick(leaves[leaf])
        if isinstance(value, list):
            self.environ |= {f"{name}_{index}": item for index, item in enumerate(value)}
        else:
            self.environ[name] = value.replace("{n}", "7")

    def spring_variables(self):
        if self.some(0.3):
            self.environ["SPRING_PROFILES_ACTIVE"] = self.pick(c.ACTIVE_VARIABLE)
        for name, values in c.SPRING_VARIABLES.items():
            if self.some(0.015):
                self.environ[name] = self.pick(values)
                self.imported(self.environ[name])
                if "more/" in self.environ[name] and self.some(0.8):
                    self.write("more/application.yml", [self.document()])
        if self.some(0.05):
            self.environ["SPRING_APPLICATION_JSON"] = json.dumps(self.pick(c.JSON))
