"""Other versions of leger than the one that is built: the same package with another image."""

import json

from conftest import Host

SHARE = "/usr/share/leger/image"
IMAGE = "localhost/leger/services"

# What the Containerfile of each adds to the image that was healthy last.
WELL = "LABEL generation={tag}"
CANNOT_START = 'ENTRYPOINT ["/nonexistent"]'

# Says how long at most each service of a scope did not answer, until it is told to end.
WATCH = """
import json, signal, sys, threading, time
sys.path.insert(0, "/usr/lib/leger/site")
import grpc
from leger.version.v1 import version_pb2, version_pb2_grpc

ended, longest = threading.Event(), {}
signal.signal(signal.SIGTERM, lambda *_: ended.set())

def watch(service):
    last = time.monotonic()
    while not ended.wait(0.1):
        with grpc.insecure_channel(f"unix:/run/leger/{service}/operator/grpc.sock") as channel:
            try:
                stub = version_pb2_grpc.VersionServiceStub(channel)
                stub.GetVersion(version_pb2.GetVersionRequest(), timeout=1)
            except grpc.RpcError:
                continue
        now = time.monotonic()
        longest[service] = max(longest.get(service, 0), now - last)
        last = now

threads = [threading.Thread(target=watch, args=[service]) for service in ("secrets", "deployer")]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps(longest))
"""


def install(host: Host, tag: str, change: str) -> str:
    """Put a package in place whose image differs by `change`; return the image's reference.

    What a package manager would do next, telling legerd, is the caller's.
    """
    reference = f"{IMAGE}:{tag}"
    base = json.loads(host.do("legerd status --json"))["healthy"]
    containerfile = f"FROM {base}\n{change.format(tag=tag)}\n"
    host.do(f"podman build --quiet --tag {reference} -", stdin=containerfile)
    host.do(
        f"rm -f {SHARE}/leger.tar; podman save --quiet --format oci-archive"
        f" --output {SHARE}/leger.tar {reference}"
    )
    host.do(f"podman image rm {reference}")
    host.do(f"echo {reference} > {SHARE}/reference")
    return reference


def images(host: Host, *, user: str = "root") -> set[str]:
    """Return the images of leger's services that podman has."""
    form = "{{.Repository}}:{{.Tag}}"
    return set(host.do(f"podman images --format '{form}' {IMAGE}", user=user).split())
