"""Who may call what, and how much at once: the complete tables of this service's methods."""

from dataclasses import dataclass

from leger_runtime.interceptors import Policy
from leger_runtime.principals import Role

from leger_secrets.domain import watch_slots
from leger_secrets.domain.audit import Action

SECRETS_SERVICE = "leger.secrets.v1.SecretsService"
BINDINGS_SERVICE = "leger.secrets.v1.BindingsService"
ACCESS_SERVICE = "leger.secrets.v1.AccessService"
AUDIT_SERVICE = "leger.secrets.v1.AuditService"
STORE_SERVICE = "leger.secrets.v1.StoreService"
BACKUP_SERVICE = "leger.secrets.v1.BackupService"

NEED_THE_STORE = (SECRETS_SERVICE, BINDINGS_SERVICE, ACCESS_SERVICE)
"""Services most of whose methods fail while the store is sealed."""


@dataclass(frozen=True)
class Rule:
    """The roles that may call a method, and the action it is, for the audit of a refusal."""

    action: Action
    roles: frozenset[Role]


_OPERATOR = frozenset({Role.OPERATOR})
_DEPLOYER = frozenset({Role.DEPLOYER})
_BOTH = _OPERATOR | _DEPLOYER

RULES = {
    f"/{SECRETS_SERVICE}/PutSecret": Rule(Action.PUT, _OPERATOR),
    f"/{SECRETS_SERVICE}/GetSecret": Rule(Action.GET, _OPERATOR),
    f"/{SECRETS_SERVICE}/ResolveSecrets": Rule(Action.GET, _OPERATOR),
    f"/{SECRETS_SERVICE}/GetSecretInfo": Rule(Action.INFO, _BOTH),
    f"/{SECRETS_SERVICE}/ListSecrets": Rule(Action.LIST, _BOTH),
    f"/{SECRETS_SERVICE}/CreateSecretVersion": Rule(Action.CREATE_VERSION, _OPERATOR),
    f"/{SECRETS_SERVICE}/ActivateSecretVersion": Rule(Action.ACTIVATE, _BOTH),
    f"/{SECRETS_SERVICE}/DeleteSecret": Rule(Action.DELETE, _OPERATOR),
    f"/{SECRETS_SERVICE}/DeleteSecretVersion": Rule(Action.DELETE_VERSION, _OPERATOR),
    f"/{SECRETS_SERVICE}/UpdateSecret": Rule(Action.UPDATE, _OPERATOR),
    f"/{SECRETS_SERVICE}/GenerateSecret": Rule(Action.PUT, _OPERATOR),
    f"/{SECRETS_SERVICE}/ImportSecrets": Rule(Action.PUT, _OPERATOR),
    f"/{SECRETS_SERVICE}/WatchSecrets": Rule(Action.WATCH, _OPERATOR),
    f"/{BINDINGS_SERVICE}/BindStack": Rule(Action.BIND, _DEPLOYER),
    f"/{BINDINGS_SERVICE}/ListBindings": Rule(Action.LIST, _BOTH),
    f"/{BINDINGS_SERVICE}/ListRefusals": Rule(Action.LIST, _BOTH),
    f"/{ACCESS_SERVICE}/CheckAccess": Rule(Action.LIST, _OPERATOR),
    f"/{ACCESS_SERVICE}/GetPolicy": Rule(Action.LIST, _OPERATOR),
    f"/{ACCESS_SERVICE}/CreateToken": Rule(Action.CREATE_TOKEN, _OPERATOR),
    f"/{ACCESS_SERVICE}/ListTokens": Rule(Action.LIST, _OPERATOR),
    f"/{ACCESS_SERVICE}/RevokeToken": Rule(Action.REVOKE_TOKEN, _OPERATOR),
    f"/{AUDIT_SERVICE}/ReadAudit": Rule(Action.LIST, _OPERATOR),
    f"/{AUDIT_SERVICE}/VerifyAudit": Rule(Action.LIST, _OPERATOR),
    f"/{STORE_SERVICE}/GetStoreStatus": Rule(Action.INFO, _BOTH),
    f"/{STORE_SERVICE}/UnsealStore": Rule(Action.UNSEAL, _OPERATOR),
    f"/{STORE_SERVICE}/SealStore": Rule(Action.SEAL, _OPERATOR),
    f"/{STORE_SERVICE}/RekeyStore": Rule(Action.REKEY, _OPERATOR),
    f"/{BACKUP_SERVICE}/BackupStore": Rule(Action.BACKUP, _OPERATOR),
    f"/{BACKUP_SERVICE}/RestoreStore": Rule(Action.RESTORE, _OPERATOR),
    f"/{BACKUP_SERVICE}/ListBackups": Rule(Action.LIST, _OPERATOR),
    f"/{BACKUP_SERVICE}/SetRecoveryRecipients": Rule(Action.UPDATE, _OPERATOR),
}

POLICY: Policy = {method: rule.roles for method, rule in RULES.items()}

# Besides those that are served, some must be told that there are too many.
_WATCHES = watch_slots.LIMIT + 4

LASTING = {
    f"/{SECRETS_SERVICE}/WatchSecrets": _WATCHES,
    f"/{AUDIT_SERVICE}/ReadAudit": 2 * _WATCHES,  # followed or not
    # Few, as each takes several times the backup's size in memory.
    f"/{BACKUP_SERVICE}/BackupStore": 4,
    f"/{BACKUP_SERVICE}/RestoreStore": 4,
}
"""The streaming methods, and how many calls of each are served at once."""
