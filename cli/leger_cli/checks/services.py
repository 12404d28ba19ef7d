"""leger's own units and services: whether they run, and whether what is installed does."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from leger_runtime.errors import LegerError, NotPermitted

from leger_cli import builds, systemd
from leger_cli.checks.finding import Check, Finding, of_error, ok, problem, skipped, warning
from leger_cli.checks.patient import Patient
from leger_cli.context import Scope
from leger_cli.legerd import RootKeyMissing
from leger_cli.systemd import State


def legerd(patient: Patient) -> Finding:
    """Look whether leger is set up, and will be after a boot."""
    if patient.units is None:
        return problem("systemd does not answer.", "Run leger on a host with systemd.")
    unit = patient.units[systemd.LEGERD]
    bring_up = systemd.bring_up(unit, session=patient.session)
    if unit["LoadState"] == "not-found":
        return problem(f"{systemd.LEGERD} is not installed.", "Install the leger package again.")
    if unit["ActiveState"] == "failed":
        return problem(
            f"{systemd.LEGERD} has failed: {unit['Result']}.",
            f"Read `{systemd.journalctl(patient.session)} -u {systemd.LEGERD} -n 20`, then run"
            f" `{bring_up}`.",
        )
    if unit["ActiveState"] == "activating":
        return warning(f"{systemd.LEGERD} is still starting.", "Look again in a moment.")
    if _is_stopped(unit):
        return problem(f"{systemd.LEGERD} is stopped.", f"Run `{bring_up}`.")
    if unit["UnitFileState"] != "enabled":
        return warning(
            "leger runs, and will not after the next boot.",
            f"Run `{systemd.systemctl(patient.session)} enable {systemd.LEGERD}`.",
        )
    return ok(f"{systemd.LEGERD} is enabled and has done its work")


def access(patient: Patient) -> Finding | None:
    """Look whether this account may ask the services at all.

    Where it may not, next to nothing was looked at: that is not to pass for a host that is well.
    """
    refused = next((b for b in patient.builds.values() if isinstance(b, NotPermitted)), None)
    return replace(of_error(refused), kind=refused.kind) if refused else None


def service(name: str, patient: Patient) -> Finding:
    """Look whether a service answers, and if not, why."""
    build = patient.builds[name]
    if isinstance(build, NotPermitted):
        return skipped("This account may not ask it.")
    if isinstance(build, LegerError):
        return of_error(build)
    unit = (patient.units or {}).get(systemd.LEGERD)
    if unit and _is_stopped(unit):
        # systemd stops the services after legerd.service, and whoever stopped it did not wait.
        return warning(
            f"It answers, {build.version}, though {systemd.LEGERD} is stopped: it is about to end,"
            " or was started alone.",
            f"Run `{systemd.bring_up(unit, session=patient.session)}`.",
        )
    return ok(f"answers, {build.version}")


def podman_socket(patient: Patient) -> Finding:
    """Look whether the deployer can reach podman."""
    start = "start" if patient.session.scope is Scope.USER else "enable --now"
    command = f"{systemd.systemctl(patient.session)} {start} leger-podman.socket"
    return _socket(patient, "leger-podman.socket", command, fine="the deployer reaches podman")


def setec_socket(patient: Patient) -> Finding:
    """Look whether programs can reach setec's API, where it is to be."""
    state = (patient.units or {}).get("leger-setec.socket", {})
    configured = patient.configuration or {"http": None, "in_force": True, "why": None}
    if not state or state["ActiveState"] != "active":
        if not configured["in_force"] and not configured["why"]:
            return skipped("Whether it is to listen now is not certain: see `configuration`.")
        if configured["http"] is False:
            return ok(f"setec's HTTP API is off, as {configured['file']} says")
        if state and state["UnitFileState"] != "enabled" and not configured["http"]:
            return ok("setec's HTTP API is off")
    # systemd starts no socket whose service runs; the service wants its socket.
    command = f"{systemd.systemctl(patient.session)} restart leger-secrets.service"
    return _socket(patient, "leger-setec.socket", command, fine="setec's HTTP API listens")


def configuration(patient: Patient) -> Finding:
    """Look whether leger.toml is understood, and in force."""
    found = patient.configuration
    if found is None:
        return skipped("Only `legerd status` of the account that the services belong to says it.")
    if found["why"]:
        return problem(found["why"], found["next"])
    if refused := _refused(patient, "configuration"):
        return problem(
            f"What {found['file']} says was tried and taken back. {refused['why']}", refused["next"]
        )
    if isinstance(patient.root_key, RootKeyMissing):
        # The services' units name the key, so they are not what they would be made now.
        return skipped("It cannot be compared with what runs: see `root key`.")
    if found["in_force"] is None:
        return skipped("It cannot be compared while a version stands refused: see `version`.")
    if not found["in_force"]:
        systemctl = systemd.systemctl(patient.session)
        return warning(
            f"The services do not run as {found['file']} says: it was changed, and not read since.",
            f"Run `{systemctl} reload {systemd.LEGERD}`.",
        )
    if not Path(found["file"]).exists():
        return ok(f"nothing is configured: there is no {found['file']}")
    return ok(f"the services run as {found['file']} says")


def version(patient: Patient) -> Finding:
    """Look whether what is installed is what runs."""
    status = patient.own_status
    if status is None:
        return skipped("Only `legerd status` of the account that the services belong to says it.")
    if status["installed"] is None:
        return problem("The package's image is gone.", "Install the leger package again.")
    if refused := _refused(patient, "version"):
        return problem(
            "The version that is installed was tried and taken back; the one before serves."
            f" {refused['why']}",
            refused["next"],
        )
    running = {name: image for name, image in status["running"].items() if image}
    other = [name for name, image in running.items() if image != status["installed"]]
    if other:
        systemctl = systemd.systemctl(patient.session)
        return warning(
            f"{' and '.join(other)} still run{'s' * (len(other) == 1)} the version that was"
            " installed before.",
            f"Run `{systemctl} reload {systemd.LEGERD}`: it puts the new one in its place.",
        )
    return ok("what is installed is what runs") if running else skipped("Nothing runs.")


def client(patient: Patient) -> Finding:
    """Look whether this command and the services are of one version."""
    answering = {n: b for n, b in patient.builds.items() if isinstance(b, builds.Build)}
    if not answering:
        return skipped("No service answers.")
    own = builds.of_client()
    found = [text for n, b in answering.items() if (text := builds.mismatch(n, b, own))]
    if found:
        systemctl = systemd.systemctl(patient.session)
        return warning(
            " ".join(found),
            f"Run `{systemctl} reload {systemd.LEGERD}`; if that changes nothing, see the check"
            " before this one.",
        )
    return ok(f"this command and the services are {own.version}, of {builds.described(own)}")


def _refused(patient: Patient, what: str) -> Mapping[str, str] | None:
    """Return what was tried and taken back where that is a "version", or a "configuration"."""
    found = patient.refused
    return found if found and found["what"] == what else None


def _is_stopped(unit: State) -> bool:
    return unit["ActiveState"] in ("inactive", "deactivating")


def _socket(patient: Patient, unit: str, command: str, *, fine: str) -> Finding:
    """Look whether a socket listens; `command` starts it."""
    if patient.units is None:
        return skipped("systemd does not answer.")
    state = patient.units[unit]
    if state["ActiveState"] == "active":
        return ok(fine)
    if state["LoadState"] == "not-found":
        return problem(f"{unit} is not installed.", "Install the leger package again.")
    if state["ActiveState"] == "failed":
        journal = f"{systemd.journalctl(patient.session)} -u {unit} -n 20"
        taken = " Another program may have its port." if unit == "leger-setec.socket" else ""
        return problem(
            f"{unit} has failed: {state['Result']}.{taken}",
            f"Read `{journal}`, then run `{command}`.",
        )
    legerd_unit = patient.units[systemd.LEGERD]
    if _is_stopped(legerd_unit):  # which starts it, too
        command = systemd.bring_up(legerd_unit, session=patient.session)
    return problem(f"{unit} is stopped.", f"Run `{command}`.")


CHECKS = (
    Check("legerd", legerd),
    Check("configuration", configuration),
    Check("podman socket", podman_socket),
    Check("access", access),
    Check("secrets", partial(service, "secrets")),
    Check("deployer", partial(service, "deployer")),
    Check("version", version),
    Check("client", client),
    Check("setec socket", setec_socket),
)
