"""What podman's transient store would otherwise lose: owners of volumes, roots of containers."""

from collections.abc import Iterator

import pytest
from conftest import Host
from stacks import sleeper

OWNER = "stat -c %u:%g /var/lib/containers/storage/volumes/{volume}/_data"


@pytest.fixture
def stack(host: Host) -> Iterator[None]:
    """A container that runs as somebody and writes to two volumes, one of them in no file."""
    container = sleeper(
        "User=4321:4321",
        "Volume=described.volume:/described",
        "Volume=implied:/implied",
        unit="",
    ).replace('"/usr/bin/sleep", "infinity"', '"/bin/sh", "-c", "touch /described/x /implied/x '
              '&& mkdir -p /described/d /implied/d && exec sleep infinity"')  # fmt: skip
    directory = host.push_stack(
        "writer",
        {
            "writer.container": container.replace("StopTimeout=0", "StopTimeout=0\nReadOnly=true"),
            "described.volume": "[Volume]\nVolumeName=described\n",
        },
    )
    # podman gives a new volume the owner that the directory has in the image; this image has none.
    for volume in ("described", "implied"):
        host.do(f"mkdir -p /var/lib/containers/storage/volumes/{volume}/_data")
        host.do(f"chown 4321:4321 /var/lib/containers/storage/volumes/{volume}/_data")
    host.do(f"leger deploy install {directory} --yes")
    yield
    host.do("leger deploy remove writer --volumes --yes")


@pytest.mark.usefixtures("stack")
def test_volumes_keep_their_owner_over_a_reboot(host: Host) -> None:
    before = [host.do(OWNER.format(volume=v)).strip() for v in ("described", "implied")]
    assert before == ["4321:4321", "4321:4321"]
    assert host.box("reboot").code == 0
    host.wait("systemctl is-active writer.service")
    after = [host.do(OWNER.format(volume=v)).strip() for v in ("described", "implied")]
    assert after == before


@pytest.mark.usefixtures("stack")
def test_other_uses_of_podman_do_not_disturb_the_start_of_a_container(host: Host) -> None:
    host.do("systemd-run --quiet --unit=busy sh -c 'while :; do podman ps; podman images; done'")
    try:
        for _ in range(8):
            # systemd allows five starts in ten seconds; this is no test of that.
            host.do("systemctl reset-failed writer.service; systemctl restart writer.service")
    finally:
        host.do("systemctl stop busy.service")


def test_a_program_may_have_options_that_podman_knows_too(host: Host) -> None:
    container = sleeper().replace('["/usr/bin/sleep", "infinity"]', "/bin/sh")
    stack = {"option.container": container.replace("Exec=", 'Exec=-c "exec sleep infinity"')}
    host.do(f"leger deploy install {host.push_stack('option', stack)} --yes")
    host.do("leger deploy remove option --yes")
