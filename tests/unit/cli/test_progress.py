from collections.abc import Iterator

import pytest
from leger.deployer.v1 import deployer_pb2 as d
from leger_cli import progress
from leger_runtime.errors import InternalError
from unit.cli.conftest import Written

STARTED, DONE, FAILED = d.STEP_STATE_STARTED, d.STEP_STATE_DONE, d.STEP_STATE_FAILED


def event(
    step: d.Step.ValueType,
    state: d.StepState.ValueType,
    subject: str = "",
    detail: str = "",
    current: int = 0,
    total: int = 0,
) -> d.Progress:
    return d.Progress(
        step=step, state=state, subject=subject, detail=detail, current=current, total=total
    )


def answers(*events: d.Progress) -> Iterator[d.ApplyPlanResponse]:
    for each in events:
        yield d.ApplyPlanResponse(progress=each)
    yield d.ApplyPlanResponse(result=d.ApplyResult(stack="notes", generation=2))


def test_the_last_answer_carries_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    last = progress.follow(answers(event(d.STEP_PULL, DONE)), quiet=True)
    assert last.result.generation == 2
    assert capsys.readouterr() == ("", "")


def test_elsewhere_than_at_a_terminal_each_step_and_each_subject_is_a_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    progress.follow(
        answers(
            event(d.STEP_START, STARTED),
            event(d.STEP_START, STARTED, "web.service"),
            event(d.STEP_START, d.STEP_STATE_WAITING, "web.service", "waiting for it, 5 s"),
            event(d.STEP_START, DONE, "web.service", "healthy"),
            event(d.STEP_START, DONE),
        ),
        quiet=False,
    )
    said = capsys.readouterr()
    assert said.out == ""
    assert [line[9:] for line in said.err.splitlines()] == [
        "Start units",
        "Start units: web.service: started",
        "Start units: web.service: waiting for it, 5 s",
        "Start units: web.service: healthy: done",
    ]


def test_a_stream_without_a_result_is_a_defect() -> None:
    stream = iter([d.ApplyPlanResponse(progress=event(d.STEP_PULL, DONE))])
    with pytest.raises(InternalError):
        progress.follow(stream, quiet=True)


def test_an_interruption_says_where_to_look(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> Iterator[d.ApplyPlanResponse]:
        yield d.ApplyPlanResponse(progress=event(d.STEP_PULL, STARTED))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        progress.follow(interrupted(), quiet=False)
    assert "leger status" in capsys.readouterr().err


@pytest.fixture
def drawing(terminal: Written, monkeypatch: pytest.MonkeyPatch) -> progress.Drawing:
    monkeypatch.setattr("time.monotonic", lambda: 100.0)
    drawing = progress.Drawing(keep=True)
    drawing.note(event(d.STEP_SWITCH, STARTED))
    drawing.note(event(d.STEP_SWITCH, DONE))
    drawing.note(event(d.STEP_START, STARTED, total=3))
    drawing.note(event(d.STEP_START, DONE, "db.service", "healthy", 1, 3))
    drawing.note(event(d.STEP_START, STARTED, "web.service", "waiting", 1, 3))
    return drawing


def test_the_running_step_shows_what_it_is_about(drawing: progress.Drawing) -> None:
    assert (
        "\n" + drawing.draw(102.0).plain
        == """
✓ Put the new generation in place 0.0s
⠋ Start units 1/3 2.0s
    ✓ db.service healthy
    ⠋ web.service waiting"""
    )


def test_a_finished_step_is_one_line(drawing: progress.Drawing) -> None:
    drawing.note(event(d.STEP_START, DONE, "web.service", "", 3, 3))
    drawing.note(event(d.STEP_START, DONE))
    assert drawing.draw(105.0).plain.splitlines()[1] == "✓ Start units 3/3 0.0s"


def test_what_failed_stays_in_sight(drawing: progress.Drawing) -> None:
    drawing.note(event(d.STEP_START, FAILED, "web.service", "exit code 1"))
    drawing.note(event(d.STEP_START, FAILED))
    assert drawing.draw(105.0).plain.splitlines()[1:] == [
        "✗ Start units 1/3 0.0s",
        "    ✗ web.service exit code 1",
    ]


def test_an_error_marks_the_running_step_as_failed(drawing: progress.Drawing) -> None:
    with pytest.raises(ValueError, match="x"), drawing:
        raise ValueError("x")
    assert drawing.draw(200.0).plain.splitlines()[1].startswith("✗ Start units")


def test_a_drawing_cannot_be_commanded_from_outside(drawing: progress.Drawing) -> None:
    drawing.note(event(d.STEP_START, STARTED, "web\x1b[2J", "\x07"))
    assert "\x1b" not in drawing.draw(101.0).plain


def test_a_terminal_shows_the_end_of_the_work(
    terminal: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress.follow(answers(event(d.STEP_RELOAD, STARTED), event(d.STEP_RELOAD, DONE)), quiet=False)
    assert "✓ Let systemd read the units" in terminal()


def test_every_step_of_the_contract_has_words() -> None:
    for name, number in d.Step.items():
        if number:
            words = progress.label(event(number, STARTED))
            assert words != name.removeprefix("STEP_").lower()
