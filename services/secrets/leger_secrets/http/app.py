"""setec's API as an ASGI application: which request is answered by what, in setec's order."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from leger_runtime.errors import LegerError, place
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from leger_secrets.domain.caller import Caller
from leger_secrets.domain.secrets import Secrets
from leger_secrets.http import answers, page
from leger_secrets.http.answers import Answer
from leger_secrets.http.callers import Callers
from leger_secrets.http.complaints import Complaints
from leger_secrets.http.methods import Methods, answer_to

log = logging.getLogger(__name__)

MAX_BODY = 2 * 1024 * 1024
"""In bytes. The largest value that can be stored has 1,333,336 in base64."""

_API = "/api/"
_STATIC = "/static/"
# A header that no browser lets a page set: setec's way to keep pages from calling it.
_NO_BROWSERS = ("sec-x-tailscale-no-browsers", "setec")

Result = TypeVar("Result")


class App:
    """Serves one request after another; what may block runs in `threads`."""

    def __init__(
        self,
        *,
        secrets: Secrets,
        methods: Methods,
        callers: Callers,
        complaints: Complaints,
        threads: ThreadPoolExecutor,
    ) -> None:
        self._secrets = secrets
        self._methods = methods
        self._callers = callers
        self._complaints = complaints
        self._threads = threads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request. No exception leaves this method."""
        request = Request(scope, receive)
        try:
            answer = await self._answer(request)
        except ClientDisconnect:
            return
        except LegerError as failure:
            answer = answer_to(failure)
            if answer is answers.INTERNAL_ERROR:
                self._complaints.note(f"A request over HTTP failed: {failure.reason}.")
        except Exception as error:  # the boundary: nothing may escape
            log.error(
                "A request over HTTP failed with %s at %s", type(error).__name__, place(error)
            )
            answer = answers.INTERNAL_ERROR
        await _response(answer)(scope, receive, send)

    async def _answer(self, request: Request) -> Answer:
        path: str = request.scope["path"]
        method = path.removeprefix(_API)
        if path.startswith(_API) and method in self._methods:
            return await self._method(method, request)
        if path.startswith(_STATIC) and request.method in ("GET", "HEAD"):
            return page.STYLE if path == page.STYLE_PATH else answers.NO_SUCH_FILE
        return await self._page(request)

    async def _method(self, method: str, request: Request) -> Answer:
        if request.method != "POST":
            return answers.ONLY_POST
        if request.headers.get("content-type") != "application/json":
            return answers.ONLY_JSON
        header, expected = _NO_BROWSERS
        if request.headers.get(header) != expected:
            return answers.DENIED
        by = await self._caller(request)
        if by is None:
            return answers.UNIDENTIFIED
        body = await _body(request)
        if body is None:
            return answers.TOO_LARGE
        return await self._in_thread(partial(self._methods.answer, method, body, by))

    async def _page(self, request: Request) -> Answer:
        if request.method != "GET":
            return answers.INVALID_METHOD
        by = await self._caller(request)
        if by is None:
            return answers.UNIDENTIFIED
        infos, _ = await self._in_thread(partial(self._secrets.list_secrets, by=by))
        return page.of_infos(infos)

    async def _caller(self, request: Request) -> Caller | None:
        identify = partial(
            self._callers.identify,
            authorization=request.headers.get("authorization", ""),
            user_agent=request.headers.get("user-agent", ""),
            peer=request.scope["client"],
        )
        by = await self._in_thread(identify)
        if by is None:
            self._complaints.note("A request over HTTP had no token, or none that is valid here.")
        return by

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


async def _body(request: Request) -> bytes | None:
    """Return the body; None when it is too large. Raises ClientDisconnect when it is cut off."""
    if int(request.headers.get("content-length", "0")) > MAX_BODY:  # digits, as h11 lets pass
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            return None
    return bytes(body)


def _response(answer: Answer) -> Response:
    headers = {"cache-control": "no-store"}
    if answer.content_type:
        headers["content-type"] = answer.content_type
    if answer.nosniff:
        headers["x-content-type-options"] = "nosniff"
    return Response(answer.body, status_code=answer.status, headers=headers)
