import subprocess
import sys

CHECK = """
import ctypes, os, resource
from leger_secrets.adapters import process
weaknesses = process.harden()
PR_GET_DUMPABLE = 3
print(ctypes.CDLL(None).prctl(PR_GET_DUMPABLE, 0, 0, 0, 0))
print(resource.getrlimit(resource.RLIMIT_CORE))
print(oct(os.umask(0)))
locked = any(l.startswith("VmLck") and " 0 kB" not in l for l in open("/proc/self/status"))
swaps = len(open("/proc/swaps").readlines()) > 1
print((not locked and swaps) == any("not locked" in weakness for weakness in weaknesses))
"""


def test_a_hardened_process_leaves_no_core_and_cannot_be_traced() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHECK],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["0", "(0, 0)", "0o77", "True"]
