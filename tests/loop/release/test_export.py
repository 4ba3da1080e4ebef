"""What is given away of a run: the rows with where they come from, readable by others, with no name and no key."""

import json
from pathlib import Path
from typing import Any

import pytest
from small_run import instant, write_config, write_or_choose

from loop.completions import StoredLLM
from loop.config import Config, load_config
from loop.data import read_examples
from loop.label import label
from loop.parts import assemble
from loop.release.export import export
from loop.release.rows import release
from loop.rounds import MODEL_ROUND, run
from loop.store import Store
from models.char_ngrams import CharNgramEncoder
from models.chat import Account, ChatRequest, Message
from models.classifier import TextClassifier
from models.errors import DataError, StoreError, WeightsError
from models.llm import ScriptedLLM
from models.measures import Evaluation, SourceTrust
from models.records import Candidate, Example, LabelTask, Queried, Region, Verdict, text_id

PHONE = "please call 415-555-2671 about the parcel"


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A run that is done."""
    config = load_config(write_config(tmp_path_factory.mktemp("run"), learner={"encoder": "auto"}, run={"labels": 30}))
    with Store(config.run.directory) as store:
        run(assemble(config, store, instant(config), ScriptedLLM(write_or_choose)))
    return config


def written(config: Config, to: Path, **options: object) -> dict[str, object]:
    with Store(config.run.directory, read_only=True) as store:
        return export(config, store, to, **options)  # type: ignore[arg-type]


def rows_of(folder: Path, split: str) -> list[dict[str, object]]:
    lines = (folder / "data" / f"{split}-00000-of-00001.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_load_dataset_gives_the_same_rows(config: Config, tmp_path: Path) -> None:
    from datasets import load_dataset

    facts = written(config, tmp_path / "out")
    loaded = load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert {split: len(rows) for split, rows in loaded.items()} == {"train": 30, "holdout": 60}
    assert (facts["train"], facts["holdout"]) == (30, 60)
    for split in loaded:
        assert loaded[split].to_list() == rows_of(tmp_path / "out", split)


def test_rows_say_who_and_when(config: Config, tmp_path: Path) -> None:
    written(config, tmp_path / "out")
    assert all(file.stat().st_mode & 0o044 == 0o044 for file in (tmp_path / "out").rglob("*"))
    train, holdout = rows_of(tmp_path / "out", "train"), rows_of(tmp_path / "out", "holdout")
    assert all(row["id"] == text_id(str(row["text"])) for row in train + holdout)
    assert {row["annotator"] for row in train} == {"annotator-1"}
    assert {row["round"] for row in train} == {0, 1}
    assert all((row["region"] is None) == (row["round"] == 0) for row in train)
    assert {row["weight"] for row in train} == {1.0}
    assert {(row["annotator"], row["round"], row["weight"]) for row in holdout} == {(None, 0, 0.0)}
    assert [row["id"] for row in train] == sorted(str(row["id"]) for row in train)


def test_the_same_store_gives_the_same_bytes(config: Config, tmp_path: Path) -> None:
    assert written(config, tmp_path / "one") == written(config, tmp_path / "two")
    files = sorted(f.relative_to(tmp_path / "one") for f in (tmp_path / "one").rglob("*") if f.is_file())
    assert Path("model/README.md") in files
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes(), file


def test_labels_come_along_to_a_run_of_other_classes_as_the_recipe_says(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipes = (Path(__file__).parents[3] / "docs" / "recipes.md").read_text(encoding="utf-8")
    recipe = recipes.split("## Other classes in the middle of a run")[1].split("```python\n")[1].split("```")[0]
    written(config, tmp_path / "tickets-v1")
    monkeypatch.chdir(tmp_path)
    exec(recipe.replace('"message"', '"text"'), {})
    renamed = {"refund_status": "refund", "payment_failed": "payment", "charge_dispute": "payment"}
    classes = {renamed.get(name, name): meaning for name, meaning in config.classes.items()}
    labels = {row["text"]: row["label"] for split in ("train", "holdout") for row in rows_of(Path("tickets-v1"), split)}
    data = config.data.model_copy(update={"seed": Path("seed.csv"), "holdout": Path("checked.csv")})
    examples = read_examples(config.model_copy(update={"classes": classes, "data": data}))
    seed, holdout, pool = ([e for e in examples if e.origin == origin] for origin in ("seed", "holdout", "pool"))
    left_out = [text for text, label in labels.items() if label == "return_start"]
    assert len(seed) + len(holdout) + len(left_out) == len(labels)
    assert all(e.label == renamed.get(labels[e.text], labels[e.text]) for e in seed + holdout)
    assert {e.label for e in seed} <= set(classes) - {"return_start"}
    assert not {e.id for e in pool} & {e.id for e in seed + holdout}
    assert {e.text for e in pool} & set(left_out)


def test_the_model_beside_it_predicts_as_the_run_does(config: Config, tmp_path: Path) -> None:
    written(config, tmp_path / "out")
    texts = [str(row["text"]) for row in rows_of(tmp_path / "out", "holdout")]
    truth = [row["label"] for row in rows_of(tmp_path / "out", "holdout")]
    with Store(config.run.directory, read_only=True) as store:
        point = store.all(Evaluation)[-1]
    assert TextClassifier.load(tmp_path / "out" / "model").score(texts, truth) == pytest.approx(point.accuracy)


def test_the_cards_say_what_must_be_known(config: Config, tmp_path: Path) -> None:
    from huggingface_hub import DatasetCard, ModelCard

    written(config, tmp_path / "out", licence="cc0-1.0")
    card = DatasetCard.load(tmp_path / "out" / "README.md")
    assert (card.data.license, card.data.language) == ("cc0-1.0", "en")
    assert "| `human` | 30 | 100.0 % | 1 |" in card.content
    assert "Do not train on them" in card.content
    model = ModelCard.load(tmp_path / "out" / "model" / "README.md")
    with Store(config.run.directory, read_only=True) as store:
        point = store.all(Evaluation)[-1]
    assert f"| accuracy | {point.accuracy:.3f} | {point.low:.3f} to {point.high:.3f} |" in model.content
    assert model.data.eval_results[0].metric_value == round(point.accuracy, 4)
    assert "sentence-transformers/all-MiniLM-L6-v2" in model.content
    written(config, tmp_path / "plain")
    assert "Unknown: nobody has said" in (tmp_path / "plain" / "README.md").read_text(encoding="utf-8")


def test_the_card_says_how_far_people_agree(config: Config, tmp_path: Path, measured: Store) -> None:
    export(config, measured, tmp_path / "one")
    assert "No text was judged by two of them" in (tmp_path / "one" / "README.md").read_text(encoding="utf-8")
    first, second = measured.all(LabelTask)
    more = [(first, "candidate", "delivery_late"), (second, "start", "refund_status")]
    measured.add([Verdict(task.uid, "label", label, f"{who}@example.com", "2") for task, who, label in more])
    export(config, measured, tmp_path / "two")
    card = (tmp_path / "two" / "README.md").read_text(encoding="utf-8")
    assert "On 2 texts that several judged they agree by a Krippendorff's alpha of" in card
    assert "for annotator 1 and annotator 2" in card
    assert "example.com" not in card


def test_the_card_says_what_was_labelled_before(config: Config, tmp_path: Path, measured: Store) -> None:
    measured.add([Example(text_id("old"), "old", "seed", "delivery_late")])
    export(config, measured, tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "1 of the `human` ones had their label before the run began" in card
    assert "No person has seen 3 of the training labels." in card


def test_onnx_beside_the_model_answers_as_it_does(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(config, tmp_path / "out", onnx=True)
    model, graph = (TextClassifier.load(tmp_path / "out" / name) for name in ("model", "onnx"))
    texts = [str(row["text"]) for row in rows_of(tmp_path / "out", "holdout")][:20]
    assert graph.predict(texts).tolist() == model.predict(texts).tolist()
    # bfloat16, where a processor has it, is what the model itself computes in.
    assert graph.predict_proba(texts) == pytest.approx(model.predict_proba(texts), abs=2e-2)
    card = (tmp_path / "out" / "onnx" / "README.md").read_text(encoding="utf-8")
    assert "asked about 90 texts" in card
    # What the card tells a reader to do is done.
    code = card.split("## In ONNX")[1].split("```python")[1].split("```")[0]
    monkeypatch.chdir(tmp_path / "out" / "onnx")
    given: dict[str, Any] = {}
    exec(code.replace('["a text", "another"]', repr(texts)), given)
    assert given["probabilities"] == pytest.approx(graph.predict_proba(texts), abs=1e-4)
    assert given["classes"] == graph.classes_.tolist()


def test_an_encoder_without_a_graph_is_told_and_nothing_is_left(
    config: Config, tmp_path: Path, measured: Store
) -> None:
    texts = ["a b", "c d", "e f"]
    TextClassifier(CharNgramEncoder.learn(texts), "frozen").fit(texts, ["x", "y", "x"]).save(
        measured.directory / "model"
    )
    with pytest.raises(WeightsError, match="leave ONNX out"):
        export(config, measured, tmp_path / "out", onnx=True)
    assert not (tmp_path / "out").exists()


def test_nothing_is_written_over(config: Config, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("x")
    with pytest.raises(DataError, match="not empty"):
        written(config, tmp_path / "out")
    (tmp_path / "out" / "mine").unlink()
    written(config, tmp_path / "out")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_run_without_a_classifier_has_nothing_to_give(config: Config, tmp_path: Path) -> None:
    with Store(tmp_path / "run") as store, pytest.raises(StoreError, match="no measured classifier"):
        export(config, store, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.fixture
def machines(store: Store, config: Config) -> Store:
    """A store in which an LLM has written a text, confirmed by a person, and labelled another."""
    llm = ScriptedLLM(write_or_choose)
    real, alone = PHONE, "a parcel of mine is late"
    ask = ChatRequest((Message("user", f"Write one like: {real}"),), seed=5)
    StoredLLM(llm, store, Account(1, "generate", "llm-text")).chat([ask])
    made = Candidate(text_id("new"), "new", 1, 0, "delivery_late", ask.key(llm.name), llm.name, (text_id(real),))
    other = Candidate(text_id("newer"), "newer", 1, 0, "delivery_late", "gone", llm.name, ())
    asked = [(text_id(real), real, "start", 0), (made.id, made.text, "candidate", 1)]
    tasks = [LabelTask(f"t{i}", i, text, n, kind, 0.5) for i, text, kind, n in asked]  # type: ignore[arg-type]
    store.add([
        *(Example(text_id(text), text, "pool") for text in (real, alone, f"{alone} too")),
        Region(1, 0, (text_id(alone),), ("delivery_late", "refund_status"), 0.9, (1.0,)),
        *(Queried(1, text_id(text), "llm", 0.5) for text in (alone, f"{alone} too")),
        made, other, *tasks,
        *(Verdict(t.uid, "label", "delivery_late", f"{t.kind}@example.com", "1") for t in tasks),
        *(SourceTrust(2, source, 0.3, 0.1, 0.0, 0.2, 2) for source in ("llm-label", "llm-text")),
    ])  # fmt: skip
    both = [(text_id(text), text) for text in (f"{alone} too", alone)]
    store.add(label(StoredLLM(llm, store, Account(1, "label", "llm-label")), config.description(), both, 1))
    return store


@pytest.fixture
def measured(machines: Store, config: Config) -> Store:
    """The same with a classifier."""
    TextClassifier.load(config.run.directory / "model").save(machines.directory / "model")
    machines.add([Evaluation(2, 1, 0.5, 0.4, 0.6, 0.5, 0.4, 0.6)])
    machines.set(MODEL_ROUND, "2")
    return machines


def test_machine_made_rows_carry_their_prompt(machines: Store) -> None:
    rows = {row.text: row for row in release(machines, 2, seed=7).train}
    given = release(machines, 2, seed=7)
    new, newer, late = rows["new"], rows["newer"], rows["a parcel of mine is late"]
    assert (new.source, new.round, new.region, new.weight, new.annotator) == ("llm-text", 1, 0, 1.0, "annotator-2")
    assert (newer.source, newer.annotator, newer.prompt) == ("llm-text", None, None)
    # The weight of the source, times how likely it is to be right of this class.
    assert 0 < newer.weight < 0.3
    assert (late.source, late.round, late.region, late.weight, late.model) == ("llm-label", 1, 0, 0.3, "scripted")
    assert rows[PHONE].annotator == "annotator-1"
    assert new.parents == (rows[PHONE].id,)
    seeds = {row.text: row.seed for row in rows.values()}
    # That of the request where one is known, else the run's.
    assert (seeds["new"], seeds["newer"], seeds[PHONE]) == (5, 7, 7)
    assert late.seed == given.prompts[str(late.prompt)][1].seed
    assert given.prompts[str(new.prompt)][1].messages[0].content == f"Write one like: {PHONE}"
    for text in ("a parcel of mine is late", "a parcel of mine is late too"):
        asked = given.prompts[str(rows[text].prompt)][1].messages[0].content
        assert f'{text}"' in asked or f"{text}\n" in asked


def test_masking_leaves_no_trace_of_what_was_masked(machines: Store) -> None:
    plain = release(machines, 2, seed=0)
    given = release(machines, 2, seed=0, clean=lambda text: text.replace("415-555-2671", "[phone]"))
    assert "415-555-2671" not in repr(given)
    # Ids and keys are hashes: of the number itself they could be found again by trying numbers.
    assert text_id(PHONE) not in repr(given)
    masked = {key for key, (_, request) in given.prompts.items() if "[phone]" in request.messages[0].content}
    assert masked
    assert not masked & plain.prompts.keys()
    rows = {row.text: row for row in given.train}
    assert rows["new"].parents == (rows[PHONE.replace("415-555-2671", "[phone]")].id,)


def test_what_is_found_is_said_and_masked_where_asked(config: Config, tmp_path: Path, measured: Store) -> None:
    plain = export(config, measured, tmp_path / "plain")
    masked = export(config, measured, tmp_path / "masked", mask=True)
    assert plain["personal_data"] == masked["personal_data"] == {"phone-number": 1}
    assert PHONE in {row["text"] for row in rows_of(tmp_path / "plain", "train")}
    assert "Found and not masked: phone-number in 1 texts." in (tmp_path / "plain" / "README.md").read_text("utf-8")
    for file in (tmp_path / "masked").rglob("*"):
        assert not file.is_file() or b"415-555-2671" not in file.read_bytes()
    assert "[phone-number]" in (tmp_path / "masked" / "prompts.jsonl").read_text("utf-8")


def test_prompts_load_as_a_dataset_too(config: Config, tmp_path: Path, measured: Store) -> None:
    from datasets import load_dataset

    export(config, measured, tmp_path / "out")
    file = str(tmp_path / "out" / "prompts.jsonl")
    loaded = load_dataset("json", data_files=file, cache_dir=str(tmp_path / "cache"))["train"]
    named = {row["prompt"] for row in rows_of(tmp_path / "out", "train")} - {None}
    assert set(loaded["prompt"]) == named
    assert set(loaded["model"]) == {"scripted"}


def test_what_a_guideline_says_of_people_is_masked_and_counted_too(config: Config, tmp_path: Path) -> None:
    guideline = tmp_path / "guideline.md"
    guideline.write_text("Ask kim@example.com where you are not sure.", encoding="utf-8")
    asking = config.model_copy(update={"task": config.task.model_copy(update={"guideline": guideline})})
    assert "e-mail" in written(asking, tmp_path / "plain")["personal_data"]  # type: ignore[operator]
    assert "kim@example.com" in (tmp_path / "plain" / "README.md").read_text(encoding="utf-8")
    written(asking, tmp_path / "masked", mask=True)
    card = (tmp_path / "masked" / "README.md").read_text(encoding="utf-8")
    assert "Ask [e-mail] where" in card
    assert "kim@example.com" not in card
