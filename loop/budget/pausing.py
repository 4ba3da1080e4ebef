"""When the LLM is asked for less: a source that human labels speak against pauses, and is tried again cheaply."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loop.budget.ledger import Budget
from loop.budget.spending import spending
from loop.budget.split import split
from loop.labelled import rejected
from loop.sections import LLMSection
from loop.store import Store
from models.chat import Rest
from models.measures import SourceTrust
from models.records import Candidate, Queried, Region, Source

RUNNING = 2  # rounds in a row that a source must be worth nothing, or all of it be rejected, to be paused
REST = 3  # rounds that a paused source is not asked, while the regions stay
TRY = 4  # examples that a trial asks for
CHANGED = 0.5  # share of a round's confusions that must be new for the regions to have changed

Confusions = frozenset[frozenset[str]]
WHAT: dict[Source, str] = {"llm-text": "writing texts", "llm-label": "labelling real texts by the LLM"}


@dataclass(frozen=True)
class Allowance:
    """How many examples a round may ask of a source, and, where that is fewer than the configuration says, why."""

    examples: int
    why: str = ""


def allowance(
    store: Store, section: LLMSection, source: Source, round_: int, regions: Sequence[Region] = ()
) -> Allowance:
    """What `round_` may ask of a source, going by the store; `regions` are the round's where they are not there yet."""
    confusions: dict[int, set[frozenset[str]]] = defaultdict(set)
    for region in [*store.all(Region), *regions]:
        confusions[region.round].add(frozenset(region.classes))
    if source == "llm-text":
        made = [(c.round, c.key) for c in store.all(Candidate)]
    else:
        made = [(q.round, q.example) for q in store.all(Queried, purpose="llm")]
    out = rejected(store, source)
    # Where a cap left no room for it, that nothing was kept says nothing of the source.
    unasked = {rest.round for rest in store.all(Rest) if rest.arm == source}
    asked, kept = Counter(n for n, _ in made), Counter(n for n, key in made if key not in out or n in unasked)
    pairs, trust = {n: frozenset(found) for n, found in confusions.items()}, store.all(SourceTrust)
    wanted = split(section, trust, spending(store, Budget.read(store)), round_)[source]
    return allow(source, wanted, trust, asked, kept, pairs, round_)


def worthless(source: Source, trust: Sequence[SourceTrust], round_: int) -> bool:
    """Whether the upper bound of a source's worth was at most 0 for the fits of `RUNNING` rounds, `round_` the last.

    A source without examples has not been measured.
    """
    measured = {t.round: t.high for t in trust if t.source == source and t.examples}
    return all(measured.get(round_ - back, 1.0) <= 0 for back in range(RUNNING))


def barren(asked: Mapping[int, int], kept: Mapping[int, int], round_: int) -> bool:
    """Whether nothing was kept of what the last `RUNNING` rounds that asked before `round_` had made."""
    last = sorted(n for n, count in asked.items() if count and n < round_)[-RUNNING:]
    return len(last) == RUNNING and not any(kept.get(n) for n in last)


def allow(
    source: Source,
    wanted: int,
    trust: Sequence[SourceTrust],
    asked: Mapping[int, int],
    kept: Mapping[int, int],
    confusions: Mapping[int, Confusions],
    round_: int,
) -> Allowance:
    """What `round_` may ask of a source that the configuration wants `wanted` examples of.

    `asked` is how many examples earlier rounds asked for, `kept` how many curation let pass; `confusions` are the pairs
    of classes that each round's regions confuse. A paused source gets `TRY` examples again when more than half of the
    confusions are other than at its last try, or when that was more than `REST` rounds ago. What it is worth is
    measured in every round, on what it made before: a pause ends by itself when that is no longer nothing.
    """
    nothing = barren(asked, kept, round_)
    if not wanted or not (nothing or worthless(source, trust, round_)):
        return Allowance(wanted)
    last = max((n for n, count in asked.items() if count and n < round_), default=0)
    changed = _changed(confusions.get(last, frozenset()), confusions.get(round_, frozenset()))
    if changed or round_ - last > REST:
        because = "the regions have changed" if changed else f"it has paused for {round_ - last - 1} rounds"
        return Allowance(min(wanted, TRY), f"{WHAT[source]} is tried again with {min(wanted, TRY)}: {because}")
    because = "nothing of it was kept" if nothing else "worth nothing on human labels"
    return Allowance(0, f"{WHAT[source]} pauses: {because} {RUNNING} rounds running")


def _changed(before: Confusions, now: Confusions) -> bool:
    return bool(now) and len(now - before) > CHANGED * len(now)
