"""Changes to secrets, as they happen."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from leger_cli import completion, following, output, parser
from leger_cli.commands.secrets.app import app
from leger_cli.context import PATIENCE, Session

if TYPE_CHECKING:
    from leger.secrets.v1.secrets_pb2 import WatchSecretsResponse as Event


@app.command(
    cls=parser.LegerCommand,
    epilog="leger secrets watch\nleger secrets watch 'notes/*' --after 1200 --json",
)
def watch(
    context: typer.Context,
    patterns: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATTERN...]",
            help="Names of secrets, in which * is any text; all if none is given.",
            show_default=False,
            autocompletion=completion.secrets,
        ),
    ] = None,
    after: Annotated[
        int | None,
        typer.Option(
            "--after",
            metavar="REVISION",
            min=0,
            help="Begin after this revision of the store; 0 is the first that is kept. Without "
            "it, begin now.",
        ),
    ] = None,
) -> None:
    """Show changes to secrets as they happen, until interrupted.

    While the service restarts leger waits for it, and goes on with the change after the last one
    that it showed. Values are never shown. --json prints one JSON object a line.
    """
    from leger_cli.views import changes as view

    session: Session = context.obj
    for event in _events(session, patterns or [], after):
        if session.as_json:
            from leger_cli import convert

            output.json_line(convert.secret_change(event))
        else:
            view.change(event)
        sys.stdout.flush()  # a reader in a pipe waits for it, too


def _events(session: Session, patterns: list[str], after: int | None) -> "Iterator[Event]":
    """Yield changes without end, also across restarts of the service."""
    from leger.secrets.v1.secrets_pb2 import ListSecretsRequest, WatchSecretsRequest

    with session.secrets() as client:  # a service that is not there now is not waited for
        now = client.ListSecrets(ListSecretsRequest(), timeout=PATIENCE).revision
    request = WatchSecretsRequest(after_revision=now if after is None else after, patterns=patterns)

    def opened() -> "Iterator[Event]":
        # What a revision changed comes in several events. It is shown once it is whole, as a
        # stream that broke off in it would begin with all of it again.
        whole: list[Event] = []
        with session.secrets() as client:
            for event in client.WatchSecrets(request):
                whole.append(event)
                if event.last_of_revision:
                    yield from whole
                    request.after_revision = event.revision
                    whole.clear()

    return following.resumed(opened)
