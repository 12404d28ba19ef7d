"""`leger version`."""

import typer
from leger_runtime.errors import LegerError

from leger_cli import output, parser
from leger_cli.context import Session

app = parser.verb("version")


@app.command("version", cls=parser.LegerCommand, epilog="leger version\nleger version --json")
def version(context: typer.Context) -> None:
    """Print the versions of leger and of the services that run.

    With the commit that each was built from, the contracts that it speaks, and the newest schema
    of the store that it knows. Warns when they do not belong together, as when an upgrade was
    taken back.

    `leger --version` prints the command's own version alone, and is quicker.
    """
    from leger_cli import builds

    session: Session = context.obj
    client, found = builds.of_client(), builds.of_services(session)
    answering = {name: b for name, b in found.items() if isinstance(b, builds.Build)}
    mismatches = [text for n, b in answering.items() if (text := builds.mismatch(n, b, client))]
    if session.as_json:
        from leger_cli import convert

        services = {name: None if isinstance(b, LegerError) else convert.build(b)
                    for name, b in found.items()}  # fmt: skip
        output.json(
            {
                "version": client.version,
                "client": convert.build(client),
                **services,
                "mismatches": mismatches,
            }
        )
        return
    from leger_cli.views import version as view

    view.versions(client, found)
    if mismatches:
        from leger_cli.checks.patient import Patient

        view.warn(mismatches, refused=Patient(session).refused)
