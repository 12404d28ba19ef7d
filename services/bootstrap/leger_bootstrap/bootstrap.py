"""Bringing a host from "the package is installed" to "the services answer"."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from leger_runtime.errors import Kind, LegerError

from leger_bootstrap import (
    configuration,
    directory_lock,
    image,
    installed,
    requirements,
    root_key,
)
from leger_bootstrap.commands import Run
from leger_bootstrap.configuration import Configuration, ConfigurationInvalid
from leger_bootstrap.health import Health
from leger_bootstrap.pod import Pod
from leger_bootstrap.release import Refusal
from leger_bootstrap.root_key import RootKey
from leger_bootstrap.scope import Scope
from leger_bootstrap.upgrade import Upgrade

# Its start runs `legerd bootstrap`, and so does its reload.
_UNIT = "legerd.service"


class UpgradeRefused(LegerError):
    """The installed version was not well, now or when it was tried; the one before runs."""

    kind, reason = Kind.CONFLICT, "UPGRADE_REFUSED"


class ConfigurationRefused(LegerError):
    """With what leger.toml says the services were not well; they run as they did before."""

    kind, reason = Kind.CONFLICT, "CONFIGURATION_REFUSED"


def bootstrap(
    scope: Scope,
    *,
    share: Path,
    run: Run,
    say: Callable[[str], None],
    ask: Callable[[Scope], Health],
    retry: bool = False,
    is_of_unit: bool = False,
) -> None:
    """Load the image, make the key once, place the units, start the pod, wait until it is ready.

    Safe to run again at any time: what is in place is left alone, and a pod that runs what is
    installed is not restarted. A pod that runs something else is restarted with what is installed;
    if that is not well, with what was healthy before. The same is not tried again then, but with
    `retry`. Each time it raises UpgradeRefused or ConfigurationRefused, unless this is the process
    of a unit (`is_of_unit`), and legerd.service is just starting: the services run, which is all
    that a start asks for, so that it is only said.

    Raises ConfigurationInvalid before anything is done; a start has what was healthy run first, if
    there is something, and only says it. Raises another LegerError; what was done until then is
    kept, as the next run goes on from there. A sealed store is said and is no failure: the pod
    runs, and only a person can help.
    """
    requirements.check(run)

    def is_start() -> bool:
        return is_of_unit and _is_starting(scope, run)

    decided: Configuration | ConfigurationInvalid
    try:
        decided = configuration.read(scope)
    except ConfigurationInvalid as mistake:
        if not is_start():
            raise
        decided = mistake
    # A unit, a person and a purge may all come at once.
    with directory_lock.waiting(scope.data):
        _make_directories(scope)
        pod = Pod(scope=scope, run=run)
        upgrade = Upgrade(scope=scope, run=run, pod=pod, ask=ask, say=say, clock=_now)
        refused: Refusal | ConfigurationInvalid | None
        if isinstance(decided, ConfigurationInvalid):
            refused = decided
            if not upgrade.hold():
                raise decided
        else:
            # Before anything is stopped: it takes a while.
            reference = image.ensure(share / "image", run)
            say(f"image {reference} is loaded")
            key = root_key.ensure(scope, run)
            say(_about_key(key))
            wanted = installed.as_configured(
                decided, scope=scope, share=share, image=reference, key=key
            )
            refused = upgrade.settle(wanted, retry=retry)
    say("the services are ready")
    found = ask(scope)
    if found.seal_reason:
        say(
            "the secrets store is sealed, and no unit gets a secret."
            f" {found.seal} {found.seal_next_step}"
        )
    if refused:
        error = refused if isinstance(refused, LegerError) else _taken_back(refused, found, scope)
        if retry or not is_start():
            raise error
        say(f"{error} {error.next_step}")


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


def _taken_back(refused: Refusal, now: Health, scope: Scope) -> LegerError:
    """Return the error that says why what is wanted does not run, and how what runs is `now`."""
    # The way back may have sealed it: it is a restart, after which a passphrase is needed.
    but = ", but the secrets store is sealed" if now.seal_reason else ""
    if refused.what == "configuration":
        return ConfigurationRefused(
            f"What {configuration.path(scope)} says was tried and taken back.",
            why=f"{refused.why} The services run on as they did{but}.",
            next_step=refused.next_step,
        )
    return UpgradeRefused(
        f"The installed version does not run: with its image {refused.image} it was not well.",
        why=f"{refused.why} The version before serves on{but}.",
        next_step=refused.next_step,
    )


def _is_starting(scope: Scope, run: Run) -> bool:
    """Tell whether systemd is starting legerd.service: at a boot, mostly, and not at a reload."""
    shown = run([*scope.systemctl, "show", "--value", "--property=ActiveState", _UNIT], b"")
    return shown.output.strip() == b"activating"


def _now() -> datetime:
    return datetime.now(UTC)
