from collections.abc import Sequence

import pytest
from leger_bootstrap import requirements
from leger_bootstrap.commands import Outcome, Run


def host(podman: str | None, systemd: str = "systemd 257 (257.9-1)") -> Run:
    answers = {"podman": podman, "systemctl": systemd}

    def run(command: Sequence[str], stdin: bytes) -> Outcome:
        text = answers[command[0]]
        if text is None:
            return Outcome(127, b"", f"{command[0]}: not found")
        return Outcome(0, text.encode(), "")

    return run


def test_a_recent_host_is_accepted() -> None:
    requirements.check(host("podman version 5.4.2"))


@pytest.mark.parametrize("podman", ["podman version 4.9.4", "podman version 5.3.1", "nonsense"])
def test_a_podman_before_5_4_is_too_old(podman: str) -> None:
    with pytest.raises(requirements.ProgramTooOld, match="podman is too old") as caught:
        requirements.check(host(podman))
    assert "5.4" in caught.value.why


def test_a_systemd_before_254_is_too_old() -> None:
    with pytest.raises(requirements.ProgramTooOld, match="systemctl is too old"):
        requirements.check(host("podman version 5.4.2", "systemd 253 (253)"))


def test_a_host_without_podman_is_told_to_install_it() -> None:
    with pytest.raises(requirements.ProgramMissing) as caught:
        requirements.check(host(None))
    assert "Install podman 5.4" in caught.value.next_step
