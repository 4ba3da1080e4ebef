"""What a run begins from: what is set aside, what is enough, and what an encoder may be made of."""

from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from small_run import instant, write_config

from loop.config import Config, load_config
from loop.data import read_examples
from loop.parts import assemble, texts_that_teach
from loop.rounds import run
from loop.store import Store
from models.encoder import open_encoder
from models.errors import DataError, StoreError
from models.records import Example, Queried, Verdict, text_id


def own_pool(folder: Path, **data: object) -> Config:
    """A configuration without a holdout file."""
    config = load_config(write_config(folder, pool=160))
    return config.model_copy(update={"data": config.data.model_copy(update={"holdout": None, **data})})


def test_what_people_have_labelled_is_not_set_aside(tmp_path: Path) -> None:
    examples = [Example(text_id(text), text, "pool") for text in (f"text {n}" for n in range(160))]
    judged = [(e, [Verdict(e.id, "label", "ab"[n % 2], "p", "r")] if n < 80 else []) for n, e in enumerate(examples)]
    found = read_examples(own_pool(tmp_path, holdout_size=20, set_aside=30), judged)
    aside = {e.id for e in found if e.origin == "aside"}
    assert len(aside) == 30
    assert aside <= {e.id for e in examples[80:]}


def test_labels_of_one_class_do_not_take_the_place_of_the_first_batch(tmp_path: Path) -> None:
    seed = tmp_path / "seed.csv"
    config = own_pool(tmp_path, seed=seed, holdout_size=140)
    first, second = list(config.classes)[:2]
    seed.write_text(f"text,label\nwhere is it,{first}\nand mine,{first}\n", encoding="utf-8")
    with pytest.raises(DataError, match="holdout, start and one batch need 170"):
        read_examples(config)
    seed.write_text(f"text,label\nwhere is it,{first}\nand mine,{second}\n", encoding="utf-8")
    assert len(read_examples(config)) == 162


def test_an_encoder_is_made_of_nothing_that_measures(tmp_path: Path) -> None:
    config = own_pool(tmp_path, holdout_size=40, set_aside=20)
    with Store(config.run.directory) as store:
        parts = assemble(config, store, instant(config))
        before = texts_that_teach(config, store)
        run(parts)
        held = {q.example for q in store.all(Queried, purpose="holdout")}
        teaching = [e.text for e in store.all(Example, origin="pool") if e.id not in held]
        assert (len(held), len(teaching)) == (40, 100)
        assert before == texts_that_teach(config, store) == teaching
        assert parts.encoder.name == open_encoder("char-ngram", teaching).name


@pytest.mark.parametrize("llm", [{"served_model": "other"}, {"served_model": ""}])
def test_another_model_behind_the_same_address_is_another_llm(
    tmp_path: Path, httpserver: HTTPServer, llm: dict[str, object]
) -> None:
    httpserver.expect_request("/v1/models").respond_with_json({"data": [{"id": "listed"}]})
    first = {"model": httpserver.url_for("/v1"), "served_model": "first"}
    with Store(tmp_path / "run") as store:
        assemble(config := load_config(write_config(tmp_path, llm=first)), store, instant(config))
        assemble(config, store, instant(config))
        other = load_config(write_config(tmp_path, llm=first | llm))
        with pytest.raises(StoreError, match=r"other 'llm\.served_model'"):
            assemble(other, store, instant(other))


def test_a_pool_of_nothing_but_the_holdouts_texts_is_told(tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path, data={"holdout": "pool.csv"}))
    with pytest.raises(DataError, match=r"every text of the pool \(120\) stands in the holdout, too"):
        read_examples(config)
