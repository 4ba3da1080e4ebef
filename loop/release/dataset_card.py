"""What stands beside a dataset: where its rows come from, what they may be used for, what is known of them."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from huggingface_hub import DatasetCard, DatasetCardData

from loop.config import Config
from loop.labelled import learned_descriptions, machine_examples, rechecked, self_share
from loop.people.agreement import people_facts
from loop.release.model_card import template
from loop.release.rows import Release
from loop.store import Store
from models.label_sets import class_names
from models.records import ReleasedExample

UNKNOWN = "unknown"
SIZES = {1_000: "n<1K", 10_000: "1K<n<10K", 100_000: "10K<n<100K", 1_000_000: "100K<n<1M"}


def dataset_card(config: Config, store: Store, release: Release, facts: Mapping[str, Any], licence: str) -> str:
    """The README.md of a release; `facts` are its version, content hash and what was found of personal data."""
    again, written = rechecked(store), [row for row in release.train if row.source == "llm-text"]
    unseen = sum(row.source != "human" and row.annotator is None for row in release.train)
    shown = next((release.prompts[row.prompt] for row in written if row.prompt), None)
    card = DatasetCard.from_template(
        _metadata(config, release, licence),
        template_str=template("dataset.md"),
        project=config.annotation.project,
        sentence=config.task.description,
        multi_label=config.task.multi_label,
        version=facts["version"],
        content=facts["content_sha256"],
        train=len(release.train),
        holdout=len(release.holdout),
        sources=_sources(release.train),
        pool=config.data.pool.name,
        left_out=len(machine_examples(store)) - unseen,
        self_share=self_share(store, facts["round"]),
        described=bool(learned_descriptions(config.description(), store, facts["round"])),
        cleansing=config.learner.cleansing and not config.task.multi_label,
        classes=_classes(config, release),
        guideline=config.description().guideline.strip(),
        annotators=len({row.annotator for row in [*release.train, *release.holdout]} - {None}),
        agreement=_agreement(people_facts(store, names=False)),
        rechecked=len(again),
        changed=sum(again.values()),
        prompts=len(release.prompts),
        models=sorted({model for model, _ in release.prompts.values()}),
        example="\n".join(message.content for message in shown[1].messages) if shown else "",
        personal=_personal(facts),
        drawn=config.data.holdout is None,
        machine=unseen,
        given=sum(row.source == "human" and row.annotator is None for row in release.train),
        licence=_licence(licence),
    )
    return f"{str(card).rstrip()}\n"


def _metadata(config: Config, release: Release, licence: str) -> DatasetCardData:
    size = len(release.train) + len(release.holdout)
    splits = [{"split": split, "path": f"data/{split}-*.parquet"} for split in ("train", "holdout")]
    synthetic = any(row.source == "llm-text" for row in release.train)
    return DatasetCardData(
        language=config.task.language,
        license=licence,
        task_categories=["text-classification"],
        size_categories=next((name for limit, name in SIZES.items() if size < limit), "n>1M"),
        pretty_name=config.annotation.project,
        tags=["labelloop", *(["synthetic"] if synthetic else [])],
        configs=[{"config_name": "default", "data_files": splits}],
    )


def _sources(rows: list[ReleasedExample]) -> list[dict[str, object]]:
    found = Counter(row.source for row in rows)
    weights = {source: sorted({row.weight for row in rows if row.source == source}) for source in found}
    return [
        {
            "source": source,
            "texts": count,
            "share": f"{100 * count / len(rows):.1f} %",
            "weight": " or ".join(f"{weight:g}" for weight in weights[source]),
        }
        for source, count in sorted(found.items())
    ]


def _classes(config: Config, release: Release) -> list[dict[str, object]]:
    several = config.task.multi_label
    splits = (release.train, release.holdout)
    train, holdout = (Counter(n for row in rows for n in class_names(row.label, several)) for rows in splits)
    return [
        {"name": name, "meaning": meaning, "train": train[name], "holdout": holdout[name]}
        for name, meaning in config.classes.items()
    ]


def _agreement(facts: Mapping[str, Any] | None) -> str:
    if facts is None:
        return "No text was judged by two of them, so how far they agree is not known."
    pairs = [(" and ".join(p["annotators"]), p["tasks"], p["kappa"]) for p in facts["pairs"]]
    kappas = ", ".join(f"{_measure(kappa)} for {who} ({texts} texts)" for who, texts, kappa in pairs)
    return (
        f"On {facts['tasks']} texts that several judged they agree by a Krippendorff's alpha of "
        f"{_measure(facts['alpha'])} (1: always, 0: as by chance); Cohen's kappa is {kappas}."
    )


def _measure(agreement: float | None) -> str:
    """None is said of people who have always given one and the same answer."""
    return "1.00" if agreement is None else f"{agreement:.2f}"


def _personal(facts: Mapping[str, Any]) -> str:
    found = ", ".join(f"{kind} in {count}" for kind, count in facts["personal_data"].items())
    if facts["masked"]:
        return f"Masked, before this was written: {found or 'nothing was found'} (texts)."
    return f"Found and not masked: {found} texts." if found else "None was found."


def _licence(licence: str) -> str:
    if licence == UNKNOWN:
        return "Unknown: nobody has said what these texts may be used for. Ask before you use them or pass them on."
    return f"`{licence}`, as given by whoever exported it."
