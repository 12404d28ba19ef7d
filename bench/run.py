"""Measure leger side by side with a peer or a floor; `make bench` runs this.

Prints a table of medians and ratios, or JSON with `--json`; `--document FILE` also writes the page
of the documentation. Exits with 1 when a ratio is above its limit. Whatever needs a host is
measured in a box, everything in one run on one machine.
"""

import argparse
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BOX = str(ROOT / "tests/host/box")
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/host")]

import availability  # noqa: E402
import packages  # noqa: E402
import secrets_get  # noqa: E402
import secrets_store  # noqa: E402
from hostbox.naming import box_name  # noqa: E402
from hostbox.running import run  # noqa: E402
from measurement import Measurement  # noqa: E402

NAME = box_name("bench")

PAGE_HEAD = """# Performance

`make bench` measures leger side by side with a peer or a floor, in one run on one machine, and
prints medians; what counts is the ratio. This page was written by
`python bench/run.py --document docs/reference/performance.md` on a machine of two cores.

- *import grpc* is an interpreter that does only that, which every gRPC client in Python must.
- *podman's file driver* is podman's own way to keep secrets. It leaves them on the disk in the
  clear.
- The floor of *get over gRPC* is a handler of the same shape that does nothing; leger's reads the
  encrypted store and has its audit line on the disk before it answers.
- *setec* is its real server, with its encrypted database and its audit log, asked by its client.

| measurement | leger | peer | ratio | limit |
|---|---|---|---|---|"""


def in_processes() -> list[Measurement]:
    """Measure what needs no host: the secrets service beside an idle handler, and beside setec."""
    with TemporaryDirectory() as directory:
        scratch = Path(directory)
        (scratch / "get").mkdir()
        return [
            *secrets_get.measure(scratch / "get"),
            *secrets_store.measure(scratch),
        ]


def in_a_box() -> list[Measurement]:
    """Measure what needs a host, by bench/on_host.py inside a box with leger."""
    images = json.loads(run(str(ROOT / "tests/host/images"), "notes"))
    run(BOX, "down", "--name", NAME)
    run(BOX, "up", "--name", NAME, "--image-store", images["store"])
    try:
        rows = package()
        run(BOX, "push", "--name", NAME, str(ROOT / "bench/on_host.py"), "/root/on_host.py")
        answer = inside("python3", "/root/on_host.py")
        rows += [Measurement(**row) for row in json.loads(answer.splitlines()[-1])]
        rows.append(upgrade())
    finally:
        run(BOX, "down", "--name", NAME)
    return rows


def inside(*command: str) -> str:
    """Run a command in the box and return what it prints."""
    return run(BOX, "exec", "--name", NAME, "--", *command)


def package() -> list[Measurement]:
    """Measure the package, and install it in the box.

    dnf returns when the pod is healthy, so what counts is what legerd took, as systemd noted it.
    """
    built = packages.built()
    run(BOX, "push", "--name", NAME, str(built), "/root/leger.rpm")
    inside("dnf", "--quiet", "--assumeyes", "install", "/root/leger.rpm")
    inside("leger", "status")
    properties = ("InactiveExitTimestampMonotonic", "ActiveEnterTimestampMonotonic")
    began, ready = (
        int(inside("systemctl", "show", "--value", f"--property={name}", "legerd.service"))
        for name in properties
    )
    size = built.stat().st_size / 1e6
    return [
        Measurement("size of the package / 120 MB", size, 120, "MB", 1.0),
        Measurement(
            "installed, until the pod is healthy / 10 s", (ready - began) / 1e6, 10, "s", 1.0
        ),
    ]


def upgrade() -> Measurement:
    """Measure how long a service is away while dnf upgrades: between two answers, at most."""
    run(BOX, "push", "--name", NAME, str(packages.WORKS.package()), "/root/newer.rpm")
    run(BOX, "push", "--name", NAME, availability.__file__, availability.PLACE)
    dnf = "dnf --quiet --assumeyes upgrade /root/newer.rpm"
    away = availability.longest(inside("sh", "-c", availability.around(dnf, secret="bench_00")))
    return Measurement("a service away during an upgrade / 3 s", away, 3, "s", 1.0)


def table(rows: list[Measurement]) -> Any:
    """Return the table for a terminal or a pipe."""
    from rich.table import Table

    drawn = Table(box=None, header_style="bold")
    for column in ("measurement", "leger", "peer", "ratio", "limit", ""):
        drawn.add_column(column, justify="left" if column in ("measurement", "") else "right")
    for row in rows:
        drawn.add_row(
            row.name,
            f"{row.ours:.1f} {row.unit}",
            f"{row.peer:.1f} {row.unit}",
            f"{row.ratio:.3g}",
            limit(row),
            verdict(row),
        )
    return drawn


def limit(row: Measurement) -> str:
    """Return the limit as the table shows it."""
    return "-" if row.limit is None else f"{row.limit:.3g}"


def verdict(row: Measurement) -> str:
    """Return whether the row holds, for a terminal."""
    if row.limit is None:
        return ""
    return "holds" if row.holds else "[red]above[/]"


def page(rows: list[Measurement]) -> str:
    """Return the page of the documentation that holds the rows."""
    lines = [PAGE_HEAD]
    for row in rows:
        values = f"{row.ours:.1f} {row.unit} | {row.peer:.1f} {row.unit}"
        lines.append(f"| {row.name} | {values} | {row.ratio:.3g} | {limit(row)} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run as the module's docstring says."""
    parser = argparse.ArgumentParser(description="Measure leger side by side.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--document", type=Path, metavar="FILE", help="write the page")
    arguments = parser.parse_args()
    rows = [*in_processes(), *in_a_box()]
    if arguments.document is not None:
        arguments.document.write_text(page(rows), encoding="utf-8")
    if arguments.json:
        sys.stdout.write(json.dumps([row.as_json() for row in rows], indent=2) + "\n")
    else:
        from rich.console import Console

        Console(width=110).print(table(rows))
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
