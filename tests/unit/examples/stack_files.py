"""The example stacks as their files say, read with nothing of leger's."""

from dataclasses import dataclass
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"

# podman-systemd.unit(5): the ending of a Quadlet's name → that of the unit it becomes.
GENERATED = {
    ".container": ".service",
    ".network": "-network.service",
    ".volume": "-volume.service",
}


@dataclass(frozen=True)
class Quadlet:
    """One Quadlet file; a key may have several values, in the file's order."""

    path: Path
    entries: tuple[tuple[str, str, str], ...]

    @property
    def unit(self) -> str:
        return self.path.stem + GENERATED[self.path.suffix]

    def values(self, section: str, key: str) -> list[str]:
        return [value for s, k, value in self.entries if (s, k) == (section, key)]

    def value(self, section: str, key: str) -> str:
        values = self.values(section, key)
        assert len(values) == 1, f"{self.path.name}: {key} is there {len(values)} times"
        return values[0]


@dataclass(frozen=True)
class Stack:
    """A directory of Quadlets and what lies beside them."""

    directory: Path
    quadlets: tuple[Quadlet, ...]

    @property
    def containers(self) -> list[Quadlet]:
        return [q for q in self.quadlets if q.path.suffix == ".container"]

    @property
    def units(self) -> set[str]:
        return {quadlet.unit for quadlet in self.quadlets}

    @property
    def files(self) -> list[Path]:
        return sorted(path for path in self.directory.rglob("*") if path.is_file())

    @property
    def readme(self) -> str:
        return (self.directory / "README.md").read_text()


def read_quadlet(path: Path) -> Quadlet:
    section, entries = "", []
    for line in path.read_text().splitlines():
        assert not line.endswith("\\"), f"{path.name}: this reader joins no lines"
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith(("#", ";")):
            key, _, value = line.partition("=")
            entries.append((section, key.strip(), value.strip()))
    return Quadlet(path, tuple(entries))


def read_stack(name: str) -> Stack:
    paths = sorted(p for p in (EXAMPLES / name).iterdir() if p.suffix in GENERATED)
    return Stack(EXAMPLES / name, tuple(read_quadlet(path) for path in paths))


STACKS = {name: read_stack(name) for name in ("notes", "llm-stack")}
