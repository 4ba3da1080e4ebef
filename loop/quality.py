"""Measures of what the LLM has written: where it lands, how much of it differs, how far it is from real text."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from loop.query import nearest_regions
from models.classifier import TextClassifier
from models.measures import TextQuality
from models.records import Candidate, Region
from models.strategies import margin_uncertainty

Floats = NDArray[np.floating[Any]]
FEWEST = 10
FOLDS = 5
MOST_REAL = 200


def measure(
    kept: Sequence[Candidate],
    written: Sequence[Candidate],
    regions: Sequence[Region],
    real: Mapping[str, str],
    classifier: TextClassifier,
    round_: int,
) -> TextQuality:
    """What can be said at once of a round's kept texts, and of where all landed that were `written`, they among them;
    `real` are the texts of the regions' members, by id."""
    landed = classifier.encode([c.text for c in written])
    rows_of = {c.key: n for n, c in enumerate(written)}
    vectors = landed[np.array([rows_of[c.key] for c in kept], dtype=np.intp)]
    members = [real[example] for region in regions for example in region.members]
    reached = {c.region for c in kept}
    # Evenly through the regions, so that none of them is left out.
    rows = np.linspace(0, len(members) - 1, min(MOST_REAL, len(members))).astype(int).tolist()
    return TextQuality(
        round=round_,
        kept=len(kept),
        hits=region_hits(written, landed, regions, classifier, members),
        coverage=sum(region.index in reached for region in regions) / len(regions) if regions else 0.0,
        distinct_2=distinct([c.text for c in kept], 2),
        spread=spread(vectors),
        vendi=vendi(vectors),
        apart=two_sample(vectors, classifier.encode([members[i] for i in rows])),
    )


def region_hits(
    written: Sequence[Candidate],
    vectors: Floats,
    regions: Sequence[Region],
    classifier: TextClassifier,
    members: Sequence[str],
) -> tuple[tuple[int, int, int, int], ...]:
    """For each region its index, the texts written for it, how many of them lie nearest to its centroid of all, and how
    many are as uncertain as the pool's low-confidence part, whose texts are `members`."""
    if not written or not regions:
        return tuple((region.index, 0, 0, 0) for region in regions)
    closest = nearest_regions(vectors, regions)
    least = margin_uncertainty(classifier.head, classifier.encode(members)).min()
    unsure = margin_uncertainty(classifier.head, vectors) >= least
    own = [(c.region, near == c.region, bool(u)) for c, near, u in zip(written, closest, unsure, strict=True)]
    return tuple(
        (
            region.index,
            sum(r == region.index for r, _, _ in own),
            sum(r == region.index and near for r, near, _ in own),
            sum(r == region.index and u for r, _, u in own),
        )
        for region in regions
    )


def distinct(texts: Sequence[str], n: int) -> float:
    """The share of different n-grams of words among all of them; 0 where there are none.

    Li et al., "A diversity-promoting objective function for neural conversation models", NAACL 2016.
    """
    words = [text.casefold().split() for text in texts]
    grams = [tuple(w[i : i + n]) for w in words for i in range(len(w) - n + 1)]
    return len(set(grams)) / len(grams) if grams else 0.0


def spread(vectors: Floats) -> float:
    """The mean cosine distance between two of the unit vectors (n, d); 0 for fewer than two."""
    n = len(vectors)
    if n < 2:
        return 0.0
    similar = float(np.square(vectors.sum(axis=0)).sum()) - float(np.square(vectors).sum())
    return max(0.0, 1 - similar / (n * (n - 1)))


def vendi(vectors: Floats) -> float:
    """How many wholly different texts the unit vectors (n, d) amount to, 1 to n; 0 for none.

    Friedman and Dieng, "The Vendi score: a diversity evaluation metric for machine learning", TMLR 2023.
    """
    if not len(vectors):
        return 0.0
    values = np.linalg.eigvalsh((vectors @ vectors.T).astype(np.float64) / len(vectors))
    values = values[values > 1e-12]
    return float(np.exp(-(values * np.log(values)).sum()))


def two_sample(written: Floats, real: Floats) -> float | None:
    """How well a classifier tells written from real texts, as the cross-validated area under the ROC curve: 0.5 where
    it cannot, 1 where it always can. None with fewer than `FEWEST` of either.

    Lopez-Paz and Oquab, "Revisiting classifier two-sample tests", ICLR 2017.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    if min(len(written), len(real)) < FEWEST:
        return None
    vectors, which = np.vstack([written, real]), np.r_[np.ones(len(written)), np.zeros(len(real))]
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    model = LogisticRegression(class_weight="balanced", max_iter=300)
    scores = cross_val_predict(model, vectors, which, cv=folds, method="decision_function")
    return float(roc_auc_score(which, scores))


def faithfulness(candidates: Sequence[Candidate], verdicts: Mapping[str, str | None]) -> dict[str, float] | None:
    """How often humans gave a written text the class it was written for, with a 95 % Wilson interval; a text that they
    found unusable counts as missed. None while none is judged. `verdicts` are by candidate id."""
    judged = [verdicts[c.id] == c.intended for c in candidates if c.id in verdicts]
    if not judged:
        return None
    found = binomtest(sum(judged), len(judged)).proportion_ci(0.95, method="wilson")
    return {"share": sum(judged) / len(judged), "low": found.low, "high": found.high, "judged": len(judged)}


def as_row(quality: TextQuality) -> dict[str, Any]:
    """The measures, JSON-ready, hits as shares of what was written."""
    hits = [
        {
            "region": region,
            "written": written,
            "nearest": near / written if written else None,
            "uncertain": u / written if written else None,
        }
        for region, written, near, u in quality.hits
    ]
    return asdict(quality) | {"hits": hits}
