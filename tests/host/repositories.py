"""Serving a package repository to the host that it is on: a web server is all that it needs."""

from pathlib import Path

from conftest import Answer, Host

ADDRESS = "http://127.0.0.1:8088"
_PLACE = "/srv/repository"


def serve(host: Host) -> None:
    """Have the host serve what `put` puts there."""
    host.do(f"mkdir -p {_PLACE} /etc/yum.repos.d")
    host.do(
        "systemd-run --quiet --unit=repository --working-directory=/srv"
        f" python3 -m http.server --bind 127.0.0.1 --directory {_PLACE} 8088"
    )
    host.wait(f"curl --silent --fail {ADDRESS}/")


def put(host: Host, tree: Path) -> None:
    """Copy a repository over the one that is served."""
    assert host.box("push", f"{tree}/.", _PLACE).code == 0


def configure(host: Host) -> None:
    """Tell dnf of the repository as leger.repo does, but for its address."""
    host.do(
        f"sed 's,https://pkgs.leger.run,{ADDRESS},' {_PLACE}/fedora/leger.repo"
        " > /etc/yum.repos.d/leger.repo"
    )


def dnf(host: Host, *arguments: str) -> Answer:
    """Run dnf, which says yes to every question that it asks, also of keys."""
    return host.run(dnf_command(*arguments))


def dnf_command(*arguments: str) -> str:
    """Return the command line of `dnf`."""
    return f"LC_ALL=C.UTF-8 dnf --assumeyes --releasever=43 {' '.join(arguments)}"
