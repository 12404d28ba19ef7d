"""From the services' messages to the shapes of `--json`."""

from leger_cli.convert.access import policy, token, token_made, verdict
from leger_cli.convert.audit import audit_entry, audit_verified
from leger_cli.convert.backups import backup_list, backup_made, restored
from leger_cli.convert.secrets import (
    exported,
    handed_out,
    import_change,
    imported,
    secret,
    secret_change,
    secret_value,
    watch_change,
)
from leger_cli.convert.stacks import (
    applied,
    kind,
    log_line,
    plan,
    removed,
    services,
    stack,
    state,
)
from leger_cli.convert.store import store_status, unlock
from leger_cli.convert.version import build

__all__ = [
    "applied",
    "audit_entry",
    "audit_verified",
    "backup_list",
    "backup_made",
    "build",
    "exported",
    "handed_out",
    "import_change",
    "imported",
    "kind",
    "log_line",
    "plan",
    "policy",
    "removed",
    "restored",
    "secret",
    "secret_change",
    "secret_value",
    "services",
    "stack",
    "state",
    "store_status",
    "token",
    "token_made",
    "unlock",
    "verdict",
    "watch_change",
]
