"""`leger validate`."""

from pathlib import Path
from typing import Annotated

import typer

from leger_cli import output, parser
from leger_cli.context import Session

app = parser.verb("validate")


@app.command(
    "validate",
    cls=parser.LegerCommand,
    epilog="leger validate ~/stacks/notes\nleger validate . --json",
)
def validate(
    context: typer.Context,
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="The stack's directory.", show_default=False)
    ],
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="STACK", help="The stack's name, if not the directory's."),
    ] = None,
) -> None:
    """Check the stack in a directory, and change nothing.

    The host's own Quadlet generator reads it together with what is installed, and ports, names
    and secrets are compared with the host. Findings make the command fail with exit code 7;
    secrets that are still to be stored are no fault of the directory.
    """
    from leger_cli import planning, stackdir

    session: Session = context.obj
    stack = stackdir.read(directory, name=name)
    with session.deployer() as client:
        plan = planning.plan(client, stack, quiet=True)
    if session.as_json:
        from leger_cli import convert

        output.json({"plan": convert.plan(plan)})
    else:
        from leger_cli.views import plan as view

        view.verdict(plan)
