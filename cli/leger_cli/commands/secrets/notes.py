"""What is noted about a secret."""

from typing import Annotated

import typer

from leger_cli import output, parser
from leger_cli.commands.secrets.app import Name, app
from leger_cli.context import PATIENCE, Session
from leger_cli.errors import UsageError


@app.command(
    cls=parser.LegerCommand,
    epilog="leger secrets update openai_api_key --rotate-every 90d\n"
    "leger secrets update openai_api_key --label team=home --remove-label old\n"
    "leger secrets update openai_api_key --expires 2027-01-01",
)
def update(
    context: typer.Context,
    name: Name,
    description: Annotated[
        str | None,
        typer.Option("--description", metavar="TEXT", help="What it is for; '' for nothing."),
    ] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option(
            "--label",
            metavar="KEY[=VALUE]",
            help="Add or change a label; repeatable.",
            show_default=False,
        ),
    ] = None,
    removed: Annotated[
        list[str] | None,
        typer.Option(
            "--remove-label",
            metavar="KEY",
            help="Take a label away; repeatable.",
            show_default=False,
        ),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(
            "--expires",
            metavar="WHEN",
            help="When it ends to be valid at its issuer: 2027-01-01, 90d, or never.",
        ),
    ] = None,
    rotate_every: Annotated[
        str | None,
        typer.Option(
            "--rotate-every", metavar="DAYS", help="How often to rotate it: 90d, 12w, or never."
        ),
    ] = None,
) -> None:
    """Change what is noted about a secret, not its values.

    `leger secrets list` says what is due, and what has expired. leger goes on handing such a value
    out: only whoever issued it knows whether it still works.
    """
    from google.protobuf.field_mask_pb2 import FieldMask
    from leger.secrets.v1.secrets_pb2 import SecretNotes, UpdateSecretRequest

    from leger_cli import times

    notes, paths = SecretNotes(), []
    if description is not None:
        notes.description = description
        paths.append("description")
    for label in labels or ():
        key, _, value = label.partition("=")
        notes.labels[key] = value
        paths.append(f"labels.{key}")
    paths += [f"labels.{key}" for key in removed or ()]
    if expires is not None:
        if expire_time := times.point(expires, option="--expires"):
            notes.expire_time.FromDatetime(expire_time)
        paths.append("expire_time")
    if rotate_every is not None:
        notes.rotate_after_days = times.days(rotate_every, option="--rotate-every")
        paths.append("rotate_after_days")
    _require_clear(paths)

    session: Session = context.obj
    request = UpdateSecretRequest(name=name, notes=notes, update_mask=FieldMask(paths=paths))
    with session.secrets() as client:
        secret = client.UpdateSecret(request, timeout=PATIENCE).secret
    if session.as_json:
        from leger_cli import convert

        output.json(convert.secret(secret))
    else:
        from leger_cli.views import secrets as view

        view.details(secret)


def _require_clear(paths: list[str]) -> None:
    """Raise UsageError unless the paths say what to change, each once."""
    if not paths:
        raise UsageError(
            "There is nothing to change.",
            why="None of --description, --label, --remove-label, --expires and --rotate-every was "
            "given.",
            next_step="Say what to note: `leger secrets update --help`.",
        )
    if twice := next((path for path in paths if paths.count(path) > 1), None):
        raise UsageError(
            f"The label {twice.removeprefix('labels.')} was given twice.",
            why="A label has one value, or is taken away.",
            next_step="Leave one of the two out.",
        )
