"""Labels proposed by machines, each with the confidence of its token probabilities or votes."""

from collections.abc import Sequence

import numpy as np

from loop.prompting import labelling_prompt
from models.classifier import TextClassifier
from models.llm import LLM
from models.records import Suggestion, TaskDescription, Verdict

CLASSIFIER = "classifier"


def label(llm: LLM, task: TaskDescription, texts: Sequence[tuple[str, str]], round_: int) -> list[Suggestion]:
    """The LLM's label for each (id, text), asked without any hint of what it may be; none for a text of which it said
    nothing that names a class."""
    if not texts:
        return []
    prompts = [labelling_prompt(task, text) for _, text in texts]
    probabilities = llm.label_probabilities(prompts, task.class_names)
    best = probabilities.argmax(axis=1)
    return [
        Suggestion(example, round_, llm.name, task.class_names[b], float(row[b]))
        for (example, _), row, b in zip(texts, probabilities, best, strict=True)
        if np.ptp(row) > 0
    ]


def label_by_classifier(classifier: TextClassifier, texts: Sequence[tuple[str, str]], round_: int) -> list[Suggestion]:
    """The classifier's own label for each (id, text)."""
    if not texts:
        return []
    vectors = classifier.encode([text for _, text in texts])
    labels, sure = classifier.head.predict(vectors), classifier.head.confidence(vectors)
    return [
        Suggestion(example, round_, CLASSIFIER, str(name), float(confidence))
        for (example, _), name, confidence in zip(texts, labels, sure, strict=True)
    ]


def best_suggester(suggestions: Sequence[Suggestion], verdicts: dict[str, Verdict]) -> str:
    """Whose suggestions annotators should see: the machine that agreed with the larger share of the verdicts so far,
    by example; the classifier where nothing tells them apart."""
    hits: dict[str, list[bool]] = {CLASSIFIER: []}
    for suggestion in suggestions:
        verdict = verdicts.get(suggestion.example)
        if verdict is not None and verdict.label is not None:
            hits.setdefault(suggestion.model, []).append(verdict.label == suggestion.label)
    # One pseudo-miss each: a machine seen once does not beat one seen a hundred times.
    shares = {model: sum(h) / (len(h) + 1) for model, h in hits.items()}
    return max(shares, key=lambda model: (shares[model], model == CLASSIFIER))
