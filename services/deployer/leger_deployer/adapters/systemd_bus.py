"""Speaking to a systemd manager over D-Bus, as org.freedesktop.systemd1(5) describes it."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jeepney import DBusAddress, MatchRule, Message, message_bus, new_method_call
from jeepney.io.blocking import DBusConnection, open_dbus_connection
from jeepney.wrappers import DBusErrorResponse, unwrap_msg

from leger_deployer.domain.errors import SystemdUnavailable

_SERVICE = "org.freedesktop.systemd1"
_MANAGER = f"{_SERVICE}.Manager"
_ROOT = "/org/freedesktop/systemd1"
# A reload runs every generator of the host, and systemd answers when they are through.
_CALL_TIMEOUT = 120.0


class Refused(Exception):
    """The manager's answer is an error: its name, and its text."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name
        self.text = text

    @property
    def is_no_such_unit(self) -> bool:
        """Whether there is no unit of the name that was given."""
        return self.name == f"{_SERVICE}.NoSuchUnit"


class ManagerConnection:
    """One connection to the manager. Not for more than one thread."""

    def __init__(self, connection: DBusConnection) -> None:
        self._connection = connection
        self._signals: deque[Message] = deque()

    def call(self, method: str, signature: str = "", *body: object) -> tuple[Any, ...]:
        """Call a method of the manager. Raises Refused."""
        address = DBusAddress(_ROOT, _SERVICE, _MANAGER)
        return self._reply(new_method_call(address, method, signature or None, body))

    def property(self, path: str, interface: str, name: str) -> Any:
        """Return a property of the object of a unit; `interface` such as "Unit"."""
        address = DBusAddress(path, _SERVICE, "org.freedesktop.DBus.Properties")
        names = (f"{_SERVICE}.{interface}", name)
        return self._reply(new_method_call(address, "Get", "ss", names))[0][1]

    def watch_jobs(self) -> None:
        """Ask to be told of every job that ends from here on."""
        rule = MatchRule(
            type="signal", interface=_MANAGER, member="JobRemoved", path=_ROOT, sender=_SERVICE
        )
        self._reply(message_bus.AddMatch(rule))
        # Signals carry the sender's unique name, which the local filter must not compare.
        local = MatchRule(type="signal", interface=_MANAGER, member="JobRemoved", path=_ROOT)
        self._connection.filter(local, queue=self._signals)
        self.call("Subscribe")

    def next_job(self, timeout: float) -> tuple[str, str, str] | None:
        """Return path, unit and result of a job that ended; None when none does in time."""
        try:
            signal = self._connection.recv_until_filtered(self._signals, timeout=timeout)
        except TimeoutError:
            return None
        _, path, unit, result = signal.body
        return path, unit, result

    def _reply(self, message: Message) -> tuple[Any, ...]:
        answer = self._connection.send_and_get_reply(message, timeout=_CALL_TIMEOUT)
        try:
            found: tuple[Any, ...] = unwrap_msg(answer)
        except DBusErrorResponse as error:
            text = error.data[0] if error.data else error.name
            raise Refused(error.name, str(text)) from None
        return found


class SystemdBus:
    """The bus on which a manager is found, at the path of its socket."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    @contextmanager
    def connect(self, *, with_descriptors: bool = False) -> Iterator[ManagerConnection]:
        """Open a connection for a while.

        Raises SystemdUnavailable, also when it is lost, and for a refusal that nobody expected.
        """
        try:
            connection = open_dbus_connection(
                f"unix:path={self._socket}", enable_fds=with_descriptors
            )
        except Exception as error:  # a refusal to authenticate is a plain ValueError there
            raise self._unavailable(error) from None
        try:
            with connection:
                yield ManagerConnection(connection)
        except (ConnectionError, TimeoutError, Refused) as error:
            raise self._unavailable(error) from None

    def _unavailable(self, error: Exception) -> SystemdUnavailable:
        return SystemdUnavailable(
            "systemd does not answer.",
            why=f"Speaking D-Bus at {self._socket} fails: {str(error) or type(error).__name__}.",
            next_step="Look at the bus: `systemctl status dbus` (`--user` in the user scope).",
        )
