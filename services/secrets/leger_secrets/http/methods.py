"""The methods of setec's API, on top of the service's own (server/server.go, db/db.go)."""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypedDict, cast

from leger_runtime.errors import LegerError

from leger_secrets.domain import names
from leger_secrets.domain.caller import Caller
from leger_secrets.domain.errors import (
    AccessDenied,
    InvalidName,
    SecretNotFound,
    VersionClaimed,
    VersionNotFound,
)
from leger_secrets.domain.secrets import Secrets
from leger_secrets.domain.value import SecretValue
from leger_secrets.http import answers, go_json
from leger_secrets.http.answers import Answer


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a body asks for; each method reads some of these fields (types/api/api.go)."""

    name: str
    version: int
    update_if_changed: bool
    value: SecretValue


# Tells what a failure is on the wire; every other one is an internal error.
_ANSWERS: Mapping[type[LegerError], Answer] = {
    AccessDenied: answers.DENIED,
    SecretNotFound: answers.NOT_FOUND,
    VersionNotFound: answers.NOT_FOUND,
    VersionClaimed: answers.VERSION_CLAIMED,
}


def answer_to(failure: LegerError) -> Answer:
    """Return how setec answers a request that fails so."""
    return _ANSWERS.get(type(failure), answers.INTERNAL_ERROR)


class Methods:
    """Answers each method's requests. Failures are LegerErrors, for `answer_to`."""

    def __init__(self, *, secrets: Secrets) -> None:
        self._secrets = secrets
        self._table: dict[str, tuple[_Fields, Callable[[Request, Caller], Answer]]] = {
            "list": ((), self._list),
            "get": (("Name", "Version", "UpdateIfChanged"), self._get),
            "info": (("Name",), self._info),
            "put": (("Name", "Value"), self._put),
            "create-version": (("Name", "Version", "Value"), self._create_version),
            "activate": (("Name", "Version"), self._activate),
            "delete": (("Name",), self._delete),
            "delete-version": (("Name", "Version"), self._delete_version),
        }

    def __contains__(self, method: str) -> bool:
        return method in self._table

    def answer(self, method: str, body: bytes, by: Caller) -> Answer:
        """Carry out a request of the method and answer it."""
        fields, carry_out = self._table[method]
        try:
            request = _decoded(body, fields)
        except go_json.NotDecodable:
            return answers.BAD_REQUEST
        return carry_out(request, by)

    def _list(self, _: Request, by: Caller) -> Answer:
        infos, _revision = self._secrets.list_secrets(by=by)
        return answers.of_infos(infos)

    def _get(self, request: Request, by: Caller) -> Answer:
        # Without a version there is nothing to compare with: the active one, unconditionally.
        known = request.version if request.update_if_changed else 0
        with _absent_if_it_cannot_exist(request.name):
            got = self._secrets.get(
                request.name,
                version=0 if known else request.version,
                if_version_not=known,
                by=by,
            )
        if got.value is None:
            return answers.UNCHANGED
        return answers.of_value(b64encode(got.value.reveal()), got.version)

    def _info(self, request: Request, by: Caller) -> Answer:
        with _absent_if_it_cannot_exist(request.name):
            return answers.of_info(self._secrets.info(request.name, by=by))

    def _put(self, request: Request, by: Caller) -> Answer:
        if not request.name:  # before permissions, as in setec
            return answers.INTERNAL_ERROR
        put = self._secrets.put(request.name, request.value, activate=False, by=by)
        return answers.of_json(put.version)

    def _create_version(self, request: Request, by: Caller) -> Answer:
        if not request.name:
            return answers.INTERNAL_ERROR
        if not request.version:  # before permissions, too
            return answers.VERSION_INVALID
        self._secrets.create_version(request.name, request.version, request.value, by=by)
        return answers.of_json({})

    def _activate(self, request: Request, by: Caller) -> Answer:
        if not request.name:
            return answers.INTERNAL_ERROR
        with _absent_unless_wrong(request):
            self._secrets.activate(request.name, request.version, by=by)
        return answers.of_json({})

    def _delete(self, request: Request, by: Caller) -> Answer:
        try:
            self._secrets.delete(request.name, force=False, by=by)
        except SecretNotFound:
            pass  # what setec is told to delete need not be there
        except InvalidName:
            if request.name.startswith(names.RESERVED_PREFIX):
                raise
        return answers.of_json({})

    def _delete_version(self, request: Request, by: Caller) -> Answer:
        with _absent_unless_wrong(request):
            self._secrets.delete_version(request.name, request.version, by=by)
        return answers.of_json({})


@contextmanager
def _absent_if_it_cannot_exist(name: str) -> Iterator[None]:
    """Raise SecretNotFound for InvalidName: to setec every text may be a name."""
    try:
        yield
    except InvalidName:
        raise SecretNotFound(name) from None


@contextmanager
def _absent_unless_wrong(request: Request) -> Iterator[None]:
    """Do the same, but where setec says before whether the secret exists that the request fails."""
    try:
        yield
    except InvalidName:
        if not request.version or request.name.startswith(names.RESERVED_PREFIX):
            raise
        raise SecretNotFound(request.name) from None


class _Members(TypedDict, total=False):
    Name: str
    Version: int
    UpdateIfChanged: bool
    Value: bytes


_Fields = tuple[str, ...]
_READERS: Mapping[str, go_json.FieldReader] = {
    "Name": go_json.text,
    "Version": go_json.uint32,
    "UpdateIfChanged": go_json.boolean,
    "Value": go_json.octets,
}


def _decoded(body: bytes, fields: _Fields) -> Request:
    found = cast("_Members", go_json.decode(body, {name: _READERS[name] for name in fields}))
    return Request(
        # A longer name is as wrong when it is cut so, and fits into a line of the audit log.
        name=found.get("Name", "")[: names.MAX_SECRET_NAME + 1],
        version=found.get("Version", 0),
        update_if_changed=found.get("UpdateIfChanged", False),
        value=SecretValue(found.get("Value", b"")),
    )
