"""Every failure of the deployer that a caller can tell apart: one class a reason."""

from leger_runtime.errors import Kind, LegerError


class InvalidName(LegerError):
    """A stack's name that is none."""

    kind, reason = Kind.INVALID, "INVALID_NAME"


class UnsafePath(LegerError):
    """A path of an upload that would lie outside of its stack's directory."""

    kind, reason = Kind.INVALID, "UNSAFE_PATH"


class StackEmpty(LegerError):
    """A directory that has no Quadlet in it."""

    kind, reason = Kind.INVALID, "STACK_EMPTY"


class StackTooLarge(LegerError):
    """An upload beyond the limits of a stack."""

    kind, reason = Kind.INVALID, "STACK_TOO_LARGE"


class DiskFull(LegerError):
    """The file system that holds the stacks has no room left."""

    kind, reason = Kind.UNAVAILABLE, "DISK_FULL"


class StorageUnavailable(LegerError):
    """The directories that hold the stacks cannot be read or written."""

    kind, reason = Kind.UNAVAILABLE, "STORAGE_UNAVAILABLE"


class StagedNotFound(LegerError):
    """No upload of that id, any more."""

    kind, reason = Kind.NOT_FOUND, "STAGED_NOT_FOUND"


class PlanNotFound(LegerError):
    """No plan of that id, any more."""

    kind, reason = Kind.NOT_FOUND, "PLAN_NOT_FOUND"


class PlanStale(LegerError):
    """The host changed since the plan was made, so that it would not do what it says."""

    kind, reason = Kind.CONFLICT, "PLAN_STALE"


class QuadletInvalid(LegerError):
    """Quadlets that the host's generator, or leger, cannot turn into units."""

    kind, reason = Kind.INVALID, "QUADLET_INVALID"


class StackExists(LegerError):
    """A stack of that name is installed."""

    kind, reason = Kind.CONFLICT, "STACK_EXISTS"


class StackNotFound(LegerError):
    """No stack of that name is installed."""

    kind, reason = Kind.NOT_FOUND, "STACK_NOT_FOUND"


class ServiceNotFound(LegerError):
    """No service, and no stack, of that name."""

    kind, reason = Kind.NOT_FOUND, "SERVICE_NOT_FOUND"


class UnitConflict(LegerError):
    """A unit of that name is there already."""

    kind, reason = Kind.CONFLICT, "UNIT_CONFLICT"


class PortInUse(LegerError):
    """A port of the host that somebody else has."""

    kind, reason = Kind.CONFLICT, "PORT_IN_USE"


class ResourceConflict(LegerError):
    """A container, volume, network or subnet that somebody else has."""

    kind, reason = Kind.CONFLICT, "RESOURCE_CONFLICT"


class PodmanMissing(LegerError):
    """The host has no podman, or none that answers."""

    kind, reason = Kind.UNAVAILABLE, "PODMAN_MISSING"


class PodmanTooOld(LegerError):
    """The host's podman lacks what leger needs."""

    kind, reason = Kind.CONFLICT, "PODMAN_TOO_OLD"


class PodmanUnavailable(LegerError):
    """Podman's API does not answer, or answers with a failure of its own."""

    kind, reason = Kind.UNAVAILABLE, "PODMAN_UNAVAILABLE"


class SystemdUnavailable(LegerError):
    """The manager of the scope's units does not answer."""

    kind, reason = Kind.UNAVAILABLE, "SYSTEMD_UNAVAILABLE"


class HostCommandFailed(LegerError):
    """A command that has to run on the host could not be run."""

    kind, reason = Kind.UNAVAILABLE, "HOST_COMMAND_FAILED"


class SecretsUnavailable(LegerError):
    """The secrets service does not answer."""

    kind, reason = Kind.UNAVAILABLE, "SECRETS_UNAVAILABLE"


class SecretNotFound(LegerError):
    """Secrets that units need and nobody has stored."""

    kind, reason = Kind.NOT_FOUND, "SECRET_NOT_FOUND"


class VersionNotFound(LegerError):
    """A version that the secret does not have."""

    kind, reason = Kind.NOT_FOUND, "VERSION_NOT_FOUND"


class NoPreviousVersion(LegerError):
    """A secret that has no version to go back to."""

    kind, reason = Kind.CONFLICT, "NO_PREVIOUS_VERSION"


class VersionNotServed(LegerError):
    """A unit that started without being handed the version that is rolled out."""

    kind, reason = Kind.UNAVAILABLE, "VERSION_NOT_SERVED"


class ImageUnavailable(LegerError):
    """An image that is not on the host and cannot be fetched."""

    kind, reason = Kind.UNAVAILABLE, "IMAGE_UNAVAILABLE"


class UnitFailed(LegerError):
    """A unit that does not start, or does not stay up."""

    kind, reason = Kind.UNAVAILABLE, "UNIT_FAILED"


class UnitUnhealthy(LegerError):
    """A service that runs and whose health check does not pass."""

    kind, reason = Kind.UNAVAILABLE, "UNIT_UNHEALTHY"
