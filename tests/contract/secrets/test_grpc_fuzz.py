"""Whatever is sent to a method: it is answered with a reason, and nothing grows.

Sent are messages of the contract with any content, the same with a few bytes changed, and bytes
that are no message at all.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random

import grpc
from contract.secrets import usage
from contract.secrets.conftest import connect, start_process, wait_until_serving
from contract.secrets.test_http_fuzz import mutated
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import DecodeError, Message
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from leger.secrets.v1 import access_pb2, audit_pb2, backup_pb2, secrets_pb2, store_pb2
from leger_runtime import status
from leger_secrets.config import Config

METHODS: Sequence[MethodDescriptor] = [
    method
    for file in (secrets_pb2, access_pb2, audit_pb2, store_pb2, backup_pb2)
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]
WORDS = (
    *["a"] * 8,
    *("b/c", "", "_internal/x", " padded", "n" * 300, "*", "description", "labels.x"),
    *("get", "operator:root", "token:ci", "unit:web.service", "web.service", "notes", "ci"),
)
# Of streams that go on until the caller ends them, the first answers are enough.
ANSWERS = 3
PATIENCE = 0.2  # seconds
TIMEOUT = 60  # seconds, of a call that ends by itself


@dataclass(frozen=True)
class Call:
    """A call with its requests as bytes; several where the method takes a stream of them."""

    principal: str
    method: MethodDescriptor
    requests: list[bytes]

    @property
    def lasts(self) -> bool:
        """Whether it goes on until the caller ends it, unless it is refused."""
        if self.method.name == "ReadAudit":
            with suppress(DecodeError):
                return audit_pb2.ReadAuditRequest.FromString(self.requests[0]).follow
            return False
        return self.method.name == "WatchSecrets"

    def make(self, channel: grpc.Channel) -> None:
        """Make the call and take its first answers. Raises grpc.RpcError."""
        path = f"/{self.method.containing_service.full_name}/{self.method.name}"
        if self.method.client_streaming:
            channel.stream_unary(path, None, None)(iter(self.requests), timeout=TIMEOUT)
        elif self.method.server_streaming:
            timeout = PATIENCE if self.lasts else TIMEOUT
            stream = channel.unary_stream(path, None, None)(self.requests[0], timeout=timeout)
            for _ in zip(range(ANSWERS), stream, strict=False):
                pass
            stream.cancel()  # type: ignore[no-untyped-call]
        else:
            channel.unary_unary(path, None, None)(self.requests[0], timeout=TIMEOUT)


def scalars(field: FieldDescriptor) -> st.SearchStrategy[object]:
    kind = FieldDescriptor
    match field.cpp_type:
        case kind.CPPTYPE_STRING if field.type == kind.TYPE_BYTES:
            # Short, as a passphrase that is taken would lock the store.
            return st.binary(max_size=6)
        case kind.CPPTYPE_STRING:
            return st.sampled_from(WORDS) | st.sampled_from(WORDS) | st.text(max_size=8)
        case kind.CPPTYPE_BOOL:
            return st.booleans()
        case kind.CPPTYPE_ENUM:
            return st.integers(0, 6)
        case kind.CPPTYPE_UINT32:
            return st.integers(0, 3) | st.integers(0, 2**32 - 1)
        case kind.CPPTYPE_UINT64:
            return st.integers(0, 3) | st.integers(0, 2**64 - 1)
        case kind.CPPTYPE_INT32:
            return st.integers(-(2**31), 2**31 - 1)
        case kind.CPPTYPE_INT64:
            return st.integers(-(2**63), 2**63 - 1) | st.integers(0, 2**34)
    raise AssertionError(f"the contract has a field of a kind that is new here: {field.full_name}")


@st.composite
def messages(draw: st.DrawFn, of: Descriptor) -> Message:
    """Draw a message of the type, each of its fields set or not."""
    message = message_factory.GetMessageClass(of)()
    for field in of.fields:
        if not draw(st.booleans()):
            continue
        nested = field.message_type
        if nested is None and field.is_repeated:
            getattr(message, field.name).extend(draw(st.lists(scalars(field), max_size=3)))
        elif nested is None:
            setattr(message, field.name, draw(scalars(field)))
        elif nested.GetOptions().map_entry:
            key, value = (nested.fields_by_name[name] for name in ("key", "value"))
            for _ in range(draw(st.integers(0, 2))):
                getattr(message, field.name)[draw(scalars(key))] = draw(scalars(value))
        elif field.is_repeated:
            getattr(message, field.name).extend(draw(st.lists(messages(nested), max_size=2)))
        else:
            getattr(message, field.name).CopyFrom(draw(messages(nested)))
    return message


@st.composite
def calls(draw: st.DrawFn) -> Call:
    method = draw(st.sampled_from(METHODS))
    proper = messages(method.input_type).map(lambda message: message.SerializeToString())
    requests = proper | proper | mutated(proper) | st.binary(max_size=30)
    count = draw(st.integers(0, 3)) if method.client_streaming else 1
    principal = draw(st.sampled_from(["operator"] * 4 + ["deployer"]))
    return Call(principal, method, [draw(requests) for _ in range(count)])


def check(call: Call, error: grpc.RpcError) -> None:
    """Fail unless the service says why, in words of its own."""
    code: grpc.StatusCode = error.code()
    if code is grpc.StatusCode.DEADLINE_EXCEEDED and call.lasts:
        return
    refusal = status.from_grpc(error)
    assert refusal.why, (call, refusal)
    assert refusal.next_step, (call, refusal)
    assert refusal.reason != "INTERNAL", (call, str(refusal))


def fuzz(config: Config, *, rounds: int, growth: int, seeds: Random) -> None:
    """Make some calls, then `rounds` times 100 more; memory grows at most by `growth` KiB.

    `seeds` decides which ones: the same every time before a change lands, others in a long run.
    """
    process = start_process(config)
    operator = wait_until_serving(config, process)
    channels = {"operator": operator.channel, "deployer": connect(config, "deployer").channel}

    @settings(
        max_examples=100,
        database=None,  # what is found depends on what was sent before
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(calls())
    def send(call: Call) -> None:
        try:
            call.make(channels[call.principal])
        except grpc.RpcError as error:
            check(call, error)
        if call.method.name == "SealStore":
            operator.store.UnsealStore(store_pb2.UnsealStoreRequest())

    for _ in range(3):  # until caches, threads and arenas are all there
        seed(seeds.getrandbits(64))(send)()
    before = usage.of(process.pid)
    for _ in range(rounds):
        seed(seeds.getrandbits(64))(send)()
    after = usage.of(process.pid)
    for channel in channels.values():
        channel.close()
    process.terminate()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert b"Traceback" not in err
    assert b" failed with " not in err  # how the service names a defect
    after.assert_not_above(before, growth=growth)


def test_no_call_breaks_the_service(config: Config) -> None:
    fuzz(config, rounds=7, growth=8 * 1024, seeds=Random(1))
