"""The fuzzing of the contract tests, for minutes instead of seconds."""

from random import Random

from contract.secrets import test_grpc_fuzz, test_http_fuzz
from leger_secrets.config import Config

MIB = 1024  # KiB


def test_30_000_requests_over_http_break_nothing_and_grow_nothing(config: Config) -> None:
    test_http_fuzz.fuzz(config, rounds=300, growth=10 * MIB, seeds=Random())


def test_10_000_calls_break_nothing_and_grow_nothing(config: Config) -> None:
    test_grpc_fuzz.fuzz(config, rounds=100, growth=12 * MIB, seeds=Random())
