"""The store itself: its state, its seal and its keys."""

from typing import TYPE_CHECKING, Annotated

import typer
from leger_runtime.errors import LegerError

from leger_cli import output, parser
from leger_cli.commands.secrets.app import app
from leger_cli.context import PATIENCE, Session

if TYPE_CHECKING:
    from leger.secrets.v1.store_pb2 import RekeyStoreRequest


@app.command(cls=parser.LegerCommand, epilog="leger secrets status\nleger secrets status --json")
def status(context: typer.Context) -> None:
    """Show how the store is: open or sealed, and why.

    Besides: what opens it, its revision, how many secrets it has, the age of its key, its size
    and its last scheduled backup, and what the host does not let leger do to protect the
    service's memory. `legerd key status` tells about the root key.
    """
    from leger.secrets.v1.store_pb2 import GetStoreStatusRequest

    session: Session = context.obj
    with session.store() as client:
        answer = client.GetStoreStatus(GetStoreStatusRequest(), timeout=PATIENCE)
    if session.as_json:
        from leger_cli import convert

        output.json(convert.store_status(answer))
    else:
        from leger_cli.views import store as view

        view.status(answer)


@app.command(
    cls=parser.ConfidentialCommand,
    epilog="leger secrets unseal\nleger secrets unseal --begin-audit-log",
)
def unseal(
    context: typer.Context,
    begin_audit_log: Annotated[
        bool,
        typer.Option(
            "--begin-audit-log",
            help="Set a broken audit log aside and begin another, which says so.",
        ),
    ] = False,
    accept_rollback: Annotated[
        bool,
        typer.Option(
            "--accept-rollback",
            help="Take a store that is older than it was for the right one. The audit log says so.",
        ),
    ] = False,
) -> None:
    """Open a sealed store.

    Where a passphrase opens it, that is asked for and not shown, or is one line of standard input.
    Else the service reads the host's root key again. `leger secrets status` says what is missing.

    Services that were refused their secrets meanwhile are listed, with those that require them, so
    that they can be started.
    """
    from leger.secrets.v1.store_pb2 import (
        UNLOCK_PASSPHRASE,
        GetStoreStatusRequest,
        UnsealStoreRequest,
    )

    from leger_cli import passphrase

    session: Session = context.obj
    with session.store() as client:
        before = client.GetStoreStatus(GetStoreStatusRequest(), timeout=PATIENCE)
        typed = b""
        if before.sealed and before.unlock == UNLOCK_PASSPHRASE:
            typed = passphrase.ask("Passphrase of the store (not shown): ")
        answer = client.UnsealStore(
            UnsealStoreRequest(
                passphrase=typed, begin_audit_log=begin_audit_log, accept_rollback=accept_rollback
            ),
            timeout=PATIENCE,
        )
        after = client.GetStoreStatus(GetStoreStatusRequest(), timeout=PATIENCE)
    refused = _refused(session)
    to_start = _to_start(session, refused)
    if session.as_json:
        output.json(
            {
                "set_aside": list(answer.set_aside),
                "refused_units": refused,
                "services_to_start": to_start,
            }
        )
    else:
        from leger_cli.views import store as view

        view.unsealed(
            answer.set_aside,
            refused,
            to_start,
            was_open=not before.sealed,
            empty=after.secrets == 0,
        )


@app.command(cls=parser.LegerCommand, epilog="leger secrets seal")
def seal(context: typer.Context) -> None:
    """Close the store, and have the service forget its keys.

    Until `leger secrets unseal`, no secret is handed out: containers that run keep what they have,
    others with secrets do not start. Where the root key opens the store, a restart of the service
    opens it too.
    """
    from leger.secrets.v1.store_pb2 import SealStoreRequest

    session: Session = context.obj
    with session.store() as client:
        client.SealStore(SealStoreRequest(), timeout=PATIENCE)
    if session.as_json:
        output.json({"sealed": True})
    else:
        output.line("The store is sealed.")
        output.remark("→ leger secrets unseal")


@app.command(
    cls=parser.ConfidentialCommand,
    epilog="leger secrets rekey\nleger secrets rekey --passphrase\nleger secrets rekey --root-key",
)
def rekey(
    context: typer.Context,
    passphrase: Annotated[
        bool,
        typer.Option(
            "--passphrase", help="From now on a passphrase opens the store: typed, or piped in."
        ),
    ] = False,
    root_key: Annotated[
        bool,
        typer.Option("--root-key", help="From now on the host's root key opens the store again."),
    ] = False,
) -> None:
    """Encrypt the whole store with a new key.

    The service goes on meanwhile; writes wait. Killed at any moment, it opens with the old key or
    the new one. Scheduled backups that there are stay readable.

    With a passphrase nobody who has the host's disk can read the store; and after each start it
    is sealed until somebody types it.

    Where the root key is gone and a passphrase opens the store, --root-key needs a new one in the
    place that `legerd key status` names: `head -c 32 /dev/urandom | systemd-creds encrypt
    --name=root-key - PLACE`. Then `systemctl reload legerd.service`, and unseal the store.
    """
    from leger.secrets.v1.store_pb2 import UNLOCK_PASSPHRASE, GetStoreStatusRequest

    session: Session = context.obj
    request = _rekey_request(passphrase=passphrase, root_key=root_key)
    with session.store() as client:
        # Without a limit: a store of gigabytes takes its time.
        pages = client.RekeyStore(request).pages
        after = client.GetStoreStatus(GetStoreStatusRequest(), timeout=PATIENCE)
    if session.as_json:
        from leger_cli import convert

        output.json({"pages": pages, "unlock": convert.unlock(after.unlock)})
    else:
        from leger_cli.views import store as view

        view.rekeyed(pages, needs_passphrase=after.unlock == UNLOCK_PASSPHRASE, changed=passphrase)


def _rekey_request(*, passphrase: bool, root_key: bool) -> "RekeyStoreRequest":
    from leger.secrets.v1.store_pb2 import RekeyStoreRequest

    from leger_cli import passphrase as passphrases
    from leger_cli.errors import UsageError

    if passphrase and root_key:
        raise UsageError(
            "--passphrase and --root-key were both given.",
            why="One of the two opens the store.",
            next_step="Leave one of them out.",
        )
    if passphrase:
        chosen = passphrases.ask_new("New passphrase of the store (not shown): ")
        return RekeyStoreRequest(passphrase=chosen)
    return RekeyStoreRequest(root_key=True) if root_key else RekeyStoreRequest()


def _refused(session: Session) -> list[str]:
    """Return the units that were refused something because the store was sealed."""
    from leger.secrets.v1.secrets_pb2 import ListRefusalsRequest

    with session.bindings() as client:
        refusals = client.ListRefusals(ListRefusalsRequest(), timeout=PATIENCE).refusals
    return [refusal.unit for refusal in refusals if refusal.reason == "STORE_SEALED"]


def _to_start(session: Session, refused: list[str]) -> list[str]:
    """Return the services that have to be started for it, as far as the deployer can tell."""
    from leger.deployer.v1.deployer_pb2 import GetStatusRequest

    from leger_cli import starting

    if not refused:
        return []
    try:
        with session.deployer() as client:
            services = client.GetStatus(GetStatusRequest(), timeout=PATIENCE).services
    except LegerError:
        return [unit.removesuffix(".service") for unit in refused if "@" not in unit]
    return starting.down_with(refused, services)
