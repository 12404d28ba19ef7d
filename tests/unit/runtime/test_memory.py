import subprocess
import sys

PR_GET_DUMPABLE = 3
ASK = f"import ctypes; print(ctypes.CDLL(None).prctl({PR_GET_DUMPABLE}, 0, 0, 0, 0))"


def test_a_process_that_forbids_dumps_has_none() -> None:
    script = f"from leger_runtime import memory; print(memory.forbid_dumps())\n{ASK}"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["True", "0"]


def test_a_program_in_its_place_is_as_any_other() -> None:
    script = (
        "import os, sys; from leger_runtime import memory; memory.forbid_dumps()\n"
        f"os.execv(sys.executable, [sys.executable, '-c', {ASK!r}])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "1\n"
