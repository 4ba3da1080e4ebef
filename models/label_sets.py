"""Labels of texts that may be of several classes, or of none: a set of class names written as one label.

In files and records such a label is its class names, sorted, with `SEPARATOR` between; the empty text is no class.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

SEPARATOR = ";"


def join(names: Iterable[str]) -> str:
    """The label of a set of class names."""
    return SEPARATOR.join(sorted({name.strip() for name in names} - {""}))


def split(label: str) -> tuple[str, ...]:
    """The class names of a label; none for the empty one."""
    return tuple(name for part in label.split(SEPARATOR) if (name := part.strip()))


def class_names(label: str, multi_label: bool) -> tuple[str, ...]:
    """The classes that a label names: itself, or in a multi-label task those of its set."""
    return split(label) if multi_label else (label,)


def indicator(labels: Sequence[str], classes: Sequence[str]) -> NDArray[np.bool_]:
    """Which of the classes (k,) each label (n,) holds, (n, k)."""
    column = {name: i for i, name in enumerate(classes)}
    held = np.zeros((len(labels), len(column)), dtype=bool)
    for row, label in enumerate(labels):
        held[row, [column[name] for name in split(label) if name in column]] = True
    return held
