"""A process that re-keys a store while it is written to, and kills itself at one step of it.

    python -m contract.secrets.dying_rekey STATE_DIR KEY_FILE STEP

It prints each value that was confirmed, a line each, and "done" when STEP was never reached.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from leger_secrets.adapters import key_file
from leger_secrets.adapters.audit_file import AuditFile
from leger_secrets.adapters.sealable_store import SealableSecretStore
from leger_secrets.adapters.store_files import StoreFiles
from leger_secrets.adapters.store_seal import StoreSeal
from leger_secrets.domain.stored import Author
from leger_secrets.domain.value import SecretValue

# The calls that change something on the disk, of those that are not SQLite's.
STEPS = ("fsync", "open", "pwrite", "rename", "unlink")


def now() -> datetime:
    return datetime.now(UTC)


def die_at(step: int) -> None:
    """Kill this process right before one of its next system calls."""
    main, passed = threading.get_ident(), 0

    def stepping(call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            nonlocal passed
            if threading.get_ident() == main:
                passed += 1
                if passed == step:
                    os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments, **options)

        return run

    for name in STEPS:
        setattr(os, name, stepping(getattr(os, name)))


def write(store: SealableSecretStore, name: str, number: int) -> None:
    with store.writing(Author("operator:root", now())) as view:
        view.add_version(name, number, SecretValue(f"{name}-{number}".encode()))
    sys.stdout.write(f"{name} {number}\n")
    sys.stdout.flush()


def main() -> None:
    directory, key, step = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    audit = AuditFile(path=directory / "audit.log", clock=now)
    files = StoreFiles(
        directory=directory, root_key=partial(key_file.read, key), audit=audit, clock=now
    )
    store = SealableSecretStore(database=files.database, on_change=lambda _: None)
    seal = StoreSeal(store=store, files=files)
    with seal.unsealing(SecretValue(b""), accept_rollback=False, begin_audit_log=None):
        pass
    name = f"s{step}"
    write(store, name, 1)
    ended = threading.Event()

    def keep_writing() -> None:
        number = 1
        while not ended.is_set():
            number += 1
            write(store, name, number)

    writer = threading.Thread(target=keep_writing, daemon=True)
    writer.start()
    die_at(step)
    with seal.rekeying(None, SecretValue(b"")):
        pass
    ended.set()
    writer.join()
    sys.stdout.write("done\n")


if __name__ == "__main__":
    main()
