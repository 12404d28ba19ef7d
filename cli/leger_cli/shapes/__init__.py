"""The JSON that `--json` prints, as types. docs/reference/cli.md is generated from them.

A field that is here stays, with its meaning; new ones may come. Times are RFC 3339 in UTC. What is
not known is null or empty.
"""

from typing import TypedDict

from leger_cli.shapes import access, audit, backups, doctor, secrets, stacks, store, version


class Completion(TypedDict):
    """What `leger completion` prints."""

    shell: str
    script: str


# Which command prints which. None is for a command whose output is not leger's.
RESULTS: dict[str, type | None] = {
    "secrets put": secrets.SecretPut,
    "secrets generate": secrets.SecretGenerated,
    "secrets get": secrets.SecretValue,
    "secrets import": secrets.SecretsImported,
    "secrets export": secrets.SecretsExported,
    "secrets list": secrets.SecretList,
    "secrets info": secrets.SecretDetails,
    "secrets update": secrets.Secret,
    "secrets watch": secrets.SecretChange,
    "secrets activate": secrets.SecretActivated,
    "secrets rotate": secrets.SecretRotated,
    "secrets rollback": secrets.SecretRotated,
    "secrets delete": secrets.SecretDeleted,
    "secrets status": store.StoreStatus,
    "secrets seal": store.StoreSealed,
    "secrets unseal": store.StoreUnsealed,
    "secrets rekey": store.StoreRekeyed,
    "secrets backup": backups.BackupMade,
    "secrets backups": backups.BackupList,
    "secrets recovery-key": backups.RecoveryKeys,
    "secrets restore": backups.Restored,
    "secrets can": access.Verdict,
    "secrets policy": access.Policy,
    "run": None,
    "auth token create": access.TokenMade,
    "auth token list": access.TokenList,
    "auth token revoke": access.TokenRevoked,
    "audit list": audit.AuditLog,
    "audit verify": audit.AuditVerified,
    "deploy install": stacks.Installed,
    "deploy list": stacks.StackList,
    "deploy remove": stacks.Removed,
    "status": stacks.Status,
    "services list": stacks.Services,
    "services start": stacks.Services,
    "services stop": stacks.Services,
    "services restart": stacks.Services,
    "services logs": stacks.LogLine,
    "validate": stacks.Validated,
    "doctor": doctor.Diagnosis,
    "completion": Completion,
    "version": version.Versions,
}
