"""The drop-in that makes one of leger's units of a user's Quadlet, which itself is not touched.

What it brings, and why:

- all containers of a stack live in podman's transient store, so that no `config.json` with a
  secret in it is ever on a disk;
- secrets come as systemd credentials from the secrets service, when the unit starts;
- health checks run by a timer of the unit's own (see `health_check`);
- volumes keep their owner over a reboot (see `volume_owner`).
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from leger_deployer.domain import transient_store, volume_owner
from leger_deployer.domain.health_check import HealthCheck
from leger_deployer.domain.quadlet_file import quote_word
from leger_deployer.domain.scope import Scope
from leger_deployer.domain.secret_options import SecretOptions, SecretType, credential_name
from leger_deployer.domain.stack import UnitKind

# Sorts behind what a user would name a drop-in, so that its reset of `Secret=` holds.
FILE_NAME = "90-leger.conf"

CREDENTIAL_SOCKET = "%t/leger/secrets/credentials.sock"
_MOUNTS = "leger/mounts/%N"
_HEALTH_UNIT = "leger-health-%N"


@dataclass(frozen=True, kw_only=True)
class UnitFacts:
    """What a drop-in is rendered from.

    `container` is the container's name as the generator wrote it, specifiers and all; `podman` the
    path of podman. `own_runtime_directory` says that the user's unit asks for one itself.
    `health` is None where nothing is to be probed; `image_may_check` says that the Quadlet leaves
    that to the image. `volumes` are those that this unit is the one to make known to podman.
    """

    unit: str
    kind: UnitKind
    podman: str = "/usr/bin/podman"
    container: str = ""
    secrets: tuple[SecretOptions, ...] = ()
    health: HealthCheck | None = None
    image_may_check: bool = False
    own_runtime_directory: bool = False
    volumes: tuple[str, ...] = ()


def podman_secret_name(unit: str, secret: str) -> str:
    """Return the name under which podman knows a secret of a unit (the value is not with it)."""
    # "@" is none of the characters that a podman secret's name may have.
    owner = unit.removesuffix(".service").replace("@", "_")
    name = f"leger-{owner}-{credential_name(secret)}"
    if "-" in owner:
        # Else web-db.service's "key" and web.service's "db-key" would be one.
        name += f"-{hashlib.sha256(owner.encode()).hexdigest()[:8]}"
    return name


def render(facts: UnitFacts, scope: Scope, *, volume_store: PurePosixPath) -> str:
    """Return the drop-in's text; the same facts give the same text.

    `volume_store` is the directory in which podman keeps the data of volumes.
    """
    volumes = [
        _volume_lines(facts, volume_owner.commands(
            volume, store=volume_store, podman=facts.podman, scope=scope
        ), volume)
        for volume in facts.volumes
    ]  # fmt: skip
    sections: list[tuple[str, list[str]]] = []
    if facts.kind is UnitKind.CONTAINER:
        mounts = _MountedSecrets(facts.secrets)
        if facts.secrets:
            sections.append(("Unit", _unit_section()))
        sections.append(("Container", _container_section(facts, mounts)))
        service = _service_section(facts, mounts, scope)
    else:
        sections.append((facts.kind.section, [f"GlobalArgs={transient_store.FLAG}"]))
        service = []
    sections.append(("Service", [*(line for lines in volumes for line in lines), *service]))
    body = "\n\n".join("\n".join([f"[{name}]", *lines]) for name, lines in sections if lines)
    return f"# Written by leger, and written anew with every deployment.\n{body}\n"


def _volume_lines(facts: UnitFacts, owner: tuple[list[str], list[str]], volume: str) -> list[str]:
    before, after = (_command(words) for words in owner)
    if facts.kind is UnitKind.VOLUME:
        return [f"ExecStartPre={before}", f"ExecStartPost={after}"]
    # No `.volume` file tells of it: the start of the container would make it known.
    known = _command(volume_owner.made_known(volume, podman=facts.podman))
    return [f"ExecStartPre={before}", f"ExecStartPre={known}", f"ExecStartPre={after}"]


def _unit_section() -> list[str]:
    # Never Requires=: a restart of the secrets service must not stop a stack.
    return ["Wants=leger-secrets.service", "After=leger-secrets.service"]


def _container_section(facts: UnitFacts, mounts: "_MountedSecrets") -> list[str]:
    lines = [f"GlobalArgs={transient_store.FLAG}"]
    if not facts.secrets:
        return lines
    lines.append("Secret=")
    lines += [
        "Secret=" + quote_word(
            f"{podman_secret_name(facts.unit, s.secret)},type=env,target={s.target}"
        )
        for s in facts.secrets
        if s.type is SecretType.ENV
    ]  # fmt: skip
    lines += [
        # Not quoted, as Quadlet takes the value to the letter. Z: on an SELinux host the file takes
        # the label of this container alone.
        f"Volume=%t/{file}:{secret.target}:ro,Z"
        for secret, file in mounts.files
    ]
    return lines


def _service_section(facts: UnitFacts, mounts: "_MountedSecrets", scope: Scope) -> list[str]:
    credentials = dict.fromkeys(credential_name(secret.secret) for secret in facts.secrets)
    lines = [f"LoadCredential={name}:{CREDENTIAL_SOCKET}" for name in credentials]
    if mounts.files:
        lines.append(f"RuntimeDirectory={_MOUNTS}")
        if not facts.own_runtime_directory:
            lines.append("RuntimeDirectoryMode=0700")
    lines += [f"ExecStartPre={_command(words)}" for words in mounts.commands(facts.podman, scope)]
    # The timer that podman would make looks into the wrong store. Always set: an image may bring
    # a health check that no Quadlet tells of.
    lines.append("Environment=DISABLE_HC_SYSTEMD=true")
    if facts.health is not None and facts.health.interval:
        lines.append(f"ExecStartPre={_command(_start_probing(facts, facts.health, scope))}")
        # A pattern, so that those of the two are waited for that are there.
        stop = ("/usr/bin/systemctl", *scope.systemd_option, "stop", f"{_HEALTH_UNIT}.*")
        lines.append(f"ExecStopPost=-{_command(stop)}")
    return lines


def _start_probing(facts: UnitFacts, health: HealthCheck, scope: Scope) -> list[str]:
    return [
        "/usr/bin/systemd-run",
        *scope.systemd_option,
        "--quiet",
        "--collect",
        f"--unit={_HEALTH_UNIT}",
        "--service-type=oneshot",
        *(f"--on-active={_systemd_time(moment)}" for moment in health.early_probes),
        f"--on-unit-inactive={_systemd_time(health.interval)}",
        "--timer-property=AccuracySec=100ms",
        # Without them, the end of the manager has the timer wait for all services to be stopped,
        # and this service's own end wait for the timer.
        "--timer-property=DefaultDependencies=no",
        "--property=DefaultDependencies=no",
        # Not two lines in the journal for each probe; what podman itself says of it stays.
        "--property=LogLevelMax=notice",
        # 1 is the answer "not healthy", which podman has noted; 125 says that the container is not
        # up yet: then the probe has not taken place, and is tried again.
        "--property=SuccessExitStatus=1",
        "--property=Restart=on-failure",
        "--property=RestartSec=250ms",
        "--property=StartLimitIntervalSec=0",
        "--setenv=DISABLE_HC_SYSTEMD=true",
        *_credentials_of_instance(facts),
        facts.podman,
        transient_store.FLAG,
        "healthcheck",
        "run",
        facts.container,
    ]


def _credentials_of_instance(facts: UnitFacts) -> Iterator[str]:
    # A probe looks the container's variables up anew, outside of the unit; podman is not told where
    # the credentials of an instance are, as it knows secrets by their template.
    if "@." in facts.unit and any(secret.type is SecretType.ENV for secret in facts.secrets):
        yield "--setenv=CREDENTIALS_DIRECTORY=%d"


class _MountedSecrets:
    """The files that a container gets: laid out by `install` in the unit's runtime directory.

    systemd holds credentials in files of mode 0400 that root owns; a container's user must be able
    to read them, so they are copied, one call of `install` for each mode and owner.
    """

    def __init__(self, secrets: Sequence[SecretOptions]) -> None:
        groups: dict[tuple[int, int, int], dict[str, None]] = {}
        self.files: list[tuple[SecretOptions, str]] = []
        for secret in secrets:
            if secret.type is not SecretType.MOUNT:
                continue
            owner = (secret.mode, secret.uid, secret.gid)
            groups.setdefault(owner, {})[credential_name(secret.secret)] = None
            directory = self._directory(list(groups).index(owner))
            self.files.append((secret, f"{directory}/{credential_name(secret.secret)}"))
        self._groups = groups

    @staticmethod
    def _directory(group: int) -> str:
        # One secret may be wanted with two modes: each further group has a directory of its own.
        return _MOUNTS if group == 0 else f"{_MOUNTS}/{group}"

    def commands(self, podman: str, scope: Scope) -> Iterable[list[str]]:
        if self._groups:
            # systemd takes a connection that broke off for an empty credential.
            names = dict.fromkeys(name for group in self._groups.values() for name in group)
            yield ["/usr/bin/test", *" -a ".join(f"-s %d/{name}" for name in names).split()]
        for group, ((mode, uid, gid), credentials) in enumerate(self._groups.items()):
            command = ["/usr/bin/install", "-D", "-m", f"{mode:04o}"]
            if uid or gid:
                command += ["-o", str(uid), "-g", str(gid)]
                if scope is Scope.USER:
                    # The ids are those inside: only podman's user namespace has them.
                    command = [podman, transient_store.FLAG, "unshare", *command]
            command += ["-t", f"%t/{self._directory(group)}"]
            yield [*command, *(f"%d/{name}" for name in credentials)]


def _command(words: Iterable[str]) -> str:
    return " ".join(quote_word(word) for word in words)


def _systemd_time(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    return f"{milliseconds}ms" if milliseconds % 1000 else f"{milliseconds // 1000}s"
