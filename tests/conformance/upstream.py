"""setec's own server, built from its Go module, as a server under test."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conformance.activation import ActivatedServer, ServerFailed
from conformance.principals import invented_token, rules_by_principal, write_private
from conformance.suite import Target
from conformance.toolchain import MODULE, Go


@contextmanager
def serving(directory: Path, go: Go) -> Iterator[Target]:
    """Build and run setec's server, with its state in `directory`, which must be empty."""
    program = directory / "upstream-server"
    if go.run("build", "-o", str(program), "./cmd/upstream-server", cwd=MODULE) != 0:
        raise ServerFailed("setec's server could not be built.")
    state = directory / "state"
    state.mkdir(mode=0o700)
    grants = rules_by_principal()
    tokens = {name: invented_token() for name in grants}
    known = {name: {"token": tokens[name], "grants": grants[name]} for name in grants}
    write_private(directory / "principals.json", known)
    server = ActivatedServer(
        [str(program), "-state", str(state), "-principals", str(directory / "principals.json")],
        log=directory / "log",
    )
    try:
        server.start()
        yield Target(kind="setec", server=server, tokens=tokens)
    finally:
        server.close()
