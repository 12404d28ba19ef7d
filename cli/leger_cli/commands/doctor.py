"""`leger doctor`."""

from typing import Annotated

import typer
from leger_runtime.errors import Kind

from leger_cli import output, parser
from leger_cli.context import Session

app = parser.verb("doctor")


@app.command("doctor", cls=parser.LegerCommand, epilog="leger doctor\nsudo leger doctor --json")
def doctor(
    context: typer.Context,
    problems_only: Annotated[
        bool, typer.Option("--quiet", "-q", help="Show what is not well alone.")
    ] = False,
) -> None:
    """Find out what is wrong, and how to mend it.

    Looks at everything leger needs, in the order in which things depend on each other: the host,
    leger's own services and whether what is installed is what runs, the store with its key, audit
    log and backups, the stacks.
    Mend from the top. Nothing is changed, and services that are down are no obstacle.

    A warning is about what works and is not as it should be. With a problem, which is what does
    not work, the exit code is 8; it is 4 where this account may not ask the services, as next to
    nothing was looked at then.
    """
    from leger_cli.checks import host, services, stacks, store
    from leger_cli.checks.finding import Verdict
    from leger_cli.checks.patient import Patient

    session: Session = context.obj
    patient = Patient(session)
    looked = [
        (check.title, finding)
        for check in (*host.CHECKS, *services.CHECKS, *store.CHECKS, *stacks.CHECKS)
        if (finding := check.look(patient))
    ]
    found = [pair for pair in looked if not problems_only or pair[1].verdict is not Verdict.OK]
    if session.as_json:
        from leger_cli.convert.doctor import diagnosis

        output.json(diagnosis(found))
    else:
        from leger_cli.views import doctor as view

        view.diagnosis(found)
    kinds = {finding.kind for _, finding in found if finding.verdict is Verdict.PROBLEM}
    if Kind.NOT_PERMITTED in kinds:
        raise typer.Exit(Kind.NOT_PERMITTED.value)
    raise typer.Exit(Kind.UNAVAILABLE.value if kinds else 0)
