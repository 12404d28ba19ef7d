"""A host that is asked to run programs, and notes them."""

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from leger_bootstrap import bootstrap, http_socket
from leger_bootstrap.commands import Outcome
from leger_bootstrap.health import Health
from leger_bootstrap.scope import Scope, system

ROOT = Path(__file__).parents[3]
FIRST, SECOND = "localhost/leger/services:1", "localhost/leger/services:2"


class Host:
    """A host with podman and systemd, as far as legerd sees them.

    Images in `broken` have containers that do not start. While another program has the `taken`
    address, the socket of setec's API cannot listen on it; `bound` is the one that it listens on.
    `stopping` is what systemctl says of a start while somebody stops the services. `legerd` is the
    state of legerd.service, and `is_of_unit` tells whether it is what runs `legerd bootstrap`.
    """

    def __init__(self, scope: Scope, share: Path) -> None:
        self.scope = scope
        self.share = share
        self.ran: list[str] = []
        self.images: set[str] = set()
        self.broken: set[str] = set()
        self.unstoppable = False
        self.taken = ""
        self.bound = ""
        self.stopping = ""
        self.legerd = "activating"
        self.is_of_unit = True
        self.running: str | None = None
        self.loaded: str | None = None  # what systemd has read of the units
        self.loaded_address = "127.0.0.1:8080"  # and of the socket
        self.said: list[str] = []
        self.health: dict[str | None, Health] = {}

    def __call__(self, command: Sequence[str], stdin: bytes) -> Outcome:
        line = " ".join(command)
        self.ran.append(line)
        match command:
            case [_, "--version"]:
                return Outcome(0, b"version 257.0", "")
            case ["podman", *_, "image", "exists", reference]:
                return Outcome(0 if reference in self.images else 1, b"", "")
            case ["podman", *_, "load", "--quiet", "--input", _]:
                self.images.add((self.share / "image/reference").read_text().strip())
            case ["podman", *_, "images", "--format", _, _]:
                return Outcome(0, "\n".join(self.images).encode(), "")
            case ["podman", *_, "image", "rm", reference]:
                self.images.discard(reference)
            case ["systemd-creds", *_]:
                return Outcome(0, b"sealed", "")
            case ["journalctl", *_]:
                return Outcome(0, f"{'0' * 64}\nexec format error\n".encode(), "")
            case ["systemctl", *_, "daemon-reload"]:
                self.loaded, self.loaded_address = self.placed(), self.placed_address()
            case ["systemctl", "show", *_, "legerd.service"]:
                return Outcome(0, f"{self.legerd}\n".encode(), "")
            case ["systemctl", "show", *_, "leger-setec.socket"]:
                state = "active" if self.bound else "inactive"
                if not self.bound and self.loaded_address in ("", self.taken):
                    state = "failed" if self.loaded_address else "inactive"
                listen = f"Listen={self.loaded_address} (Stream)\n" if self.loaded_address else ""
                return Outcome(0, f"ActiveState={state}\n{listen}".encode(), "")
            case ["systemctl", "is-active", *_]:
                return Outcome(0 if self.running else 3, b"", "")
            case ["systemctl", "stop", "leger-setec.socket"]:
                self.bound = ""
            case ["systemctl", "stop", *units]:
                if self.unstoppable:
                    return Outcome(1, b"", "Job for leger-pod.service was canceled.")
                self.running = None
            case ["systemctl", "start" | "restart" as verb, *units]:
                return self._start(verb, units)
        return Outcome(0, b"", "")

    def _start(self, verb: str, units: Sequence[str]) -> Outcome:
        if verb == "start" and self.running:
            return Outcome(0, b"", "")
        self.running = None
        if self.stopping:
            return Outcome(1, b"", self.stopping)
        # A socket that listens goes on as it was started, whatever is read of it since.
        if not self.bound and self.loaded_address != self.taken:
            self.bound = self.loaded_address
        if self.loaded in self.broken:
            return Outcome(1, b"", f"Job for {units[0]} failed.\nSee the journal.")
        self.running = self.loaded
        return Outcome(0, b"", "")

    def placed_address(self) -> str:
        """Return where the API is to listen, as the placed drop-in says; "" when nowhere."""
        drop_in = self.scope.units / http_socket.FILE
        text = drop_in.read_text() if drop_in.exists() else ""
        if "ConditionPathExists=" in text:
            return ""
        address = re.findall(r"^ListenStream=(.+)$", text, re.MULTILINE) or ["127.0.0.1:8080"]
        return str(address[-1])

    def placed(self) -> str:
        """Return the image that the placed units name; "" when there are none."""
        drop_in = self.scope.quadlets / "legerd/leger-secrets.container.d/10-host.conf"
        text = drop_in.read_text() if drop_in.exists() else ""
        return text.partition("Image=")[2].partition("\n")[0]

    def install(self, reference: str) -> None:
        """Install a package with this image."""
        (self.share / "image/reference").write_text(f"{reference}\n")

    def bootstrap(self, *, retry: bool = False) -> list[str]:
        """Run `legerd bootstrap`; return what it said."""
        self.ran.clear()
        self.said.clear()
        bootstrap.bootstrap(
            self.scope,
            share=self.share,
            run=self,
            say=self.said.append,
            ask=lambda _: self.now(),
            retry=retry,
            is_of_unit=self.is_of_unit,
        )
        return self.said

    def now(self) -> Health:
        """Return how the services are."""
        usual = Health() if self.running else Health(silent={"secrets": "It does not answer."})
        return self.health.get(self.running, usual)

    def verbs(self) -> list[str]:
        """Return what systemctl was asked to do, in order."""
        return [line.split()[1] for line in self.ran if line.startswith("systemctl ")]


@pytest.fixture
def scope(tmp_path: Path) -> Scope:
    return dataclasses.replace(
        system(),
        runtime=tmp_path / "run",
        data=tmp_path / "data",
        secrets_data=tmp_path / "secrets_data",
        config=tmp_path / "config",
        units=tmp_path / "units",
        quadlets=tmp_path / "quadlets",
        encrypted_credentials=tmp_path / "credstore.encrypted",
        plain_credentials=tmp_path / "credstore",
    )


@pytest.fixture
def host(scope: Scope, tmp_path: Path) -> Host:
    """A host on which the package is installed, and nothing was started."""
    share = tmp_path / "share"
    (share / "image").mkdir(parents=True)
    (share / "quadlets").symlink_to(ROOT / "quadlets")
    host = Host(scope, share)
    host.install(FIRST)
    return host
