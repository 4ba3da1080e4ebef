"""A run's dataset and model in a folder that stands for itself."""

import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from connectors.dataset_folder import content_hash, write_prompts, write_split
from loop.config import Config
from loop.release import personal_data
from loop.release.dataset_card import UNKNOWN, dataset_card
from loop.release.model_card import write_onnx
from loop.release.rows import Release, release
from loop.rounds import MODEL_ROUND
from loop.store import Store
from models.errors import DataError, StoreError
from models.measures import Evaluation

# Texts by which an ONNX graph is compared with the model.
CHECKED = 100


def export(
    config: Config,
    store: Store,
    to: Path,
    licence: str = UNKNOWN,
    mask: bool = False,
    country: str | None = None,
    onnx: bool = False,
) -> dict[str, Any]:
    """Writes the dataset of the run's last classifier, in the layout of the Hugging Face hub, and under `model/` the
    classifier, into the new or empty directory `to`: whole or not at all. JSON-ready facts of what was written.

    `mask` takes what is found of personal data out of every text; telephone numbers without a country code are those of
    `country`, by default that of the texts' language. With `onnx`, the classifier lies under `onnx/` too, as a graph.
    Raises DataError for a directory in use, StoreError for a run without a classifier, WeightsError for one that has no
    graph.
    """
    check_target(to)
    round_ = _model_round(store)
    place = personal_data.known_country(country) if country else personal_data.country_of(config.task.language)
    said = _said(config)
    found = _found(release(store, round_, config.run.seed), said, place)
    clean: Callable[[str], str] = (lambda text: personal_data.mask(text, place)) if mask else str
    rows = release(store, round_, config.run.seed, clean)
    with tempfile.TemporaryDirectory(dir=to.parent, prefix=f".{to.name}-") as scratch:
        folder = Path(scratch) / to.name
        folder.mkdir()
        _copy_model(store, round_, folder / "model")
        if onnx:
            write_onnx(folder, [row.text for row in [*rows.holdout, *rows.train]][:CHECKED])
        write_split(folder, "train", rows.train)
        write_split(folder, "holdout", rows.holdout)
        if rows.prompts:
            write_prompts(folder, rows.prompts)
        facts = _facts(rows, content_hash(folder), round_, found, mask)
        (folder / "README.md").write_text(dataset_card(config, store, rows, facts, licence), encoding="utf-8")
        for card in folder.rglob("README.md"):
            _clean(card, said, clean)
        (folder / "version.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        for file in folder.rglob("*"):
            # safetensors and the temporary directory keep others out; an export is there to be passed on.
            file.chmod(0o755 if file.is_dir() else 0o644)
        folder.chmod(0o755)
        folder.rename(to)
    return facts


def check_target(to: Path) -> None:
    """Raises DataError where an export would write over something, or could not write."""
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise DataError(f"{to} is there already and not empty: name another directory, or remove it")
    if not to.parent.is_dir():
        raise DataError(f"no directory {to.parent} for {to.name}: make it first")


def _model_round(store: Store) -> int:
    """The round whose classifier lies in the run's directory, once it is measured."""
    measured = {str(point.round) for point in store.all(Evaluation)}
    found = store.setting(MODEL_ROUND)
    if found not in measured or not (store.directory / "model" / "model.json").is_file():
        raise StoreError(
            f"the run in {store.directory} has no measured classifier: go on with 'labelloop run' until a round says "
            "its accuracy"
        )
    return int(found)


def _said(config: Config) -> list[str]:
    """What the configuration says in words that cards repeat."""
    task = config.description()
    return [config.annotation.project, task.sentence, task.guideline.strip(), *(c.definition for c in task.classes)]


def _clean(card: Path, said: Sequence[str], clean: Callable[[str], str]) -> None:
    text = card.read_text(encoding="utf-8")
    for words in filter(None, said):
        text = text.replace(words, clean(words))
    card.write_text(text, encoding="utf-8")


def _found(rows: Release, said: Sequence[str], country: str) -> dict[str, int]:
    """How many texts hold each kind of personal data; of kinds that stand in none, how many prompts and words of the
    configuration do."""
    asked = {message.content for _, request in rows.prompts.values() for message in request.messages}
    elsewhere = personal_data.count([*asked, *said], country)
    return elsewhere | personal_data.count((row.text for row in [*rows.train, *rows.holdout]), country)


def _copy_model(store: Store, round_: int, to: Path) -> None:
    shutil.copytree(store.directory / "model", to)
    if store.setting(MODEL_ROUND) != str(round_):
        raise StoreError(f"the run in {store.directory} went on to another classifier meanwhile: export again")


def _facts(rows: Release, content: str, round_: int, found: dict[str, int], masked: bool) -> dict[str, Any]:
    return {
        "version": f"{round_}-{content[:12]}",
        "round": round_,
        "content_sha256": content,
        "train": len(rows.train),
        "holdout": len(rows.holdout),
        "prompts": len(rows.prompts),
        "personal_data": found,
        "masked": masked,
    }
