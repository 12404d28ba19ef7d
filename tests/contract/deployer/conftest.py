"""The deployer service on a real Unix socket, with a host behind its ports that is none."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from leger.deployer.v1 import deployer_pb2_grpc as pb_grpc
from leger_deployer import wiring
from leger_deployer.config import Config
from leger_runtime import client
from unit.deployer.fakes import FakeHost, new_host


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return new_host(tmp_path)


@pytest.fixture
def config(host: FakeHost, tmp_path: Path) -> Config:
    return Config(
        account="alice",
        runtime_dir=tmp_path / "run",
        data_dir=host.data,
        quadlet_dir=host.quadlets,
    )


@pytest.fixture
def operator(host: FakeHost, config: Config) -> Iterator[pb_grpc.DeployerServiceStub]:
    """A stub on the operator's socket."""
    service = wiring.serve(config, host.operations())
    service.start()
    try:
        with client.channel(config.runtime_dir / "operator/grpc.sock") as channel:
            yield pb_grpc.DeployerServiceStub(channel)
    finally:
        service.stop()
