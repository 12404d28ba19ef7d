"""A host on which all is well, for tests to take something from."""

import time
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from leger.deployer.v1 import deployer_pb2 as d
from leger.secrets.v1 import audit_pb2, backup_pb2, secrets_pb2, store_pb2
from leger_cli import builds
from leger_cli.checks.patient import UNITS, Patient
from leger_cli.context import Account, Scope, Session
from leger_cli.legerd import RootKeyMissing
from leger_runtime.errors import ServiceUnavailable

IMAGE = "localhost/leger/services:1"


def silence(service: str) -> ServiceUnavailable:
    """Return why a service does not answer."""
    return ServiceUnavailable(
        f"The {service} service does not answer.", why="It is stopped.", next_step="Start it."
    )


def unit(**changes: str) -> dict[str, str]:
    """Return a unit that is as it should be, but for `changes`."""
    well = {"LoadState": "loaded", "ActiveState": "active", "UnitFileState": "enabled"}
    return {**well, "Result": "success", **changes}


def root_key_missing() -> RootKeyMissing:
    """Return what `legerd key status` says where the key is gone."""
    return RootKeyMissing("The root key is gone.", why="No file has it.", next_step="Put it back.")


@pytest.fixture
def patient(tmp_path: Path) -> Any:
    """Facts are looked up once: those that are set here are never asked of this machine."""
    session = Session(account=Account(uid=0, runtime=tmp_path, config=tmp_path))
    session.choose(Scope.SYSTEM)
    (tmp_path / "leger.toml").touch()
    patient: Any = Patient(session)
    patient.units = {name: unit() for name in UNITS}
    patient.units["leger-backup.service"] = unit(ActiveState="inactive")
    patient.host_status = {
        "installed": IMAGE,
        "running": {"leger-secrets": IMAGE, "leger-deployer": IMAGE},
        "refused": None,
        "requirements": [
            {"program": name, "needed": "5.4", "found": f"{name} 9", "met": True}
            for name in ("podman", "systemctl")
        ],
        "configuration": {
            "file": str(tmp_path / "leger.toml"),
            "in_force": True,
            "http": None,
            "why": None,
            "next": None,
        },
        "directories": {"secrets": str(tmp_path)},
    }
    patient.root_key = {"protection": "tpm2", "unlock": "root-key"}
    patient.builds = dict.fromkeys(builds.SERVICES, builds.of_client())
    patient.store = store_pb2.GetStoreStatusResponse(
        secrets=3, schema_version=2, last_backup_time=Timestamp(seconds=int(time.time()) - 60)
    )
    patient.audit = audit_pb2.VerifyAuditResponse(intact=True, lines=12)
    patient.backups = backup_pb2.ListBackupsResponse(recovery_recipients=["age1x"])
    patient.refusals = secrets_pb2.ListRefusalsResponse()
    patient.stacks = d.GetStatusResponse(
        services=[d.ServiceStatus(service="web", state=d.SERVICE_STATE_RUNNING)]
    )
    return patient
