"""What a run says while it works, where nobody looks at a terminal."""

import pytest

from loop.display import Display


def test_a_log_has_each_stage_once_and_where_to_answer(capsys: pytest.CaptureFixture[str]) -> None:
    with Display() as display:
        display.stage(1, "fit", "")
        for left in (20, 19, 18):
            display.stage(1, "verify", f"{left} verdicts to come, at http://127.0.0.1:8080")
        display.stage(1, "evaluated", "accuracy 57.0")
        display.stage(2, "fit", "")
    said = " ".join(capsys.readouterr().err.split())
    assert said == (
        "round 1: training the classifier "
        "round 1: waiting for the annotators (20 verdicts to come, at http://127.0.0.1:8080) "
        "round 1: accuracy 57.0 round 2: training the classifier"
    )


def test_scripts_hear_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Display(quiet=True) as display:
        display.stage(1, "fit", "")
        display.say("x")
    assert capsys.readouterr() == ("", "")


def test_what_is_copied_stays_in_one_piece(capsys: pytest.CaptureFixture[str]) -> None:
    said = f'log in at http://127.0.0.1:8080{"/projects" * 20} with [annotation] url = "…"'
    Display().say(said)
    assert capsys.readouterr().err == f"{said}\n"
