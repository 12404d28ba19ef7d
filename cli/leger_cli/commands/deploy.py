"""`leger deploy`: bring stacks onto the host, list and remove them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from leger_runtime.errors import Kind, LegerError

from leger_cli import completion, output, parser, terminal, values
from leger_cli.context import PATIENCE, Session
from leger_cli.views import words

if TYPE_CHECKING:
    from leger.deployer.v1.deployer_pb2 import Stack
    from leger.deployer.v1.deployer_pb2_grpc import DeployerServiceStub

app = parser.noun(
    "deploy",
    "Bring stacks onto the host, list and remove them.\n\nA stack is a directory of Quadlets and "
    "the files that they refer to.",
)


class SecretsNotStored(LegerError):
    """A plan needs secrets that are not there."""

    kind, reason = Kind.NOT_FOUND, "SECRET_NOT_FOUND"


class StackNotFound(LegerError):
    """No stack of that name is installed."""

    kind, reason = Kind.NOT_FOUND, "STACK_NOT_FOUND"


@app.command(
    cls=parser.LegerCommand,
    epilog="leger deploy install ~/stacks/notes\n"
    "leger deploy install . --name notes --dry-run\n"
    "leger deploy install ~/stacks/notes --yes --json",
)
def install(
    context: typer.Context,
    directory: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="The stack's directory.", show_default=False),
    ],
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="STACK", help="The stack's name, if not the directory's."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, and stop.")] = False,
    yes: parser.Yes = False,
) -> None:
    """Install the stack in a directory.

    The directory is uploaded and checked with the host's own Quadlet generator. Then the plan is
    shown, and after a yes it is carried out whole: every unit runs and is healthy where it has a
    health check, or the host is as it was before.

    Hidden files, `__pycache__` and editors' backups (`x~`, `#x#`, `x.bak`) are left out. Links are
    followed while they stay inside the directory.
    """
    from leger.deployer.v1.deployer_pb2 import ApplyPlanRequest

    from leger_cli import planning, progress, stackdir
    from leger_cli.views import plan as plan_view
    from leger_cli.views import services as services_view

    session: Session = context.obj
    stack = stackdir.read(directory, name=name)
    if not dry_run:
        terminal.require_answers(yes=yes, as_json=session.as_json)
    with session.deployer() as client:
        plan = planning.plan(client, stack, quiet=session.as_json)
        if not session.as_json:
            plan_view.show(plan)
        if dry_run:
            if session.as_json:
                from leger_cli import convert

                output.json({"plan": convert.plan(plan), "applied": None})
            return
        _require_secrets(plan_view.missing_secrets(plan), stack.name)
        if not yes:
            terminal.confirm(f"Install {stack.name}?")
        applied = progress.follow(
            client.ApplyPlan(ApplyPlanRequest(plan_id=plan.plan_id)), quiet=session.as_json
        ).result
    if session.as_json:
        from leger_cli import convert

        output.json({"plan": convert.plan(plan), "applied": convert.applied(applied)})
    else:
        output.line()
        if applied.services:
            services_view.status(applied.services)
        else:  # it has none, or nobody could tell how they are
            output.line(f"{applied.stack} is installed.")


@app.command("list", cls=parser.LegerCommand, epilog="leger deploy list")
def list_(context: typer.Context) -> None:
    """List the stacks that are installed."""
    session: Session = context.obj
    with session.deployer() as client:
        stacks = _installed(client)
    if session.as_json:
        from leger_cli import convert

        output.json({"stacks": [convert.stack(stack) for stack in stacks]})
    else:
        from leger_cli.views import stacks as view

        view.table(stacks)


@app.command(
    cls=parser.LegerCommand,
    epilog="leger deploy remove notes\nleger deploy remove notes --volumes --yes",
)
def remove(
    context: typer.Context,
    stack: Annotated[
        str,
        typer.Argument(metavar="STACK", help="The stack's name.", autocompletion=completion.stacks),
    ],
    volumes: Annotated[
        bool, typer.Option("--volumes", help="Delete its volumes too, with all their data.")
    ] = False,
    yes: parser.Yes = False,
) -> None:
    """Stop a stack's units and remove its files. Volumes are kept.

    Secrets are kept as well; `leger secrets delete` deletes them.
    """
    from leger.deployer.v1.deployer_pb2 import RemoveStackRequest

    from leger_cli import progress

    session: Session = context.obj
    with session.deployer() as client:
        if not yes:
            found = _find(_installed(client), stack)
            terminal.require_answers(yes=yes, as_json=session.as_json)
            _confirm_removal(found, volumes=volumes)
        removed = progress.follow(
            client.RemoveStack(RemoveStackRequest(stack=stack, delete_volumes=volumes)),
            quiet=session.as_json,
        ).result
    if session.as_json:
        from leger_cli import convert

        output.json(convert.removed(removed))
    else:
        from leger_cli.views import stacks as view

        view.removed(removed)


def _installed(client: "DeployerServiceStub") -> "list[Stack]":
    from leger.deployer.v1.deployer_pb2 import ListStacksRequest

    return list(client.ListStacks(ListStacksRequest(), timeout=PATIENCE).stacks)


def _require_secrets(missing: list[str], stack: str) -> None:
    """Raise SecretsNotStored before anybody is asked about a plan that cannot be carried out."""
    if missing:
        raise SecretsNotStored(
            f"{stack} cannot be installed yet: {words.counted(len(missing), 'secret')} not stored.",
            why=f"Its units name {', '.join(missing)}.",
            next_step="Run "
            + " and ".join(values.command_for(name) for name in missing)
            + ", then install again.",
        )


def _find(stacks: "list[Stack]", name: str) -> "Stack":
    """Return the stack of that name. Raises StackNotFound."""
    for stack in stacks:
        if stack.name == name:
            return stack
    installed = ", ".join(stack.name for stack in stacks)
    raise StackNotFound(
        f"No stack {name} is installed.",
        why=f"Installed are: {installed}." if installed else "None is.",
        next_step="`leger deploy list` lists them.",
    )


def _confirm_removal(stack: "Stack", *, volumes: bool) -> None:
    units = words.counted(len(stack.units), "unit")
    output.remark(f"{units} of {stack.name} will be stopped and removed.")
    if stack.volumes:
        fate = "DELETED WITH THEIR DATA" if volumes else "kept"
        output.remark(f"Volumes that are {fate}: {', '.join(stack.volumes)}.")
    terminal.confirm(f"Remove {stack.name}?")
