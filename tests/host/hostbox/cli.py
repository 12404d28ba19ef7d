"""The command line of `box`: what can be asked for, and how trouble is told."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Final

from . import commands
from .errors import BoxError

DESCRIPTION: Final = """\
A host in a box: a real Debian with systemd and podman, booted in namespaces of
its own on a machine where this process is root. Several boxes run side by side,
each with a name, a disk, a network of its own, and two users: root, and alice
(uid 1000, lingering, rootless podman). No box reaches the internet.
"""
EPILOG: Final = """\
examples:
  box up --name a                        boot it (the first time: build it, a minute)
  box exec --name a -- podman info       run something as root
  box exec --name a -u alice -- id       run something as the ordinary user
  box push --name a ./stack /srv/        copy a directory to /srv/stack
  box reboot --name a --hard             as a power cut: /run and /tmp are gone
  printf %s "$SECRET" | box scan --name a -     is it anywhere on the disk?
  box down --name a                      end it, leave nothing

exit codes: 0 done; 1 failed (scan: found); 2 usage (scan: unreadable);
5 no such box, user or file; 6 the box exists with other settings; 8 something
needed is missing, or the box is down. `exec` exits as its command does, with
128 + N when signal N ended it.

Everything is kept in $LEGER_CACHE, else $XDG_CACHE_HOME/leger, else ~/.cache/leger.
"""
COPY_RULE: Final = """\
As `cp -a`: modes, times, owners (by number), symlinks, hard links and extended
attributes are kept. When DST is a directory or ends in /, SRC is put into it
under its own name, else DST is the copy; a directory SRC is merged into a
directory that is there. SRC/. copies what is in SRC. Missing parents of DST are
made. Paths in the box start with /.
"""
SCAN_RULE: Final = """\
Search every file of the box that is not in memory (tmpfs and the like): raw and
as base64, in any alignment, both alphabets, also wrapped in lines; names and
symlinks; container storage and image stores; journals; what is inside .gz .tgz
.xz .bz2 .zst files; files deleted but still open. The box may be up or down.
Prints a line for each file, its path in the box and how the string is in it with
a tab between, and exits 1; exits 0 when nothing is found; exits 2 when nothing
is found but something could not be read.
"""


def main(argv: list[str]) -> int:
    """Run one command; return the exit code. Never raises for what a person can mend."""
    os.umask(0o022)
    command: list[str] = []
    if argv[:1] == ["exec"] and "--" in argv:
        cut = argv.index("--")
        argv, command = argv[:cut], argv[cut + 1 :]
    arguments = _parser(only_exec=argv[:1] == ["exec"]).parse_args(argv)
    if command:
        arguments.command = command
    if os.geteuid() != 0:
        why = "booting a host in namespaces needs root with CAP_SYS_ADMIN"
        return _tell(BoxError("not root", why=why, todo="run it as root"))
    try:
        code: int = arguments.run(arguments)
    except BoxError as error:
        return _tell(error)
    except OSError as error:
        todo = "look at free space and limits; `box down` cleans up whatever is left of a box"
        return _tell(BoxError("the system refused", why=str(error), todo=todo))
    except KeyboardInterrupt:
        return 130
    return code


def _tell(error: BoxError) -> int:
    print(error, file=sys.stderr)
    return error.code


def _parser(*, only_exec: bool) -> argparse.ArgumentParser:
    """The parser of all commands, or of exec alone: that one is called hundreds of times."""
    named = argparse.ArgumentParser(add_help=False)
    named.add_argument("--name", default="default", help="which box (default: default)")
    parser = argparse.ArgumentParser(
        prog="box",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(metavar="COMMAND", required=True, title="commands")

    def verb(name: str, help_: str, description: str = "") -> argparse.ArgumentParser:
        added = verbs.add_parser(
            name,
            parents=[named],
            help=help_,
            description=description or f"{help_[0].upper()}{help_[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        added.set_defaults(run=getattr(commands, name.replace("exec", "execute")))
        return added

    _add_exec(verb)
    if not only_exec:
        _add_lifecycle(verb)
        _add_copying(verb)
    return parser


def _add_exec(verb: commands.AddVerb) -> None:
    execute = verb("exec", "run a command in the box, on this stdin, stdout and stderr")
    execute.add_argument("-u", "--user", default="root", help="as this user (default: root)")
    execute.add_argument(
        "-e", "--env", action="append", default=[], metavar="K=V", help="set a variable"
    )
    execute.add_argument("--cwd", default="", metavar="DIR", help="start here (default: home)")
    execute.add_argument("command", nargs="*", metavar="-- CMD", help="the command")


def _add_lifecycle(verb: commands.AddVerb) -> None:
    build = verb("build", "build the root file system, when it is not there; print its path")
    up = verb("up", "boot a box, building first if need be; one that is up stays as it is")
    for parser in (build, up):
        parser.add_argument(
            "--suite",
            choices=commands.SUITES,
            help="which Debian (default: the box's own, or trixie)",
        )
    up.add_argument("--leger", action="store_true", help="then run install-leger, beside `box`")
    up.add_argument(
        "--image-store",
        action="append",
        default=[],
        metavar="DIR",
        help="root's podman also has the images of this store, read-only (repeatable); make one"
        " with `podman --root DIR build|import|load` in a box and `box pull` it",
    )
    status = verb("status", "say whether the box is up, since when and how")
    status.add_argument("--json", action="store_true", help="for programs")
    reboot = verb("reboot", "shut the box down and boot it again; the disk stays")
    reboot.add_argument("--hard", action="store_true", help="kill everything, as a power cut")
    down = verb("down", "end the box and remove its disk; there need not be one")
    down.add_argument(
        "--keep", action="store_true", help="shut down in an orderly way and keep the disk"
    )


def _add_copying(verb: commands.AddVerb) -> None:
    push = verb("push", "copy a file or directory into the box", COPY_RULE)
    push.add_argument("--owner", default="", metavar="USER", help="give it to this user")
    pull = verb("pull", "copy a file or directory out of the box", COPY_RULE)
    for parser in (push, pull):
        parser.add_argument("source", metavar="SRC")
        parser.add_argument("target", metavar="DST")
    scan = verb("scan", "search the whole disk for a string", SCAN_RULE)
    scan.add_argument(
        "string", metavar="STRING", help="what to find; - reads strings from stdin, one a line"
    )
