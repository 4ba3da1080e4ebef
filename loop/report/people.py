"""How far the annotators agree, with each other and with what machines suggest."""

from collections.abc import Iterator, Mapping
from typing import Any

from loop.people.agreement import ENOUGH
from loop.report.run import Run
from models.records import Verdict


def people(run: Run) -> dict[str, Any] | None:
    """Their agreement in all and pair by pair, and how often each gave the consensus, in all and on what, without their
    names, where a task has the answers of two; how often they gave what each machine suggests, seen and unseen, and
    accepted what they saw, round by round. None before any verdict."""
    if not run.store.all(Verdict):
        return None
    machines = {**run.status["acceptance"], **run.status["blind"]}
    sway = [{"suggester": name} | found for name, found in run.status["anchoring"].items()]
    return {
        "agreement": run.status["people"],
        "sway": [row for row in sway if row["shown"] or row["blind"]],
        "accepted": [
            {"round": row["round"], "suggester": name, **{key: found[key] for key in ("of", "share", "low", "high")}}
            for row in run.status["rounds"]
            for name, found in row["suggestions"].items()
        ],
        "groups": [row for machine in machines for row in _groups(run, machine)],
    }


def _groups(run: Run, machine: str) -> Iterator[dict[str, Any]]:
    """By class and by confidence, of `ENOUGH` texts or more: what of a machine's suggestions was accepted, and how
    often it was right where nobody saw one."""
    accepted, blind = (run.status[key].get(machine, {}) for key in ("acceptance", "blind"))
    for kind in ("classes", "confidence"):
        taken, right = _enough(accepted.get(kind, {})), _enough(blind.get(kind, {}))
        for name in sorted({*taken, *right}):
            yield {
                "suggester": machine,
                "group": name,
                "kind": kind,
                "accepted": taken.get(name),
                "blind": right.get(name),
            }


def _enough(found: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {name: one for name, one in found.items() if one["of"] >= ENOUGH}
