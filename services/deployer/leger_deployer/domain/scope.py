"""Whose units are managed: the system's, or those of one user."""

from enum import Enum


class Scope(Enum):
    """The manager of a scope's units; both work alike."""

    SYSTEM = "system"
    USER = "user"

    @property
    def systemd_option(self) -> tuple[str, ...]:
        """What systemctl and systemd-run take to speak to this scope's manager."""
        return () if self is Scope.SYSTEM else ("--user",)
