"""`leger version`."""

import typer

from leger_cli import output, parser
from leger_cli.version import __version__

app = parser.verb("version")


@app.command("version", cls=parser.LegerCommand, epilog="leger version --json")
def version(context: typer.Context) -> None:
    """Print the version of leger.

    `leger --version` prints the same and is quicker.
    """
    if context.obj.as_json:
        output.json({"version": __version__})
    else:
        output.line(f"leger {__version__}")
