"""Run the setec conformance suite against setec's own server and against leger's HTTP API.

Against setec's own server it shows that the suite states setec's behaviour; against leger, that
leger's is the same. Then both are sent the same random requests, and their answers compared.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from conformance import differential, legerd, suite, toolchain, upstream
from conformance.suite import Target
from conformance.toolchain import Go

# Each is given an empty directory.
SERVERS: dict[str, Callable[[Path, Go], AbstractContextManager[Target]]] = {
    "setec": upstream.serving,
    "leger": legerd.serving,
}


def main() -> int:
    """Run what was asked for; exit with 1 when a test failed or the servers differ."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--against", choices=SERVERS, help="run only the suite, on this server")
    parser.add_argument("--random", type=int, default=4000, metavar="N", help="random requests")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other requests")
    parser.add_argument("arguments", nargs="*", metavar="-- ARGUMENT", help="for go test")
    asked = parser.parse_args()
    go = toolchain.ready()
    holds = go.run("vet", "./...", cwd=toolchain.MODULE) == 0
    for name in [asked.against] if asked.against else SERVERS:
        holds = passes(name, go, asked.arguments) and holds
    if not asked.against:
        holds = agree(go, seed=asked.seed, count=asked.random) and holds
    return 0 if holds else 1


def passes(name: str, go: Go, arguments: Sequence[str]) -> bool:
    """Run the suite's tests on one server."""
    print(f"setec's client and test cases, on {name}'s server:", flush=True)
    with new_directory() as directory, SERVERS[name](directory, go) as target:
        passed = suite.run(target, directory, go=go, arguments=arguments) == 0
        if not passed:
            print(f"the server wrote:\n{target.server.log()}", file=sys.stderr)
        return passed


def agree(go: Go, *, seed: int, count: int) -> bool:
    """Send both servers the same random requests; print the first that they answer differently."""
    print(f"{count} random requests (seed {seed}), on both:", flush=True)
    with (
        new_directory() as its_directory,
        new_directory() as our_directory,
        upstream.serving(its_directory, go) as setec,
        legerd.serving(our_directory, go) as leger,
    ):
        for found in differential.differences(setec, leger, seed=seed, count=count):
            print(f"FAIL\trequest {found.number}, {found.sent}")
            print(f"\tsetec: {found.upstream}\n\tleger: {found.leger}")
            return False
    print("ok\tthe same answers")
    return True


@contextmanager
def new_directory() -> Iterator[Path]:
    """Make a directory for a server, and take it away again."""
    # Short, for the sockets in it.
    with tempfile.TemporaryDirectory(prefix="setec-") as directory:
        yield Path(directory)
