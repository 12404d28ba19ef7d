"""Commands on the host, as transient units of its own manager.

The deployer lives in a container and sees nothing of the host's programs; its manager runs them
for it, in either scope, and hands their output back through pipes.
"""

import os
import secrets
import selectors
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from leger_deployer.adapters.systemd_bus import ManagerConnection, Refused, SystemdBus
from leger_deployer.domain.errors import HostCommandFailed
from leger_deployer.domain.ports.host_commands import CommandResult

_TICK = 0.5
_MAX_OUTPUT = 64 * 1024 * 1024
_NO_SUCH_COMMAND = 127
_EXEC_FAILED = 203  # systemd.exec(5): EXIT_EXEC
_WARNING = 4  # syslog(3)


class SystemdHostCommands:
    """HostCommands by StartTransientUnit."""

    def __init__(self, bus: SystemdBus) -> None:
        self._bus = bus

    def run(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        timeout: float = 60.0,
    ) -> CommandResult:
        """Run to the end; raises HostCommandFailed when it cannot, or takes too long."""
        with self._bus.connect(with_descriptors=True) as manager:
            manager.watch_jobs()
            with _Pipes() as pipes:
                job, unit = _start(
                    manager,
                    command,
                    environment or {},
                    pipes,
                    # The start of a oneshot lasts as long as its process.
                    [("Type", ("s", "oneshot")),
                     ("TimeoutStartUSec", ("t", round(timeout * 1e6)))],
                )  # fmt: skip
                # Beyond its own limit only a manager that hangs can keep it.
                output, messages = pipes.read_all(time.monotonic() + timeout + 10)
            result = _wait(manager, job, time.monotonic() + timeout + 10)
            if result == "timeout":
                raise _failed(command, f"it took longer than {timeout:.0f} seconds")
            (path,) = manager.call("GetUnit", "s", unit)
            status = int(manager.property(path, "Service", "ExecMainStatus"))
        return CommandResult(
            status=_NO_SUCH_COMMAND if status == _EXEC_FAILED else status,
            output=output.decode(errors="replace"),
            messages=messages.decode(errors="replace"),
        )

    @contextmanager
    def lines(self, command: Sequence[str]) -> Iterator[Iterator[str | None]]:
        """Run with its output as lines, None while there is none; leaving ends the command."""
        with self._bus.connect(with_descriptors=True) as manager, _Pipes() as pipes:
            _, unit = _start(manager, command, {}, pipes, [("Type", ("s", "exec"))])
            try:
                yield pipes.lines()
            finally:
                with suppress(Refused):  # it may have ended by itself
                    manager.call("StopUnit", "ss", unit, "replace")


def _start(
    manager: ManagerConnection,
    command: Sequence[str],
    environment: Mapping[str, str],
    pipes: "_Pipes",
    properties: list[tuple[str, tuple[str, Any]]],
) -> tuple[str, str]:
    """Start a transient unit and return the paths of its job, and its name."""
    unit = f"leger-host-{secrets.token_hex(6)}.service"
    properties = [
        ("Description", ("s", f"leger: {Path(command[0]).name}")),
        ("ExecStart", ("a(sasb)", [(command[0], list(command), False)])),
        ("Environment", ("as", [f"{name}={value}" for name, value in environment.items()])),
        ("StandardOutputFileDescriptor", ("h", pipes.output)),
        ("StandardErrorFileDescriptor", ("h", pipes.messages)),
        # The unit is kept until this connection ends, then nothing of it stays.
        ("AddRef", ("b", True)),
        ("CollectMode", ("s", "inactive-or-failed")),
        # That a helper started and ended is nobody's news.
        ("LogLevelMax", ("i", _WARNING)),
        *properties,
    ]
    try:
        (job,) = manager.call(
            "StartTransientUnit", "ssa(sv)a(sa(sv))", unit, "replace", properties, []
        )
    except Refused as error:
        raise _failed(command, error.text.rstrip(".")) from None
    pipes.close_ends_of_the_command()
    return job, unit


def _wait(manager: ManagerConnection, job: str, deadline: float) -> str:
    while time.monotonic() < deadline:
        ended = manager.next_job(_TICK)
        if ended is not None and ended[0] == job:
            return ended[2]
    return "timeout"


def _failed(command: Sequence[str], why: str) -> HostCommandFailed:
    return HostCommandFailed(
        f"{Path(command[0]).name} could not be run on the host.",
        why=f"systemd was asked to run it, and {why}.",
        next_step="Read the host's journal: `journalctl -e`.",
    )


class _Pipes:
    """Two pipes, for the output and the messages of a command; this process reads them."""

    def __init__(self) -> None:
        self._output, self.output = os.pipe2(os.O_CLOEXEC)
        self._messages, self.messages = os.pipe2(os.O_CLOEXEC)
        self._open = {self._output, self.output, self._messages, self.messages}

    def __enter__(self) -> "_Pipes":
        return self

    def __exit__(self, *_: object) -> None:
        self._close(*self._open)

    def close_ends_of_the_command(self) -> None:
        """Leave the writing ends to the command alone, so that its end can be seen."""
        self._close(self.output, self.messages)

    def read_all(self, deadline: float) -> tuple[bytes, bytes]:
        """Read both to their end, or until the deadline."""
        found = {self._output: bytearray(), self._messages: bytearray()}
        with selectors.DefaultSelector() as selector:
            for descriptor in found:
                selector.register(descriptor, selectors.EVENT_READ)
            while selector.get_map() and (left := deadline - time.monotonic()) > 0:
                for key, _ in selector.select(left):
                    data = os.read(key.fd, 65536)
                    if not data:
                        selector.unregister(key.fd)
                    elif len(found[key.fd]) < _MAX_OUTPUT:
                        found[key.fd] += data
        return bytes(found[self._output]), bytes(found[self._messages])

    def lines(self) -> Iterator[str | None]:
        """Yield lines of the output to its end; None whenever none comes for a while."""
        pending = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._output, selectors.EVENT_READ, True)
            selector.register(self._messages, selectors.EVENT_READ, False)
            while self._output in selector.get_map():
                ready = selector.select(_TICK)
                if not ready:
                    yield None
                for key, _ in ready:
                    data = os.read(key.fd, 65536)
                    if not data:
                        selector.unregister(key.fd)
                    elif key.data:
                        *complete, pending = (pending + data).split(b"\n")
                        yield from (line.decode(errors="replace") for line in complete)

    def _close(self, *descriptors: int) -> None:
        for descriptor in descriptors:
            if descriptor in self._open:
                self._open.remove(descriptor)
                os.close(descriptor)
