"""Every machine-made example is kept, or rejected with a reason."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from loop.query import nearest_regions
from models.classifier import TextClassifier
from models.records import Candidate, Region, Rejection, Suggestion

EVEN = 0.5


def curate(
    candidates: Sequence[Candidate],
    suggestions: Mapping[str, Suggestion],
    classifier: TextClassifier,
    regions: Sequence[Region] = (),
) -> list[Rejection]:
    """What of the candidates may not be learned from, each with its reason code; what could be turned down unlabelled
    is no longer among them (loop/copies.py).

    "off-region" means that a text lies nearest to another of the `regions` than it was written for, if any are given;
    "disagreement" that the LLM, not told what a text was written for, labelled it otherwise; "no-label" that it named
    no class; "unlikely" that the classifier is surer of another class than the LLM is of its own (`unlikely`).
    """
    reasons = find_strays(candidates, classifier, regions)
    for position, candidate in enumerate(candidates):
        suggestion = suggestions.get(candidate.id)
        if suggestion is None:
            reasons.setdefault(position, "no-label")
        elif suggestion.label != candidate.intended:
            reasons.setdefault(position, "disagreement")
    left = [n for n in range(len(candidates)) if n not in reasons]
    doubted = unlikely([suggestions[candidates[n].id] for n in left], [candidates[n].text for n in left], classifier)
    reasons |= {n: "unlikely" for n, doubt in zip(left, doubted, strict=True) if doubt}
    return [candidates[n].rejected(reason) for n, reason in sorted(reasons.items())]


def curate_labels(
    drawn: Sequence[str],
    suggestions: Mapping[str, Suggestion],
    texts: Mapping[str, str],
    classifier: TextClassifier,
    round_: int,
    rested: bool = False,
) -> list[Rejection]:
    """What of the labels on the real texts that were `drawn` for the LLM, by id, may not be learned from: the
    "unlikely" ones, and "no-label" where it named no class. Where it `rested`, as a cap left it no room, it may not
    have been asked: such a text may be drawn again."""
    named = [suggestions[example] for example in drawn if example in suggestions]
    doubted = unlikely(named, [texts[s.example] for s in named], classifier)
    reasons = {} if rested else {example: "no-label" for example in drawn if example not in suggestions}
    reasons |= {s.example: "unlikely" for s, doubt in zip(named, doubted, strict=True) if doubt}
    return [Rejection(round_, "llm-label", example, reason) for example, reason in reasons.items()]


def find_strays(
    candidates: Sequence[Candidate], classifier: TextClassifier, regions: Sequence[Region]
) -> dict[int, str]:
    """Position → "off-region", for candidates that lie nearest to the centroid of another of the `regions`."""
    if not candidates or not regions:
        return {}
    closest = nearest_regions(classifier.encode([c.text for c in candidates]), regions)
    return {n: "off-region" for n, c in enumerate(candidates) if closest[n] != c.region}


def unlikely(suggestions: Sequence[Suggestion], texts: Sequence[str], classifier: TextClassifier) -> NDArray[np.bool_]:
    """Which (n,) of the LLM's labels of `texts` speak the classifier and the LLM together against.

    cleanlab's normalized margin (Kuan and Mueller, "Model-agnostic label quality scoring to detect real-world label
    errors", 2022), the mean of both: how much likelier the label is than the likeliest other. A bare threshold on the
    classifier's probability would depend on how many classes there are. Of a class that the classifier has not seen it
    can say nothing.
    """
    from cleanlab.rank import get_normalized_margin_for_each_label

    names = sorted({*classifier.classes_.tolist(), *(s.label for s in suggestions)})
    if not suggestions or len(names) < 2:
        return np.zeros(len(suggestions), dtype=bool)
    column = {name: n for n, name in enumerate(names)}
    codes, rows = np.array([column[s.label] for s in suggestions]), np.arange(len(suggestions))
    sure = np.array([s.confidence for s in suggestions])
    heard = np.repeat((1 - sure)[:, None] / (len(names) - 1), len(names), axis=1)
    heard[rows, codes] = sure
    own = np.zeros_like(heard)
    own[:, [column[name] for name in classifier.classes_.tolist()]] = classifier.predict_proba(list(texts))
    unseen = ~np.isin(codes, [column[name] for name in classifier.classes_.tolist()])
    own[unseen] = heard[unseen]
    scores = np.mean([get_normalized_margin_for_each_label(codes, said) for said in (own, heard)], axis=0)
    doubted: NDArray[np.bool_] = scores < EVEN
    return doubted
