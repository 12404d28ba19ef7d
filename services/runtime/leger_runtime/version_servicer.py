"""The method with which every service tells which build it is."""

from collections.abc import Iterable

import grpc
from leger.version.v1 import version_pb2 as pb
from leger.version.v1 import version_pb2_grpc

from leger_runtime import version

SERVICE = pb.DESCRIPTOR.services_by_name["VersionService"].full_name


class VersionServicer(version_pb2_grpc.VersionServiceServicer):
    """leger.version.v1.VersionService; `services` are the full names of all that is served."""

    def __init__(self, services: Iterable[str]) -> None:
        self._answer = pb.GetVersionResponse(
            version=version.__version__,
            commit=version.commit(),
            packages=sorted({name.rpartition(".")[0] for name in services}),
            store_schema=version.STORE_SCHEMA,
        )

    def GetVersion(
        self, request: pb.GetVersionRequest, context: grpc.ServicerContext
    ) -> pb.GetVersionResponse:
        """Answer which build this is."""
        return self._answer
