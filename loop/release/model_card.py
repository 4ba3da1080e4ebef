"""What stands beside a model: what it was trained on, how good it is, how it is loaded."""

from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path

import jinja2
from huggingface_hub import EvalResult, ModelCard, ModelCardData

from loop.config import Config
from loop.labelled import holdout_examples
from loop.release.rows import counts
from loop.store import Store
from models.char_ngrams import CharNgramEncoder
from models.classifier import TextClassifier
from models.korean_encoder import KoreanEncoder
from models.measures import Evaluation, SourceTrust

PACKAGED = "sentence-transformers/all-MiniLM-L6-v2"


def model_card(config: Config, store: Store, classifier: TextClassifier, point: Evaluation) -> str:
    """The README.md of the classifier of a round, whose point of the learning curve is given."""
    trained = counts(store, point.round, config.task.multi_label)
    trusted = [t for t in store.all(SourceTrust, round=point.round) if t.weight > 0]
    unseen = sorted(set(config.classes) - set(classifier.classes_.tolist()))
    card = ModelCard.from_template(
        _facts(config, classifier, point),
        template_str=template("model.md"),
        project=config.annotation.project,
        sentence=config.task.description,
        multi_label=config.task.multi_label,
        classes=config.classes,
        labels=sorted({label for label, _ in trained}),
        sources=sorted({source for _, source in trained}),
        counts=trained,
        trusted=[asdict(trust) for trust in trusted],
        holdout=len(holdout_examples(store)),
        accuracy=_measured(point.accuracy, point.low, point.high),
        macro_f1=_measured(point.macro_f1, point.macro_f1_low, point.macro_f1_high),
        human_labels=point.human_labels,
        round=point.round,
        training=classifier.training,
        encoder=_encoder(config, classifier),
        weights=classifier.trained_.name,
        unseen=unseen,
    )
    return f"{str(card).rstrip()}\n"


def write_onnx(folder: Path, texts: Sequence[str]) -> None:
    """The classifier of `model/` as a graph in `onnx/`, compared on `texts`, with its card. Raises WeightsError."""
    from models.onnx_export import TOLERANCE, to_onnx

    graph = to_onnx(TextClassifier.load(folder / "model"), texts)
    graph.save(folder / "onnx")
    more = jinja2.Template(template("onnx.md")).render(
        texts=len(texts), tolerance=TOLERANCE, multi_label=graph.multi_label
    )
    card = (folder / "model" / "README.md").read_text(encoding="utf-8")
    (folder / "onnx" / "README.md").write_text(f"{card}{more}\n", encoding="utf-8")


def template(name: str) -> str:
    return files("loop.release").joinpath("cards", name).read_text(encoding="utf-8")


def _facts(config: Config, classifier: TextClassifier, point: Evaluation) -> ModelCardData:
    encoder = _encoder(config, classifier)
    measured = {"accuracy": point.accuracy, "f1": point.macro_f1}
    results = [
        EvalResult(
            task_type="text-classification",
            dataset_type="holdout",
            dataset_name="holdout",
            metric_type=name,
            metric_value=round(value, 4),
        )
        for name, value in measured.items()
    ]
    return ModelCardData(
        model_name=config.annotation.project,
        eval_results=results,
        language=config.task.language,
        library_name="labelloop",
        pipeline_tag="text-classification",
        base_model=encoder if "/" in encoder else None,
    )


def _encoder(config: Config, classifier: TextClassifier) -> str:
    """By a name that says something elsewhere too: a hub id, or the last part of a path."""
    if isinstance(classifier.encoder, KoreanEncoder):
        return "meanings of Korean morphemes (Kiwi) beside character n-grams of the pool"
    if isinstance(classifier.encoder, CharNgramEncoder):
        return "character n-grams of the pool"
    name = config.learner.encoder
    if name in ("auto", "packaged"):
        return PACKAGED
    return Path(name).name if Path(name).exists() else name


def _measured(value: float, low: float, high: float) -> tuple[str, str]:
    return f"{value:.3f}", f"{low:.3f} to {high:.3f}"
