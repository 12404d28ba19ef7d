"""One deployer to a data directory."""

import subprocess
import sys
from pathlib import Path

import pytest
from leger_deployer import wiring
from leger_deployer.adapters.data_lock import StateInUse
from leger_deployer.config import Config
from leger_runtime.errors import Kind

HOLD = """
import pathlib, sys
from leger_deployer.adapters import data_lock
data_lock.hold(pathlib.Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(
        runtime_dir=tmp_path / "run", data_dir=tmp_path / "data", quadlet_dir=tmp_path / "quadlets"
    )


def test_a_second_deployer_does_not_start_and_leaves_the_first_ones_uploads(
    config: Config,
) -> None:
    upload = config.data_dir / "staged/shop-1"
    upload.mkdir(parents=True)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, config.data_dir],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"held\n"
        with pytest.raises(StateInUse) as raised:
            wiring.build(config)
        assert raised.value.kind is Kind.CONFLICT
        assert upload.is_dir()
        first.kill()
    wiring.build(config)
    assert not upload.exists()
