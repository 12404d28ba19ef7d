"""Bringing a host from "the package is installed" to "the services answer"."""

from collections.abc import Callable
from pathlib import Path

from leger_runtime.errors import Kind, LegerError

from leger_bootstrap import image, quadlets, requirements, root_key
from leger_bootstrap.commands import Outcome, Run, require
from leger_bootstrap.root_key import RootKey
from leger_bootstrap.scope import Scope

# In start order; starting a container of the pod starts the pod.
UNITS = ("leger-pod.service", "leger-secrets.service", "leger-deployer.service")


class PodNotStarted(LegerError):
    """Everything is in place, but a service of the pod does not come up."""

    kind, reason = Kind.UNAVAILABLE, "POD_NOT_STARTED"


def bootstrap(
    scope: Scope,
    *,
    share: Path,
    run: Run,
    say: Callable[[str], None],
    why_sealed: Callable[[Scope], str],
) -> None:
    """Load the image, make the key once, place the units, start the pod, wait until it is ready.

    Safe to run again at any time: what is in place is left alone, and a pod that runs what is
    installed is not restarted. Raises a LegerError; what was done until then is kept, as the next
    run goes on from there. A sealed store is said and is no failure: the pod runs, and only a
    person can help.
    """
    requirements.check(run)
    _make_directories(scope)
    reference = image.ensure(share / "image", run)
    say(f"image {reference} is loaded")
    key = root_key.ensure(scope, run)
    say(_about_key(key))
    wanted = quadlets.for_host(
        quadlets.read_shipped(share / "quadlets"), scope=scope, image=reference, key=key
    )
    changed = quadlets.place(wanted, scope.quadlets / quadlets.DIRECTORY)
    say(f"units are {'placed' if changed else 'in place'}: {scope.quadlets / quadlets.DIRECTORY}")
    if changed:
        require(
            run([*scope.systemctl, "daemon-reload"], b""),
            what="systemd did not read the new units.",
            next_step="Check `systemctl status`, then run `legerd bootstrap` again.",
        )
    # A restart is due only for a pod that runs something else than what is installed now.
    verb = "restart" if changed and _is_active(scope, run) else "start"
    outcome = run([*scope.systemctl, verb, *UNITS], b"")
    if outcome.status != 0:
        raise _not_started(scope, outcome)
    say("the services are ready")
    if why := why_sealed(scope):
        say(f"the secrets store is sealed, and no unit gets a secret. {why}")


def _make_directories(scope: Scope) -> None:
    for directory in (scope.data, scope.secrets_data):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
    # It is mounted; what is in it is the operator's, and no secret.
    scope.config.mkdir(parents=True, exist_ok=True)
    (scope.quadlets / "leger").mkdir(parents=True, exist_ok=True)


def _about_key(key: RootKey | None) -> str:
    if key is None:
        return "there is no root key: a passphrase opens the store"
    return f"root key is {'sealed' if key.sealed else 'a file of mode 0600'}: {key.path}"


def _is_active(scope: Scope, run: Run) -> bool:
    return run([*scope.systemctl, "is-active", "--quiet", UNITS[0]], b"").status == 0


def _not_started(scope: Scope, outcome: Outcome) -> PodNotStarted:
    selector = "-u" if scope.is_system else "--user-unit"
    units = " ".join(f"{selector} {unit}" for unit in UNITS)
    return PodNotStarted(
        "leger's services did not start.",
        why=outcome.complaint or "systemd gave no reason.",
        next_step=f"Read why: `journalctl -b {units}`.",
    )
