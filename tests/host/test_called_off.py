"""A stop of legerd.service in the middle of a change is no verdict on what is being started."""

import json

from conftest import Host

CHANGE = '[secrets.http]\nlisten = "127.0.0.1:8090"\n'
FILE = "/etc/leger/leger.toml"
DROP_IN = "/run/systemd/system/leger-secrets.service.d/hangs.conf"
STATE = "systemctl show --value -p SubState leger-secrets.service"


def test_a_stop_while_the_services_are_restarted_leaves_the_change_to_the_next_start(
    host: Host,
) -> None:
    before = host.do(f"cat {FILE}")
    host.do(f"mkdir -p $(dirname {DROP_IN})")
    host.do(f"cat > {DROP_IN}", stdin="[Service]\nExecStartPre=sleep infinity\n")
    host.do(f"cat > {FILE}", stdin=CHANGE)
    try:
        host.do("systemd-run --quiet --unit=by-hand --property=Type=exec legerd bootstrap")
        host.wait(f'test "$({STATE})" = start-pre')
        host.do("systemctl stop legerd.service")
        host.wait("systemctl is-failed by-hand.service")
        told = host.do("journalctl --output=cat --unit=by-hand.service")
        assert "error: leger's services were stopped while they were to start." in told
        assert host.run("systemctl is-active leger-pod.service").code != 0
        host.do(f"rm {DROP_IN}")
        host.do("systemctl daemon-reload && systemctl start legerd.service")
        status = json.loads(host.do("legerd status --json"))
        assert status["refused"] is None
        assert status["configuration"]["in_force"] is True
        assert "127.0.0.1:8090" in host.do("systemctl show -p Listen leger-setec.socket")
    finally:
        host.do(f"rm -f {DROP_IN}")
        host.run("systemctl reset-failed by-hand.service")  # there is none if it never failed
        host.do(f"cat > {FILE}", stdin=before)
        host.do("systemctl daemon-reload; systemctl start legerd.service; legerd bootstrap")
