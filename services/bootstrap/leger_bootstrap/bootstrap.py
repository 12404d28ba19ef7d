"""Bringing a host from "the package is installed" to "the services answer"."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from leger_runtime.errors import Kind, LegerError
from leger_runtime.version import STORE_SCHEMA

from leger_bootstrap import (
    configuration,
    directory_lock,
    http_socket,
    image,
    quadlets,
    release,
    requirements,
    root_key,
)
from leger_bootstrap.commands import Run
from leger_bootstrap.health import Health
from leger_bootstrap.pod import Pod
from leger_bootstrap.release import Record, Refusal, Release
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

    Raises ConfigurationInvalid before anything is done. Raises another LegerError; what was done
    until then is kept, as the next run goes on from there. A sealed store is said and is no
    failure: the pod runs, and only a person can help.
    """
    requirements.check(run)
    decided = configuration.read(scope)
    # A unit, a person and a purge may all come at once.
    with directory_lock.waiting(scope.data):
        _make_directories(scope)
        # Before anything is stopped: it takes a while.
        reference = image.ensure(share / "image", run)
        say(f"image {reference} is loaded")
        key = root_key.ensure(scope, run)
        say(_about_key(key))
        wanted = Release(
            image=reference,
            store_schema=STORE_SCHEMA,
            units=quadlets.for_host(
                quadlets.read_shipped(share / "quadlets"),
                scope=scope,
                image=reference,
                key=key,
                configuration=decided,
            ),
            http_socket=http_socket.text(decided, leger_toml=configuration.path(scope)),
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
        _tell(refused, release.read(scope), say=say, retry=retry)


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


def _tell(refused: Refusal, record: Record, *, say: Callable[[str], None], retry: bool) -> None:
    if record.healthy and record.healthy.image == refused.image:
        what, before = "The services were not well as they are configured.", "What was before"
    else:
        what = f"The installed version does not run: its image {refused.image} was not well."
        before = "The version before"
    if retry:
        raise UpgradeRefused(
            what, why=f"{before} serves on. {refused.why}", next_step=refused.next_step
        )
    say(f"{what} {refused.why} {before} serves on. {refused.next_step}")


def _now() -> datetime:
    return datetime.now(UTC)
