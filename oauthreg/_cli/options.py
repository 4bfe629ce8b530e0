"""The options that every command takes, before the command's name or after it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oauthreg._cli.common import failures_reported
from oauthreg._errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from oauthreg._manager.sync_manager import AuthorizedClientManager
    from oauthreg._settings.load import Configuration

INIT = "`oauthreg init` writes a settings file; --settings FILE names another."


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonOptions:
    """Where settings are read from, and for whom the output is.

    Attributes:
        settings: Settings files, later ones override.
        profile: The profile to read over the last of them.
        env_file: A .env file.
        secrets_dir: A folder with one file per setting.
        as_json: Whether to print JSON.
    """

    settings: Annotated[
        list[Path] | None,
        typer.Option(
            "--settings",
            "-s",
            metavar="FILE",
            help="A settings file, TOML or Spring; repeat it, later files override earlier ones.",
        ),
    ] = None
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile", metavar="NAME", help="Read FILE's <name>.<profile> neighbour over it."
        ),
    ] = None
    env_file: Annotated[
        Path | None,
        typer.Option("--env-file", metavar="FILE", help="A .env file with OAUTHREG_... lines."),
    ] = None
    secrets_dir: Annotated[
        Path | None,
        typer.Option("--secrets-dir", metavar="DIR", help="A folder with one file per setting."),
    ] = None
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, for programs; failures too.")
    ] = False

    def over(self, other: CommonOptions) -> CommonOptions:
        """Return these options, and the other's where these are not given."""
        given = {one.name: getattr(self, one.name) for one in fields(self)}
        return replace(other, **{name: value for name, value in given.items() if value})

    @property
    def sources(self) -> dict[str, Any]:
        """The keyword arguments that `from_settings` and `load` have alike."""
        return {
            "settings": self.settings or None,
            "profile": self.profile,
            "env_file": self.env_file,
            "secrets_dir": self.secrets_dir,
        }

    def configuration(self, only: Collection[str] | None = None) -> Configuration:
        """Load the settings; with `only`, resolve and judge just these registrations.

        Raises:
            ConfigurationError: with every problem.
        """
        from oauthreg._settings.load import load  # noqa: PLC0415 - a command loads what it uses

        return load(**self.sources, only=only)

    def manager(
        self, only: Collection[str] | None = None, arguments: Mapping[str, Any] | None = None
    ) -> AuthorizedClientManager:
        """Build a manager; nothing is sent yet.

        Raises:
            ConfigurationError: with every problem, or no registration is configured at all.
        """
        from oauthreg._manager.sync_manager import (  # noqa: PLC0415 - a command loads what it uses
            AuthorizedClientManager,
        )

        manager = AuthorizedClientManager.from_settings(
            **self.sources, only=only, arguments=arguments
        )
        if not manager.registrations:
            manager.close()
            raise nothing_configured(self.configuration().looked_at)
        return manager


def nothing_configured(looked_at: Collection[str]) -> ConfigurationError:
    """Return the error of settings without any registration."""
    message = f"no registration is configured; looked at: {'; '.join(looked_at)}"
    return ConfigurationError([Problem("registration", message, remedy=INIT)])


def with_options(
    function: Callable[..., None],
) -> Callable[..., None]:
    """Make a command of a function whose first argument is the common options.

    The command takes them on its own command line too, over those before its name, and ends with
    the exit code of what goes wrong.
    """
    signature = inspect.signature(function, eval_str=True)
    own = [*signature.parameters.values()][1:]
    keyword = inspect.Parameter.KEYWORD_ONLY
    hints = inspect.signature(CommonOptions, eval_str=True).parameters
    common = [hints[one.name].replace(kind=keyword) for one in fields(CommonOptions)]
    context = inspect.Parameter("ctx", keyword, annotation=typer.Context)

    @functools.wraps(function)
    def command(**values: Any) -> None:
        ctx: typer.Context = values.pop("ctx")
        given = CommonOptions(**{one.name: values.pop(one.name) for one in fields(CommonOptions)})
        ctx.obj = given.over(ctx.obj or CommonOptions())
        with failures_reported(as_json=ctx.obj.as_json):
            function(ctx.obj, **values)

    parameters = [one.replace(kind=keyword) for one in own]
    command.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[context, *parameters, *common]
    )
    del command.__wrapped__  # its hints are not the command's
    command.__annotations__ = {one.name: one.annotation for one in (context, *parameters, *common)}
    return command
