"""200 times killed at a random instant under load."""

from contract.secrets.test_crash import assert_nothing_is_lost
from leger_secrets.config import Config


def test_200_kills_lose_nothing_that_was_acknowledged(config: Config) -> None:
    assert_nothing_is_lost(config, kills=200)
