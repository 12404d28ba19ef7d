"""Many secrets at once, from files and into files."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from leger_cli import completion, output, parser, terminal
from leger_cli.commands.secrets.app import app
from leger_cli.context import PATIENCE, Session
from leger_cli.formats import Format
from leger_cli.views import words


@app.command(
    "import",
    cls=parser.ConfidentialCommand,
    epilog="leger secrets import .env --dry-run\n"
    "leger secrets import secrets.yaml --prefix notes/\n"
    "sops decrypt secrets.json | leger secrets import - --format json --yes",
)
def import_(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file, or - for standard input.")],
    form: Annotated[
        Format | None,
        typer.Option("--format", help="How it is written, if its name does not say."),
    ] = None,
    prefix: Annotated[
        str,
        typer.Option("--prefix", metavar="TEXT", help="Put this before each name, such as notes/."),
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, and stop.")
    ] = False,
    yes: parser.Yes = False,
) -> None:
    """Store all values of a file and make them active.

    A .env file is read by the rules of dotenv libraries, but nothing in a value is expanded. JSON
    and YAML are objects of strings; those inside others get names with a slash: db: {password: x}
    is db/password. Numbers and booleans are refused, as they may not be what was meant.

    What changes is shown first, without values, and after a yes everything is stored, or nothing
    at all. Values that are active already stay as they are.
    """
    from leger.secrets.v1.secrets_pb2 import ImportSecretsRequest, ImportSecretsResponse

    from leger_cli import formats, secretfile
    from leger_cli.views import imports as view

    session: Session = context.obj
    form = form or formats.of_name(file)
    request = ImportSecretsRequest(
        secrets=[
            ImportSecretsRequest.Item(name=prefix + name, value=value)
            for name, value in formats.parse(secretfile.read(file), form).items()
        ],
        dry_run=True,
    )
    if not dry_run:
        terminal.require_answers(yes=yes, as_json=session.as_json)
    with session.secrets() as client:
        answer = client.ImportSecrets(request, timeout=PATIENCE)
        changes = [
            result
            for result in answer.results
            if result.change != ImportSecretsResponse.CHANGE_UNCHANGED
        ]
        if not session.as_json:
            view.table(answer.results)
        if changes and not dry_run:
            if not yes:
                terminal.confirm(f"Store {words.counted(len(changes), 'value')}?")
            request.dry_run = False
            answer = client.ImportSecrets(request, timeout=PATIENCE)
    if session.as_json:
        from leger_cli import convert

        output.json(convert.imported(answer, dry_run=dry_run))
    elif changes and not dry_run:
        view.stored(changes)
        if file != "-":
            output.remark(f"{file} still holds the values in the clear.")


@app.command(
    cls=parser.ConfidentialCommand,
    epilog="leger secrets export 'notes/*' --out notes.env\n"
    "leger secrets export --format yaml | age -p > secrets.yaml.age",
)
def export(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME...]",
            help="Secrets, or patterns in which * is any text; all if none is given.",
            show_default=False,
            autocompletion=completion.secrets,
        ),
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option("--format", help="How to write them, if FILE does not say; else env."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="Write a file that its owner alone can read."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it is there.")] = False,
    yes: parser.Yes = False,
) -> None:
    """Write values in the clear, to standard output or a file.

    As env, variables are named in upper case with _ for all else than letters and digits, and
    quoted so that `set -a; . FILE` and dotenv libraries both get exactly the values. What a format
    cannot hold is an error and nothing is written. At a terminal leger asks before it shows values.
    """
    from leger.secrets.v1.secrets_pb2 import ResolveSecretsRequest

    from leger_cli import formats, secretfile, selection

    session: Session = context.obj
    shown = out is None and output.is_terminal(sys.stdout)
    if shown:
        terminal.require_answers(yes=yes, as_json=session.as_json)
    form = form or (formats.of_name(out.name) if out else Format.ENV)
    if out:
        secretfile.require_place(out, force=force)
    else:
        output.require_open()
    with session.secrets() as client:
        chosen = selection.by_name(client, names or ["*"])
        if shown and not yes:
            terminal.confirm(f"Show {words.counted(len(chosen), 'value')} on this terminal?")
        answer = client.ResolveSecrets(ResolveSecretsRequest(names=chosen), timeout=PATIENCE)
    values = {secret.name: secret.value for secret in answer.secrets}
    if out:
        secretfile.write(out, formats.dump(values, form).encode())
    if session.as_json:
        from leger_cli import convert

        output.json(convert.exported(answer, file=out))
    elif out:
        output.line(f"{words.counted(len(values), 'value')} written to {out}")
    else:
        sys.stdout.buffer.write(formats.dump(values, form).encode())
