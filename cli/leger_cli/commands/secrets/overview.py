"""What is stored, without values."""

from contextlib import suppress
from typing import Annotated

import typer
from leger_runtime.errors import LegerError

from leger_cli import completion, output, parser
from leger_cli.commands.secrets.app import Name, app
from leger_cli.context import PATIENCE, Session


@app.command(
    "list",
    cls=parser.LegerCommand,
    epilog="leger secrets list\nleger secrets list 'prod/*'\n"
    "leger secrets list --label team=home --label prod\nleger secrets list --due --json",
)
def list_(
    context: typer.Context,
    pattern: Annotated[
        str | None,
        typer.Argument(
            metavar="[PATTERN]",
            help="Only names that it fits; in it * is any text.",
            show_default=False,
            autocompletion=completion.secrets,
        ),
    ] = None,
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
    named = answer.secrets if pattern is None else selection.by_pattern(answer.secrets, pattern)
    chosen = selection.by_notes(named, labels=labels or (), only_due=only_due)
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

    Below is which version each unit was handed when it started, as far as that was since the
    secrets service did, with the command that restarts those that run with an old one. A value is
    never shown; `leger secrets get` writes one.
    """
    from leger.secrets.v1.secrets_pb2 import GetSecretInfoRequest, ListBindingsRequest

    from leger_cli import convert

    session: Session = context.obj
    with session.secrets() as client:
        secret = client.GetSecretInfo(GetSecretInfoRequest(name=name), timeout=PATIENCE).secret
    with session.bindings() as bindings:
        bound = bindings.ListBindings(ListBindingsRequest(secret=name), timeout=PATIENCE).bindings
    handed_out = convert.handed_out(bound, secret, ())
    if any(unit["outdated"] for unit in handed_out):
        handed_out = convert.handed_out(bound, secret, _not_running(session))
    if session.as_json:
        output.json({**convert.secret(secret), "handed_out": handed_out})
    else:
        from leger_cli.views import secrets as view

        view.details(secret, handed_out)


def _not_running(session: Session) -> set[str]:
    """Return the units of services that do not run; none when the deployer does not tell."""
    from leger.deployer.v1.deployer_pb2 import (
        SERVICE_STATE_FAILED,
        SERVICE_STATE_STOPPED,
        GetStatusRequest,
    )

    with suppress(LegerError), session.deployer() as client:
        services = client.GetStatus(GetStatusRequest(), timeout=PATIENCE).services
        down = (SERVICE_STATE_FAILED, SERVICE_STATE_STOPPED)
        return {service.unit for service in services if service.state in down}
    return set()
