"""Labels for new texts: a finished classifier over a file of any size, in memory that does not grow with it."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from connectors.row_reader import Chunk, Row, parquet_schema, read_chunks, text_of
from connectors.row_writer import open_rows
from connectors.text_encoding import for_spreadsheets
from loop.config import load_config
from models.classifier import TextClassifier
from models.errors import DataError, WeightsError

LABEL, PROBABILITY = "predicted_label", "predicted_probability"
# Texts of like length are encoded together: a chunk large enough for that, and small beside the encoder's weights.
CHUNK = 8192
Watch = Callable[[int, float], None]


@dataclass
class Summary:
    """What became of the texts: by label, those under the threshold, and those where no text stood."""

    texts: int = 0
    abstained: int = 0
    empty: int = 0
    labels: Counter[str] = field(default_factory=Counter)


def find_model(source: Path) -> tuple[Path, str]:
    """The model's directory and the usual text column, of a model's directory, a run's, or a run's configuration.

    Raises WeightsError.
    """
    column = "text"
    if source.suffix == ".toml":
        config = load_config(source)
        source, column = config.run.directory, config.data.text
    for folder in (source, source / "model"):
        if (folder / "model.json").is_file():
            return folder, column
    raise WeightsError(
        f"no model in {source}: give a directory that holds a model.json, a run's directory, or a run's configuration; "
        "a run has a model once its first round is fitted"
    )


def check_source(source: Path, column: str) -> None:
    """Raises DataError for what shows in a file's first rows, before the weights are loaded, which takes seconds."""
    _columns(source, next(read_chunks(source, column, 1)))


def predict(
    classifier: TextClassifier, source: Path, column: str, threshold: float, target: Path | None, watch: Watch
) -> Summary:
    """Labels the texts in `column` of the file `source`, and writes its rows to the file `target` (None: as CSV to
    standard output) with two more columns, `LABEL` and `PROBABILITY`.

    The label is empty where the calibrated probability is under `threshold`, and both are where no text stands. `watch`
    hears the texts labelled so far and the share of the file read. Raises DataError.
    """
    chunks, summary = read_chunks(source, column, CHUNK), Summary()
    first = next(chunks)
    schema = parquet_schema(source, {LABEL: "string", PROBABILITY: "double"})
    with open_rows(target, _columns(source, first), schema, for_spreadsheets(source)) as write:
        for chunk in chain([first], chunks):
            write(list(_labelled(classifier, chunk.rows, column, threshold, summary)))
            watch(summary.texts, chunk.done)
    return summary


def _columns(source: Path, first: Chunk) -> list[str]:
    columns = list(dict.fromkeys(name for row in first.rows for name in row))
    if taken := {LABEL, PROBABILITY}.intersection(columns):
        raise DataError(f"{source} has a column '{min(taken)}' already: rename it")
    return [*columns, LABEL, PROBABILITY]


def _labelled(
    classifier: TextClassifier, rows: Sequence[Row], column: str, threshold: float, summary: Summary
) -> Iterator[Row]:
    texts = [text_of(row, column) for row in rows]
    vectors = classifier.encode([text for text in texts if text])
    answers = zip(classifier.head.predict(vectors), classifier.head.confidence(vectors), strict=True)
    for row, text in zip(rows, texts, strict=True):
        summary.texts += 1
        if not text:
            summary.empty += 1
            yield row | {LABEL: "", PROBABILITY: None}
            continue
        label, probability = next(answers)
        sure = probability >= threshold
        summary.labels.update([str(label)] if sure else [])
        summary.abstained += not sure
        yield row | {LABEL: str(label) if sure else "", PROBABILITY: round(float(probability), 6)}
