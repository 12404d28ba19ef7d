"""Random requests: the same for the same seed, and of every kind."""

import json
import random

from conformance.differential import FIELDS, READS, request

PRINCIPALS = ["admin", "bystander", "lister"]


def drawn(seed: int, count: int = 2000) -> list[tuple[str, str, bytes]]:
    chance = random.Random(seed)
    requests = (request(chance, PRINCIPALS) for _ in range(count))
    return [(sent.principal, sent.method, sent.body) for sent in requests]


def is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


def test_a_seed_stands_for_the_samerequests() -> None:
    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)


def test_every_method_is_sent_bodies_that_are_json_and_bodies_that_are_not() -> None:
    kinds = {(method, is_json(body)) for _, method, body in drawn(1)}
    assert kinds == {(method, whole) for method in FIELDS for whole in (True, False)}


def test_writes_that_are_not_json_come_from_one_who_may_not_write() -> None:
    for principal, method, body in drawn(2):
        if method not in READS and not is_json(body):
            assert principal == "bystander"
