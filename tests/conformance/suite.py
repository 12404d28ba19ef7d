"""Running the Go test suite against one server."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.activation import ActivatedServer
from conformance.principals import write_private
from conformance.restarts import RestartSocket
from conformance.toolchain import MODULE, Go


@dataclass(frozen=True, kw_only=True)
class Target:
    """A running server, and the token of each principal by which it knows the suite."""

    kind: str
    server: ActivatedServer
    tokens: Mapping[str, str]


def run(target: Target, directory: Path, *, go: Go, arguments: Sequence[str]) -> int:
    """Run the suite's tests against `target`; return the exit code of `go test`.

    Tokens reach the tests in a file in `directory` that only this account can read.
    """
    handed_over = directory / "target.json"
    restarts = directory / "restarts.sock"
    write_private(
        handed_over,
        {
            "kind": target.kind,
            "server": target.server.url,
            "tokens": target.tokens,
            "restarts": str(restarts),
        },
    )
    listening = RestartSocket(restarts, target.server.restart)
    try:
        # -count=1: a remembered result would be that of another server.
        return go.run(
            "test",
            "-count=1",
            *arguments,
            ".",
            cwd=MODULE,
            variables={"CONFORMANCE_TARGET": str(handed_over)},
        )
    finally:
        listening.close()
