"""Who may do what with secrets."""

from typing import Annotated

import typer
from leger_runtime.errors import Kind, LegerError

from leger_cli import completion, output, parser
from leger_cli.commands.secrets.app import Name, app
from leger_cli.context import PATIENCE, Session


class PolicyBroken(LegerError):
    """The policy file has a mistake."""

    kind, reason = Kind.INVALID, "POLICY_BROKEN"


@app.command(
    cls=parser.LegerCommand,
    epilog="leger secrets can token:ci get prod/db\nleger secrets can unit:web.service get prod/db",
)
def can(
    context: typer.Context,
    principal: Annotated[
        str,
        typer.Argument(
            metavar="PRINCIPAL",
            help="Who: token:NAME, unit:NAME.service, operator:ACCOUNT or svc:deployer.",
            autocompletion=completion.principals,
        ),
    ],
    action: Annotated[
        str,
        typer.Argument(
            metavar="ACTION",
            help="What: get, info, put, create-version, activate or delete.",
            autocompletion=completion.actions,
        ),
    ],
    name: Name,
) -> None:
    """Tell whether somebody may do something with a secret.

    It names the rule that decides. It exits with 0 if so and with 4 if not, for scripts. The secret
    need not exist. Rules come from leger itself, from the policy file and from the grants of
    tokens; what a unit gets, its stack decides.
    """
    from leger.secrets.v1.access_pb2 import CheckAccessRequest

    session: Session = context.obj
    asked = CheckAccessRequest(principal=principal, action=action, secret=name)
    with session.access() as client:
        answer = client.CheckAccess(asked, timeout=PATIENCE)
    if session.as_json:
        from leger_cli import convert

        output.json(convert.verdict(asked, answer))
    else:
        from leger_cli.views import access as view

        view.verdict(answer)
    raise typer.Exit(0 if answer.allowed else Kind.NOT_PERMITTED.value)


@app.command(cls=parser.LegerCommand, epilog="leger secrets policy")
def policy(context: typer.Context) -> None:
    """List the rules in force: who may do what with which secrets.

    Besides those of leger itself and those that tokens were made with, they are written in the
    policy file, /etc/leger/policy.toml or a user's ~/.config/leger/policy.toml. Each rule stands
    below a line `[[grants]]` and has three lists, as in `principals = ["token:ci"]`, `actions =
    ["get", "info"]` and `secrets = ["prod/*"]`, where `*` stands for any characters, and as an
    action for all.

    A change is in force at once. While the file has a mistake, what it said before is; this command
    says so, and exits with 7.
    """
    from leger.secrets.v1.access_pb2 import GetPolicyRequest

    session: Session = context.obj
    with session.access() as client:
        answer = client.GetPolicy(GetPolicyRequest(), timeout=PATIENCE)
    if session.as_json:
        from leger_cli import convert

        output.json(convert.policy(answer))
        raise typer.Exit(PolicyBroken.kind.value if answer.problem else 0)
    from leger_cli.views import access as view

    view.rules(answer.rules)
    if answer.problem:
        in_force = "what it said before" if answer.HasField("load_time") else "no rule of it"
        raise PolicyBroken(
            f"{answer.path} has a mistake: {in_force} is in force.",
            why=answer.problem,
            next_step="Correct it; it is in force as soon as it is saved.",
        )
    if not answer.HasField("load_time"):
        output.remark(f"There is no {answer.path} that grants more.")
