"""What the checks found, at a terminal of 80 columns and in a pipe."""

from leger_cli.checks.finding import ok, problem, skipped, warning
from leger_cli.views import doctor as view
from unit.cli.conftest import Written

FOUND = [
    ("podman", ok("podman version 5.4.2")),
    ("secrets", problem("It is stopped.", "Start it: `systemctl start leger-secrets`.")),
    ("store", skipped("The secrets service does not answer.")),
    ("recovery key", warning("There is none.", "`leger secrets recovery-key`")),
]


def test_a_terminal_shows_a_table_with_what_to_do_below_each_finding(terminal: Written) -> None:
    view.diagnosis(FOUND)
    assert (
        terminal()
        == """\
   CHECK         FINDING
✓  podman        podman version 5.4.2
✗  secrets       It is stopped.
                 → Start it: `systemctl start leger-secrets`.
-  store         The secrets service does not answer.
!  recovery key  There is none.
                 → `leger secrets recovery-key`
1 problem, 1 warning.
"""
    )


def test_a_pipe_gets_a_line_a_check(pipe: Written) -> None:
    view.diagnosis(FOUND[:2])
    assert (
        pipe()
        == """\
ok: podman: podman version 5.4.2
problem: secrets: It is stopped.
  → Start it: `systemctl start leger-secrets`.
1 problem.
"""
    )


def test_a_healthy_host_is_told_so(pipe: Written) -> None:
    view.diagnosis(FOUND[:1])
    assert pipe().endswith("\nAll is well.\n")
