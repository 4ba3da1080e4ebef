"""Where the next texts are to be written: more where the classifier is unsure, and of the classes it gets wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loop.held_out import embedded, held_out_hits
from models.encoder import Encoder
from models.head import fit_logistic
from models.records import Candidate, Region, TaskDescription, TrainingExample

EVEN = 0.5


@dataclass(frozen=True)
class Slot:
    """What a text is written for: a region, the class that it is to have, the one that it is confused with, and how
    much it is wanted beside the others."""

    region: Region
    intended: str
    other: str
    weight: float

    @property
    def pair(self) -> tuple[str, str]:
        """Both classes, those that the region confuses in its order."""
        return self.region.classes if self.intended in self.region.classes else (self.intended, self.other)


def slots(
    regions: Sequence[Region],
    weakness: Mapping[str, float],
    yields: Mapping[str, float],
    missing: Mapping[str, NDArray[np.float32]],
) -> list[Slot]:
    """Both classes of each region, and each of the `missing` classes, which the classifier does not know yet, in the
    region nearest to what it is about: its embedding (d,) in the space of the regions' centroids.

    A slot weighs as much as its region is uncertain, its class is weak, and what was written for the class was kept.
    """
    found = []
    for region in regions:
        for intended, other in (region.classes, region.classes[::-1]):
            found.append((region, intended, other))
    for name, vector in missing.items() if regions else ():
        near = max(regions, key=lambda r: float(np.array(r.centroid, dtype=np.float32) @ vector))
        found.append((near, name, near.classes[0]))
    return [
        Slot(region, name, other, region.uncertainty * weakness.get(name, EVEN) * yields.get(name, EVEN))
        for region, name, other in found
    ]


def share_out(slots: Sequence[Slot], texts: int, rng: np.random.Generator) -> list[Slot]:
    """A slot for each of so many texts, by systematic sampling: each gets its share, rounded up or down."""
    weights = np.array([slot.weight for slot in slots])
    if not texts or not weights.sum():
        return []
    marks = (np.arange(texts) + rng.random()) / texts
    places = np.searchsorted(np.cumsum(weights) / weights.sum(), marks, side="right")
    return [slots[min(int(i), len(slots) - 1)] for i in places]


def weak_classes(
    verified: Sequence[TrainingExample], task: TaskDescription, encoder: Encoder, seed: int
) -> dict[str, float]:
    """How often each class is missed, in cross-validation of a head on the frozen encoder on human labels; with one
    pseudo-hit and one pseudo-miss, so that a class without labels stands in the middle."""
    hits, counts = dict.fromkeys(task.class_names, 0.0), dict.fromkeys(task.class_names, 0)
    if len(verified) > 1:
        found = held_out_hits(verified, [], embedded(encoder, verified), fit_logistic, seed)
        for example, hit in zip(verified, found, strict=True):
            hits[example.label] += float(hit)
            counts[example.label] += 1
    return {name: 1 - (hits[name] + 1) / (counts[name] + 2) for name in task.class_names}


def kept_shares(made: Sequence[Candidate], kept: Sequence[Candidate]) -> dict[str, float]:
    """The share of the texts written for each class that curation kept, with one pseudo-text of either kind."""
    wrote, passed = [c.intended for c in made], [c.intended for c in kept]
    return {name: (passed.count(name) + 1) / (wrote.count(name) + 2) for name in set(wrote)}
