"""Bringing a host from "the package is installed" to "the services answer"."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from leger_runtime.errors import Kind, LegerError
from leger_runtime.version import STORE_SCHEMA

from leger_bootstrap import image, quadlets, requirements, root_key
from leger_bootstrap.commands import Run
from leger_bootstrap.health import Health
from leger_bootstrap.pod import Pod
from leger_bootstrap.release import Refusal, Release
from leger_bootstrap.root_key import RootKey
from leger_bootstrap.scope import Scope
from leger_bootstrap.upgrade import Upgrade


class UpgradeRefused(LegerError):
    """The installed version was tried once more, and is not well still."""

    kind, reason = Kind.CONFLICT, "UPGRADE_REFUSED"


def bootstrap(
    scope: Scope,
    *,
    share: Path,
    run: Run,
    say: Callable[[str], None],
    ask: Callable[[Scope], Health],
    retry: bool = False,
) -> None:
    """Load the image, make the key once, place the units, start the pod, wait until it is ready.

    Safe to run again at any time: what is in place is left alone, and a pod that runs what is
    installed is not restarted. A pod that runs something else is restarted with what is installed;
    if that is not well, with what was healthy before, which is said and is no failure: the services
    run. The same is not tried again then, but with `retry`, which raises UpgradeRefused.

    Raises a LegerError; what was done until then is kept, as the next run goes on from there. A
    sealed store is said and is no failure: the pod runs, and only a person can help.
    """
    requirements.check(run)
    _make_directories(scope)
    with _alone(scope):
        # Before anything is stopped: it takes a while.
        reference = image.ensure(share / "image", run)
        say(f"image {reference} is loaded")
        key = root_key.ensure(scope, run)
        say(_about_key(key))
        wanted = Release(
            image=reference,
            store_schema=STORE_SCHEMA,
            units=quadlets.for_host(
                quadlets.read_shipped(share / "quadlets"), scope=scope, image=reference, key=key
            ),
        )
        pod = Pod(scope=scope, run=run)
        upgrade = Upgrade(scope=scope, run=run, pod=pod, ask=ask, say=say, clock=_now)
        refused = upgrade.settle(wanted, retry=retry)
    say("the services are ready")
    found = ask(scope)
    if found.seal_reason:
        say(
            "the secrets store is sealed, and no unit gets a secret."
            f" {found.seal} {found.seal_next_step}"
        )
    if refused:
        _tell(refused, say=say, retry=retry)


def _make_directories(scope: Scope) -> None:
    for directory in (scope.data, scope.secrets_data):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
    # It is mounted; what is in it is the operator's, and no secret.
    scope.config.mkdir(parents=True, exist_ok=True)
    (scope.quadlets / "leger").mkdir(parents=True, exist_ok=True)


@contextmanager
def _alone(scope: Scope) -> Iterator[None]:
    """Wait until no other process works on the scope's pod: a unit and a person may both."""
    descriptor = os.open(scope.data, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _about_key(key: RootKey | None) -> str:
    if key is None:
        return "there is no root key: a passphrase opens the store"
    return f"root key is {'sealed' if key.sealed else 'a file of mode 0600'}: {key.path}"


def _tell(refused: Refusal, *, say: Callable[[str], None], retry: bool) -> None:
    what = f"The installed version does not run: its image {refused.image} was not well."
    if retry:
        raise UpgradeRefused(
            what,
            why=f"The version before serves on. {refused.why}",
            next_step="Install a version that works, or mend the cause and run this again.",
        )
    say(f"{what} {refused.why} The version before serves on. {refused.next_step}")


def _now() -> datetime:
    return datetime.now(UTC)
