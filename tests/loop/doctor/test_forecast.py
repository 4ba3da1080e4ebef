"""The forecast counts what a run will ask of humans, of this machine and of an LLM."""

from pathlib import Path

import pytest
from small_run import write_config

from loop.config import load_config
from loop.data import read_examples
from loop.doctor.forecast import Outlook, Use, check_outlook, costs, forecast


def outlooks(folder: Path, **sections: dict[str, object]) -> list[tuple[int, float, int]]:
    config = load_config(write_config(folder, **sections))  # type: ignore[arg-type]
    both = forecast(config, read_examples(config), speed=100.0)
    return [(o.verdicts, o.seconds, o.calls) for o in both]


def test_the_first_round_and_the_whole_budget(tmp_path: Path) -> None:
    # 60 holdout texts given; 20 to start, 10 a round, 40 in all; 180 texts at 100 a second,
    # and 8 seconds for each round and the one before.
    assert outlooks(tmp_path) == [(30, 1.8 + 2 * 8, 0), (40, 1.8 + 3 * 8, 0)]


def test_a_holdout_from_the_pool_is_labelled_too(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    path.write_text(path.read_text().replace('"holdout" = "holdout.csv"', '"holdout_size" = 30'), encoding="utf-8")
    config = load_config(path)
    assert [o.verdicts for o in forecast(config, read_examples(config), 100.0)] == [60, 70]


def test_the_pool_ends_it_too(tmp_path: Path) -> None:
    first, whole = outlooks(tmp_path, run={"labels": 1000})
    assert (first[0], whole[0]) == (30, 120)


def test_an_llm_is_asked_for_each_round(tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path, llm={"model": "bundled", "texts": 6, "labels": 5, "start": 9}))
    first, whole = forecast(config, read_examples(config), 100.0)
    # 6 written; 10 for humans, 5 of its own and the 6 written labelled; before that 20, 9 and 6, and 6 written.
    assert (first.calls, whole.calls) == (41 + 27, 41 + 54)
    assert whole.tokens_in > first.tokens_in > 68 * 100
    assert 12 * 160 < first.tokens_out < 68 * 160
    assert "at most" in first.says()
    assert "LLM" not in forecast(load_config(write_config(tmp_path)), read_examples(config), 100.0)[0].says()


def test_several_texts_in_a_call_are_fewer_calls_and_reasons_and_further_llms_more(tmp_path: Path) -> None:
    options = {"model": "bundled", "texts": 6, "labels": 5, "start": 9, "per_call": 3, "labelling": "reasoned"}
    path = write_config(tmp_path, llm=options)
    path.write_text(path.read_text() + '[[llm.crosscheck]]\nmodel = "owner/model"\n', encoding="utf-8")
    config = load_config(path)
    first, _ = forecast(config, read_examples(config), 100.0)
    # 2 calls for 6 texts, twice; 35 texts, then 21, are labelled by two LLMs with five votes each.
    assert first.calls == 2 * 2 + (35 + 21) * 2 * 5


@pytest.mark.parametrize(("training", "more"), [("contrastive", True), ("full", True), ("frozen", False)])
def test_training_takes_time_each_round(tmp_path: Path, training: str, more: bool) -> None:
    first, whole = outlooks(tmp_path, learner={"training": training})
    assert (whole[1] > 1.8 + 3 * 8) is (first[1] > 1.8 + 2 * 8) is more


def test_it_says_what_that_costs_where_there_are_prices(tmp_path: Path) -> None:
    prices: dict[str, object] = {"price_in": 10.0, "price_out": 20.0, "hourly_wage": 18.0}
    ahead = Outlook(100, 60.0, (Use("", 10, 200_000, 50_000),))
    assert costs(load_config(write_config(tmp_path, budget=prices)), ahead) == (
        "; costs 3.00 for the LLM at most and 5.00 for people"
    )
    assert costs(load_config(write_config(tmp_path)), ahead) == ""


def test_each_llm_has_its_own_price(tmp_path: Path) -> None:
    uses = (Use("small", 10, 200_000, 50_000), Use("large", 10, 100_000, 10_000))
    path = write_config(tmp_path, budget={"price_in": 1.0, "price_out": 2.0})
    path.write_text(path.read_text() + "[budget.prices]\nlarge = [10.0, 50.0]\n", encoding="utf-8")
    assert costs(load_config(path), Outlook(0, 60.0, uses)) == "; costs 1.80 for the LLM at most"


def test_what_further_llms_and_reviews_take_is_counted_with_each(tmp_path: Path) -> None:
    options = {"model": "bundled", "texts": 6, "labels": 5, "start": 9, "labelling": "reviewed"}
    path = write_config(tmp_path, llm=options)
    checker = '[[llm.crosscheck]]\nmodel = "http://127.0.0.1:9"\nserved_model = "large"\n'
    path.write_text(path.read_text() + checker, encoding="utf-8")
    config = load_config(path)
    first, _ = forecast(config, read_examples(config), 100.0)
    assert [use.model for use in first.uses] == ["", "large"]
    assert first.uses[1].calls == (35 + 21) * (5 + 1)
    assert first.uses[0].calls == first.uses[1].calls + 6 + 6


def test_what_an_llm_is_asked_to_choose_texts_and_to_propose_attributes_is_counted(tmp_path: Path) -> None:
    options: dict[str, object] = {"model": "bundled", "texts": 6, "labels": 5, "start": 9}
    plain, chosen, proposed = (
        [calls for _, _, calls in outlooks(tmp_path, **sections)]
        for sections in (
            {"llm": options},
            {"llm": options, "learner": {"strategy": "llm-committee"}},
            {"llm": options | {"attributes": "proposed"}},
        )
    )
    # Three texts for each of a batch of 10, and what was labelled since, in one round, then in two; ten calls once.
    assert [more - calls for more, calls in zip(chosen, plain, strict=True)] == [40, 80]
    assert [more - calls for more, calls in zip(proposed, plain, strict=True)] == [10, 10]


def test_a_shared_holdout_takes_more_verdicts(tmp_path: Path) -> None:
    shared: dict[str, object] = {"overlap": 3, "overlap_share": 0.5}
    path = write_config(tmp_path, annotation=shared)
    path.write_text(path.read_text().replace('"holdout" = "holdout.csv"', '"holdout_size" = 30'), encoding="utf-8")
    config = load_config(path)
    assert forecast(config, read_examples(config), 100.0)[0].verdicts == 30 + 15 * 2 + 30


@pytest.mark.parametrize(("model", "says"), [("http://127.0.0.1:9/v1", True), ("bundled", False)])
def test_a_server_may_take_votes_for_each_label(tmp_path: Path, model: str, says: bool) -> None:
    config = load_config(write_config(tmp_path, llm={"model": model}))
    found = [c.says for c in check_outlook(config, read_examples(config))]
    assert any("log-probabilities" in line for line in found) is says


@pytest.mark.parametrize(("minutes", "warns"), [(0, False), (6, True), (7, False)])
def test_it_warns_where_people_may_take_more_minutes_than_they_may(tmp_path: Path, minutes: int, warns: bool) -> None:
    # 40 verdicts of ten seconds.
    config = load_config(write_config(tmp_path, budget={"minutes": minutes}))
    warnings = [c.says for c in check_outlook(config, read_examples(config)) if c.level == "warning"]
    assert warnings == (["people may take more than budget.minutes allows"] if warns else [])
