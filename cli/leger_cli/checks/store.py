"""The store of secrets: whether it is open, protected, logged and backed up."""

import os
import time
from typing import TYPE_CHECKING

from leger_runtime.errors import LegerError

from leger_cli import systemd
from leger_cli.checks.finding import Check, Finding, of_error, ok, problem, skipped, warning
from leger_cli.checks.patient import Patient
from leger_cli.legerd import RootKeyMissing
from leger_cli.views import words

if TYPE_CHECKING:
    from leger.secrets.v1.backup_pb2 import ListBackupsResponse
    from leger.secrets.v1.store_pb2 import GetStoreStatusResponse

_SILENT = "The secrets service does not answer."
_ENOUGH = 1_000_000_000  # bytes
_TOO_LITTLE = 100_000_000
# A backup is made every day; a machine that was off makes up for it when it is on again.
_LATE = 2 * 86_400  # seconds
_WEAK = {
    "file": "It is a file that whoever reads the disk can read.",
    "null-key": "It is sealed with an empty key: whoever reads the disk has it.",
}


def seal(patient: Patient) -> Finding:
    """Look whether the store is open."""
    store = patient.store
    if isinstance(store, LegerError):
        return skipped(_SILENT)
    if store.sealed:
        return problem(f"It is sealed. {store.seal_what} {store.seal_why}", store.seal_next_step)
    return ok(f"open, {words.counted(store.secrets, 'secret')}, schema {store.schema_version}")


def key(patient: Patient) -> Finding:
    """Look what protects the root key from whoever reads the disk."""
    found = patient.root_key
    if found is None:
        return skipped("Only `legerd key status` of the account that it belongs to says it.")
    if isinstance(found, RootKeyMissing):
        return problem(str(found), _fix_of_missing_key(patient))
    if isinstance(found, LegerError):
        return skipped(str(found))
    if found["unlock"] == "passphrase":
        return ok("a passphrase opens the store")
    protection = found["protection"]
    if protection == "none":
        return skipped("There is none yet: legerd.service makes it, for a store that is new.")
    if protection in _WEAK:
        return warning(_WEAK[protection], "Encrypt the disk, or set a passphrase:"
                       " `leger secrets rekey --passphrase`.")  # fmt: skip
    return ok(f"sealed: {protection}")


def _fix_of_missing_key(patient: Patient) -> str:
    silence = patient.builds["secrets"]
    if isinstance(silence, RootKeyMissing):
        return silence.next_step
    # The service has the key in memory until it ends.
    return (
        "Put it back from a backup of this host. If there is none, do not restart the service, have"
        " a passphrase open the store from now on, `leger secrets rekey --passphrase`, and then run"
        f" `{systemd.systemctl(patient.session)} reload {systemd.LEGERD}`."
    )


def memory(patient: Patient) -> Finding:
    """Look whether the host lets the service keep its memory from the disk and from others."""
    store = patient.store
    if isinstance(store, LegerError):
        return skipped(_SILENT)
    if store.weaknesses:
        return warning(
            " ".join(store.weaknesses), "Use no swap, or encrypted swap; or allow locked memory."
        )
    return ok("locked, and closed to others")


def audit(patient: Patient) -> Finding:
    """Look whether the audit log is whole."""
    store, found = patient.store, patient.audit
    if isinstance(store, LegerError):
        return skipped(_SILENT)
    if store.audit_problem:
        return problem(f"Requests are refused: {store.audit_problem}", store.audit_next_step)
    if isinstance(found, LegerError):
        return of_error(found)
    if not found.intact:
        return problem(
            f"It is broken, in {found.file} at line {found.line}: {found.problem}",
            "See what that means: `leger audit verify`.",
        )
    return ok(f"whole, {words.counted(found.lines, 'line')}")


def space(patient: Patient) -> Finding:
    """Look whether the disk has room for the log, without which nothing is answered."""
    if patient.own_status is None:
        return skipped("`legerd status` has to say where the state is.")
    directory = patient.own_status["directories"]["secrets"]
    try:
        disk = os.statvfs(directory)
    except OSError as error:
        return skipped(f"{directory}: {error.strerror}.")
    free = disk.f_bavail * disk.f_frsize
    said = f"{words.size(free)} free at {directory}"
    if free >= _ENOUGH:
        return ok(said)
    fix = "Make room: when the audit log cannot be written, no secret is handed out."
    return problem(f"{said}.", fix) if free < _TOO_LITTLE else warning(f"{said}.", fix)


def backups(patient: Patient) -> Finding:
    """Look whether backups are made."""
    store, units = patient.store, patient.units
    systemctl = systemd.systemctl(patient.session)
    if units and units["leger-backup.service"]["ActiveState"] == "failed":
        return problem(
            "The last scheduled backup failed.",
            f"Read `{systemd.journalctl(patient.session)} -u leger-backup.service -n 20`, then"
            f" run `{systemctl} start leger-backup.service`.",
        )
    if isinstance(store, LegerError):
        return skipped(_SILENT)
    if units and units["leger-backup.timer"]["ActiveState"] != "active":
        return problem(
            "No backup is scheduled: leger-backup.timer does not run.",
            f"Run `{systemctl} start leger-backup.timer`.",
        )
    return _age(store)


def recovery(patient: Patient) -> Finding:
    """Look whether backups can be opened when this machine is gone."""
    found: ListBackupsResponse | LegerError = patient.backups
    if isinstance(found, LegerError) or found.sealed:
        return skipped("Only an open store knows.")
    if not found.recovery_recipients:
        return warning(
            "Backups open on this machine alone: when it is lost, they are worthless.",
            "Make a recovery key, and keep it elsewhere: `leger secrets recovery-key`.",
        )
    return ok(words.counted(len(found.recovery_recipients), "recovery key"))


def _age(store: "GetStoreStatusResponse") -> Finding:
    fix = "Make one now: `leger secrets backup --scheduled`."
    if not store.HasField("last_backup_time"):
        if not store.secrets:
            return ok("scheduled; there is nothing to back up yet")
        return warning("None was made yet.", fix)
    age = time.time() - store.last_backup_time.seconds
    if age > _LATE:
        return warning(f"The last one is {words.span(age)} old.", fix)
    return ok(f"scheduled; the last one is {words.span(age)} old")


CHECKS = (
    Check("store", seal),
    Check("root key", key),
    Check("memory", memory),
    Check("audit log", audit),
    Check("disk space", space),
    Check("backups", backups),
    Check("recovery key", recovery),
)
