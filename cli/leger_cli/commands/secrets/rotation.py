"""New values, and former ones, for secrets that units run with."""

import shlex
from typing import TYPE_CHECKING, Annotated

import typer
from leger_runtime.errors import Kind, LegerError, ServiceUnavailable

from leger_cli import output, parser, pipes, recipes
from leger_cli.commands.secrets.app import Name, app
from leger_cli.commands.secrets.values import PutCommand
from leger_cli.context import PATIENCE, Session

if TYPE_CHECKING:
    from leger.deployer.v1.deployer_pb2 import RolloutResult
    from leger.secrets.v1.secrets_pb2 import Recipe, SecretInfo
    from leger.secrets.v1.secrets_pb2_grpc import SecretsServiceStub

    from leger_cli.shapes.secrets import SecretRotated

Restart = Annotated[
    bool,
    typer.Option(
        "--restart/--no-restart",
        help="Restart the units that run with it, or leave them with the value they have.",
    ),
]


class NoPreviousVersion(LegerError):
    """A secret that has no version to go back to."""

    kind, reason = Kind.CONFLICT, "NO_PREVIOUS_VERSION"


class RotateCommand(PutCommand, recipes.RecipeCommand):
    """`rotate` takes no value either, but the options of a recipe."""


@app.command(
    cls=RotateCommand,
    epilog="leger secrets rotate openai_api_key\n"
    "pass show openai | leger secrets rotate openai_api_key\n"
    "leger secrets rotate db_password --generate --password --length 40\n"
    "leger secrets rotate session_key --generate --no-restart",
)
def rotate(
    context: typer.Context,
    name: Name,
    generate: Annotated[
        bool,
        typer.Option(
            "--generate",
            help="Make the value inside the secrets service: a token, if no option says else.",
        ),
    ] = False,
    raw: Annotated[
        bool, typer.Option("--raw", help="Store piped input byte for byte, whatever it is.")
    ] = False,
    restart: Restart = True,
) -> None:
    """Give a secret, and the units that run with it, a new value.

    The value is asked for, or read from standard input, as by `leger secrets put`. With --generate
    it is made inside the service and shown to nobody.

    Exactly the running units that get the secret are restarted, in dependency order, each only
    after the one before was handed the new value and is healthy. When one is not, the former
    version becomes active again, and what was restarted is restarted with it. The new version is
    kept, as one that is not active.
    """
    from leger.secrets.v1.secrets_pb2 import Recipe

    from leger_cli import values

    session: Session = context.obj
    recipe = recipes.given(context) or (Recipe(token=Recipe.Token()) if generate else None)
    public_key = ""
    if recipe is not None:
        pipes.refuse_unread("The value is made; without --generate it would be read.")
    if restart:
        _require_deployer(session)
    with session.secrets() as client:
        info = _info(client, name)
        if recipe is not None:
            version, public_key = _generate(client, name, recipe, activate=not restart)
            is_new = True
        else:
            value = values.read(name, raw=raw)
            if _is_active(client, name, value):
                _show(session, _result(info, info.active_version))
                return
            version, is_new = _put(client, name, value, activate=not restart)
    rolled_out = None
    if restart:
        try:
            rolled_out = _roll_out(session, name, version)
        except LegerError as error:
            if is_new:
                _say_that_it_is_kept(error, name, version)
            raise
    _show(session, _result(info, version, rolled_out, public_key=public_key))


@app.command(cls=parser.LegerCommand, epilog="leger secrets rollback openai_api_key")
def rollback(context: typer.Context, name: Name, restart: Restart = True) -> None:
    """Go back to the version of a secret that was active before.

    The units that run with it are restarted as by `leger secrets rotate`. A second rollback
    undoes the first.
    """
    from leger.secrets.v1.secrets_pb2 import ActivateSecretVersionRequest

    session: Session = context.obj
    if restart:
        _require_deployer(session)
    with session.secrets() as client:
        info = _info(client, name)
        if not info.previous_version:
            raise NoPreviousVersion(
                f"The secret {name} has no version to go back to.",
                why=f"Version {info.active_version} is active, and none that is still stored was "
                "before.",
                next_step=f"`leger secrets info {name}` shows the versions there are.",
            )
        if not restart:
            client.ActivateSecretVersion(
                ActivateSecretVersionRequest(name=name, version=info.previous_version),
                timeout=PATIENCE,
            )
    rolled_out = _roll_out(session, name, info.previous_version) if restart else None
    _show(session, _result(info, info.previous_version, rolled_out))


def _require_deployer(session: Session) -> None:
    """Raise what is wrong with the deployer, before anything is changed that it would finish."""
    from leger.deployer.v1.deployer_pb2 import ListStacksRequest

    try:
        with session.deployer() as client:
            client.ListStacks(ListStacksRequest(), timeout=PATIENCE)
    except LegerError as error:
        if error.kind is Kind.UNAVAILABLE:
            error.why += " Nothing was changed."
            error.next_step += (
                " With --no-restart the value changes, and units get it when they start again."
            )
        raise


def _roll_out(session: Session, name: str, version: int) -> "RolloutResult":
    from leger.deployer.v1.deployer_pb2 import RolloutSecretRequest

    from leger_cli import progress

    request = RolloutSecretRequest(secret=name, version=version)
    try:
        with session.deployer() as client:
            return progress.follow(client.RolloutSecret(request), quiet=session.as_json).result
    except ServiceUnavailable as error:
        error.why += " What it has begun is undone as soon as it runs again."
        raise


def _say_that_it_is_kept(error: LegerError, name: str, version: int) -> None:
    """Add to an error that the version is stored, and how to have it away.

    It is not deleted by itself: who typed the value may not have it elsewhere.
    """
    error.why = f"{error.why.rstrip('.')}. Version {version}, with the new value, is kept."
    delete = f"leger secrets delete {shlex.quote(name)} --version {version}"
    error.next_step = f"{error.next_step.rstrip('.')}. If it is of no use: `{delete}`."


def _info(client: "SecretsServiceStub", name: str) -> "SecretInfo":
    from leger.secrets.v1.secrets_pb2 import GetSecretInfoRequest

    return client.GetSecretInfo(GetSecretInfoRequest(name=name), timeout=PATIENCE).secret


def _is_active(client: "SecretsServiceStub", name: str, value: bytes) -> bool:
    """Return whether the active version has the value, without reading that."""
    from leger.secrets.v1.secrets_pb2 import ImportSecretsRequest, ImportSecretsResponse

    item = ImportSecretsRequest.Item(name=name, value=value)
    request = ImportSecretsRequest(secrets=[item], dry_run=True)
    (result,) = client.ImportSecrets(request, timeout=PATIENCE).results
    return result.change == ImportSecretsResponse.CHANGE_UNCHANGED


def _put(
    client: "SecretsServiceStub", name: str, value: bytes, *, activate: bool
) -> tuple[int, bool]:
    """Return the number of the version that has the value, and whether it was stored just now."""
    from leger.secrets.v1.secrets_pb2 import PutSecretRequest

    request = PutSecretRequest(name=name, value=value, activate=activate)
    stored = client.PutSecret(request, timeout=PATIENCE)
    return stored.version, stored.created


def _generate(
    client: "SecretsServiceStub", name: str, recipe: "Recipe", *, activate: bool
) -> tuple[int, str]:
    """Return the number of the version that was made, and the public key of a private one."""
    from leger.secrets.v1.secrets_pb2 import GenerateSecretRequest

    request = GenerateSecretRequest(name=name, recipe=recipe, activate=activate)
    made = client.GenerateSecret(request, timeout=PATIENCE)
    return made.version, made.public_key


def _result(
    info: "SecretInfo",
    version: int,
    rolled_out: "RolloutResult | None" = None,
    *,
    public_key: str = "",
) -> "SecretRotated":
    return {
        "name": info.name,
        "version": version,
        "previous_version": info.active_version,
        "public_key": public_key or None,
        "units": list(info.units),
        "restarted": list(rolled_out.restarted) if rolled_out else [],
        "not_running": list(rolled_out.not_running) if rolled_out else [],
    }


def _show(session: Session, result: "SecretRotated") -> None:
    if session.as_json:
        output.json(result)
    else:
        from leger_cli.views import rotation as view

        view.rotated(result)
