"""Which builds there are, and that they do not belong together."""

from leger_cli import builds
from leger_cli.views import version as view
from leger_runtime.errors import ServiceUnavailable
from unit.cli.conftest import Written

BUILD = builds.Build(version="1.2.3", commit="a" * 40, packages=("leger.x.v1",), store_schema=2)
MISMATCH = "The secrets service is 1.2.2, and this leger is 1.2.3."


def test_a_build_is_told_with_all_that_it_is_and_a_silent_service_with_what_it_does(
    pipe: Written,
) -> None:
    silent = ServiceUnavailable("It is stopped.", why="Nobody knows.", next_step="Start it.")
    view.versions(BUILD, {"secrets": silent})
    assert (
        pipe()
        == f"""\
leger 1.2.3
  commit  {"a" * 40}
  API     leger.x.v1
  schema  2
secrets: It is stopped.
"""
    )


def test_a_mismatch_leads_to_the_doctor(pipe: Written) -> None:
    view.warn([MISMATCH], refused=None)
    assert pipe() == f"\nwarning: {MISMATCH}\n→ leger doctor\n"


def test_an_upgrade_that_was_taken_back_is_the_reason(pipe: Written) -> None:
    view.warn([MISMATCH], refused={"why": "It did not start.", "next": "Install another."})
    assert (
        pipe()
        == f"""
warning: {MISMATCH} The version that is installed was tried and taken back.
  It did not start.
→ Install another.
"""
    )
