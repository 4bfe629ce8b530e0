"""What is wrong with one setting."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the configuration.

    Attributes:
        path: The setting, dotted and spelled as in its source:
            `registration.my-client.client-secret`.
        source: Where it stands: a file and line, an environment variable, a plugin.
        message: What is wrong with it.
        remedy: What to do, if that is more than the message says.
    """

    path: str
    message: str
    source: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        remedy = f"\n    {self.remedy}" if self.remedy else ""
        return f"{self._place}: {self.message}{remedy}"

    @property
    def place(self) -> str:
        """Where the setting stands, without the key that its path names already."""
        table = self.path.rpartition(".")[0]
        place, _, key = self.source.rpartition(", ")
        named = bool(place) and bool(table) and key.startswith(table)
        return place if named else self.source

    @property
    def _place(self) -> str:
        """The path and its source; the source alone where it names the path."""
        source = self.source.removesuffix(f", {self.path}")
        if source.endswith(f" {self.path}") or source.startswith(f"{self.path} "):
            return source
        return f"{self.path} ({source})" if source else self.path
