"""Who may call what: the complete table of this service's methods."""

from leger_runtime.interceptors import Policy
from leger_runtime.principals import Role

DEPLOYER_SERVICE = "leger.deployer.v1.DeployerService"

_OPERATOR = frozenset({Role.OPERATOR})

POLICY: Policy = {
    f"/{DEPLOYER_SERVICE}/StageStack": _OPERATOR,
    f"/{DEPLOYER_SERVICE}/PlanStack": _OPERATOR,
    f"/{DEPLOYER_SERVICE}/ApplyPlan": _OPERATOR,
    f"/{DEPLOYER_SERVICE}/RemoveStack": _OPERATOR,
    f"/{DEPLOYER_SERVICE}/ListStacks": _OPERATOR,
    f"/{DEPLOYER_SERVICE}/GetStatus": _OPERATOR,
    f"/{DEPLOYER_SERVICE}/ControlServices": _OPERATOR,
    f"/{DEPLOYER_SERVICE}/StreamLogs": _OPERATOR,
    f"/{DEPLOYER_SERVICE}/RolloutSecret": _OPERATOR,
}
