"""Written texts that say what is there already, or look unlike all real ones: found before anybody is asked."""

import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import HashingVectorizer

from models.encoder import Encoder, hangul_share, latin_share
from models.records import Candidate, TrainingExample

NEAR = 0.95
NEAR_WORDING = 0.7
RUN = 4
FEWEST_KNOWN = 50
NEARLY_ALL = 0.995


def find_faults(
    candidates: Sequence[Candidate],
    encoder: Encoder,
    holdout: Sequence[str],
    known: Sequence[str],
    verified: Sequence[TrainingExample] = (),
) -> dict[int, str]:
    """Position → reason, for candidates that can be turned down unlabelled: misfits and copies. A copy of the holdout
    is called that, whatever else it is: its text is shown nowhere."""
    misfits = find_misfits([c.text for c in candidates], known)
    return misfits | find_copies(candidates, encoder, holdout, known, verified)


def find_misfits(texts: Sequence[str], known: Sequence[str]) -> dict[int, str]:
    """Position → reason, for texts unlike the known ones from the outside: in another script than most of them, or
    less than half as long as nearly all of them, or more than twice; none while few are known."""
    if len(known) < FEWEST_KNOWN:
        return {}
    scripts = [share for share in (latin_share, hangul_share) if share(known) >= 0.5]
    lengths = [len(plain_text(t)) for t in known]
    shortest, longest = np.quantile(lengths, [1 - NEARLY_ALL, NEARLY_ALL]) * [0.5, 2]
    found: dict[int, str] = {}
    for position, text in enumerate(texts):
        length = len(plain_text(text))
        if any(share([text]) < 0.5 for share in scripts):
            found[position] = "wrong-language"
        elif not shortest <= length <= longest:
            found[position] = "too-short" if length < shortest else "too-long"
    return found


def find_copies(
    candidates: Sequence[Candidate],
    encoder: Encoder,
    holdout: Sequence[str],
    known: Sequence[str],
    verified: Sequence[TrainingExample] = (),
) -> dict[int, str]:
    """Position → reason, for candidates that say what is there already: "holdout-copy", or, of the `known` texts or an
    earlier candidate, "duplicate" letter for letter, "near-duplicate" but for a few letters, "semantic-duplicate" in
    meaning. A counterfactual may be near the one of the `verified` texts that it was made of."""
    copies: dict[int, str] = {}
    if not candidates:
        return copies
    texts = [c.text for c in candidates]
    vectors = encoder.encode(texts)
    if len(holdout):
        found = _alike(texts, vectors, holdout, encoder.encode(list(holdout)))
        copies = dict.fromkeys(np.flatnonzero(np.any(list(found.values()), axis=(0, 2))).tolist(), "holdout-copy")
    if len(known):
        found = _alike(texts, vectors, known, encoder.encode(list(known)))
        for position, start in _flipped(candidates, verified).items():
            for reason in ("near-duplicate", "semantic-duplicate"):
                found[reason][position, [text == start for text in known]] = False
        for reason, near in found.items():
            copies = dict.fromkeys(np.flatnonzero(near.any(axis=1)).tolist(), reason) | copies
    among = _alike(texts, vectors, texts, vectors)
    for position in range(len(candidates)):
        earlier = [p for p in range(position) if p not in copies]
        for reason, near in among.items():
            if near[position, earlier].any():
                copies.setdefault(position, reason)
    return copies


def _flipped(candidates: Sequence[Candidate], verified: Sequence[TrainingExample]) -> dict[int, str]:
    """Position → the text that a counterfactual was made of: its one parent, of another class than it is meant for."""
    by_id = {e.id: e for e in verified}
    starts = {n: by_id.get(c.parents[0]) for n, c in enumerate(candidates) if len(c.parents) == 1}
    return {n: start.text for n, start in starts.items() if start and start.label != candidates[n].intended}


def _alike(
    texts: Sequence[str], vectors: NDArray[np.float32], others: Sequence[str], other_vectors: NDArray[np.float32]
) -> dict[str, NDArray[np.bool_]]:
    """Which of `texts` (n) say the same as which of `others` (m), each (n, m): letter for letter, but for a few
    letters, or in meaning."""
    plain = np.array([plain_text(t) for t in others], dtype=object)
    return {
        "duplicate": np.array([plain == plain_text(t) for t in texts], dtype=bool),
        "near-duplicate": shared_wording(texts, others) >= NEAR_WORDING,
        "semantic-duplicate": vectors @ other_vectors.T >= NEAR,
    }


def shared_wording(texts: Sequence[str], others: Sequence[str]) -> NDArray[np.float64]:
    """The Jaccard similarity, (n, m), of the runs of `RUN` letters in `texts` (n) and `others` (m); Hangul by its jamo,
    so that one wrong letter does not cost a syllable.

    What MinHash estimates (Broder, "On the resemblance and containment of documents", 1997); for the few texts that are
    held against many here, counting is as fast and exact.
    """
    runs = HashingVectorizer(
        preprocessor=lambda text: unicodedata.normalize("NFD", plain_text(text)),
        analyzer="char",
        ngram_range=(RUN, RUN),
        binary=True,
        norm=None,
        alternate_sign=False,
    )
    one, other = runs.transform(texts), runs.transform(others)
    both = np.asarray((one @ other.T).todense())
    either = one.sum(axis=1).reshape(-1, 1) + other.sum(axis=1).reshape(1, -1) - both
    return np.asarray(both / np.maximum(either, 1), dtype=np.float64)


def plain_text(text: str) -> str:
    """A text without what does not make it another: case, spacing, punctuation, composition of characters."""
    composed = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", "".join(c for c in composed if _spells(c))) or composed.strip()


def _spells(character: str) -> bool:
    """Letters, digits, and marks, which in Hindi or Thai are vowels; but not the marks that choose how emoji look."""
    return unicodedata.category(character)[0] in "LNM" and not "\ufe00" <= character <= "\ufe0f"
