"""`leger services`: look after the services of stacks."""

import sys
from datetime import datetime
from typing import Annotated

import typer

from leger_cli import completion, output, parser
from leger_cli.context import PATIENCE, Session

app = parser.noun(
    "services",
    "Look after the services of stacks.\n\nA service is a container or a pod of a stack, named "
    "like its unit without the suffix.",
)

Names = Annotated[
    list[str],
    typer.Argument(
        metavar="NAME...",
        help="Services, or stacks: all services of it.",
        show_default=False,
        autocompletion=completion.services_and_stacks,
    ),
]


@app.command("list", cls=parser.LegerCommand, epilog="leger services list")
def list_(context: typer.Context) -> None:
    """List all services with their units, restarts and images."""
    from leger.deployer.v1.deployer_pb2 import GetStatusRequest

    session: Session = context.obj
    with session.deployer() as client:
        answer = client.GetStatus(GetStatusRequest(), timeout=PATIENCE)
    if session.as_json:
        from leger_cli import convert

        output.json({"services": convert.services(answer.services)})
    else:
        from leger_cli.views import services as view

        view.details(answer.services)


@app.command(cls=parser.LegerCommand, epilog="leger services start notes-db")
def start(context: typer.Context, names: Names) -> None:
    """Start services and wait until they run and are healthy."""
    _control(context.obj, "SERVICE_ACTION_START", names)


@app.command(cls=parser.LegerCommand, epilog="leger services stop notes")
def stop(context: typer.Context, names: Names) -> None:
    """Stop services.

    They start again when the host boots.
    """
    _control(context.obj, "SERVICE_ACTION_STOP", names)


@app.command(cls=parser.LegerCommand, epilog="leger services restart notes-web notes-db")
def restart(context: typer.Context, names: Names) -> None:
    """Restart services, so that they get new values of their secrets."""
    _control(context.obj, "SERVICE_ACTION_RESTART", names)


@app.command(
    cls=parser.LegerCommand,
    epilog="leger services logs notes-web\nleger services logs notes-web -f -n 0",
)
def logs(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="The service.", autocompletion=completion.services),
    ],
    tail: Annotated[
        int,
        typer.Option(
            "--tail", "-n", metavar="N", min=0, max=100_000, help="Begin with this many lines."
        ),
    ] = 100,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with new lines until interrupted.")
    ] = False,
) -> None:
    """Show a service's journal.

    That is its container's output, and what systemd and podman say of it; without podman's events.

    --json prints one JSON object a line.
    """
    from leger.deployer.v1.deployer_pb2 import StreamLogsRequest

    session: Session = context.obj
    request = StreamLogsRequest(service=name, tail=tail, follow=follow)
    with session.deployer() as client:
        for entry in client.StreamLogs(request):
            if session.as_json:
                from leger_cli import convert

                output.json_line(convert.log_line(entry))
            else:
                moment = datetime.fromtimestamp(entry.time.seconds).astimezone()
                head = f"{moment:%b %d %H:%M:%S} {entry.source}:"
                output.line(f"{output.paint(head, output.Tone.FAINT)} {entry.message}")
            sys.stdout.flush()  # a reader in a pipe waits for it, too


def _control(session: Session, action: str, names: list[str]) -> None:
    from leger.deployer.v1.deployer_pb2 import ControlServicesRequest, ServiceAction

    from leger_cli import progress

    request = ControlServicesRequest(action=ServiceAction.Value(action), services=names)
    with session.deployer() as client:
        answers = client.ControlServices(request)
        result = progress.follow(answers, quiet=session.as_json).result
    if session.as_json:
        from leger_cli import convert

        output.json({"services": convert.services(result.services)})
    else:
        from leger_cli.views import services as view

        view.status(result.services)
