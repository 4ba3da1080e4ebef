"""How often what the LLM made is right, by source and class, going by what humans said of it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from loop.evaluate import rate
from loop.label import CLASSIFIER
from loop.store import Store
from models.records import Candidate, Source, Suggestion, Verdict

SHRINKAGE = 5.0  # verdicts that the mean of a source counts for in each class
Judged = Sequence[tuple[str, bool]]


def judged_by_humans(store: Store, truth: Mapping[str, str], verdicts: Mapping[str, Verdict]) -> dict[Source, Judged]:
    """The label that each source gave a text and whether it was right: the LLM's labels, asked blind, of texts whose
    `truth` a human has told, and the texts it wrote, on which `verdicts` came, both by example. A text that a human
    turned down is not right; one that was skipped says nothing."""
    labels = {s.example: s.label for s in store.all(Suggestion) if s.model != CLASSIFIER and s.example in truth}
    written = {c.id: c.intended for c in store.all(Candidate) if c.id in verdicts}
    return {
        "llm-label": [(said, said == truth[example]) for example, said in labels.items() if example not in written],
        "llm-text": [
            (intended, verdicts[i].label == intended)
            for i, intended in written.items()
            if verdicts[i].outcome != "skip"
        ],
    }


def chances(judged: Judged, classes: Iterable[str]) -> dict[str, float]:
    """The chance that a label of each class is right: the mean of its Beta posterior, whose prior is the source's mean
    over all classes at `SHRINKAGE` verdicts (empirical Bayes, as in Efron and Morris, "Stein's paradox in statistics",
    1977), itself from a uniform prior. 1 where nothing has been judged: then nothing speaks against a class."""
    if not judged:
        return dict.fromkeys(classes, 1.0)
    counts, right = Counter(name for name, _ in judged), Counter(name for name, hit in judged if hit)
    mean = (right.total() + 1) / (len(judged) + 2)
    return {name: (right[name] + SHRINKAGE * mean) / (counts[name] + SHRINKAGE) for name in classes}


def chance_facts(judged: Mapping[Source, Judged]) -> dict[str, Any]:
    """How often each source was right, in all and by class, JSON-ready; sources that nobody has judged are left out."""
    return {
        source: {
            **_rate(of),
            "classes": {name: _rate([j for j in of if j[0] == name]) for name in sorted({name for name, _ in of})},
        }
        for source, of in judged.items()
        if of
    }


def _rate(judged: Judged) -> dict[str, float]:
    return rate(sum(hit for _, hit in judged), len(judged))


def chance_sentences(facts: Mapping[str, Any]) -> list[str]:
    """The same in words."""
    what = {"llm-label": "The LLM's labels", "llm-text": "Texts that the LLM wrote"}
    return [
        f"{what[source]} were right on {found['hits']} of {found['of']} that humans judged"
        f" ({100 * found['share']:.0f} % [{100 * found['low']:.0f}, {100 * found['high']:.0f}])."
        for source, found in facts.items()
    ]
