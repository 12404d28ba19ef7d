"""What is stored, without values."""

from typing import Annotated

import typer

from leger_cli import output, parser
from leger_cli.commands.secrets.app import Name, app
from leger_cli.context import PATIENCE, Session


@app.command(
    "list",
    cls=parser.LegerCommand,
    epilog="leger secrets list\nleger secrets list --label team=home --label prod\n"
    "leger secrets list --due --json",
)
def list_(
    context: typer.Context,
    labels: Annotated[
        list[str] | None,
        typer.Option(
            "--label",
            metavar="KEY[=VALUE]",
            help="Only secrets with this label; repeatable.",
            show_default=False,
        ),
    ] = None,
    only_due: Annotated[
        bool,
        typer.Option(
            "--due", help="Only what is to be rotated by now, or expires within 14 days or has."
        ),
    ] = False,
) -> None:
    """List secrets, without their values."""
    from leger.secrets.v1.secrets_pb2 import ListSecretsRequest

    from leger_cli import selection

    session: Session = context.obj
    with session.secrets() as client:
        answer = client.ListSecrets(ListSecretsRequest(), timeout=PATIENCE)
    chosen = selection.by_notes(answer.secrets, labels=labels or (), only_due=only_due)
    if session.as_json:
        from leger_cli import convert

        secrets = [convert.secret(secret) for secret in chosen]
        output.json({"secrets": secrets, "revision": answer.revision})
    elif chosen:
        from leger_cli.views import secrets as view

        view.table(chosen, labels=bool(labels))
    elif answer.secrets:
        output.remark("No secret matches.\n→ leger secrets list")
    else:
        output.remark("No secret is stored.\n→ leger secrets put NAME")


@app.command(cls=parser.LegerCommand, epilog="leger secrets info openai_api_key")
def info(context: typer.Context, name: Name) -> None:
    """Show a secret's versions and the units that get it.

    A value is never shown; `leger secrets get` writes one.
    """
    from leger.secrets.v1.secrets_pb2 import GetSecretInfoRequest

    session: Session = context.obj
    with session.secrets() as client:
        secret = client.GetSecretInfo(GetSecretInfoRequest(name=name), timeout=PATIENCE).secret
    if session.as_json:
        from leger_cli import convert

        output.json(convert.secret(secret))
    else:
        from leger_cli.views import secrets as view

        view.details(secret)
