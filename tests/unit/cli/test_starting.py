"""Which services are to be started when what kept some of them from it is mended."""

from leger.deployer.v1 import deployer_pb2 as d
from leger_cli.starting import down_with

FAILED, STOPPED, RUNNING = d.SERVICE_STATE_FAILED, d.SERVICE_STATE_STOPPED, d.SERVICE_STATE_RUNNING


def service(name: str, state: "d.ServiceState.ValueType", *requires: str) -> d.ServiceStatus:
    return d.ServiceStatus(
        service=name, unit=f"{name}.service", state=state, requires=list(requires)
    )


def test_what_requires_them_is_started_too_after_them() -> None:
    services = [
        service("a-front", STOPPED, "web"),
        service("aside", STOPPED),
        service("db", FAILED),
        service("web", STOPPED, "cache", "db"),
        service("cache", RUNNING),
    ]
    assert down_with({"db.service"}, services) == ["db", "web", "a-front"]


def test_what_runs_or_is_not_known_needs_no_start() -> None:
    services = [service("db", RUNNING), service("web", STOPPED, "db")]
    assert down_with({"db.service", "gone.service"}, services) == []


def test_services_that_require_each_other_are_named_once() -> None:
    services = [service("a", FAILED, "b"), service("b", STOPPED, "a")]
    assert down_with({"a.service"}, services) == ["b", "a"]
