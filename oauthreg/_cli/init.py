"""`oauthreg init`: a first settings file."""

from __future__ import annotations

from dataclasses import replace as changed
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oauthreg._cli.common import print_json, say
from oauthreg._cli.options import CommonOptions, with_options
from oauthreg._cli.output_file import OWN_ONLY, ReplaceOption, check_free, write_file

if TYPE_CHECKING:
    from oauthreg._cli.new_settings import NewSettings

NEEDS = "give --client-id, and --issuer-uri, --token-uri or --type; or answer the questions"
LATER = "put-the-client-secret-here"


@with_options
def init(
    options: CommonOptions,
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write.")
    ] = Path("settings.toml"),
    replace: ReplaceOption = False,
    registration_id: Annotated[
        str, typer.Option("--id", help="What programs will call the registration.")
    ] = "my-client",
    client_id: Annotated[
        str | None, typer.Option(help="As the authorization server knows this program.")
    ] = None,
    issuer_uri: Annotated[
        str | None, typer.Option(metavar="URI", help="The issuer, whose metadata says the rest.")
    ] = None,
    token_uri: Annotated[
        str | None,
        typer.Option(metavar="URI", help="The token endpoint, where there is no metadata."),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option("--type", metavar="PLUGIN", help="A provider plugin (oauthreg providers)."),
    ] = None,
    extra: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting of the plugin; repeat it."),
    ] = None,
    provider: Annotated[
        str, typer.Option(help="What the settings call the provider.")
    ] = "my-provider",
    grant: Annotated[str, typer.Option(help="How tokens are obtained.")] = "client_credentials",
    scope: Annotated[
        list[str] | None, typer.Option(help="What tokens are to allow; repeat it for more.")
    ] = None,
    redirect_uri: Annotated[
        str | None, typer.Option(metavar="URI", help="Where the browser comes back to.")
    ] = None,
    secret_file: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="A file with the secret; default: <ID>.secret."),
    ] = None,
    secret_ref: Annotated[
        str | None,
        typer.Option(metavar="REF", help="Where else the secret is, as env:NAME or keyring:A/B."),
    ] = None,
    public: Annotated[bool, typer.Option("--public", help="The client has no secret.")] = False,
) -> None:
    """Write a first settings file, with a comment for every key.

    Takes flags, or asks. The secret is never written into the file, nor taken from the command
    line: it goes into a file of its own that only you can read, or stays where --secret-ref says.

    \b
    oauthreg init
    oauthreg init --client-id orders --issuer-uri https://auth.example.com --scope read
    oauthreg init --client-id orders --type keycloak \\
        --set base-url=https://sso.example.com --set realm=main
    oauthreg init --client-id app --issuer-uri https://auth.example.com --public \\
        --grant device_code -o device.toml
    """  # noqa: D301 - a backspace keeps click from joining the lines
    from oauthreg._cli.new_settings import (  # noqa: PLC0415 - help is shown without it
        NewSettings,
        default_secret_file,
    )

    check_free(output, replace=replace)
    given = {"type": kind, "issuer-uri": issuer_uri, "token-uri": token_uri}
    addresses = {key: value for key, value in given.items() if value} | _pairs(extra or [])
    new = NewSettings(
        id=registration_id,
        client_id=client_id or "",
        grant=grant,
        scopes=tuple(scope or ()),
        redirect_uri=redirect_uri,
        provider=provider,
        addresses=addresses,
    )
    asks = not (new.client_id and new.addresses)
    if asks:
        new = _asked(new)
    if not public:
        where = ("client-secret-file", secret_file or default_secret_file(new.id))
        new = changed(new, secret=("client-secret-ref", secret_ref) if secret_ref else where)
    new.check()
    secret = _ask("Its secret (empty: later)", "", hidden=True) if asks and new.secret_file else ""
    written = _write_secret(output, new, secret)
    write_file(output, new.text, replace=replace)
    _report(output, new, written, missing=not secret, as_json=options.as_json)


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    for key, equals, _ in pairs:
        if not key or not equals:
            raise typer.BadParameter("write --set as KEY=VALUE")
    return {key: value for key, _, value in pairs}


def _asked(new: NewSettings) -> NewSettings:
    """Ask for what the flags do not say."""
    known_as = _ask("What will programs call the registration", new.id)
    client_id = new.client_id or _ask("Its client-id at the authorization server", known_as)
    addresses: dict[str, Any] = dict(new.addresses)
    if not addresses:
        issuer = _ask("The issuer (https://...; empty if there is no metadata)", "")
        addresses = (
            {"issuer-uri": issuer} if issuer else {"token-uri": _ask("The token endpoint", None)}
        )
    scopes = new.scopes or tuple(_ask("Scopes, with blanks between", "").split())
    return changed(new, id=known_as, client_id=client_id, addresses=addresses, scopes=scopes)


def _ask(question: str, default: str | None, *, hidden: bool = False) -> str:
    """Ask on stderr; where nobody answers, the error names the flags.

    Raises:
        BadParameter: stdin has ended.
    """
    try:
        answer: str = typer.prompt(
            question, default=default, hide_input=hidden, show_default=bool(default), err=True
        )
    except typer.Abort as error:
        if isinstance(error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise typer.BadParameter(NEEDS) from None
    return answer.strip()


def _write_secret(output: Path, new: NewSettings, secret: str) -> Path | None:
    """Write the file for the secret, if it is not there; return its path if it was written."""
    if new.secret_file is None:
        return None
    path = output.parent / new.secret_file
    if path.exists():
        return None
    write_file(path, f"{secret or LATER}\n", replace=False, mode=OWN_ONLY)
    return path


def _report(
    output: Path, new: NewSettings, written: Path | None, *, missing: bool, as_json: bool
) -> None:
    if as_json:
        secret_file = None if written is None else str(written)
        print_json({"ok": True, "id": new.id, "settings": str(output), "secret-file": secret_file})
    say(f"Wrote {output}.", style="bold green")
    if written is not None and missing:
        say(f"Put the client secret into {written}: only you can read it.")
    elif written is not None:
        say(f"The secret is in {written}: only you can read it. Keep it out of version control.")
    elif new.secret is not None and new.secret_file is None:
        say(f"The secret is read from {new.secret[1]}.")
    say("Then: oauthreg check")
