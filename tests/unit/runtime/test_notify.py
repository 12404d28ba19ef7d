import socket
from pathlib import Path

import pytest
from leger_runtime import notify


@pytest.mark.parametrize("abstract", [False, True])
def test_a_message_goes_to_the_socket_that_systemd_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abstract: bool
) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + path if abstract else path)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + path if abstract else path)
        notify.notify("READY=1\nSTATUS=Serving.")
        assert manager.recv(4096) == b"READY=1\nSTATUS=Serving."


def test_without_a_manager_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify.notify("READY=1")


def test_a_manager_that_is_gone_or_takes_nothing_more_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        for _ in range(10_000):  # its queue is shorter
            notify.notify("STATUS=Serving.")
            if caplog.records:
                break
    assert "was not told" in caplog.text
    notify.notify("STOPPING=1")
    assert "Connection refused" in caplog.text
