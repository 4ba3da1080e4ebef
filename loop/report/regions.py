"""Where the last round's classifier was unsure."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer

from loop.report.run import Run, excerpt
from models.measures import TextQuality
from models.records import Example, Region

TYPICAL = 3
LOOKED_AT = 100


def regions(run: Run) -> dict[str, Any] | None:
    """The regions of the last round that looked for them, the least certain first, each with `TYPICAL` of its texts,
    and with where those landed that were written for it."""
    last = max((number for number, stage in run.store.stages() if stage == "query"), default=0)
    found = sorted(run.store.all(Region, round=last), key=lambda region: -region.uncertainty)
    if not found:
        return None
    hits = {index: hit for quality in run.store.all(TextQuality, round=last) for index, *hit in quality.hits}
    return {"round": last, "regions": [_facts(run, region, hits.get(region.index, [0, 0, 0])) for region in found]}


def _facts(run: Run, region: Region, hits: Sequence[int]) -> dict[str, Any]:
    members = [run.store.all(Example, id=member) for member in region.members[:LOOKED_AT]]
    return {
        "classes": region.classes,
        "texts": len(region.members),
        "uncertainty": region.uncertainty,
        "written": dict(zip(("written", "nearest", "uncertain"), hits, strict=True)),
        "typical": typical([excerpt(e.text) for found in members for e in found], TYPICAL),
    }


def typical(texts: Sequence[str], most: int) -> list[str]:
    """The texts whose character n-grams are nearest to those of all: no encoder is needed, and no language known."""
    if not texts:
        return []
    grams = HashingVectorizer(analyzer="char_wb", ngram_range=(2, 4), n_features=2**16).fit_transform(texts)
    closeness = np.asarray(grams @ np.asarray(grams.mean(axis=0)).ravel())
    return [texts[i] for i in np.argsort(-closeness, kind="stable")[:most]]
