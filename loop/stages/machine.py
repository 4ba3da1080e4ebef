"""What the machines suggest in a round, and what of it is kept."""

from collections.abc import Mapping, Sequence

from loop import curate as curation
from loop import label as labelling
from loop.completions import StoredLLM
from loop.labelled import (
    human_examples,
    kept_candidates,
    readable_candidates,
    verified_candidates,
)
from loop.parts import Parts
from loop.quality import measure
from loop.store import Record
from models.chat import Account, Arm, Rest
from models.classifier import TextClassifier
from models.llm import LLM
from models.llm_classifier import nearest_examples
from models.records import Example, Queried, Region, Suggestion


def label(parts: Parts, round_: int, classifier: TextClassifier) -> list[Suggestion]:
    """What the classifier and the LLM suggest for queried and written texts."""
    store = parts.store
    queried = store.all(Queried, round=round_)
    texts = {e.id: e.text for e in store.all(Example)}
    # Before the first round humans have judged already: what the LLM says of the same texts tells how far to trust it.
    for_humans = [(e.id, e.text) for e in human_examples(store)] if round_ == 0 else []
    for_humans += [(q.example, texts[q.example]) for q in queried if q.purpose == "query"]
    suggestions = labelling.label_by_classifier(classifier, for_humans, round_) if round_ else []
    if parts.llm is not None:
        # What has been written first: without a label its cost would be lost.
        work: dict[Arm, list[tuple[str, str]]] = {
            "llm-text": [(c.id, c.text) for c in kept_candidates(store, round=round_)],
            "llm-label": [(q.example, texts[q.example]) for q in queried if q.purpose in ("llm", "audit")],
            "human": for_humans,
        }
        suggestions += _label_by_llm(parts, parts.llm, round_, work, classifier)
    return suggestions


def _label_by_llm(
    parts: Parts, llm: LLM, round_: int, work: Mapping[Arm, Sequence[tuple[str, str]]], classifier: TextClassifier
) -> list[Suggestion]:
    """Each arm pays for its own texts; they are calibrated together."""
    store, section, verified = parts.store, parts.config.llm, human_examples(parts.store)
    said: list[labelling.Said] = []
    for arm, texts in work.items():
        shown = nearest_examples([t for _, t in texts], verified, classifier.encode, section.examples)
        account = Account(round_, "label", arm)
        asked = [StoredLLM(one, store, account) for one in (llm, *parts.crosscheck)]
        said += labelling.ask(asked, parts.task, texts, parts.prompts, shown, section.labelling)
    truth = {e.id: e.label for e in [*verified, *verified_candidates(store)]}
    earlier = store.all(Suggestion, model=llm.name)
    return labelling.suggest(llm.name, parts.task, said, round_, truth, earlier, section.abstain_below)


def curate(parts: Parts, round_: int, classifier: TextClassifier) -> list[Record]:
    """The reasons against what the LLM has written and labelled, and what the texts that are left are like."""
    assert parts.llm is not None
    store = parts.store
    texts = {e.id: e.text for e in store.all(Example)}
    suggested = {s.example: s for s in store.all(Suggestion, round=round_, model=parts.llm.name)}
    regions, left = store.all(Region, round=round_), kept_candidates(store, round=round_)
    rejections = curation.curate(left, suggested, classifier, regions if parts.config.llm.off_region else ())
    drawn = [q.example for q in store.all(Queried, round=round_) if q.purpose in ("llm", "audit")]
    out = {r.key for r in rejections}
    kept = [c for c in left if c.key not in out]
    quality = measure(kept, readable_candidates(store, round_), regions, texts, classifier, round_)
    rested = bool(store.all(Rest, round=round_, stage="label", arm="llm-label"))
    return [*rejections, *curation.curate_labels(drawn, suggested, texts, classifier, round_, rested), quality]
