"""Running the commands that a script is made of."""

import subprocess
import sys
from pathlib import Path


def run(*command: str, stdin: str = "") -> str:
    """Run a command, pass its complaints on, and return what it prints; its failure is ours."""
    done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        program = Path(sys.argv[0]).name
        failure = f"exit code {done.returncode}: {' '.join(command)}"
        raise SystemExit(f"{program}: {failure}\n{done.stdout}")
    return done.stdout
