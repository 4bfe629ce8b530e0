"""Every metric by its name, and the attributes of metrics and spans: one list, and its document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from oauthreg._errors import OTHER_REFUSALS

REGISTRATION = "oauthreg.registration"
PROVIDER = "oauthreg.provider"
GRANT = "oauthreg.grant"
OUTCOME = "oauthreg.outcome"
OPERATION = "oauthreg.store.operation"
LOADED = "oauthreg.from_store"
ERROR = "error.type"
STATUS = "http.response.status_code"
METHOD = "http.request.method"
RESENT = "http.request.resend_count"
ADDRESS = "server.address"
PORT = "server.port"

ERROR_CODES = OTHER_REFUSALS | {"invalid_client", "unauthorized_client"}
"""Error codes that are values of `error.type`; any other is `_OTHER`, so that they stay few."""
OTHER = "_OTHER"

ATTRIBUTES = {
    REGISTRATION: "the registration's id; `provider.<name>` for a provider's metadata",
    PROVIDER: "the provider's name",
    GRANT: "the grant, as settings spell it; absent for metadata",
    OUTCOME: "`success` or `failure`; of a span also `abandoned`",
    OPERATION: "`load`, `lease` or `save`",
    LOADED: "whether the token was taken from the store",
    ERROR: "of failures: the error code of the answer where RFCs name it, `_OTHER` for other codes;"
    " else the HTTP status; else the class of the error",
    STATUS: "the HTTP status; absent without an answer",
    METHOD: "`GET` or `POST`",
    RESENT: "how many requests of the same fetch were sent before; absent for the first",
    ADDRESS: "the host of the authorization server",
    PORT: "its port, where the address has one",
}
"""Every attribute and its meaning: never a principal, an audience, or the path of an address."""

Kind = Literal["counter", "histogram", "gauge"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        name: Its name in OpenTelemetry.
        kind: What it counts with.
        unit: Its unit, by the UCUM.
        description: What it is.
        attributes: Its attributes.
    """

    name: str
    kind: Kind
    unit: str
    description: str
    attributes: tuple[str, ...]

    @property
    def in_prometheus(self) -> str:
        """Its name as OpenTelemetry's exporter for Prometheus spells it."""
        name = self.name.replace(".", "_")
        name += "_seconds" if self.unit == "s" else ""
        return name + ("_total" if self.kind == "counter" else "")


OF_REGISTRATION = (REGISTRATION, PROVIDER, GRANT)
OF_REQUEST = (*OF_REGISTRATION, OUTCOME, ERROR, STATUS, ADDRESS)

REQUESTS = Metric(
    "oauthreg.token.requests",
    "counter",
    "{request}",
    "HTTP requests to authorization servers",
    OF_REQUEST,
)
DURATION = Metric(
    "oauthreg.token.request.duration",
    "histogram",
    "s",
    "How long they took, from sending one to the end of its answer",
    OF_REQUEST,
)
REMAINING_LIFE = Metric(
    "oauthreg.token.remaining_life",
    "gauge",
    "s",
    "Life left of the registration's own token, by the server's expiry; 0 where the last attempt "
    "failed and there is no valid token; absent where no token is in use, and for tokens of users",
    OF_REGISTRATION,
)
SERVED = Metric(
    "oauthreg.token.served",
    "counter",
    "{token}",
    "Tokens handed out without waiting; only by `instrument(manager, served=True)`",
    OF_REGISTRATION,
)
REJECTIONS = Metric(
    "oauthreg.token.rejections",
    "counter",
    "{rejection}",
    "Tokens that an API rejected",
    OF_REGISTRATION,
)
BACKOFF = Metric(
    "oauthreg.backoff",
    "gauge",
    "s",
    "Time until the next try after a failure; absent where nothing is waited for",
    OF_REGISTRATION,
)
STORE = Metric(
    "oauthreg.store.operations",
    "counter",
    "{operation}",
    "Calls of the store",
    (OPERATION, OUTCOME),
)
WAITERS = Metric(
    "oauthreg.flight.waiters",
    "gauge",
    "{caller}",
    "Callers who wait for a fetch in progress; absent where nobody waits",
    OF_REGISTRATION,
)
METRICS = (REQUESTS, DURATION, REMAINING_LIFE, SERVED, REJECTIONS, BACKOFF, STORE, WAITERS)

FETCH_SPAN = "oauthreg.fetch"
OF_FETCH_SPAN = (*OF_REGISTRATION, OUTCOME, ERROR, LOADED)
OF_REQUEST_SPAN = (*OF_REGISTRATION, METHOD, ADDRESS, PORT, RESENT, STATUS, ERROR)


def document() -> str:
    """Return the catalogue as it stands in docs/metrics.md."""
    lines = ["| metric | in Prometheus | kind | unit | what it is |", "|---|---|---|---|---|"]
    lines += [
        f"| `{m.name}` | `{m.in_prometheus}` | {m.kind} | `{m.unit}` | {m.description} |"
        for m in METRICS
    ]
    used = {m.name: m.attributes for m in METRICS}
    used |= {f"span `{FETCH_SPAN}`": OF_FETCH_SPAN, "span of a request": OF_REQUEST_SPAN}
    lines += ["", "| attribute | value | on |", "|---|---|---|"]
    lines += [
        f"| `{name}` | {meaning} | {', '.join(_on(name, used))} |"
        for name, meaning in ATTRIBUTES.items()
    ]
    return "\n".join(lines) + "\n"


def _on(attribute: str, used: dict[str, tuple[str, ...]]) -> list[str]:
    return [
        name if name.startswith("span") else f"`{name.removeprefix('oauthreg.')}`"
        for name, attributes in used.items()
        if attribute in attributes
    ]
