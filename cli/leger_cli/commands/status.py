"""`leger status`."""

from contextlib import suppress
from typing import Annotated

import typer
from leger_runtime.errors import LegerError

from leger_cli import completion, output, parser
from leger_cli.context import PATIENCE, Session

app = parser.verb("status")


@app.command(
    "status",
    cls=parser.LegerCommand,
    epilog="leger status\nleger status notes --json",
)
def status(
    context: typer.Context,
    stack: Annotated[
        str,
        typer.Argument(
            metavar="[STACK]",
            help="Only this stack.",
            show_default=False,
            autocompletion=completion.stacks,
        ),
    ] = "",
) -> None:
    """Show how the services of the stacks are.

    Each service with its port in the container, where the host publishes it, its state and for
    how long, and the services that it requires; below, why one does not run. The answers are
    systemd's and podman's.
    """
    from leger.deployer.v1.deployer_pb2 import GetStatusRequest

    session: Session = context.obj
    with session.deployer() as client:
        answer = client.GetStatus(GetStatusRequest(stack=stack), timeout=PATIENCE)
    sealed = _is_sealed(session) if answer.secrets_available else None
    if session.as_json:
        from leger_cli import convert

        output.json(
            {
                "services": convert.services(answer.services),
                "secrets_available": answer.secrets_available,
                "store_sealed": sealed,
            }
        )
        return
    from leger_cli.views import services as view

    view.status(answer.services)
    if not answer.secrets_available:
        output.remark(
            "\nThe secrets service does not answer, so reasons about secrets are missing."
            "\n→ leger doctor"
        )
    if sealed:
        output.remark(
            "\nThe secrets store is sealed: units that need a secret do not start."
            "\n→ leger secrets status"
        )


def _is_sealed(session: Session) -> bool | None:
    """Tell whether the store of secrets is sealed; None when the service does not say."""
    from leger.secrets.v1.store_pb2 import GetStoreStatusRequest

    with suppress(LegerError), session.store() as client:
        return client.GetStoreStatus(GetStoreStatusRequest(), timeout=PATIENCE).sealed
    return None
