"""One table of a `presets.toml`: a plugin's data, its settings, an example, documented answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    create_model,
    model_validator,
)

from oauthreg._endpoints import ENDPOINTS
from oauthreg._provider_checks import INTERFACE, MTLS_TOKEN_URI, newer_than_installed
from oauthreg._provider_data import ProviderData, ProviderSettings
from oauthreg._secret_values import Secret
from oauthreg._suggestions import did_you_mean
from oauthreg._templates import BaseUrl, HostLabel

Text = Annotated[str, StringConstraints(min_length=1)]
KINDS: Mapping[str, Any] = {
    "base-url": BaseUrl,
    "host-label": HostLabel,
    "text": Text,
    "secret": Secret,
}
EXAMPLES = {
    "base-url": "https://auth.example.com",
    "host-label": "acme",
    "text": "my-value",
    "secret": "a-secret-setting",
}
RESERVED = frozenset({*ENDPOINTS, MTLS_TOKEN_URI, "type"})


class _Table(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=lambda name: name.replace("_", "-"),
        populate_by_name=True,
    )


class Setting(_Table):
    """What a preset says of one of its settings.

    Attributes:
        type: What may stand in it, and where it may stand in an address.
        help: What it is, in a few words.
        default: Its value where the settings name none; without one it has to be set.
        optional: Whether it may be left out: a template that names it then gives nothing.
        choices: What it may be, for a choice.
        example: A value for examples.
    """

    type: Literal["base-url", "host-label", "text", "secret", "choice"]
    help: Text
    default: Text | None = None
    optional: bool = False
    choices: tuple[Text, ...] = ()
    example: Text | None = None

    @model_validator(mode="after")
    def _fits(self) -> Setting:
        if (self.type == "choice") != bool(self.choices):
            raise ValueError("must have choices, if its type is choice, and only then")
        if self.type == "secret" and self.default is not None:
            raise ValueError("must have no default: a secret is each user's own")
        if self.default is not None:
            TypeAdapter(self.kind).validate_python(self.default)
        return self

    @property
    def kind(self) -> Any:
        """The type of its values."""
        return Literal[self.choices] if self.choices else KINDS[self.type]

    @property
    def field(self) -> tuple[Any, Any]:
        """Its field of a settings class."""
        if self.optional:
            return self.kind | None, Field(None, description=self.help)
        default = ... if self.default is None else self.default
        return self.kind, Field(default, description=self.help, validate_default=True)

    @property
    def shown(self) -> str:
        """A value that it may have."""
        first = self.choices[0] if self.choices else EXAMPLES[self.type]
        return self.example or self.default or first


class Expected(_Table):
    """What comes of a documented answer: a token or an error."""

    token: str | None = None
    token_type: str | None = None
    lifetime: float | None = None
    scopes: tuple[str, ...] | None = None
    api_uri: str | None = None
    hint: str | None = None
    error: str | None = None
    status: int | None = None
    retryable: bool | None = None


class DocumentedAnswer(_Table):
    """An answer as the vendor documents it.

    Attributes:
        status: The HTTP status.
        headers: Header fields.
        body: The body as it is sent.
        source: The address of the page that has it, if it is not that of the preset.
        now: When it was answered, ISO 8601.
        expect: What comes of it.
    """

    body: str
    expect: Expected
    status: int = 200
    headers: Mapping[str, str] = Field(default_factory=dict)
    source: Text | None = None
    now: Text | None = None


_ADDRESSES: dict[str, Any] = {
    name.replace("-", "_"): (Text | None, None) for name in (*ENDPOINTS, MTLS_TOKEN_URI)
}
_Addresses = create_model("_Addresses", __base__=ProviderData, **_ADDRESSES)


class PresetTable(_Addresses):  # type: ignore[valid-type, misc] # made of the table of endpoints
    """A whole preset.

    Attributes:
        settings: Its settings, by name.
        example: A registration of it, for its page and its tests.
        samples: Answers that the vendor documents.
        requires_interface: The version of oauthreg that it needs.
    """

    settings: Mapping[str, Setting] = Field(default_factory=dict)
    example: Mapping[str, Any] = Field(default_factory=dict)
    samples: tuple[DocumentedAnswer, ...] = ()
    requires_interface: Text = INTERFACE

    @model_validator(mode="after")
    def _names_settings(self) -> PresetTable:
        for name in self.settings:
            if not name.replace("-", "_").isidentifier() or name.lower() != name:
                raise ValueError(f"settings: must not have {name!r}: write it as in base-url")
            if name in RESERVED:
                raise ValueError(f"settings: must not have {name!r}, a key of every provider")
        return self

    def attributes(self) -> dict[str, Any]:
        """Return what its class says."""
        not_said = {"settings", "example", "samples"}
        return {name: getattr(self, name) for name in self.model_fields_set - not_said}

    def settings_class(self, title: str) -> type[ProviderSettings]:
        """Return the class of its settings."""
        fields: dict[str, Any] = {
            name.replace("-", "_"): setting.field for name, setting in self.settings.items()
        }
        made: type[ProviderSettings] = create_model(
            f"{title}Settings", __base__=ProviderSettings, **fields
        )
        return made

    def example_settings(self) -> dict[str, str]:
        """Return settings for an example: those that have to be set."""
        return {
            name: setting.shown
            for name, setting in self.settings.items()
            if not setting.optional and setting.default is None
        }


def preset_table(name: str, table: Mapping[str, Any]) -> PresetTable:
    """Read the table of a preset.

    Raises:
        TypeError: with a line for each thing that is wrong.
    """
    wanted = table.get("requires-interface")
    try:
        if wanted is not None and newer_than_installed(str(wanted)):
            raise TypeError(f"needs oauthreg >= {wanted}; its interface here is {INTERFACE}")
    except ValueError:
        raise TypeError(f"requires-interface: must be a version, as in {INTERFACE!r}") from None
    try:
        return cast("PresetTable", PresetTable.model_validate(table))
    except ValidationError as failure:
        raise TypeError("\n".join(_lines(name, failure))) from None


def _lines(name: str, failure: ValidationError) -> list[str]:
    lines = []
    for error in failure.errors(include_input=False, include_url=False):
        place = ".".join(str(part) for part in error["loc"]) or name
        if error["type"] == "extra_forbidden":
            lines.append(f"{place}: there is no such key. {_near(error['loc'])}".rstrip())
            continue
        words = error["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
        lines.append(f"{place}: {words[:1].lower()}{words[1:]}")
    return lines


def _near(loc: tuple[int | str, ...]) -> str:
    """Return what a key may have meant, among those of the table that it stands in."""
    model: Any = PresetTable
    inside = {"settings": Setting, "samples": DocumentedAnswer, "expect": Expected}
    for part in loc[:-1]:
        model = inside.get(str(part), model)
    known = [field.alias or name for name, field in model.model_fields.items()]
    return did_you_mean(str(loc[-1]), known)
