"""Data that has a name instead of a file: "hf:owner/name:split" on the Hugging Face hub, "sklearn:loader:subset";
"studio:title" is a project in Label Studio, which connectors/label_studio_source.py reads."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from models.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

STUDIO = "studio:"
_SCHEMES = ("hf:", "sklearn:", STUDIO)


def is_named(source: Path) -> bool:
    return str(source).startswith(_SCHEMES)


def read_named(source: Path) -> "pd.DataFrame":
    """The records of a dataset by its name. Raises DataError."""
    if str(source).startswith(STUDIO):
        raise DataError(
            f'{source}: a project in Label Studio can only be data.pool: write data.pool = "{source}" there'
        )
    scheme, _, name = str(source).partition(":")
    return _hub(name) if scheme == "hf" else _scikit_learn(name)


def _hub(name: str) -> "pd.DataFrame":
    """A split of a dataset on the hub, "train" unless it is named."""
    from connectors.arrow_files import frame_of

    try:
        import datasets
    except ImportError:
        raise DataError(
            f"hf:{name} needs the library 'datasets': pip install 'labelloop[hub]', or give a Parquet file"
        ) from None
    repository, _, split = name.partition(":")
    try:
        found = datasets.load_dataset(repository, split=split or "train")
    except (OSError, ValueError) as error:
        raise DataError(
            f"hf:{name} cannot be had: {error}. Check its name and split (hf:owner/name:test), and the network"
        ) from error
    table = found.with_format("arrow")[:]
    return frame_of(table.replace_schema_metadata(found.features.arrow_schema.metadata))


def _scikit_learn(name: str) -> "pd.DataFrame":
    """Columns "text" and "label" of a loader of texts in sklearn.datasets, such as fetch_20newsgroups."""
    import pandas as pd
    import sklearn.datasets

    name, _, subset = name.partition(":")
    loader = getattr(sklearn.datasets, name, None) if name.startswith("fetch_") else None
    if loader is None:
        raise DataError(f"scikit-learn has no loader '{name}'; there is sklearn:fetch_20newsgroups")
    try:
        # A download that is tried again is no news; where it fails, the error below says so.
        with warnings.catch_warnings(action="ignore"):
            bunch = loader(subset=subset or "train")
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"sklearn:{name} cannot be had: {error}. Check its name and subset, and the network") from error
    if not isinstance(bunch.data, list):
        raise DataError(f"sklearn:{name} holds no texts; sklearn:fetch_20newsgroups does")
    labels = [bunch.target_names[number] for number in bunch.target]
    return pd.DataFrame({"text": bunch.data, "label": labels}, dtype=object)
