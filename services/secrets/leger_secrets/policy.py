"""Who may call what: the complete table of this service's methods."""

from dataclasses import dataclass

from leger_runtime.interceptors import Policy
from leger_runtime.principals import Role

from leger_secrets.domain.audit import Action

SECRETS_SERVICE = "leger.secrets.v1.SecretsService"
BINDINGS_SERVICE = "leger.secrets.v1.BindingsService"


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
    f"/{SECRETS_SERVICE}/ActivateSecretVersion": Rule(Action.ACTIVATE, _OPERATOR),
    f"/{SECRETS_SERVICE}/DeleteSecret": Rule(Action.DELETE, _OPERATOR),
    f"/{SECRETS_SERVICE}/DeleteSecretVersion": Rule(Action.DELETE_VERSION, _OPERATOR),
    f"/{BINDINGS_SERVICE}/BindStack": Rule(Action.BIND, _DEPLOYER),
    f"/{BINDINGS_SERVICE}/ListBindings": Rule(Action.LIST, _BOTH),
    f"/{BINDINGS_SERVICE}/ListRefusals": Rule(Action.LIST, _BOTH),
}

POLICY: Policy = {method: rule.roles for method, rule in RULES.items()}
