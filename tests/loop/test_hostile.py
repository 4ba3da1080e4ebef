"""Malformed and hostile completions through writing, labelling and curation: none gets through, none is lost."""

import shutil
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from fakes import WordEncoder
from hostile import INJECTIONS, completions, finishes, labels, reasons
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from small_run import instant, write_config

from loop import stages
from loop.config import load_config
from loop.generate import WAVE
from loop.labelled import kept_candidates
from loop.parts import Parts, assemble
from loop.store import Store
from models.chat import ChatRequest, Completion
from models.classifier import TextClassifier
from models.llm import ScriptedLLM
from models.records import Candidate, Example, LabelTask, Queried, Region, Rejection, Suggestion, Verdict, text_id

BATCH = 20
CLASSES = ("delivery_late", "delivery_missing")
Answer = str | Completion


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Parts, TextClassifier]]:
    """A run in whose first round every prompt shows texts that try to give orders."""
    folder = tmp_path_factory.mktemp("hostile")
    config = load_config(write_config(folder, learner={"encoder": "char-ngram"}, llm={"texts": BATCH, "labels": 8}))
    hostile = [text.encode("utf-8", "replace").decode() for text in INJECTIONS]
    with Store(config.run.directory) as store:
        parts = replace(assemble(config, store, instant(config), ScriptedLLM(str)), encoder=WordEncoder())
        store.add([Example(text_id(text), text, "pool") for text in hostile])
        pool = store.all(Example, origin="pool")[:12]
        for n, text in enumerate([*hostile, *(e.text for e in pool)]):
            task = LabelTask(f"u{n}", text_id(text), text, 0, "start", 0.5)
            store.add([task, Verdict(task.uid, "label", CLASSES[n % 2], "ann", "1")])
        centre = tuple(float(x) for x in parts.encoder.encode(hostile[:1])[0])
        store.add([Region(1, 0, (text_id(hostile[0]),), CLASSES, 0.9, centre)])
        store.add([Queried(1, text_id(text), ("llm", "query")[n % 2], 0.5) for n, text in enumerate(hostile)])  # type: ignore[arg-type]
        store.connection.execute("pragma wal_checkpoint(truncate)")
        yield parts, stages.fit(parts, 1)


def play(
    parts: Parts,
    classifier: TextClassifier,
    written: Sequence[Answer],
    answers: Sequence[Answer],
    why: Sequence[Answer] = ("",),
    **options: Any,
) -> Counter[str]:
    """One round of writing, labelling and curation on a copy of the run, the `[llm]` section with these `options`;
    checks what it stores, and returns the fates of the texts."""
    script = {"text": iter(written), "class": cycle(answers), "reason": cycle(why)}

    def answer(request: ChatRequest) -> Answer:
        asked_why = '"class"' in (request.schema or "")
        return next(script["class" if request.choices else "reason" if asked_why else "text"])

    llm = parts.config.llm.model_copy(update=options)
    with TemporaryDirectory() as folder:
        shutil.copy(parts.store.directory / Store.FILE, folder)
        with Store(Path(folder)) as store:
            config = parts.config.model_copy(update={"llm": llm})
            here = replace(parts, config=config, store=store, llm=ScriptedLLM(answer))
            for name, stage in (("generate", stages.generate), ("label", stages.label), ("curate", stages.curate)):
                records = stage(here, 1, classifier)
                store.finish(1, name, records, 0.0)
                for kind in (Candidate, Rejection, Suggestion):
                    assert {r for r in records if type(r) is kind} <= set(store.all(kind))
            return _fates(here)


def _fates(parts: Parts) -> Counter[str]:
    store, classes = parts.store, set(parts.config.classes)
    candidates, rejections = store.all(Candidate), store.all(Rejection, source="llm-text")
    kept = kept_candidates(store)
    (calls,) = store.connection.execute("select count(*) from completion where stage = 'generate'").fetchone()
    assert len({c.request for c in candidates}) == calls <= len(candidates) <= BATCH
    assert calls == len(candidates) >= WAVE or parts.config.llm.per_call > 1
    assert len({r.key for r in rejections}) == len(rejections) == len(candidates) - len(kept)
    assert all(r.reason for r in store.all(Rejection))
    assert all(c.intended in classes for c in candidates)
    for suggestion in store.all(Suggestion):
        assert suggestion.label in classes
        assert 0 <= suggestion.confidence <= 1
    for candidate in kept:
        assert candidate.text == " ".join(candidate.text.split())
        assert 0 < len(candidate.text) <= 2000
        assert not {unicodedata.category(c) for c in candidate.text} & {"Cc", "Cs"}
    for (key,) in store.connection.execute("select key from completion"):
        assert isinstance(store.completion(key), Completion)
    return Counter([r.reason for r in rejections] + ["kept"] * len(kept))


WRITTEN = st.lists(finishes(completions()), min_size=BATCH, max_size=BATCH)
# Shrinking twenty long texts takes longer than reading them.
UNSHRUNK = settings(phases=(Phase.explicit, Phase.generate))
ANSWERS = st.lists(finishes(labels(CLASSES)), min_size=1, max_size=BATCH)
WHY = st.lists(finishes(reasons(CLASSES)), min_size=1, max_size=BATCH)
OPTIONS = st.fixed_dictionaries(
    {"rationale": st.booleans(), "labelling": st.sampled_from(["direct", "direct", "reasoned", "reviewed"])}
)


@settings(UNSHRUNK, max_examples=15)
@given(WRITTEN, ANSWERS, WHY, OPTIONS)
def test_three_hundred_hostile_completions(
    begun: tuple[Parts, TextClassifier],
    written: list[Completion],
    answers: list[Completion],
    why: list[Completion],
    options: dict[str, Any],
) -> None:
    assert WAVE <= sum(play(*begun, written, answers, why, **options).values()) <= BATCH


@settings(UNSHRUNK, max_examples=5)
@given(WRITTEN, ANSWERS)
def test_hostile_answers_with_several_texts(
    begun: tuple[Parts, TextClassifier], written: list[Completion], answers: list[Completion]
) -> None:
    assert sum(play(*begun, written, answers, per_call=4).values()) >= BATCH // 4


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_ten_thousand_hostile_completions(begun: tuple[Parts, TextClassifier]) -> None:
    fates = Counter[str]()

    @settings(UNSHRUNK, max_examples=10_000 // WAVE + 1)
    @given(WRITTEN, ANSWERS, WHY, OPTIONS)
    def many(
        written: list[Completion], answers: list[Completion], why: list[Completion], options: dict[str, Any]
    ) -> None:
        fates.update(play(*begun, written, answers, why, **options))

    many()
    print(dict(fates.most_common()))
    assert sum(fates.values()) >= 10_000
    assert {"refused", "truncated", "not-json", "no-text", "too-long", "duplicate", "disagreement"} <= set(fates)


def test_one_good_text_among_them_is_kept(begun: tuple[Parts, TextClassifier]) -> None:
    good = [f'{{"text": "parcel {n} sent in week {n * 7} is on its way since then"}}' for n in range(BATCH // 2)]
    fates = play(*begun, [*good, *["{"] * (BATCH - len(good))], [CLASSES[0]])
    assert fates["not-json"] >= WAVE - len(good)
    assert fates["kept"] > 0
