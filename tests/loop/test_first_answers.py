"""The first answers of people may be one-sided, or none at all: the run goes on as soon as it can."""

from collections.abc import Callable
from pathlib import Path

import pytest
from small_run import truth_of, write_config, write_or_choose

from connectors.annotators import InstantAnnotators, SimulatedAnnotator
from loop.config import Config, load_config
from loop.parts import assemble
from loop.rounds import run
from loop.store import Store
from models.errors import DataError
from models.llm import LLM, ScriptedLLM
from models.measures import Evaluation
from models.records import LabelTask, Verdict


class Opinionated(SimulatedAnnotator):
    """Knows the labels, but for the tasks of a kind: for those it has a word of its own, a class or a skip."""

    def __init__(self, config: Config, kind: str, word: str | None) -> None:
        super().__init__(truth_of(config), list(config.classes))
        self.kind, self.word = kind, word

    def answer(self, task: LabelTask) -> Verdict:
        if task.kind != self.kind:
            return super().answer(task)
        return Verdict(task.uid, "label" if self.word else "skip", self.word, self.name, self.word or "1")


Play = Callable[..., list[Evaluation]]


@pytest.fixture
def learner() -> dict[str, object]:
    return {}


@pytest.fixture
def play(tmp_path: Path, learner: dict[str, object]) -> Play:
    config = load_config(write_config(tmp_path, run={"labels": 30}, learner=learner))
    drawn = config.data.model_copy(update={"holdout": None, "holdout_size": 20})
    config = config.model_copy(update={"data": drawn})

    def play(kind: str, word: str | None, llm: LLM | None = None, said: list[str] | None = None) -> list[Evaluation]:
        notes: list[str] = [] if said is None else said
        with Store(config.run.directory) as store:
            people = InstantAnnotators(Opinionated(config, kind, word))
            run(assemble(config, store, people, llm), watch=lambda _, stage, text: notes.append(text))
            return store.all(Evaluation)

    return play


def test_a_holdout_that_turns_out_to_be_of_one_class_measures_that_one_and_says_so(play: Play) -> None:
    said: list[str] = []
    points = play("holdout", "refund_status", said=said)
    assert len(points) == 2
    assert all(0 <= p.low <= p.accuracy <= p.high <= 1 for p in points)
    assert any(
        "all of the holdout is 'refund_status': how the other classes do, it does not say" in text for text in said
    )


def test_a_holdout_that_was_skipped_is_measured_on_once_it_is_answered(play: Play) -> None:
    with pytest.raises(DataError, match="answer those that were skipped, then run again"):
        play("holdout", None)
    assert play("holdout", "refund_status")


def test_a_first_batch_that_was_skipped_does_not_keep_an_llm_from_beginning(play: Play) -> None:
    assert len(play("start", None, ScriptedLLM(write_or_choose))) == 2


@pytest.mark.parametrize("learner", [{"strategy": name} for name in ("auto", "contrastive", "discriminative")])
def test_after_a_first_batch_that_was_skipped_the_next_is_drawn_like_it(play: Play) -> None:
    assert [point.human_labels for point in play("start", None)] == [20, 30]


def test_a_shortlist_needs_no_labels(tmp_path: Path, tiny_weights: Path) -> None:
    learner = {"training": "contrastive", "encoder": str(tiny_weights), "shortlist": 50, "unlabelled": 0}
    config = load_config(write_config(tmp_path, llm={"model": "none"}, learner=learner, run={"batch": 4, "labels": 28}))
    with Store(config.run.directory) as store:
        run(assemble(config, store, InstantAnnotators(Opinionated(config, "start", None))))
        assert [point.human_labels for point in store.all(Evaluation)] == [20, 24, 28]


def test_a_first_batch_of_sets_that_was_skipped_is_learned_from_once_it_is_answered(tmp_path: Path) -> None:
    sections = {"task": {"multi_label": True}, "llm": {"model": "none"}, "run": {"labels": 30}}
    config = load_config(write_config(tmp_path, **sections))
    with Store(config.run.directory) as store:
        with pytest.raises(DataError, match="what was skipped of it"):
            run(assemble(config, store, InstantAnnotators(Opinionated(config, "start", None))))
        run(assemble(config, store, InstantAnnotators(Opinionated(config, "start", "refund_status"))))
        assert [point.human_labels for point in store.all(Evaluation)] == [20, 30]
