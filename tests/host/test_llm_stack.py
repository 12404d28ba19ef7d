"""The realistic stack: this host would take it, though no registry is there to pull from."""

import json

from conftest import Host

STACK = "/usr/share/leger/examples/llm-stack"


def test_the_llm_stack_passes_a_dry_run(host: Host) -> None:
    answer = json.loads(host.do(f"leger deploy install {STACK} --dry-run --json"))
    units = {unit["unit"] for unit in answer["plan"]["units"]}
    assert {"litellm.service", "openwebui.service", "llm-network.service"} <= units
    assert any(secret["secret"] for secret in answer["plan"]["secrets"])


def test_the_llm_stack_is_valid(host: Host) -> None:
    host.do(f"leger validate {STACK}")
