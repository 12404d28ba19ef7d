"""The one chain every call passes: identity, authorization, errors. Unary and streaming alike."""

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

import grpc

from leger_runtime import principals, status
from leger_runtime.errors import (
    InternalError,
    LegerError,
    NotPermitted,
    RequestUnreadable,
    place,
)
from leger_runtime.principals import Principal, Role

log = logging.getLogger(__name__)

# Full method name -> the roles that may call it. A method that is missing is closed to everybody.
Policy = Mapping[str, frozenset[Role]]

if TYPE_CHECKING:  # generic in its type stubs alone
    _Interceptor = grpc.ServerInterceptor[Any, Any]
else:
    _Interceptor = grpc.ServerInterceptor

Handler = Callable[[Any, grpc.ServicerContext], Any]
Deserializer = Callable[[bytes], Any]

# Told of every call that the policy refuses, with its request, before the caller is: in the call's
# own context, so that whoever is told can look at who calls.
OnRefusal = Callable[[str, object, grpc.ServicerContext], None]


class Gatekeeper(_Interceptor):
    """Admits a call when the policy names the socket's role, and turns its errors into statuses.

    A LegerError that `on_refusal` raises is what the caller is answered instead.
    """

    def __init__(
        self, *, principal: Principal, policy: Policy, on_refusal: OnRefusal | None = None
    ) -> None:
        self._principal = principal
        self._policy = policy
        self._on_refusal = on_refusal

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], "grpc.RpcMethodHandler[Any, Any] | None"],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "grpc.RpcMethodHandler[Any, Any] | None":
        """Wrap the handler that the server found for this call; None stays unimplemented."""
        found = continuation(handler_call_details)
        if found is None:
            return None
        method = handler_call_details.method
        if found.response_streaming:
            stream = found.stream_stream if found.request_streaming else found.unary_stream
            make = (
                grpc.stream_stream_rpc_method_handler
                if found.request_streaming
                else grpc.unary_stream_rpc_method_handler
            )
            return make(
                self._streaming(method, _readable(method, found, cast("Handler", stream))),
                _total(found.request_deserializer),
                found.response_serializer,
            )
        unary = found.stream_unary if found.request_streaming else found.unary_unary
        make = (
            grpc.stream_unary_rpc_method_handler
            if found.request_streaming
            else grpc.unary_unary_rpc_method_handler
        )
        return make(
            self._unary(method, _readable(method, found, cast("Handler", unary))),
            _total(found.request_deserializer),
            found.response_serializer,
        )

    def _unary(self, method: str, behaviour: Handler) -> Handler:
        def call(request: Any, context: grpc.ServicerContext) -> Any:
            principals.enter(self._principal)
            try:
                self._authorize(method, request, context)
                return behaviour(request, context)
            except LegerError as error:
                context.abort_with_status(status.to_grpc(error))
            except Exception as error:  # the boundary: nothing may escape
                self._abort_on_defect(method, error, context)

        return call

    def _streaming(self, method: str, behaviour: Handler) -> Handler:
        def call(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
            principals.enter(self._principal)
            try:
                self._authorize(method, request, context)
                yield from behaviour(request, context)
            except LegerError as error:
                context.abort_with_status(status.to_grpc(error))
            except Exception as error:  # the boundary: nothing may escape
                self._abort_on_defect(method, error, context)

        return call

    def _authorize(self, method: str, request: object, context: grpc.ServicerContext) -> None:
        if self._principal.role not in self._policy.get(method, frozenset()):
            if self._on_refusal:
                self._on_refusal(method, request, context)
            raise NotPermitted(
                f"{self._principal} may not call {method}.",
                why="The policy table of the service does not name this principal.",
                next_step="Call it through the socket of a principal that may.",
            )

    def _abort_on_defect(
        self, method: str, error: Exception, context: grpc.ServicerContext
    ) -> None:
        if not context.is_active():
            return  # the caller has gone, or abort() itself is on its way up
        log.error("%s failed with %s at %s", method, type(error).__name__, place(error))
        context.abort_with_status(
            status.to_grpc(
                InternalError(
                    "The service failed on this request.",
                    why=f"It hit a defect: {type(error).__name__} in {method}.",
                    next_step="Report it with the service's journal; nothing was answered.",
                )
            )
        )


_UNREADABLE = object()


def _total(deserialize: Deserializer | None) -> Deserializer | None:
    """Return a deserializer that never raises, for `_readable` to find out.

    When one raises, grpcio logs a traceback, says INTERNAL, and never frees what the call took (20
    KB in grpcio 1.85).
    """
    if deserialize is None:
        return None

    def read(content: bytes) -> Any:
        try:
            return deserialize(content)
        except Exception:  # whatever a serializer raises, and of whatever kind it is
            return _UNREADABLE

    return read


def _readable(method: str, found: "grpc.RpcMethodHandler[Any, Any]", behaviour: Handler) -> Handler:
    """Return a handler that raises RequestUnreadable for what could not be deserialized."""

    def check(request: Any) -> Any:
        if request is _UNREADABLE:
            raise RequestUnreadable(
                f"What was sent is no request of {method}.",
                why="Its bytes are not those of a message as the contract has it.",
                next_step="Use a client that was made from the same contract.",
            )
        return request

    def call(request: Any, context: grpc.ServicerContext) -> Any:
        checked = map(check, request) if found.request_streaming else check(request)
        return behaviour(checked, context)

    return call
