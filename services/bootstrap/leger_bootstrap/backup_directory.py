"""Scheduled backups in a directory that the operator has chosen."""

from leger_bootstrap.configuration import Configuration


def unit_lines(configuration: Configuration) -> list[str]:
    """Return what the secrets service's [Unit] section needs."""
    path = configuration.backup_directory
    # Wants, where systemd knows it (256): without the disk for backups, secrets are served still.
    return [f"WantsMountsFor={path}"] if path else []


def container_lines(configuration: Configuration) -> list[str]:
    """Return what the secrets service's [Container] section needs."""
    path = configuration.backup_directory
    return [f"Environment=LEGER_BACKUP_DIR={path}", f"Volume={path}:{path}"] if path else []


def service_lines(configuration: Configuration) -> list[str]:
    """Return what the secrets service's [Service] section needs."""
    path = configuration.backup_directory
    # At a boot, podman mounts it before `legerd bootstrap` may have looked.
    return [f"ExecStartPre=mkdir -p -m 0700 {path}"] if path else []
