"""The noun `leger secrets`, to which each module of this package adds its commands."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from leger_cli import completion, parser

if TYPE_CHECKING:
    from typer._click import Command

# Each module of this package that has commands, and which: a module is imported when a command of
# its own is used.
_MODULES = {
    "values": ("put", "get", "activate", "delete"),
    "overview": ("list", "info"),
    "generate": ("generate",),
    "files": ("import", "export"),
    "notes": ("update",),
    "watch": ("watch",),
    "keys": ("status", "seal", "unseal", "rekey"),
    "backups": ("backup", "backups"),
    "restore": ("restore",),
    "recovery": ("recovery-key",),
    "rotation": ("rotate", "rollback"),
    "access": ("can", "policy"),
}


class SecretsGroup(parser.LegerGroup):
    """`leger secrets` itself."""

    modules: ClassVar[Mapping[str, str]] = {
        command: module for module, commands in _MODULES.items() for command in commands
    }
    sections: ClassVar[Mapping[str, Sequence[str]]] = {
        "Values": ("put", "generate", "get", "import", "export", "delete"),
        "Overview": ("list", "info", "update", "watch"),
        "Rotation": ("rotate", "rollback", "activate"),
        "Access": ("can", "policy"),
        "Store": ("status", "seal", "unseal", "rekey"),
        "Backup": ("backup", "backups", "recovery-key", "restore"),
    }
    synonyms: ClassVar[Mapping[str, str]] = {
        "set": "put",
        "add": "put",
        "create": "put",
        "new": "generate",
        "read": "get",
        "show": "info",
        "history": "info",
        "ls": "list",
        "rm": "delete",
        "remove": "delete",
        "label": "update",
        "describe": "update",
        "revert": "rollback",
        "may": "can",
        "grants": "policy",
        "rules": "policy",
        "lock": "seal",
        "unlock": "unseal",
    }

    def load(self, module: str) -> "Mapping[str, Command]":
        """Return the commands of a module of this package, imported now."""
        found = import_module(f"leger_cli.commands.secrets.{module}").__name__
        commands = (
            typer.main.get_command_from_info(
                registered, pretty_exceptions_short=True, rich_markup_mode=None
            )
            for registered in app.registered_commands
            if registered.callback and registered.callback.__module__ == found
        )
        return {command.name or "": command for command in commands}


app = parser.noun(
    "secrets",
    "Store, use and rotate secrets.\n\n"
    "A secret has numbered versions, of which one is active: the one that containers get when they "
    "start. A container names it in its Quadlet, as in `Secret=openai_api_key,type=env`, and needs "
    "nothing else; `leger run` hands it to any other command.\n\n"
    "A new value reaches running containers when they are restarted, which `rotate` does, in order "
    "and with the way back prepared. Every use is in the audit log: see `leger audit`.",
    cls=SecretsGroup,
)

Name = Annotated[
    str,
    typer.Argument(metavar="NAME", help="The secret's name.", autocompletion=completion.secrets),
]

Activate = Annotated[
    bool,
    typer.Option(
        "--activate/--no-activate",
        help="Make the version active at once, or only store it. The first version is always "
        "active.",
    ),
]
