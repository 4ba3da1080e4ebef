"""Whole runs with a scripted LLM and instant annotators: order, stopping, going on, and one seed, one result."""

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small_run import instant, truth_of, write_config, write_or_choose

from connectors.annotators import Annotators, InstantAnnotators, SimulatedAnnotator, simulated_crowd
from loop import stages
from loop.ablation import skipped
from loop.budget.split import LEAST
from loop.config import Config, load_config
from loop.display import WHAT
from loop.labelled import holdout_examples, human_examples, human_label_count, kept_candidates
from loop.parts import Parts, assemble
from loop.rounds import run, silent
from loop.store import Store
from loop.table import round_rows, status, text_qualities
from loop.verify import on_page
from models.chat import ChatRequest
from models.errors import ConfigError, LLMError, OutageError, StoreError
from models.llm import LLM, ScriptedLLM
from models.measures import Evaluation, Permission, SourceTrust
from models.records import Candidate, Example, LabelTask, Queried, Rejection, Suggestion, Verdict

TWO_ROUNDS: dict[str, object] = {"labels": 30}


class PowerCutError(Exception):
    """The moment somebody pulls the plug."""


def play(
    config: Config,
    llm: LLM | None = None,
    annotators: Annotators | None = None,
    watch: Callable[[int, str, str], None] = silent,
) -> tuple[list[Evaluation], list[LabelTask], list[Candidate]]:
    with Store(config.run.directory) as store:
        run(assemble(config, store, annotators or instant(config), llm), watch=watch)
        return store.all(Evaluation), store.all(LabelTask), store.all(Candidate)


def test_a_run_spends_its_labels_and_measures_at_each_step(tmp_path: Path) -> None:
    points, tasks, _ = play(load_config(write_config(tmp_path)))
    assert [p.human_labels for p in points] == [20, 30, 40]
    assert len(tasks) == len({t.example for t in tasks}) == 40
    assert all(p.low <= p.accuracy <= p.high and p.accuracy > 1 / 8 for p in points)


def test_what_is_open_when_the_labels_are_spent_is_needless_but_for_the_holdout(tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path, run={"labels": 20}))
    tasks = [LabelTask(n, n, n, 0, kind, 1.0) for n, kind in (("a", "start"), ("b", "start"), ("h", "holdout"))]
    with Store(config.run.directory) as store:
        parts = assemble(config, store, instant(config))
        store.add(tasks)
        store.add([Verdict("a", "label", "late", f"p{n}", f"p{n}") for n in range(19)])
        assert stages.needless(parts, 0) == []
        store.add([Verdict("a", "label", "late", "p19", "p19")])
        assert [task.uid for task in stages.needless(parts, 0)] == ["b"]
        assert stages.needless(parts, 1) == []


def test_once_the_minutes_are_spent_a_round_is_over_but_the_first_batch_is_judged(tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path, budget={"minutes": 1}))
    tasks = [LabelTask(f"{n}{round_}", f"{n}{round_}", n, round_, "query", 1.0) for round_ in (0, 1) for n in "ab"]
    with Store(config.run.directory) as store:
        parts = assemble(config, store, instant(config))
        store.add(tasks)
        store.add([Verdict("a0", "label", "late", "p", "1", 29.0)])
        assert stages.needless(parts, 1) == []
        store.add([Verdict("a1", "label", "late", "p", "2", 29.0)])
        assert [task.uid for task in stages.needless(parts, 1)] == ["b1"]
        assert stages.needless(parts, 0) == []


class UnhurriedAnnotator(SimulatedAnnotator):
    """Takes half a minute for each text."""

    def answer(self, task: LabelTask) -> Verdict:
        return replace(super().answer(task), seconds=30.0)


def test_a_run_ends_where_peoples_minutes_do(tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path, budget={"minutes": 13.2}))
    said: list[str] = []
    people = InstantAnnotators(UnhurriedAnnotator(truth_of(config), list(config.classes)))
    points, _, _ = play(config, annotators=people, watch=lambda _, stage, text: said.append(f"{stage} {text}"))
    # 20 to start with take 10 minutes, and 3.2 are left.
    assert [p.human_labels for p in points] == [20, 26]
    assert "note the end: of the 13.2 minutes of budget.minutes there are none left for another label" in said


def test_with_an_llm_every_stage_leaves_its_records(tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path, llm={"verify": 2}))
    with Store(config.run.directory) as store:
        run(assemble(config, store, instant(config), ScriptedLLM(write_or_choose)))
        assert len(store.all(Candidate, round=1)) == 6
        assert {t.source for t in store.all(SourceTrust, round=2)} == {"description", "self", "llm-label", "llm-text"}
        assert {s.model for s in store.all(Suggestion)} == {"classifier", "scripted"}
        assert store.all(Rejection)
        stages = [stage for round_, stage in store.stages() if round_ == 1]
        assert stages == ["fit", "evaluate", "worth", "query", "generate", "label", "curate", "verify", "learn"]
        # Whoever watches has words for each of them.
        assert {stage for _, stage in store.stages()} == WHAT.keys()
        row = round_rows(store)[0]
        assert row["texts_made"] == 6
        assert row["texts_kept"] + sum(row["rejected"].values()) >= 6
        assert row["quality"]["kept"] == row["texts_kept"]
        assert row["texts_kept"] < sum(hit["written"] for hit in row["quality"]["hits"]) <= 6
        # Before the first round something is written too; what is known to be a copy, in any round, is not labelled.
        assert 0 in text_qualities(store)
        copies = {r.key for r in store.all(Rejection, source="llm-text") if r.reason.endswith("duplicate")}
        labelled = {s.example for s in store.all(Suggestion)}
        others = {c.id for c in store.all(Candidate) if c.key not in copies}
        found = {c.id for c in store.all(Candidate) if c.key in copies} - others
        assert found
        assert not found & labelled


def test_no_text_of_the_holdout_reaches_an_llm(tmp_path: Path) -> None:
    options = {"examples": 2, "modes": ["clear", "border", "paraphrase", "counterfactual"]}
    config = load_config(write_config(tmp_path, llm=options, run={"labels": 20}))
    asked: list[str] = []

    def remember(request: ChatRequest) -> Any:
        asked.append("".join(message.content for message in request.messages))
        return write_or_choose(request)

    with Store(config.run.directory) as store:
        run(assemble(config, store, instant(config), ScriptedLLM(remember)))
        held, shown = ([e.text for e in examples(store)] for examples in (holdout_examples, human_examples))
    everything = "\n".join(asked)
    assert not [text for text in held if text in everything]
    assert [text for text in shown if text in everything]


def test_prompts_modes_and_attributes_come_from_the_configuration(tmp_path: Path) -> None:
    folder = tmp_path / "prompts" / "en"
    folder.mkdir(parents=True)
    (folder / "label_with_examples.txt").write_text("MINE $classes $examples ----- $text -----", encoding="utf-8")
    options = {"prompts": "prompts", "examples": 2, "modes": ["paraphrase"], "attributes": "proposed", "max_tokens": 40}
    config = load_config(write_config(tmp_path, llm=options, run={"labels": 30}))
    asked: list[ChatRequest] = []

    def answer(request: ChatRequest) -> str | list[float]:
        asked.append(request)
        return write_or_choose(request)

    play(config, ScriptedLLM(answer))
    labelling = [r.messages[0].content for r in asked if r.choices]
    writing = [r for r in asked if not r.choices and r.max_tokens == 40]
    assert labelling
    assert all(prompt.startswith("MINE") and "→" in prompt for prompt in labelling)
    assert writing
    assert all("other words" in r.messages[0].content for r in writing)
    assert "packaged" in (config.run.directory / "attributes.toml").read_text(encoding="utf-8")


def test_an_llm_that_answers_rubbish_costs_nothing_but_its_texts(tmp_path: Path) -> None:
    plain, _, _ = play(load_config(write_config(tmp_path, run=TWO_ROUNDS | {"directory": "plain"})))
    config = load_config(write_config(tmp_path, run=TWO_ROUNDS | {"directory": "rubbish"}))
    rubbish, _, made = play(config, ScriptedLLM(lambda request: "<html>503</html>"))
    assert [p.accuracy for p in rubbish] == [p.accuracy for p in plain]
    with Store(config.run.directory) as store:
        assert {r.reason for r in store.all(Rejection, source="llm-text")} == {"not-json"}
        assert len(made) == len(store.all(Rejection, source="llm-text"))


def test_an_arm_that_brings_more_is_asked_for_more_than_its_fixed_share(tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path, llm={"split": "measured"}, run={"start": 10, "batch": 5, "labels": 20}))
    with Store(config.run.directory) as store:
        store.add(
            [SourceTrust(2, "llm-label", 1.0, 0.1, 0.09, 0.11, 6), SourceTrust(2, "llm-text", 0, -0.1, -0.2, 0.01, 6)]
        )
        parts = assemble(config, store, instant(config), ScriptedLLM(write_or_choose))
        # Its texts are all alike: were all of them turned down, or worth nothing for sure, writing would pause.
        run(replace(parts, instead={"curate": skipped}))
        assert len(store.all(Queried, round=2, purpose="llm")) == 12 - LEAST
        assert len(store.all(Candidate, round=2)) == LEAST


def test_a_text_that_was_written_before_the_first_round_is_not_kept_again(tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path, run={"labels": 30}))

    def one_text_a_class(request: ChatRequest) -> str | list[float]:
        said = request.messages[0].content
        if request.choices:
            return [200.0 if f"{name} {name[::-1]}" in said else 1.0 for name in request.choices]
        name = re.findall(r'belongs? to "(\w+)"', said)[-1]
        return json.dumps({"text": f"It is {name} {name[::-1]}, where do I go?"})

    play(config, ScriptedLLM(one_text_a_class))
    with Store(config.run.directory) as store:
        kept = Counter(c.text for c in kept_candidates(store))
        again = [c for c in store.all(Candidate, round=1) if c.text in kept]
    assert again
    assert set(kept.values()) == {1}


OTHERS = ("fit", "evaluate", "worth", "query", "label", "curate", "learn")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Evaluation], list[LabelTask], list[Candidate]]:
    return play(
        load_config(write_config(tmp_path_factory.mktemp("whole"), run=TWO_ROUNDS)), ScriptedLLM(write_or_choose)
    )


def test_one_seed_one_result(tmp_path: Path, whole: tuple[list[Evaluation], list[LabelTask], list[Candidate]]) -> None:
    again = play(load_config(write_config(tmp_path, run=TWO_ROUNDS | {"directory": "a"})), ScriptedLLM(write_or_choose))
    assert again == whole
    _, other, _ = play(load_config(write_config(tmp_path, run={"directory": "b", "seed": 1, "labels": 20})))
    assert {t.example for t in other} != {t.example for t in whole[1] if t.round == 0}


# A run each: those in which a stage has most to lose are played every time.
@pytest.mark.parametrize(
    "stage",
    ["generate", "verify", *(pytest.param(s, marks=pytest.mark.slow) for s in OTHERS)],
)
def test_stopped_before_any_stage_it_goes_on_to_the_same_end(
    tmp_path: Path, stage: str, whole: tuple[list[Evaluation], list[LabelTask], list[Candidate]]
) -> None:
    config = load_config(write_config(tmp_path, run=TWO_ROUNDS))

    def cut(round_: int, name: str, detail: str) -> None:
        if (round_, name) == (2 if stage in ("fit", "evaluate", "worth") else 1, stage):
            raise PowerCutError

    with pytest.raises(PowerCutError):
        play(config, ScriptedLLM(write_or_choose), watch=cut)
    assert play(config, ScriptedLLM(write_or_choose)) == whole


def test_nothing_is_asked_twice_of_an_llm_that_dies_halfway(tmp_path: Path) -> None:
    asked: list[str] = []

    def answer(request: ChatRequest) -> str | list[float]:
        if len(asked) == 4:
            asked.append("died")
            raise LLMError("the server is gone")
        asked.append(request.key("scripted"))
        return write_or_choose(request)

    config = load_config(write_config(tmp_path, run=TWO_ROUNDS))
    with pytest.raises(LLMError):
        play(config, ScriptedLLM(answer))
    play(config, ScriptedLLM(answer))
    assert len(asked) == len(set(asked))


class Slow(Annotators):
    """Annotators who have judged half of what they were given."""

    def __init__(self, config: Config) -> None:
        self.all = instant(config)
        self.posted: list[str] = []

    @property
    def address(self) -> str:
        return ""

    def post(self, tasks: Sequence[LabelTask]) -> int:
        self.posted += [t.uid for t in tasks]
        return len(tasks)

    def collect(self, tasks: Sequence[LabelTask]) -> list[Verdict]:
        return self.all.collect(tasks)[::2]


def test_without_waiting_it_stops_for_the_humans_and_keeps_what_they_said(tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path))
    with Store(config.run.directory) as store:
        parts = assemble(config, store, Slow(config))
        assert run(parts, wait=False) == "waiting"
        assert human_label_count(store) == 10
        assert store.all(Evaluation) == []


def test_without_files_the_holdout_is_drawn_first_and_judged_blind(tmp_path: Path) -> None:
    path = write_config(tmp_path, data={"holdout_size": 30}, run=TWO_ROUNDS)
    path.write_text(path.read_text(encoding="utf-8").replace('"holdout" = "holdout.csv"\n', ""), encoding="utf-8")
    config = load_config(path)
    with Store(config.run.directory) as store:
        run(assemble(config, store, instant(config), ScriptedLLM(write_or_choose)))
        tasks = store.all(LabelTask)
        held = {t.example for t in tasks if t.kind == "holdout"}
        assert len(held) == 30
        assert [t.kind for t in tasks[:30]] == ["holdout"] * 30
        assert all(t.suggestion is None for t in tasks if t.kind == "holdout")
        assert held.isdisjoint(e.id for e in human_examples(store))
        assert held == {e.id for e in holdout_examples(store)}
        assert any(t.suggestion is not None for t in tasks if t.kind == "query")


def test_a_seed_file_takes_the_place_of_the_first_batch(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    truth = list(truth_of(load_config(path)).items())[:15]
    rows = ["text,label", *('"' + text.replace('"', '""') + f'",{label}' for text, label in truth)]
    (tmp_path / "seed.csv").write_text("\n".join(rows), encoding="utf-8")
    path = write_config(tmp_path, data={"seed": "seed.csv"})
    points, tasks, _ = play(load_config(path))
    assert [p.human_labels for p in points] == [15, 25, 35, 40]
    assert not {t.text for t in tasks} & {text for text, _ in truth}


def test_a_run_refuses_other_data_than_it_began_with(tmp_path: Path) -> None:
    play(load_config(write_config(tmp_path, run={"labels": 20})))
    changed = load_config(write_config(tmp_path, pool=110, run={"labels": 20}))
    with pytest.raises(StoreError, match=r"other 'data'.*run\.directory"):
        play(changed)


def test_a_finished_run_has_nothing_left_to_do(tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path, run=TWO_ROUNDS))
    first = play(config)
    seen: list[str] = []
    assert play(config, watch=lambda n, stage, detail: seen.append(stage)) == first
    assert set(seen) <= {"evaluated", "note"}  # and why it ended


class Reconsidering(InstantAnnotators):
    """Once asked to, take back what they said last, and say something else of the first text; or their server is
    away."""

    def __init__(self, config: Config, *, away: bool = False) -> None:
        super().__init__(SimulatedAnnotator(truth_of(config), list(config.classes)))
        self.away = away

    def collect(self, tasks: Sequence[LabelTask]) -> list[Verdict]:
        if self.away:
            raise OutageError("nobody there.")
        first, *others, _ = super().collect(tasks)
        return [replace(first, outcome="reject", label=None, revision="2"), *others]

    def withdrawn(self, verdicts: Sequence[Verdict]) -> list[Verdict]:
        return list(verdicts)


def test_second_thoughts_after_the_last_round_are_stored(tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path, run=TWO_ROUNDS))
    play(config)
    with Store(config.run.directory) as store:
        tasks, before = on_page(store.all(LabelTask)), len(store.all(Verdict))
        told: list[str] = []
        away = assemble(config, store, Reconsidering(config, away=True))
        assert run(away, watch=lambda n, stage, detail: told.append(detail)) == "done"
        assert "nobody there." in told
        assert len(store.all(Verdict)) == before
        assert run(assemble(config, store, Reconsidering(config))) == "done"
        late = store.all(Verdict)[before:]
    assert {(v.task, v.outcome) for v in late} == {(tasks[0].uid, "reject"), (tasks[-1].uid, "withdrawn")}


def test_parts_draw_the_same_numbers_for_the_same_stage(tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path))
    with Store(config.run.directory) as store:
        parts: Parts = assemble(config, store, instant(config))
        draws = [parts.rng(*place).random() for place in [(1, "query"), (1, "query"), (2, "query"), (1, "label")]]
    assert draws[0] == draws[1]
    assert len(set(draws)) == 3


def test_the_last_round_asks_no_more_than_is_left(tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path, llm={"verify": 4, "texts": 8}, run={"labels": 23, "batch": 20}))
    with Store(config.run.directory) as store:
        run(assemble(config, store, instant(config), ScriptedLLM(agree_with_everything)))
        assert human_label_count(store) == 23
        assert len(store.all(LabelTask)) == 23


def agree_with_everything(request: ChatRequest) -> str | list[float]:
    """Writes a text that names the class it is for, and recognises it again."""
    content = request.messages[0].content
    if request.choices:
        asked = content.split("-----")[1]
        return [10.0 if name in asked else 1.0 for name in request.choices]
    found = re.search(r'belongs? to "([^"]+)"', content)
    assert found is not None
    intended = found[1]
    return json.dumps({"text": f"{intended} number {request.seed}"})


def test_another_llm_halfway_is_refused(tmp_path: Path) -> None:
    play(load_config(write_config(tmp_path, run={"labels": 20})))
    with pytest.raises(StoreError, match=r"other 'llm\.model'"):
        play(load_config(write_config(tmp_path, llm={"model": "bundled"}, run={"labels": 20})))


def test_a_key_that_is_missing_does_not_bind_the_run_to_its_data(tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path, annotation={"key_env": "LABELLOOP_TEST_NO_SUCH_KEY"}))
    with Store(config.run.directory) as store, pytest.raises(ConfigError, match="is not set"):
        assemble(config, store)
    play(load_config(write_config(tmp_path, pool=110, run={"labels": 20})))


def test_a_label_that_looks_wrong_is_asked_about_again_and_the_second_answer_counts(tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path, pool=200, annotation={"rechecks": 3}, run={"start": 80, "labels": 100}))
    truth = truth_of(config)
    hasty = SimulatedAnnotator(truth, list(config.classes), error_rate=0.2, seed=1)
    with Store(config.run.directory) as store:
        run(assemble(config, store, InstantAnnotators(hasty)))
        again = [task for task in store.all(LabelTask) if task.kind == "recheck"]
        last = {v.task: v.label for v in store.all(Verdict)}
        assert again
        assert len(again) == len({task.example for task in again})
        assert human_label_count(store) == 100
        labels = {e.id: e.label for e in human_examples(store)}
        assert len(labels) == 100 - len(again)
        assert all(labels[task.example] == last[task.uid] for task in again)


@pytest.mark.parametrize(("stop", "labels"), [(True, 25), (False, 40)])
def test_it_ends_early_where_told_to_once_its_answers_have_settled(tmp_path: Path, stop: bool, labels: int) -> None:
    path = write_config(tmp_path, run={"start": 10, "batch": 5, "labels": 40, "stop": stop})
    rows = [f'"parcel {n} has not come",parcel\n"invoice {n} is too high",invoice\n' for n in range(60)]
    (tmp_path / "pool.csv").write_text("text,label\n" + "".join(rows[:40]), encoding="utf-8")
    (tmp_path / "holdout.csv").write_text("text,label\n" + "".join(rows[40:]), encoding="utf-8")
    config = load_config(path).model_copy(update={"classes": {"parcel": "", "invoice": ""}})
    said: list[str] = []
    points, _, _ = play(config, watch=lambda _, stage, detail: said.extend([detail] if stage == "note" else []))
    assert points[-1].human_labels == labels
    assert said == [
        "the end: the classifier's answers on the pool have settled, and run.stop goes by that"
        if stop
        else "the end: the 40 human labels of run.labels are spent"
    ]
    again, _, _ = play(config)
    assert again == points


def test_texts_set_aside_are_never_asked_of_and_only_measure(tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path, pool=160))
    data = config.data.model_copy(update={"holdout": None, "holdout_size": 40, "set_aside": 40})
    config = config.model_copy(update={"data": data})
    with Store(config.run.directory) as store:
        run(assemble(config, store, instant(config)))
        aside = {e.id for e in store.all(Example, origin="aside")}
        assert len(aside) == 40
        assert not aside & {task.example for task in store.all(LabelTask)}
        points = store.all(Evaluation)
        assert [p.human_labels for p in points] == [20, 30, 40]
        assert all(p.low <= p.accuracy <= p.high for p in points)


def test_texts_set_aside_count_on_a_holdout_from_the_same_pool(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"data\.set_aside"):
        load_config(write_config(tmp_path, data={"set_aside": 40}))


@pytest.mark.parametrize(("training", "texts"), [("frozen", 120), ("full", 0)])
def test_only_a_training_with_a_head_is_self_trained(tmp_path: Path, training: str, texts: int) -> None:
    config = load_config(write_config(tmp_path, learner={"training": training}))
    with Store(config.run.directory) as store:
        trust = stages.learn(assemble(config, store, instant(config)), 0)
    assert {t.source: t.examples for t in trust} == {
        "description": len(config.classes),
        "self": texts,
        "llm-label": 0,
        "llm-text": 0,
    }


def crowd_of(config: Config, *accuracies: float) -> InstantAnnotators:
    return InstantAnnotators(*simulated_crowd(truth_of(config), list(config.classes), accuracies))


def test_several_people_judge_a_share_of_the_tasks_within_the_same_budget(tmp_path: Path) -> None:
    annotation = {"overlap": 2, "overlap_share": 0.5}
    config = load_config(write_config(tmp_path, annotation=annotation, run={"start": 24, "batch": 12, "labels": 60}))
    with Store(config.run.directory) as store:
        run(assemble(config, store, crowd_of(config, 0.9, 0.8, 0.7)))
        assert human_label_count(store) == len(store.all(Verdict)) == 60
        tasks = store.all(LabelTask)
        assert [t.people for t in tasks if t.kind == "start"].count(2) == 8
        # Shared tasks and disputes take room from the batch's twelve: what the strategy wanted least has to wait.
        wanted = [q.example for q in store.all(Queried, round=1) if q.purpose == "query"]
        asked = [t for t in tasks if t.kind == "query" and t.round == 1]
        assert len(asked) < len(wanted) == 12
        assert {t.example for t in asked} == set(wanted[: len(asked)])
        assert [t.priority for t in asked] == sorted((t.priority for t in asked), reverse=True)
        settled = [t for t in tasks if t.kind == "adjudication"]
        assert settled
        assert len({t.example for t in settled}) == len(settled)
        said = {t.example: {v.annotator for v in store.all(Verdict, task=t.uid)} for t in tasks if t.people == 2}
        assert all(not said[t.example] & {v.annotator for v in store.all(Verdict, task=t.uid)} for t in settled)
        facts = status(store)
        assert len(facts["people"]["people"]) == 3
        assert facts["people"]["tasks"] >= 8
        assert any("alpha" in line for line in facts["says"])


def test_disagreement_about_the_holdout_is_settled_and_costs_no_label(tmp_path: Path) -> None:
    annotation = {"overlap": 2, "overlap_share": 0.5}
    path = write_config(tmp_path, annotation=annotation, data={"holdout_size": 30}, run=TWO_ROUNDS)
    path.write_text(path.read_text(encoding="utf-8").replace('"holdout" = "holdout.csv"\n', ""), encoding="utf-8")
    config = load_config(path)
    with Store(config.run.directory) as store:
        run(assemble(config, store, crowd_of(config, 0.7, 0.7, 0.7)))
        tasks = store.all(LabelTask)
        held = {t.example for t in tasks if t.kind == "holdout"}
        assert len(held) == 30
        assert held & {t.example for t in tasks if t.kind == "adjudication"}
        assert held.isdisjoint(e.id for e in human_examples(store))
        assert human_label_count(store) == 30


def test_some_texts_are_shown_without_a_suggestion_and_tell_how_far_one_sways(tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path, annotation={"blind_share": 0.4}))
    with Store(config.run.directory) as store:
        run(assemble(config, store, instant(config)))
        queried = [t for t in store.all(LabelTask) if t.kind == "query"]
        blind = [t for t in queried if t.suggestion is None]
        assert 0 < len(blind) < len(queried)
        assert {t.suggester for t in queried} == {"classifier"}
        facts = status(store)
        assert facts["anchoring"]["classifier"]["blind"]["of"] == len(blind)
        shown = sum(row["suggestions"]["classifier"]["of"] for row in facts["rounds"] if row["suggestions"])
        assert shown == len(queried) - len(blind)


def test_labels_that_the_audit_bears_out_are_accepted_from_the_third_round_on(tmp_path: Path) -> None:
    annotation = {"accept_above": 0.6, "blind_share": 0.3}
    path = write_config(
        tmp_path,
        llm={"model": "bundled", "texts": 0, "labels": 40},
        annotation=annotation,
        run={"start": 10, "batch": 14, "labels": 66},
    )
    pairs = [f'"parcel {n} has not come",parcel\n"invoice {n} is too high",invoice\n' for n in range(200)]
    (tmp_path / "pool.csv").write_text("text,label\n" + "".join(pairs[:160]), encoding="utf-8")
    (tmp_path / "holdout.csv").write_text("text,label\n" + "".join(pairs[160:]), encoding="utf-8")
    config = load_config(path).model_copy(update={"classes": {"parcel": "", "invoice": ""}})

    def knows(request: ChatRequest) -> list[float]:
        said = request.messages[-1].content.rsplit("has not come", 1)
        return [9.0 if (name == "parcel") == (len(said) > 1) else 0.0 for name in request.choices]

    with Store(config.run.directory) as store:
        run(assemble(config, store, instant(config), ScriptedLLM(knows)))
        rows = round_rows(store)
        assert [row["accepted_unseen"] for row in rows[:2]] == [0, 0]
        assert rows[-1]["accepted_unseen"] > 20
        assert all(p.round >= 3 and p.right == p.audited and p.low >= 0.6 for p in store.all(Permission))
        assert human_label_count(store) == 66
        audits = [t for t in store.all(LabelTask) if t.kind == "audit"]
        assert {t.round for t in audits} >= {1, 2, 3}
        assert all(t.suggestion is None for t in audits)
        drawn = [q.example for q in store.all(Queried) if q.purpose in ("llm", "audit")]
        assert len(drawn) == len(set(drawn))
        assert not set(drawn) & {t.example for t in store.all(LabelTask) if t.kind == "query"}
        assert any("Accepted unseen" in line for line in status(store)["says"])


@pytest.mark.parametrize("section", [{"llm": {"model": "none"}}, {"annotation": {"blind_share": 0.0}}])
def test_nothing_can_be_accepted_without_an_llm_and_an_audit(
    tmp_path: Path, section: dict[str, dict[str, object]]
) -> None:
    asked: dict[str, dict[str, object]] = {"llm": {"model": "bundled"}, "annotation": {"accept_above": 0.95}}
    sections = {name: asked[name] | section.get(name, {}) for name in asked}
    with pytest.raises(ConfigError, match=r"annotation\.accept_above"):
        load_config(write_config(tmp_path, **sections))


def test_a_shortlist_never_cuts_a_batch(tmp_path: Path, tiny_weights: Path) -> None:
    learner = {"training": "contrastive", "encoder": str(tiny_weights), "shortlist": 50, "unlabelled": 0}
    sizes = {"start": 20, "batch": 60, "labels": 80}
    points, tasks, _ = play(
        load_config(write_config(tmp_path, 150, 20, learner=learner, llm={"model": "none"}, run=sizes))
    )
    assert [p.human_labels for p in points] == [20, 80]
    assert len({t.example for t in tasks}) == 80
