"""What a source is worth on the holdout: the difference, its interval, and who is told of it."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_run import instant, write_config

from loop import stages
from loop.config import load_config
from loop.labelled import holdout_examples, human_examples
from loop.parts import assemble
from loop.rounds import run
from loop.store import Store
from loop.table import round_rows, status
from loop.worth import on_holdout, worth_sentences
from models.classifier import TextClassifier
from models.measures import HoldoutWorth, SourceTrust


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_the_interval_holds_what_was_seen_and_has_a_width(pairs: list[tuple[bool, bool]]) -> None:
    with_, without = (np.array(side) for side in zip(*pairs, strict=True))
    found = on_holdout(1, "self", with_, without)
    assert found.worth == pytest.approx(with_.mean() - without.mean())
    assert -1 <= found.low <= found.worth <= found.high <= 1
    assert found.low < found.high


@pytest.mark.parametrize(("won", "lost"), [(0.02, 0.02), (0.1, 0.02), (0.01, 0.0), (0.3, 0.2)])
def test_the_interval_holds_the_truth_about_as_often_as_it_says(won: float, lost: float) -> None:
    rng, held = np.random.default_rng(0), 0
    for _ in range(1000):
        drawn = rng.choice(3, size=300, p=[won, lost, 1 - won - lost])
        found = on_holdout(1, "self", drawn == 0, drawn == 1)
        held += found.low <= won - lost <= found.high
    assert 0.93 <= held / 1000 <= 1.0


def test_each_source_is_measured_by_the_same_classifier_without_it(tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path, run={"labels": 30}))
    with Store(config.run.directory) as store:
        run(assemble(config, store, instant(config)))
        taken = {t.source for t in store.all(SourceTrust, round=2) if t.weight and t.examples}
        found = {w.source: w for w in store.all(HoldoutWorth, round=2)}
        assert found.keys() == taken == {"description", "self"}
        parts, humans, holdout = (
            assemble(config, store, instant(config)),
            human_examples(store),
            holdout_examples(store),
        )
        truth = np.array([e.label for e in holdout])

        def accuracy(classifier: TextClassifier) -> float:
            return float((classifier.predict([e.text for e in holdout]) == truth).mean())

        texts, labels = [e.text for e in humans], [e.label for e in humans]
        share = store.all(SourceTrust, round=2, source="self")[0].weight
        plain = TextClassifier(parts.encoder).fit(texts, labels, None, stages.unlabelled(parts, 2), share)
        whole = next(row["accuracy"] for row in round_rows(store) if row["round"] == 2)
        assert found["description"].worth == pytest.approx(whole - accuracy(plain))
        assert found["self"].worth == pytest.approx(whole - accuracy(stages.fit(parts, 2, "self")))
        assert any(said.startswith("On the holdout the classifier of round 2 owes") for said in status(store)["says"])
        assert round_rows(store)[-1]["on_holdout"]["self"]["worth"] == found["self"].worth


def test_where_the_encoder_is_trained_nothing_is_told(tmp_path: Path, tiny_weights: Path) -> None:
    learner = {"training": "contrastive", "encoder": str(tiny_weights)}
    config = load_config(write_config(tmp_path, learner=learner, run={"labels": 20}))
    with Store(config.run.directory) as store:
        run(assemble(config, store, instant(config)))
        assert not store.all(HoldoutWorth)


def test_the_sentence_speaks_of_the_last_round_alone(store: Store) -> None:
    assert worth_sentences(store) == []
    store.add([HoldoutWorth(1, "self", 0.5, 0.4, 0.6), HoldoutWorth(2, "self", 0.012, -0.01, 0.034)])
    store.add([HoldoutWorth(2, "llm-label", -0.02, -0.05, 0.01)])
    assert worth_sentences(store) == [
        "On the holdout the classifier of round 2 owes, in points, the classifier's own answers +1.2 [-1.0, +3.4], "
        "the LLM's labels -2.0 [-5.0, +1.0]."
    ]
