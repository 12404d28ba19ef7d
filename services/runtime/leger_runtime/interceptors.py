"""The one chain every call passes: identity, authorization, errors. Unary and streaming alike."""

import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
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
    _MethodHandler = grpc.RpcMethodHandler[Any, Any]
else:
    _Interceptor = grpc.ServerInterceptor

Handler = Callable[[Any, grpc.ServicerContext], Any]
Deserializer = Callable[[bytes], Any]

# Told of every call that the policy refuses, with its request, before the caller is: in the call's
# own context, so that whoever is told can look at who calls.
OnRefusal = Callable[[str, object, grpc.ServicerContext], None]


class Gatekeeper(_Interceptor):
    """Admits a call when the policy names the socket's role, and turns its errors into statuses.

    For one server, whose methods stay the same: each is wrapped once. Those in `apart` run in
    threads of their own. A LegerError that `on_refusal` raises is what the caller is answered
    instead.
    """

    def __init__(
        self,
        *,
        principal: Principal,
        policy: Policy,
        apart: Mapping[str, ThreadPoolExecutor],
        on_refusal: OnRefusal | None = None,
    ) -> None:
        self._principal = principal
        self._policy = policy
        self._apart = apart
        self._on_refusal = on_refusal
        self._wrapped: dict[str, _MethodHandler] = {}

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], "_MethodHandler | None"],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "_MethodHandler | None":
        """Return the wrapped handler of a method; None stays unimplemented."""
        method = handler_call_details.method
        handler = self._wrapped.get(method)
        if handler is None:
            found = continuation(handler_call_details)
            if found is None:
                return None
            handler = self._wrapped[method] = self._wrap(method, found)
        return handler

    def _wrap(self, method: str, found: "_MethodHandler") -> "_MethodHandler":
        make: Callable[..., _MethodHandler]
        match found.request_streaming, found.response_streaming:
            case False, False:
                make, behaviour = grpc.unary_unary_rpc_method_handler, found.unary_unary
            case False, True:
                make, behaviour = grpc.unary_stream_rpc_method_handler, found.unary_stream
            case True, False:
                make, behaviour = grpc.stream_unary_rpc_method_handler, found.stream_unary
            case _:
                make, behaviour = grpc.stream_stream_rpc_method_handler, found.stream_stream
        guarded = self._guarded_stream if found.response_streaming else self._guarded
        readable = partial(_readable, method)
        checked = partial(map, readable) if found.request_streaming else readable
        call = guarded(method, cast("Handler", behaviour), checked)
        if method in self._apart:
            # grpcio looks for the attribute (experimental, but its own health service has it too).
            call.experimental_thread_pool = self._apart[method]  # type: ignore[attr-defined]
        return make(call, _total(found.request_deserializer), found.response_serializer)

    def _guarded(self, method: str, behaviour: Handler, checked: Callable[[Any], Any]) -> Handler:
        def call(request: Any, context: grpc.ServicerContext) -> Any:
            principals.enter(self._principal)
            try:
                self._authorize(method, request, context)
                return behaviour(checked(request), context)
            except LegerError as error:
                context.abort_with_status(status.to_grpc(error))
            except Exception as error:  # the boundary: nothing may escape
                self._abort_on_defect(method, error, context)

        return call

    def _guarded_stream(
        self, method: str, behaviour: Handler, checked: Callable[[Any], Any]
    ) -> Handler:
        def call(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
            principals.enter(self._principal)
            try:
                self._authorize(method, request, context)
                yield from behaviour(checked(request), context)
            except LegerError as error:
                context.abort_with_status(status.to_grpc(error))
            except Exception as error:  # the boundary: nothing may escape
                self._abort_on_defect(method, error, context)

        return call

    def _authorize(self, method: str, request: object, context: grpc.ServicerContext) -> None:
        if self._principal.role not in self._policy.get(method, ()):
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


def _readable(method: str, request: Any) -> Any:
    """Return the request. Raises RequestUnreadable for what could not be deserialized."""
    if request is _UNREADABLE:
        raise RequestUnreadable(
            f"What was sent is no request of {method}.",
            why="Its bytes are not those of a message as the contract has it.",
            next_step="Use a client that was made from the same contract.",
        )
    return request
