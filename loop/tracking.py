"""The figures of each round, passed on to a tracker once they are complete."""

from collections.abc import Mapping
from typing import Any

from connectors.trackers import Tracker
from loop.store import Store
from loop.table import round_rows
from models.errors import TrackerError

SETTING = "tracked"
FIGURES = (
    "human_labels",
    "accuracy",
    "low",
    "high",
    "macro_f1",
    "macro_f1_low",
    "macro_f1_high",
    "texts_made",
    "texts_kept",
    "accepted_unseen",
    "tokens_in",
    "tokens_out",
    "seconds",
)


def track(store: Store, tracker: Tracker | None, upto: int) -> str:
    """Passes on the rounds to `upto` that have not been; returns why that failed, "" where it did not. What failed is
    tried again with the next round."""
    if tracker is None:
        return ""
    last = int(store.setting(SETTING) or 0)
    for row in round_rows(store):
        if last < row["round"] <= upto:
            try:
                tracker.log(row["round"], metrics(row))
            except TrackerError as error:
                return f"not tracked, to be tried again after the next round: {error}"
            store.set(SETTING, str(row["round"]))
    return ""


def metrics(row: Mapping[str, Any]) -> dict[str, float]:
    """A round's figures by name; of each source its weight and worth, of each machine the share of its suggestions that
    was accepted."""
    found = {name: float(row[name]) for name in FIGURES}
    for source, trust in row["trust"].items():
        found |= {f"{source}/{name}": float(trust[name]) for name in ("weight", "worth")}
    return found | {f"accepted/{machine}": shown["share"] for machine, shown in row["suggestions"].items()}
