"""What the command line writes, at a terminal and in a pipe."""

from collections.abc import Callable
from pathlib import Path

import pytest
from leger_cli import main, output

# Reads what was written since the last reading, to standard output and standard error together.
Written = Callable[[], str]
# Runs a command line; returns exit code, standard output and standard error.
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def pipe(capsys: pytest.CaptureFixture[str]) -> Written:
    """Both streams as pipes."""
    return lambda: "".join(capsys.readouterr())


@pytest.fixture
def terminal(pipe: Written, monkeypatch: pytest.MonkeyPatch) -> Written:
    """Both streams as a terminal of 80 columns without colours."""
    monkeypatch.setattr(output, "is_terminal", lambda _stream: True)
    for name, value in {"COLUMNS": "80", "LINES": "24", "NO_COLOR": "1", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    return pipe


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a command line in this process, in a user scope where no service runs."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main.run(["--user", *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run
