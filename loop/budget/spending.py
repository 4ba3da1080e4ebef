"""What a run has spent, per round and arm; what a round will likely cost, and an accuracy point did."""

import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from loop.advice import Forecast
from loop.budget.ledger import Budget
from loop.store import Store
from models.chat import Rest
from models.measures import SourceTrust
from models.records import LabelTask, Verdict

RECENT = 3  # rounds that a forecast goes by
COSTS = ("tokens", "money", "llm_seconds", "labels", "minutes")
AWAY = 10  # times the median: who took longer had left the page open
# Whom a human label serves that does not serve "human"; a holdout, disputes about it included, only measures.
PAYS = {"candidate": "llm-text"}

CALLS = """
select round, arm, model, sum(tokens_in), sum(tokens_out), sum(seconds), sum(lost) from (
    select round, arm, model, tokens_in, tokens_out, seconds, 0 as lost from completion union all
    select round, arm, model, tokens_in, tokens_out, 0.0, tokens_in + tokens_out from reservation
) group by round, arm, model
"""


@dataclass(frozen=True)
class Spending:
    """What a round spent on an arm ("human", "llm-label", "llm-text", or "holdout").

    `lost` of the tokens were sent and never came back: at most so many were paid for, and all count. `labels` and
    `minutes` are people's; `money` is the LLM's, `wages` people's.
    """

    round: int
    arm: str
    tokens_in: int = 0
    tokens_out: int = 0
    lost: int = 0
    llm_seconds: float = 0.0
    money: float = 0.0
    labels: int = 0
    minutes: float = 0.0
    wages: float = 0.0

    @property
    def tokens(self) -> int:
        return self.tokens_in + self.tokens_out


def spending(store: Store, budget: Budget) -> list[Spending]:
    """All that was spent, by round and arm."""
    found: dict[tuple[int, str], Spending] = {}
    for round_, arm, model, *tokens, seconds, lost in store.connection.execute(CALLS):
        so_far = found.get((round_, arm), Spending(round_, arm))
        found[round_, arm] = replace(
            so_far,
            tokens_in=so_far.tokens_in + tokens[0],
            tokens_out=so_far.tokens_out + tokens[1],
            lost=so_far.lost + lost,
            llm_seconds=round(so_far.llm_seconds + seconds, 1),
            money=so_far.money + budget.price(model, *tokens),
        )
    for place, verdicts in judged(store).items():
        seconds = sum(verdicts)
        people = {"labels": len(verdicts), "minutes": seconds / 60, "wages": budget.hourly_wage * seconds / 3600}
        found[place] = replace(found.get(place, Spending(*place)), **people)  # type: ignore[arg-type]
    return [found[place] for place in sorted(found)]


def judged(store: Store) -> dict[tuple[int, str], list[float]]:
    """The seconds of each person's verdict on a task, by the round and arm that pay for it; none counts more than
    `AWAY` times the median."""
    worked, tasks = worked_seconds(store), store.all(LabelTask)
    held = {task.example for task in tasks if task.kind == "holdout"}
    places = {t.uid: (t.round, "holdout" if t.example in held else PAYS.get(t.kind, "human")) for t in tasks}
    words = {(v.task, v.annotator): v for v in store.all(Verdict) if v.task in places}
    seconds = defaultdict[tuple[int, str], list[float]](list)
    for (task, _), verdict in words.items():
        seconds[places[task]].append(worked(verdict))
    return seconds


def worked_seconds(store: Store) -> Callable[[Verdict], float]:
    """What a verdict took of a person's time, as far as it counts."""
    taken = [v.seconds for v in store.all(Verdict) if v.seconds > 0]
    most = AWAY * statistics.median(taken) if taken else 0.0
    return lambda verdict: min(verdict.seconds, most)


def total(spent: Sequence[Spending]) -> dict[str, float]:
    """The sums of the costs."""
    names = ("tokens_in", "tokens_out", "lost", *COSTS, "wages")
    return {name: sum(getattr(s, name) for s in spent) for name in names}


def what_is_left(spent: Mapping[str, float], budget: Budget) -> dict[str, float]:
    """What the caps leave of each cost that has one, and that a round is not cut to by itself, as labels are."""
    capped = [name for name in COSTS if name != "labels" and getattr(budget, name)]
    return {name: max(0.0, getattr(budget, name) - spent[name]) for name in capped}


def next_round(spent: Sequence[Spending], done: Sequence[int]) -> dict[str, float] | None:
    """What a round will likely cost: the mean of the last `RECENT` rounds that are `done`; None before the first."""
    recent = [n for n in done if n > 0][-RECENT:]
    if not recent:
        return None
    sums = total([s for s in spent if s.round in recent])
    return {name: sums[name] / len(recent) for name in COSTS}


def per_point(
    spent: Sequence[Spending], trust: Sequence[SourceTrust], ahead: Forecast | None
) -> dict[str, dict[str, float] | None]:
    """What an accuracy point costs by each arm: None where the 95 % interval of what the arm brings reaches 0.

    An LLM arm's points are its worth in the last round, which all that it made so far brings together: its cost is all
    that was spent on it. Those of people are what the curve says that more labels bring, at what labels cost so far.
    """
    last = max((t.round for t in trust), default=0)
    found: dict[str, dict[str, float] | None] = {"human": None}
    people = total([s for s in spent if s.arm == "human"])
    if ahead is not None and ahead.low > 0 and people["labels"]:
        found["human"] = _shares(people, ahead.labels / people["labels"], (ahead.gain, ahead.low, ahead.high))
    for arm in ("llm-label", "llm-text"):
        worth = [(t.worth, t.low, t.high) for t in trust if t.source == arm and t.round == last and t.examples]
        costs = total([s for s in spent if s.arm == arm])
        found[arm] = _shares(costs, 1.0, worth[0]) if worth and worth[0][1] > 0 else None
    return found


def _shares(costs: Mapping[str, float], scale: float, gain: tuple[float, float, float]) -> dict[str, float]:
    points, low, high = (100 * share for share in gain)
    per = {f"{name}_per_point": costs[name] * scale / points for name in (*COSTS, "wages")}
    return {"points": points, "low": low, "high": high, **per}


def ledger(store: Store, ahead: Forecast | None) -> dict[str, Any]:
    """The run's ledger, JSON-ready; `ahead` is what more human labels will likely bring."""
    budget, rests = Budget.read(store), store.all(Rest)
    spent = spending(store, budget)
    sums = total(spent)
    done = [n for n, stage in store.stages() if stage == "learn"]
    caps = {name: getattr(budget, name) or None for name in COSTS}
    asked = max((n for n, stage in store.stages() if stage == "label"), default=0)
    return {
        "spent": sums,
        "caps": caps,
        "left": what_is_left(sums, budget),
        "resting": next((r.cap for r in rests if r.round >= asked), None),
        "next_round": next_round(spent, done),
        "per_point": per_point(spent, store.all(SourceTrust), ahead),
        "rounds": [asdict(s) for s in spent],
    }


def sentences(facts: Mapping[str, Any]) -> list[str]:
    """A ledger in words: what was spent of what, what a round costs, and whether the LLM rests."""
    spent, caps = facts["spent"], facts["caps"]
    said = [f"{spent['tokens']:,} tokens{_of(caps['tokens'])}"]
    said += [f"{spent['lost']:,} of them on answers that were lost"] if spent["lost"] else []
    said += [f"{spent['money']:.2f} for the LLM{_of(caps['money'])}"] if spent["money"] or caps["money"] else []
    time = caps["llm_seconds"]
    said += [f"{spent['llm_seconds']:,.0f} seconds of the LLM's{_of(time)}"] if spent["llm_seconds"] or time else []
    people = f"{spent['labels']} human labels and {spent['minutes']:.0f} minutes{_of(caps['minutes'])}"
    said += [f"{people}, the holdout's included"]
    said += [f"{spent['wages']:.2f} for people"] if spent["wages"] else []
    ahead = f"; {outlook(facts['next_round'], facts['left'])}" if facts["next_round"] else ""
    return [f"Spent: {', '.join(said)}{ahead}.", *([resting(facts["resting"])] if facts["resting"] else [])]


def resting(cap: str) -> str:
    return f"{cap} budget spent: the LLM rests"


def outlook(costs: Mapping[str, float], left: Mapping[str, float]) -> str:
    """What the next round will likely cost, in words, and what of it is `left` where that is less."""
    said = {"labels": f"{costs['labels']:.0f} human labels"}
    said |= {"minutes": f"{costs['minutes']:.0f} minutes of people's time"} if costs["minutes"] >= 1 else {}
    said |= {"tokens": f"{costs['tokens']:,.0f} tokens"} if costs["tokens"] else {}
    said |= {"money": f"{costs['money']:.2f} for the LLM"} if costs["money"] else {}
    said |= {"llm_seconds": f"{costs['llm_seconds']:,.0f} seconds of the LLM's"} if costs["llm_seconds"] >= 1 else {}
    short = {
        name: f" (left: {round(left[name], 2):,.12g})" for name in said if left.get(name, costs[name]) < costs[name]
    }
    return f"a round costs about {', '.join(what + short.get(name, '') for name, what in said.items())}"


def _of(cap: float | None) -> str:
    return "" if not cap else f" of {cap:,}" if isinstance(cap, int) else f" of {cap:,.2f}"
