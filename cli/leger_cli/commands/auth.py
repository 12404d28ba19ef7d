"""`leger auth`: the tokens of programs that are no containers of a stack."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leger_cli import completion, errors, output, parser
from leger_cli.context import PATIENCE, Session

if TYPE_CHECKING:
    from leger.secrets.v1.access_pb2 import Grant

app = parser.noun(
    "auth",
    "Let other programs use secrets.\n\nThe secrets service speaks the HTTP API of tailscale/setec "
    "on 127.0.0.1:8080, for setec's own clients and for anything else that speaks HTTP. A program "
    "shows who it is by a bearer token, which `leger auth token` makes and revokes.\n\nOf a user's "
    "own services that API is off, as all users would want the same port. To have it, choose one: "
    'put `listen = "127.0.0.1:8081"` below `[secrets.http]` in ~/.config/leger/leger.toml, then '
    "run `legerd bootstrap`.",
)
token = parser.noun("token", "Make, list and revoke bearer tokens.")
app.add_typer(token)

Name = Annotated[
    str,
    typer.Argument(metavar="NAME", help="The token's name.", autocompletion=completion.tokens),
]


@token.command(
    cls=parser.ConfidentialCommand,
    epilog="leger auth token create ci --allow 'get,info=prod/*' --out ci-token\n"
    "leger auth token create tool --allow '*=tool/*' --allow 'get=shared/*'\n"
    "leger auth token create visitor --allow 'info=*' --expires 90d",
)
def create(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="Lower-case letters, digits, `-` and `.`, such as ci or web-1."
        ),
    ],
    allow: Annotated[
        list[str] | None,
        typer.Option(
            "--allow",
            metavar="ACTIONS=PATTERN",
            help="Allow these actions with the secrets that match. Actions are get, info, put, "
            "create-version, activate and delete, separated by commas, or * for all; in the "
            "pattern * stands for any characters; repeatable.",
        ),
    ] = None,
    expires: Annotated[
        str,
        typer.Option(
            "--expires",
            metavar="WHEN",
            help="When it becomes worthless: 90d or 12w from now, a date such as 2027-01-31, or "
            "never.",
        ),
    ] = "never",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="Write the token to a file, and do not show it."
        ),
    ] = None,
) -> None:
    """Make a token and write it to standard output.

    It is shown this once, as only its hash is stored; --out writes it to a file that its owner
    alone can read. Whoever shows it is the principal token:NAME, in rules and in the audit log.
    Without --allow it may do what the policy file grants to that principal: see `leger secrets
    policy`.
    """
    from leger.secrets.v1.access_pb2 import CreateTokenRequest, RevokeTokenRequest

    from leger_cli import secretfile, times

    session: Session = context.obj
    if out:
        secretfile.require_place(out, force=None)
    else:
        output.require_open()
    grants = [_grant(text) for text in allow or ()]
    request = CreateTokenRequest(name=name, grants=grants)
    until = times.point(expires, option="--expires")
    if until is not None:
        request.expire_time.FromDatetime(until)
    with session.access() as client:
        made = client.CreateToken(request, timeout=PATIENCE).token
        if out:
            try:
                secretfile.write(out, f"{made}\n".encode())
            except OSError:  # a token that nobody has would be worse than none
                client.RevokeToken(RevokeTokenRequest(name=name), timeout=PATIENCE)
                raise
    if session.as_json:
        from leger_cli import convert

        output.json(convert.token_made(request, made, file=out))
    else:
        from leger_cli.views import access as view

        output.line(f"{out}: the token of {name}" if out else made)
        view.made(name, grants, expires=until is not None)


@token.command("list", cls=parser.LegerCommand, epilog="leger auth token list")
def list_(context: typer.Context) -> None:
    """List the tokens there are.

    Shown are what each may do and when it was last used, and no token itself. Uses before the
    service last started are in the audit log: `leger audit --principal token:NAME`.
    """
    from leger.secrets.v1.access_pb2 import ListTokensRequest

    session: Session = context.obj
    with session.access() as client:
        found = client.ListTokens(ListTokensRequest(), timeout=PATIENCE).tokens
    if session.as_json:
        from leger_cli import convert

        output.json({"tokens": [convert.token(each) for each in found]})
    else:
        from leger_cli.views import access as view

        view.tokens(found)


@token.command(cls=parser.LegerCommand, epilog="leger auth token revoke ci")
def revoke(context: typer.Context, name: Name) -> None:
    """Make a token worthless, at once and for good.

    Rules of the policy file for token:NAME stay, and are of the next token of that name.
    """
    from leger.secrets.v1.access_pb2 import RevokeTokenRequest

    session: Session = context.obj
    with session.access() as client:
        client.RevokeToken(RevokeTokenRequest(name=name), timeout=PATIENCE)
    if session.as_json:
        output.json({"name": name})
    else:
        output.line(f"{name}: revoked")


def _grant(text: str) -> "Grant":
    from leger.secrets.v1.access_pb2 import Grant

    actions, separator, pattern = text.partition("=")
    if not separator:
        raise errors.UsageError(
            f"--allow was given {text!r}, which names no secrets.",
            why="It takes actions, an equals sign, and a pattern of secrets' names.",
            next_step=f"Write it like --allow '{actions or 'get'}=prod/*'.",
        )
    return Grant(actions=[action.strip() for action in actions.split(",")], secrets=[pattern])
