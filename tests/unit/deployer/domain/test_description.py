"""What generated units are: ports, secrets, health checks, names, and what cannot be met."""

from pathlib import PurePosixPath

import pytest
from leger_deployer.domain.description import Description, describe
from leger_deployer.domain.generator_output import GeneratedUnit
from leger_deployer.domain.quadlet_file import parse
from leger_deployer.domain.stack import UnitKind
from unit.deployer.domain.test_generator_output import recorded

RUN = "/usr/bin/podman run --name systemd-%N -d"


def shop() -> Description:
    return describe({unit.source.name: unit for unit in recorded().values()})


def container(options: str, *, name: str = "x.service", image: str = "i") -> Description:
    text = f"[X-Container]\nImage={image}\n[Service]\nExecStart={RUN} {options} {image} run it\n"
    source = PurePosixPath("/s/x.container")
    return describe({"x.container": GeneratedUnit(name=name, source=source, file=parse(text))})


def violations(options: str) -> list[str]:
    return [violation.description for violation in container(options).violations]


def test_the_units_of_the_recorded_stack() -> None:
    units = shop().units
    web, database, cache = (units[f"{name}.service"] for name in ("web", "db", "cache"))
    assert (web.resource, web.image, web.pull) == ("shop-web", "localhost/shop/web:1", True)
    assert (database.resource, database.pull) == ("systemd-db", False)
    assert [port.socket for port in web.ports] == ["127.0.0.1:8080/tcp", "*:443/tcp", "*:443/udp"]
    assert web.requires == ("db.service", "shop-network.service")
    assert database.volumes == ("scratch", "shop-db-data")
    assert web.volumes == (), "directories of the host are no volumes"
    assert (cache.image, cache.pull) == ("localhost/shop/cache:1", False)
    assert units["shop-network.service"].resource == "shop"
    assert units["shop-network.service"].subnets == ("10.89.0.0/24",)
    assert units["db-data-volume.service"].resource == "shop-db-data"


def test_health_checks_of_the_recorded_stack() -> None:
    described = shop()
    assert described.units["web.service"].notifies_healthy
    assert described.units["web.service"].healthy_within == 15 + 4 * (10 + 30)
    assert described.units["cache.service"].healthy_within == 0, "HealthCmd=none is none"
    assert not described.facts["cache.service"].image_may_check
    assert described.facts["db.service"].image_may_check


def test_one_secret_may_be_wanted_in_several_ways() -> None:
    uses = [use for use in shop().secrets if use.unit == "web.service"]
    assert [(use.secret, use.type, use.target) for use in uses] == [
        ("api_key", "env", "API_KEY"),
        ("db/password", "mount", "/run/secrets/db/password"),
        ("db/password", "mount", "/etc/db"),
    ]
    assert len({use.credential for use in uses}) == 2


def test_options_of_the_containers_own_command_are_not_podmans() -> None:
    text = f"[X-Container]\nImage=i\n[Service]\nExecStart={RUN} i --publish 1:1 --secret s --name n"
    source = PurePosixPath("/s/x.container")
    unit = GeneratedUnit(name="x.service", source=source, file=parse(text))
    described = describe({"x.container": unit})
    assert described.units["x.service"].ports == ()
    assert described.secrets == []
    assert described.units["x.service"].resource == "systemd-x"


def test_a_pods_ports_are_those_of_its_creation() -> None:
    text = (
        "[X-Pod]\n[Service]\nExecStart=/usr/bin/podman pod start\n"
        "ExecStartPre=/usr/bin/podman pod create --publish 80:80 --name systemd-p\n"
    )
    unit = GeneratedUnit(name="p-pod.service", source=PurePosixPath("/s/p.pod"), file=parse(text))
    found = describe({"p.pod": unit}).units["p-pod.service"]
    assert found.kind is UnitKind.POD
    assert found.resource == "systemd-p"
    assert [port.host_port for port in found.ports] == [80]


def test_a_container_knows_the_pod_of_its_stack_that_it_is_in() -> None:
    def generated(name: str, source: str, text: str) -> GeneratedUnit:
        return GeneratedUnit(name=name, source=PurePosixPath("/s") / source, file=parse(text))

    run = f"[Service]\nExecStart={RUN} i\n"
    own = {
        "p.pod": generated("p-pod.service", "p.pod", "[X-Pod]\n"),
        "in.container": generated(
            "in.service", "in.container", f"[X-Container]\nImage=i\nPod=p.pod\n{run}"
        ),
        "out.container": generated(
            "out.service", "out.container", f"[X-Container]\nImage=i\nPod=other.pod\n{run}"
        ),
    }
    units = describe(own).units
    assert {name: unit.pod for name, unit in units.items()} == {
        "in.service": "p-pod.service",
        "out.service": "",
        "p-pod.service": "",
    }


def test_a_template_tells_the_name_of_each_instances_container() -> None:
    found = container("--name systemd-%p_%i", name="x@.service").units["x@.service"]
    instance = found.instance("x@one.service")
    assert (instance.unit, instance.resource) == ("x@one.service", "systemd-x_one")
    assert not instance.is_template


def test_a_template_has_no_container_and_no_port_of_its_own() -> None:
    found = container("--publish 80%i:80", name="x@.service").units["x@.service"]
    assert found.is_template
    assert found.resource == ""
    assert found.ports == ()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("--secret a,type=file", "Secret=a,type=file: the type file"),
        ("--secret %%i,type=env --secret %i", "holds a specifier"),
        ("--secret a,target=/x:y", "colon"),
        ("--userns auto --secret a,uid=5", "UserNS="),
        ("--publish 80:80/http", "PublishPort=80:80/http"),
        ("--health-cmd true --health-interval soon", "soon is not a duration"),
        ("--secret a/b --secret a_b-c14cddc0", "too alike"),
    ],
)
def test_what_cannot_be_met_is_a_violation(options: str, reason: str) -> None:
    assert any(reason in violation for violation in violations(options)), violations(options)


def test_a_secret_for_a_build_is_refused() -> None:
    text = "[X-Build]\n[Service]\nExecStart=/usr/bin/podman build --tag t --secret id=a /dir\n"
    unit = GeneratedUnit(
        name="b-build.service", source=PurePosixPath("/s/b.build"), file=parse(text)
    )
    (violation,) = describe({"b.build": unit}).violations
    assert "not to builds" in violation.description


def test_two_files_that_become_one_unit_are_a_violation() -> None:
    one = GeneratedUnit(
        name="x.service",
        source=PurePosixPath("/s/a.container"),
        file=parse(f"[X-Container]\nImage=i\n[Service]\nExecStart={RUN} i\n"),
    )
    described = describe({"a.container": one, "b.container": one})
    assert [v.description for v in described.violations] == [
        "it becomes x.service, and so does a.container"
    ]


def test_named_volumes_are_found_in_every_form() -> None:
    options = "-v named:/a -v /host:/b -v ./rel:/c -v /anonymous --mount type=volume,src=m,dst=/d"
    assert container(f"{options} -v %h/x:/e").units["x.service"].volumes == ("m", "named")


@pytest.mark.parametrize(
    "name", ["my app.service", "../x.service", "e$(id).service", "x;y.service"]
)
def test_a_name_that_systemd_does_not_take_is_a_violation(name: str) -> None:
    described = container("", name=name)
    [violation] = described.violations
    assert violation.field == "x.container"
    assert name in violation.description
    assert described.units == {}


@pytest.mark.parametrize("name", ["x.service", "x@.service", "x@1.service", "a:b-c_d.e.service"])
def test_a_name_that_systemd_takes_is_none(name: str) -> None:
    assert container("", name=name).violations == []


@pytest.mark.parametrize("volume", ["a'; id; 'b", "-a", "data/x", "~/x", "a b"])
def test_a_volume_that_podman_would_refuse_is_a_violation(volume: str) -> None:
    [text] = violations(f'-v "{volume}:/data"')
    assert text == f"Volume={volume}: that is no name that a volume can have"


def test_so_is_the_name_of_a_volume_file() -> None:
    text = "[Service]\nExecStart=/usr/bin/podman volume create --ignore \"a'; id; 'b\"\n"
    source = PurePosixPath("/s/x.volume")
    unit = GeneratedUnit(name="x-volume.service", source=source, file=parse(text))
    [violation] = describe({"x.volume": unit}).violations
    assert violation.description.startswith("VolumeName=a'; id; 'b: ")


def test_a_volume_that_systemd_fills_in_is_not_known_beforehand() -> None:
    found = container("-v ${DIRECTORY}:/data -v %h/x:/x")
    assert found.violations == []
    assert found.units["x.service"].volumes == ()


@pytest.mark.parametrize("type_", ["env", "mount"])
def test_a_target_that_would_begin_a_line_of_its_own_is_a_violation(type_: str) -> None:
    [text] = violations(f'--secret "a,type={type_},target=/x\\nExecStartPre=/bin/id"')
    assert "cannot be printed" in text


def test_a_secret_that_systemd_could_not_ask_for_is_a_violation() -> None:
    longest = 83 - len("x.service")
    assert violations(f"--secret {'s' * longest}") == []
    [text] = violations(f"--secret {'s' * (longest + 1)}")
    assert "84 characters together" in text
