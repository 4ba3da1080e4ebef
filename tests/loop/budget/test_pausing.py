"""A source that human labels speak against is asked for nothing, and tried again cheaply."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from small_run import instant, write_config, write_or_choose

from loop.budget.pausing import REST, TRY, Confusions, allow, allowance, worthless
from loop.config import load_config
from loop.parts import assemble
from loop.rounds import run
from loop.sections import LLMSection
from loop.store import Store
from models.chat import Rest
from models.llm import ScriptedLLM
from models.measures import SourceTrust
from models.records import Candidate, Queried, Region, Rejection, Source

SAME = {n: frozenset({frozenset({"late", "lost"}), frozenset({"lost", "paid"})}) for n in range(20)}


def trust(highs: Sequence[float], source: Source = "llm-text", examples: int = 20) -> list[SourceTrust]:
    """Trust from round 2 on, with these upper bounds of the worth."""
    return [
        SourceTrust(n, source, 0.0, high - 0.1, high - 0.2, high, examples) for n, high in enumerate(highs, start=2)
    ]


def asked(
    highs: Sequence[float], asked: Mapping[int, int], round_: int, pairs: Mapping[int, Confusions] = SAME
) -> tuple[int, str]:
    found = allow("llm-text", 20, trust(highs), asked, asked, pairs, round_)
    return found.examples, found.why


def test_a_source_that_may_be_worth_something_is_asked_as_configured() -> None:
    assert asked([], {}, 1) == (20, "")
    assert asked([0.01], {1: 20}, 2) == (20, "")
    assert asked([-0.1, 0.01], {1: 20, 2: 20}, 3) == (20, "")


def test_one_bad_round_is_not_enough() -> None:
    assert asked([-0.1], {1: 20}, 2) == (20, "")
    assert asked([0.1, -0.1], {1: 20, 2: 20}, 3) == (20, "")


@pytest.mark.parametrize("high", [0.0, -0.02])
def test_two_rounds_running_pause_it(high: float) -> None:
    examples, why = asked([0.1, high, high], {1: 20, 2: 20, 3: 20}, 4)
    assert examples == 0
    assert "pauses" in why
    assert "2 rounds running" in why


def test_what_was_never_measured_does_not_pause() -> None:
    assert not worthless("llm-text", trust([0.0, 0.0], examples=0), 3)
    assert not worthless("llm-label", trust([0.0, 0.0]), 3)
    assert not worthless("llm-text", trust([-0.1]), 3)


def test_it_is_tried_again_after_a_few_rounds_and_pauses_again() -> None:
    bad, history, seen = [-0.1] * 20, {1: 20, 2: 20}, []
    for round_ in range(3, 14):
        count, _ = asked(bad, history, round_)
        history[round_] = count
        seen.append(count)
    assert seen == [*[0] * REST, TRY, *[0] * REST, TRY, *[0] * REST][: len(seen)]


def test_a_trial_that_shows_worth_ends_the_pause() -> None:
    history = {1: 20, 2: 20, 6: TRY}
    assert asked([-0.1] * 5 + [0.01], history, 7) == (20, "")


def test_it_is_tried_again_when_most_confusions_are_new() -> None:
    ab, cd, ef = (frozenset(pair) for pair in ("ab", "cd", "ef"))
    history = {1: 20, 2: 20}
    new = {2: frozenset({ab}), 3: frozenset({ab, cd, ef})}
    count, why = asked([-0.1] * 2, history, 3, new)
    assert count == TRY
    assert "regions have changed" in why
    half = {2: frozenset({ab}), 3: frozenset({ab, cd})}
    assert asked([-0.1] * 2, history, 3, half)[0] == 0
    assert asked([-0.1] * 2, history, 3, {2: frozenset({ab}), 3: frozenset()})[0] == 0


def test_two_rounds_of_which_nothing_was_kept_pause_it_too() -> None:
    def after(asked: dict[int, int], kept: dict[int, int], round_: int) -> tuple[int, str]:
        found = allow("llm-text", 20, trust([1.0] * 9, examples=0), asked, kept, SAME, round_)
        return found.examples, found.why

    assert after({1: 20}, {}, 2) == (20, "")
    assert after({1: 20, 2: 20}, {2: 1}, 3) == (20, "")
    examples, why = after({1: 20, 2: 20}, {}, 3)
    assert examples == 0
    assert "nothing of it was kept 2 rounds running" in why
    assert after({1: 20, 2: 20}, {}, 3 + REST)[0] == TRY
    assert after({1: 20, 2: 20, 3 + REST: TRY}, {}, 4 + REST)[0] == 0
    assert after({1: 20, 2: 20, 3 + REST: TRY}, {3 + REST: 1}, 4 + REST) == (20, "")


def test_a_trial_asks_no_more_than_is_configured() -> None:
    assert allow("llm-text", 2, trust([-0.1] * 20), {1: 2}, {}, SAME, 12).examples == 2
    assert allow("llm-text", 0, trust([-0.1] * 20), {1: 2}, {}, SAME, 12).examples == 0


def test_the_store_is_all_that_is_needed(store: Store) -> None:
    section = LLMSection(texts=10, labels=8)
    store.add([Region(n, 0, ("m",), ("late", "lost"), 0.9, (1.0,)) for n in (1, 2)])
    store.add([Candidate(f"c{n}", "t", n, 0, "late", f"k{n}", "m", ()) for n in (1, 2)])
    store.add([Queried(n, f"e{n}", "llm", 0.5) for n in (1, 2)])
    now = [Region(3, 0, ("m",), ("lost", "late"), 0.9, (1.0,))]
    assert allowance(store, section, "llm-text", 3, now).examples == 10
    store.add(trust([-0.1, -0.1]))
    assert allowance(store, section, "llm-text", 3, now).examples == 0
    assert allowance(store, section, "llm-label", 3, now).examples == 8
    store.add(trust([-0.1, -0.1], "llm-label"))
    assert allowance(store, section, "llm-label", 3, now).examples == 0
    moved = [Region(3, 0, ("m",), ("late", "paid"), 0.9, (1.0,))]
    assert allowance(store, section, "llm-label", 3, moved).examples == TRY


def test_what_a_cap_left_no_room_for_was_not_rejected(store: Store) -> None:
    section = LLMSection(texts=10, labels=8)
    store.add([Queried(n, f"e{n}", "llm", 0.5) for n in (1, 2)])
    store.add([Rejection(n, "llm-label", f"e{n}", "no-label") for n in (1, 2)])
    assert allowance(store, section, "llm-label", 3).examples == 0
    store.add([Rest(2, "label", "llm-label", "token")])
    assert allowance(store, section, "llm-label", 3).examples == 8


def test_a_run_does_not_ask_what_is_paused_and_says_so(tmp_path: Path) -> None:
    encoder = {"encoder": "auto"}
    config = load_config(write_config(tmp_path, learner=encoder, run={"start": 10, "batch": 5, "labels": 25}))
    said: list[str] = []
    with Store(config.run.directory) as store:
        for source in ("llm-text", "llm-label"):
            store.add([SourceTrust(1, source, 0.0, 0.0, -1.0, 1.0, 6), *trust([-0.1, -0.1], source)])
        parts = assemble(config, store, instant(config), ScriptedLLM(write_or_choose))
        run(parts, watch=lambda n, stage, detail: said.append(f"{n} {stage} {detail}"))
        texts = Counter(c.round for c in store.all(Candidate))
        labels = Counter(q.round for q in store.all(Queried, purpose="llm"))
    paused = [line for line in said if " note " in line and "the end" not in line]
    # In round 3 both are paused, unless the regions have changed: then both are tried with a few. Of the texts, which
    # say the same again and again, nothing is kept: they are paused a round before.
    assert (labels[1], labels[2], texts[1]) == (6, 6, 6)
    assert {texts[2], texts[3], labels[3]} <= {0, TRY}
    assert [line.split()[0] for line in paused] == ["2", "3", "3"]
