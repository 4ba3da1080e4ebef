"""Trust: machine labels weigh what they are worth on human labels, and nothing where they are worth nothing."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from fakes import TableEncoder, WordEncoder
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from loop.held_out import embedded, held_out_hits
from loop.trust import FEWEST, MOST_KNOWN, by_chance, choose_weights, interval, known_better, objected, own_share
from models.head import Head, fit_logistic
from models.measures import SourceTrust
from models.records import Source, TrainingExample

DIMENSIONS = 40


class World:
    """Texts of two classes that overlap, so that a few of them do not teach the border."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.table: dict[str, NDArray[np.float64]] = {}

    def text(self, label: str) -> str:
        point = self.rng.normal(size=DIMENSIONS)
        point[0] += 1.3 if label == "a" else -1.3
        name = f"text {len(self.table)}"
        self.table[name] = point
        return name

    def examples(self, n: int, source: Source, right: bool = True) -> list[TrainingExample]:
        made = []
        for number in range(n):
            truth = "ab"[number % 2]
            text = self.text(truth)
            label = truth if right else str(self.rng.choice(["a", "b"]))
            made.append(TrainingExample(text, text, label, source))
        return made

    def trust(
        self,
        human: list[TrainingExample],
        machine: list[TrainingExample],
        seed: int = 0,
        unlabelled: Sequence[str] = (),
    ) -> dict[str, SourceTrust]:
        found = choose_weights(human, machine, unlabelled, TableEncoder(self.table), 5, seed)
        assert [t.source for t in found] == ["description", "self", "llm-label", "llm-text"]
        assert {t.round for t in found} == {5}
        return {t.source: t for t in found}


@pytest.mark.parametrize("source", ["llm-label", "llm-text"])
def test_right_labels_help_where_humans_gave_few(source: Source) -> None:
    world = World()
    found = world.trust(world.examples(20, "human"), world.examples(150, source))[source]
    assert found.weight > 0
    assert found.worth > 0.02
    assert found.low <= found.worth <= found.high
    assert found.examples == 150


@pytest.mark.parametrize("source", ["llm-label", "llm-text"])
def test_random_labels_weigh_nothing(source: Source) -> None:
    world = World()
    found = world.trust(world.examples(40, "human"), world.examples(150, source, right=False))[source]
    assert found.weight == 0
    assert found.examples == 150


def test_wrong_labels_weigh_nothing_and_are_told_to_harm() -> None:
    world = World()
    swapped = [replace(e, label="b" if e.label == "a" else "a") for e in world.examples(150, "llm-text")]
    found = world.trust(world.examples(40, "human"), swapped)["llm-text"]
    assert found.weight == 0
    assert found.worth <= 0


def test_a_bad_source_does_not_spoil_a_good_one() -> None:
    world = World()
    human, good, bad = (
        world.examples(20, "human"),
        world.examples(150, "llm-text"),
        world.examples(150, "llm-label", right=False),
    )
    found = world.trust(human, good + bad)
    assert found["llm-label"].weight == 0
    assert found["llm-text"].weight > 0


def uneven(
    rng: np.random.Generator, table: dict[str, NDArray[np.float64]], n: int, blind: bool
) -> list[TrainingExample]:
    """Texts of two common classes and of "rare", one in eight; a `blind` labeller knows the common ones alone."""
    made = []
    for number in range(n):
        truth = "rare" if number % 8 == 0 else "ac"[number % 2]
        point = rng.normal(size=DIMENSIONS)
        point[:2] += {"a": (1.3, 0.0), "c": (-1.3, 0.0), "rare": (0.0, 2.0)}[truth]
        text = f"text {len(table)}"
        table[text] = point
        called = str(rng.choice(["a", "c"])) if blind and truth == "rare" else truth
        made.append(TrainingExample(text, text, called, "llm-label" if blind else "human"))
    return made


def test_with_classes_alike_what_costs_a_rare_one_is_no_gain() -> None:
    found: dict[bool, list[SourceTrust]] = {False: [], True: []}
    for seed in range(8):
        rng, table = np.random.default_rng(seed), dict[str, NDArray[np.float64]]()
        human, machine = uneven(rng, table, 40, blind=False), uneven(rng, table, 200, blind=True)
        for alike, trusts in found.items():
            trusts += choose_weights(human, machine, [], TableEncoder(table), 1, 0, alike=alike)[2:3]
    assert all(one.worth < other.worth for one, other in zip(found[True], found[False], strict=True))
    assert any(trust.weight for trust in found[False])
    assert not any(trust.weight for trust in found[True])


def noise(world: World, n: int) -> list[TrainingExample]:
    """Human labels that no text explains: only having seen a text itself can get it right."""
    human = world.examples(n, "human", right=False)
    for example in human:
        world.table[example.text] = world.rng.normal(size=DIMENSIONS)
    return human


def copies(human: list[TrainingExample], world: World, parents: bool) -> list[TrainingExample]:
    """One written text per human label that gives it away."""
    made = []
    for example in human:
        text = f"copy of {example.text}"
        world.table[text] = world.table[example.text]
        parent = (example.id,) if parents else ()
        made.append(TrainingExample(text, text, example.label, "llm-text", parents=parent))
    return made


def test_a_text_written_from_a_held_out_example_is_held_out_too() -> None:
    world = World()
    human = noise(world, 40)
    leaking = world.trust(human, copies(human, world, parents=False))["llm-text"]
    sealed = world.trust(human, copies(human, world, parents=True))["llm-text"]
    # The construction does leak, where parents are not known; with them, there is nothing to gain.
    assert leaking.weight > 0
    assert leaking.worth > 0.2
    assert sealed.weight == 0
    assert sealed.worth <= 0.02


def test_a_machine_label_on_a_held_out_text_is_held_out_too() -> None:
    world = World()
    human = noise(world, 40)
    same = [replace(e, source="llm-label") for e in human]
    assert world.trust(human, same)["llm-label"].weight == 0


def test_only_one_of_several_parents_is_enough_to_hold_a_text_out() -> None:
    world = World()
    human = noise(world, 40)
    texts = [replace(e, parents=("elsewhere", *e.parents)) for e in copies(human, world, parents=True)]
    assert world.trust(human, texts)["llm-text"].weight == 0


def test_too_few_humans_judge_nothing() -> None:
    world = World()
    machine = world.examples(50, "llm-text")
    few = world.trust(world.examples(FEWEST - 1, "human"), machine)["llm-text"]
    assert (few.weight, few.worth, few.low, few.high, few.examples) == (0, 0, -1, 1, 50)


def test_humans_are_counted_without_the_machines() -> None:
    world = World()
    mixed = world.examples(FEWEST - 1, "human") + world.examples(50, "llm-label")
    assert world.trust(mixed, world.examples(50, "llm-text"))["llm-text"].weight == 0


def test_a_source_with_nothing_to_show_weighs_nothing() -> None:
    world = World()
    found = world.trust(world.examples(20, "human"), [])
    assert {(t.weight, t.examples) for t in found.values()} == {(0, 0)}


@pytest.mark.parametrize(("swapped", "weight"), [(False, 1.0), (True, 0.0)])
def test_descriptions_weigh_like_labels_unless_labels_speak_against_them(swapped: bool, weight: float) -> None:
    world, described = World(), []
    for side, name in enumerate("ba" if swapped else "ab"):
        # What a class is called lies at its middle, or at that of the other class.
        world.table[f"the class {name}"] = np.eye(1, DIMENSIONS)[0] * (4.0 if side == 0 else -4.0)
        described.append(TrainingExample(f"class {name}", f"the class {name}", name, "description"))
    found = world.trust(world.examples(20, "human"), described)["description"]
    assert (found.weight, found.examples) == (weight, 2)
    assert found.worth < 0 if swapped else found.worth > 0


def test_descriptions_are_taken_while_labels_are_too_few_to_object() -> None:
    world = World()
    human = world.examples(FEWEST - 1, "human")
    assert world.trust(human, world.examples(2, "description"))["description"].weight == 1


def test_own_answers_are_taken_where_unlabelled_texts_show_the_classes() -> None:
    world = World()
    human = world.examples(12, "human")
    unlabelled = [e.text for e in world.examples(300, "human")]
    found = world.trust(human, [], unlabelled=unlabelled)["self"]
    assert found.weight > 0
    assert found.examples == 300
    assert found.low <= found.worth <= found.high


def test_own_answers_weigh_nothing_where_the_human_labels_speak_against_them() -> None:
    # The classes differ in the second direction; the unlabelled lie in two clumps along the first.
    rng = np.random.default_rng(0)
    table = {}
    human = []
    for number in range(60):
        label = "ab"[number % 2]
        table[f"h{number}"] = [rng.normal(), 0.4 if label == "a" else -0.4]
        human.append(TrainingExample(f"h{number}", f"h{number}", label, "human"))
    unlabelled = [f"u{n}" for n in range(200)]
    table |= {name: [5.0 * (-1) ** n, 0.3 * (-1) ** n + 0.01 * rng.normal()] for n, name in enumerate(unlabelled)}
    _, found, *_ = choose_weights(human, [], unlabelled, TableEncoder(table), 2, 0)
    assert found.weight == 0
    assert found.worth < 0


@given(labels=st.integers(1, 10**6), texts=st.integers(0, 10**6))
def test_own_answers_weigh_three_times_the_labels_and_each_at_most_half_a_label(labels: int, texts: int) -> None:
    share = own_share(labels, texts)
    assert 0 <= share <= 3
    assert share * labels <= 0.5 * texts + 1e-6
    assert share == 3 or share * labels == pytest.approx(0.5 * texts)


def test_own_answers_weigh_less_beside_many_labels() -> None:
    world = World()
    unlabelled = [e.text for e in world.examples(60, "human")]
    few, many = (world.trust(world.examples(n, "human"), [], unlabelled=unlabelled)["self"] for n in (10, 40))
    assert few.weight == 3
    assert many.weight == 0.75


@pytest.mark.parametrize(
    ("source", "lost", "against"),
    [
        ("self", 0, False),
        ("self", 3, False),
        ("self", 8, True),
        ("self", 20, True),
        ("description", 0, False),
        ("description", 1, False),
        ("description", 3, True),
    ],
)
def test_a_lost_text_of_forty_is_no_objection(source: Source, lost: int, against: bool) -> None:
    assert objected(source, np.array([-1.0] * lost + [0.0] * (40 - lost))) is against


def test_one_seed_one_trust() -> None:
    world = World()
    human, machine = world.examples(20, "human"), world.examples(30, "llm-text")
    first, again, other = (world.trust(human, machine, seed)["llm-text"] for seed in (1, 1, 2))
    assert first == again
    assert (first.worth, first.low, first.high) != (other.worth, other.low, other.high)


def test_human_labels_of_one_class_can_be_judged() -> None:
    world = World()
    human = [replace(e, label="a") for e in world.examples(12, "human")]
    assert world.trust(human, world.examples(20, "llm-text"))["llm-text"].weight == 0


def test_hits_are_shares_for_each_judge() -> None:
    world = World()
    human = world.examples(20, "human")
    hits = held_out_hits(human, [], embedded(TableEncoder(world.table), human), fit_logistic, 0)
    assert hits.shape == (20,)
    assert 0 <= hits.min() <= hits.max() <= 1 + 1e-9


def test_the_interval_holds_the_mean_and_narrows_with_more() -> None:
    few = np.random.default_rng(0).choice([-1.0, 0.0, 1.0], 30)
    low, high = interval(few, 0)
    more_low, more_high = interval(np.tile(few, 30), 0)
    assert low < few.mean() < high
    assert more_high - more_low < (high - low) / 3
    assert interval(np.full(5, 0.25), 0) == (0.25, 0.25)


class Many:
    """Texts of seven classes: `sure` is how often the LLM labels one right, else it is any of the others."""

    def __init__(self, seed: int, sure: float) -> None:
        self.rng, self.sure = np.random.default_rng(seed), sure
        centres = self.rng.normal(size=(7, DIMENSIONS))
        self.centres = 2.5 * centres / np.linalg.norm(centres, axis=1, keepdims=True)
        self.table: dict[str, NDArray[np.float64]] = {}

    def texts(self, n: int) -> list[tuple[str, str, str]]:
        """(text, true label, the LLM's label)."""
        made = []
        for truth in self.rng.integers(7, size=n):
            name = f"text {len(self.table)}"
            self.table[name] = self.centres[truth] + self.rng.normal(size=DIMENSIONS)
            said = truth if self.rng.random() < self.sure else (truth + self.rng.integers(1, 7)) % 7
            made.append((name, str(truth), str(said)))
        return made

    def gain(self, labels: int, machine: int = 100) -> tuple[float, float]:
        """The weight that the LLM's labels get, and what that does to the accuracy on texts that nobody has seen."""
        humans, alone, fresh = self.texts(labels), self.texts(machine), self.texts(600)
        human = [TrainingExample(text, text, truth, "human") for text, truth, _ in humans]
        own = [TrainingExample(text, text, said, "llm-label") for text, _, said in alone]
        encoder, said = TableEncoder(self.table), {text: llm for text, _, llm in humans}
        trust = {t.source: t for t in choose_weights(human, own, [], encoder, 1, 0, said=said)}
        weight = trust["llm-label"].weight
        learned = [*human, *(replace(e, weight=weight) for e in own if weight)]
        hits = [
            (self._head(encoder, part).predict(encoder.encode([t for t, _, _ in fresh])) == [y for _, y, _ in fresh])
            for part in (human, learned)
        ]
        return weight, float(hits[1].mean() - hits[0].mean())

    def _head(self, encoder: TableEncoder, examples: Sequence[TrainingExample]) -> Head:
        vectors = encoder.encode([e.text for e in examples])
        return fit_logistic(vectors, np.array([e.label for e in examples]), np.array([e.weight for e in examples]), 1.0)


def test_a_good_llm_is_trusted_at_twenty_labels_and_it_pays() -> None:
    found = [Many(seed, 0.8).gain(20) for seed in range(6)]
    assert sum(weight > 0 for weight, _ in found) >= 3
    assert np.mean([gain for _, gain in found]) > 0.05
    assert min(gain for _, gain in found) > -0.01


@pytest.mark.parametrize("labels", [20, 80])
def test_an_llm_that_labels_by_chance_is_never_trusted(labels: int) -> None:
    assert [Many(seed, 1 / 7).gain(labels)[0] for seed in range(4)] == [0] * 4


def test_an_llm_no_better_than_the_classifier_is_heard_where_its_labels_add_something() -> None:
    found = [Many(seed, 0.5).gain(20) for seed in range(8)]
    assert any(weight > 0 for weight, _ in found)
    assert np.mean([gain for _, gain in found]) > 0.01


def test_chance_is_what_the_classes_named_would_hit() -> None:
    judges = [TrainingExample(str(n), str(n), "aaab"[n % 4], "human") for n in range(20)]
    assert by_chance(judges, {}) == 1
    assert by_chance(judges, {e.id: "a" for e in judges}) > 0.5
    assert by_chance(judges, {e.id: e.label for e in judges}) < 0.01


def test_an_llm_that_knows_less_than_the_classifier_costs_no_point() -> None:
    assert np.mean([Many(seed, 0.5).gain(80)[1] for seed in range(6)]) > -0.01


def test_what_the_llm_says_of_the_judges_speaks_for_it_or_against_it() -> None:
    judges = [TrainingExample(str(n), str(n), "ab"[n % 2], "human") for n in range(20)]
    half = np.tile([0.0, 1.0], 10)
    right, wrong = {e.id: e.label for e in judges}, {e.id: "ba"[int(e.id) % 2] for e in judges}
    better, worse = (known_better(judges, said, half, np.ones(20)) for said in (right, wrong))
    assert better == MOST_KNOWN
    assert worse is not None
    assert worse < -2
    assert known_better(judges, dict(list(right.items())[: FEWEST - 1]), half, np.ones(20)) is None


@pytest.mark.parametrize("rare", [0, 1])
def test_sets_of_which_hardly_any_has_a_class_can_be_judged(rare: int) -> None:
    labels = ["toxic"] * rare + [""] * (20 - rare)
    humans = [TrainingExample(f"h{n}", f"word{n} common", name, "human") for n, name in enumerate(labels)]
    trust = choose_weights(humans, [], [f"more{n} common" for n in range(8)], WordEncoder(), 1, 0, multi_label=True)
    assert [t.source for t in trust] == ["description", "self", "llm-label", "llm-text"]
