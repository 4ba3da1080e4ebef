"""Every machine-made example is kept, or rejected with a reason."""

import unicodedata
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models.classifier import TextClassifier
from models.encoder import Encoder
from models.records import Candidate, Rejection, Suggestion

NEAR = 0.95
LEAST_LIKELY = 0.2


def curate(
    candidates: Sequence[Candidate],
    suggestions: Mapping[str, Suggestion],
    classifier: TextClassifier,
    encoder: Encoder,
    holdout: Sequence[str],
    known: Sequence[str],
) -> list[Rejection]:
    """What of the candidates may not be learned from, each with its reason code.

    "holdout-copy" and "duplicate" are texts equal to, or within cosine `NEAR` of, the holdout, the `known` texts or an
    earlier candidate; "disagreement" means that the LLM, not told what a text was written for, labelled it otherwise;
    "no-label" that it named no class;
    "unlikely" that the classifier gives its label under `LEAST_LIKELY`.
    """
    copies = find_copies(candidates, encoder, holdout, known)
    likely = likelihoods([(c.text, c.intended) for c in candidates], classifier)
    rejections = []
    for position, candidate in enumerate(candidates):
        suggestion = suggestions.get(candidate.id)
        reason = copies.get(position)
        if reason is None and suggestion is None:
            reason = "no-label"
        if reason is None and suggestion is not None and suggestion.label != candidate.intended:
            reason = "disagreement"
        if reason is None and likely[position] < LEAST_LIKELY:
            reason = "unlikely"
        if reason is not None:
            rejections.append(Rejection(candidate.round, "llm-text", candidate.request, reason))
    return rejections


def curate_labels(
    suggestions: Sequence[Suggestion], texts: Mapping[str, str], classifier: TextClassifier
) -> list[Rejection]:
    """What of the labels on real texts, seen by no human, may not be learned from: the "unlikely" ones."""
    likely = likelihoods([(texts[s.example], s.label) for s in suggestions], classifier)
    return [
        Rejection(s.round, "llm-label", s.example, "unlikely")
        for s, p in zip(suggestions, likely, strict=True)
        if p < LEAST_LIKELY
    ]


def find_copies(
    candidates: Sequence[Candidate], encoder: Encoder, holdout: Sequence[str], known: Sequence[str]
) -> dict[int, str]:
    """Position → reason, for candidates that say what is there already."""
    copies: dict[int, str] = {}
    if not candidates:
        return copies
    vectors = encoder.encode([c.text for c in candidates])
    for reason, texts in (("holdout-copy", holdout), ("duplicate", known)):
        plain = {plain_text(t) for t in texts}
        near = _closest(vectors, encoder.encode(list(texts))) >= NEAR
        for position, candidate in enumerate(candidates):
            if near[position] or plain_text(candidate.text) in plain:
                copies.setdefault(position, reason)
    for position in range(len(candidates)):
        earlier = [p for p in range(position) if p not in copies]
        repeats = plain_text(candidates[position].text) in {plain_text(candidates[p].text) for p in earlier}
        if repeats or (earlier and float((vectors[earlier] @ vectors[position]).max()) >= NEAR):
            copies.setdefault(position, "duplicate")
    return copies


def likelihoods(labelled: Sequence[tuple[str, str]], classifier: TextClassifier) -> NDArray[np.float64]:
    """The probability the classifier gives each (text, label), (n,); 1 for a class it has not seen, of which it can
    say nothing."""
    if not labelled:
        return np.zeros(0)
    probabilities = classifier.predict_proba([text for text, _ in labelled])
    column = {name: i for i, name in enumerate(classifier.classes_.tolist())}
    rows = enumerate(name for _, name in labelled)
    return np.array([probabilities[i, column[n]] if n in column else 1.0 for i, n in rows])


def plain_text(text: str) -> str:
    """A text without what does not make it another: case, spacing, punctuation, composition of characters."""
    composed = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", "".join(c for c in composed if c.isalnum())) or composed.strip()


def _closest(vectors: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    if not len(others):
        return np.full(len(vectors), -1, dtype=np.float32)
    closest: NDArray[np.float32] = (vectors @ others.T).max(axis=1)
    return closest
