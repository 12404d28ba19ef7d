"""Values that nobody has to think up, or to see."""

import typer

from leger_cli import output, recipes
from leger_cli.commands.secrets.app import Activate, Name, app
from leger_cli.context import PATIENCE, Session


@app.command(
    cls=recipes.RecipeCommand,
    epilog="leger secrets generate session_key\n"
    "leger secrets generate db_password --password --length 40\n"
    "leger secrets generate deploy_key --key ed25519 --openssh > deploy_key.pub",
)
def generate(
    context: typer.Context,
    name: Name,
    activate: Activate = True,
) -> None:
    """Make a value inside the secrets service and store it.

    It becomes a new version, and is not shown. Of a private key, the public key is written to
    standard output, as PEM or as one line of OpenSSH's.
    """
    from leger.secrets.v1.secrets_pb2 import (
        GenerateSecretRequest,
        GetSecretInfoRequest,
        Recipe,
    )

    session: Session = context.obj
    recipe = recipes.given(context) or Recipe(token=Recipe.Token())
    with session.secrets() as client:
        made = client.GenerateSecret(
            GenerateSecretRequest(name=name, recipe=recipe, activate=activate), timeout=PATIENCE
        )
        info = client.GetSecretInfo(GetSecretInfoRequest(name=name), timeout=PATIENCE).secret
    if session.as_json:
        output.json(
            {
                "name": name,
                "version": made.version,
                "active": made.active,
                "public_key": made.public_key or None,
                "units": list(info.units),
            }
        )
    else:
        from leger_cli.views import secrets as view

        view.generated(made, info)
