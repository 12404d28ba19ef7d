"""`leger audit`: who did what with secrets."""

import sys
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Annotated

import typer
from leger_runtime.errors import Kind, LegerError

from leger_cli import completion, following, output, parser
from leger_cli.context import Session
from leger_cli.errors import UsageError

if TYPE_CHECKING:
    from leger.secrets.v1.audit_pb2 import AuditEntry, ReadAuditRequest
    from typer._click import Context

_USUAL = 50  # entries
_ALL = 0  # as ReadAuditRequest.limit


class AuditLogBroken(LegerError):
    """The log is not as it was written."""

    kind, reason = Kind.CONFLICT, "AUDIT_LOG_BROKEN"


class AuditGroup(parser.LegerGroup):
    """The noun, which lists when no command is named."""

    default = "list"

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        """Parse `args` into `ctx`, behind the default command where they name none."""
        flags = {name for option in parser.global_options() for name in option.opts}
        own = [arg for arg in args if arg not in flags]
        if not own or (own[0].startswith("-") and own[0] not in ctx.help_option_names):
            args = [self.default, *args]
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: "Context") -> list[str]:
        """Return the parts of the usage line: here a command may be left out."""
        return [*super().collect_usage_pieces(ctx)[:-1], "[COMMAND]"]


app = parser.noun(
    "audit",
    "Show who did what with secrets, and whether the log is whole.\n\nEvery decision about a "
    "secret is in the log before it is carried out, the refused ones too. `leger audit` alone, or "
    "with options of `leger audit list`, lists them.",
    cls=AuditGroup,
)


@app.command(
    "list",
    cls=parser.LegerCommand,
    epilog="leger audit list --secret 'prod/*' --since 2h\n"
    "leger audit list --outcome 'NOT_*' --all --json\nleger audit list -f -n 0",
)
def list_(
    context: typer.Context,
    secret: Annotated[
        str,
        typer.Option(
            "--secret",
            metavar="NAME",
            help="Only entries about this secret.",
            show_default=False,
            autocompletion=completion.secrets,
        ),
    ] = "",
    principal: Annotated[
        str,
        typer.Option(
            "--principal",
            metavar="WHO",
            help="Only entries of this one, such as operator:root or unit:web.service.",
            show_default=False,
            autocompletion=completion.principals,
        ),
    ] = "",
    action: Annotated[
        str,
        typer.Option(
            "--action",
            metavar="WHAT",
            help="Only this action, such as get or delete.",
            show_default=False,
        ),
    ] = "",
    outcome: Annotated[
        str,
        typer.Option(
            "--outcome",
            metavar="HOW",
            help="Only this outcome: allowed, unchanged, or an error's reason.",
            show_default=False,
        ),
    ] = "",
    since: Annotated[
        str,
        typer.Option(
            "--since",
            metavar="WHEN",
            help="Only entries of the last 30m, 2h, 3d or 1w, or since a date or a time such as "
            "2026-01-31T08:00.",
            show_default=False,
        ),
    ] = "",
    tail: Annotated[
        int | None,
        typer.Option(
            "--tail",
            "-n",
            metavar="N",
            min=0,
            max=1_000_000,
            help=f"Begin with the last N of them; {_USUAL}, or all with --since, if not said.",
        ),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Begin with the first of them.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with new entries until interrupted.")
    ] = False,
) -> None:
    """List decisions about secrets, oldest first.

    In each filter * is any text. At a terminal it is a table; in a pipe, and with --follow, it is
    a line for each entry: the time, who, the action, the secret and the outcome, and then what
    else is known as name=value.

    With --follow leger waits for a service that restarts and goes on behind the last entry that
    it showed, and --json prints one JSON object a line. Else --json prints one object.
    """
    from leger.secrets.v1.audit_pb2 import ReadAuditRequest

    from leger_cli import times

    session: Session = context.obj
    if all_ and tail is not None:
        raise UsageError(
            "--all and --tail were both given.",
            why="The list begins with the first entry, or with one of the last.",
            next_step="Leave one of them out.",
        )
    usual = _ALL if all_ or since else _USUAL
    request = ReadAuditRequest(
        secret=secret,
        principal=principal,
        action=action,
        outcome=outcome,
        limit=usual if tail is None else tail,
        follow=follow,
    )
    if since:
        request.since.FromDatetime(times.past(since, option="--since"))
    if follow:
        _show_as_they_come(session, request, only_new=tail == 0)
    else:
        _show(session, request, nothing=tail == 0)


@app.command(cls=parser.LegerCommand, epilog="leger audit verify")
def verify(context: typer.Context) -> None:
    """Check that no line of the log was changed or removed.

    Each line has the hash of the one before it, through all files of the log, and the end is
    compared with what the store's anchor says was written. It exits with 0 when the log is intact,
    and with 6 when it is not, naming the first file and line that are wrong; --json prints one
    object either way.
    """
    from leger.secrets.v1.audit_pb2 import VerifyAuditRequest

    session: Session = context.obj
    with session.audit() as client:
        found = client.VerifyAudit(VerifyAuditRequest())
    if session.as_json:
        from leger_cli import convert

        output.json(convert.audit_verified(found))
        raise typer.Exit(0 if found.intact else AuditLogBroken.kind.value)
    if not found.intact:
        raise AuditLogBroken(
            f"The audit log is not as it was written: {found.file}, line {found.line}.",
            why=found.problem,
            next_step="Find out who changed it. `leger secrets unseal --begin-audit-log` sets all"
            " its files aside and begins a new log, which says so.",
        )
    from leger_cli.views import audit as view

    view.intact(found)


def _show(session: Session, request: "ReadAuditRequest", *, nothing: bool) -> None:
    with session.audit() as client:
        answers = () if nothing else client.ReadAudit(request)
        entries = chain.from_iterable(answer.entries for answer in answers)
        if session.as_json:
            from leger_cli import convert

            output.json({"entries": [convert.audit_entry(entry) for entry in entries]})
        else:
            from leger_cli.views import audit as view

            view.entries(entries)


def _show_as_they_come(session: Session, request: "ReadAuditRequest", *, only_new: bool) -> None:
    from leger_cli.views import audit as view

    for entry in _followed(session, request, only_new=only_new):
        if session.as_json:
            from leger_cli import convert

            output.json_line(convert.audit_entry(entry))
        else:
            view.line(entry)
        sys.stdout.flush()  # a reader in a pipe waits for it, too


def _followed(
    session: Session, request: "ReadAuditRequest", *, only_new: bool
) -> "Iterator[AuditEntry]":
    """Yield entries without end, also across restarts of the service."""
    from leger.secrets.v1.audit_pb2 import ReadAuditRequest

    seen = 0
    with session.audit() as client:  # a service that is not there now is not waited for
        for answer in client.ReadAudit(ReadAuditRequest(limit=1)):
            if only_new:
                (last,) = answer.entries
                seen = last.seq
                request.since.CopyFrom(last.time)

    def opened() -> "Iterator[AuditEntry]":
        nonlocal seen
        with session.audit() as client:
            for entry in chain.from_iterable(a.entries for a in client.ReadAudit(request)):
                if entry.seq > seen:
                    yield entry
                    seen, request.limit = entry.seq, 0
                    request.since.CopyFrom(entry.time)

    return following.resumed(opened)
