"""200 times killed at a random instant while the store is written to and re-keyed."""

from contract.secrets.test_rekey import assert_nothing_is_lost
from leger_secrets.config import Config


def test_200_kills_while_it_is_rekeyed_lose_nothing(config: Config) -> None:
    assert_nothing_is_lost(config, kills=200)
