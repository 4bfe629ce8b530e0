"""What a starter's READY line tells: a server and its clients."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Client:
    """How one client of a server authenticates; files are paths."""

    client_id: str
    method: str
    client_secret: str | None = field(default=None, repr=False)
    key_file: str | None = None
    key_id: str | None = None
    algorithm: str | None = None
    certificate_file: str | None = None
    certificate_key_file: str | None = None


@dataclass(frozen=True)
class Server:
    """A running server. `extra` holds what only this one has (base_url, realm, user ...)."""

    issuer: str
    token_uri: str
    introspection_uri: str
    revocation_uri: str
    device_authorization_uri: str
    pushed_authorization_request_uri: str
    authorization_uri: str
    mtls_issuer: str
    mtls_token_uri: str
    ca_bundle: str
    clients: dict[str, Client]
    extra: dict = field(default_factory=dict, repr=False)

    @classmethod
    def from_ready(cls, facts):
        names = {one for one in cls.__dataclass_fields__ if one not in {"clients", "extra"}}
        return cls(
            **{name: facts[name] for name in names},
            clients={name: Client(**client) for name, client in facts["clients"].items()},
            extra={
                name: value
                for name, value in facts.items()
                if name not in names and name != "clients"
            },
        )
