"""leger's secrets service, as its host runs it, as a server under test."""

import json
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from leger.secrets.v1 import access_pb2, access_pb2_grpc, secrets_pb2, secrets_pb2_grpc
from leger_runtime import client

from conformance.activation import ActivatedServer
from conformance.principals import Rule, rules_by_principal
from conformance.suite import Target
from conformance.toolchain import Go

# The grants of this principal come from the policy file, those of all others with their tokens.
BY_POLICY = "rules"

# As the suite has it: a secret that a unit is bound to.
BOUND = secrets_pb2.Binding(unit="web.service", credential="bound", secret="bound/by-a-unit")

CALL_SECONDS = 20.0


@contextmanager
def serving(directory: Path, go: Go) -> Iterator[Target]:
    """Run leger's secrets service, with its state in `directory`, which must be empty."""
    key_file = directory / "store-key"
    key_file.touch(mode=0o600)
    key_file.write_bytes(secrets.token_bytes(32))
    policy = directory / "policy.toml"
    policy.write_text(policy_for(f"token:{BY_POLICY}", rules_by_principal()[BY_POLICY]))
    runtime = directory / "run"
    server = ActivatedServer(
        [sys.executable, "-m", "leger_secrets"],
        log=directory / "log",
        variables={
            "LEGER_RUNTIME_DIR": str(runtime),
            "LEGER_STATE_DIR": str(directory / "state"),
            "LEGER_KEY_FILE": str(key_file),
            "LEGER_POLICY_FILE": str(policy),
            "LEGER_JOURNAL_SOCKET": str(directory / "journal"),  # no units, so nothing is sent
        },
    )
    try:
        server.start()
        tokens = minted(runtime / "operator" / "grpc.sock", rules_by_principal())
        bind(runtime / "deployer" / "grpc.sock", BOUND)
        yield Target(kind="leger", server=server, tokens=tokens)
    finally:
        server.close()


def minted(socket: Path, rules: Mapping[str, Sequence[Rule]]) -> dict[str, str]:
    """Return a token of each principal, made with its rules, and one that was "revoked"."""
    with client.channel(socket) as channel:
        access = access_pb2_grpc.AccessServiceStub(channel)

        def mint(name: str, rules: Sequence[Rule]) -> str:
            request = access_pb2.CreateTokenRequest(
                name=name,
                grants=[
                    access_pb2.Grant(actions=rule["action"], secrets=rule["secret"])
                    for rule in rules
                ],
            )
            return str(access.CreateToken(request, wait_for_ready=True, timeout=CALL_SECONDS).token)

        tokens = {name: mint(name, [] if name == BY_POLICY else rules[name]) for name in rules}
        tokens["revoked"] = mint("revoked", rules["admin"])
        access.RevokeToken(access_pb2.RevokeTokenRequest(name="revoked"), timeout=CALL_SECONDS)
        return tokens


def bind(socket: Path, binding: secrets_pb2.Binding) -> None:
    """Bind a unit to a secret, as the deployer does."""
    with client.channel(socket) as channel:
        request = secrets_pb2.BindStackRequest(stack="conformance", bindings=[binding])
        secrets_pb2_grpc.BindingsServiceStub(channel).BindStack(
            request, wait_for_ready=True, timeout=CALL_SECONDS
        )


def policy_for(principal: str, rules: Sequence[Rule]) -> str:
    """Return a policy file that gives a principal these rules."""
    # A JSON string, and a list of them, is written the same in TOML.
    return "\n".join(
        f"[[grants]]\n"
        f"principals = {json.dumps([principal])}\n"
        f"actions = {json.dumps(rule['action'])}\n"
        f"secrets = {json.dumps(rule['secret'])}\n"
        for rule in rules
    )
