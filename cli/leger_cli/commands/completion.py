"""`leger completion`: what shells need to complete command lines of leger."""

from enum import StrEnum
from typing import Annotated

import typer

from leger_cli import output, parser

app = parser.verb("completion")


class Shell(StrEnum):
    """A shell that can be taught."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


@app.command(
    "completion",
    cls=parser.LegerCommand,
    epilog="leger completion bash > ~/.local/share/bash-completion/completions/leger\n"
    "leger completion zsh > ~/.zfunc/_leger\n"
    "leger completion fish > ~/.config/fish/completions/leger.fish",
)
def completion(
    context: typer.Context,
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
) -> None:
    """Print the script that completes command lines in a shell.

    Commands, options, and the names of secrets, stacks and services are offered then after TAB.
    zsh needs the file's directory in `fpath`, before `compinit`.
    """
    from typer._completion_shared import get_completion_script

    script = get_completion_script(
        prog_name="leger", complete_var="_LEGER_COMPLETE", shell=shell.value
    )
    if context.obj.as_json:
        output.json({"shell": shell.value, "script": script})
    else:
        output.line(script)
