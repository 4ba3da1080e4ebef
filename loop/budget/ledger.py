"""What LLM calls cost: written down before each is sent, so that no cap is ever exceeded, whatever is killed when."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Self

from loop.config import Config
from loop.store import Store
from models.chat import Account, ChatRequest, Completion
from models.errors import BudgetSpentError

SETTING = "budget"
PER = 1_000_000

SPENT = """
select model, sum(tokens_in), sum(tokens_out) from (
    select model, tokens_in, tokens_out from completion union all
    select model, tokens_in, tokens_out from reservation
) group by model
"""
TAKEN = "select coalesce(sum(seconds), 0) from completion"
LAST = "delete from reservation where id = (select max(id) from reservation where key = ?)"


@dataclass(frozen=True)
class Budget:
    """Caps of a run, 0 for none, the LLM's tokens, money and seconds, people's minutes and labels; and prices: of the
    LLM per million tokens, in and out, with those of single models by their name, and of people per hour, in one
    currency."""

    tokens: int = 0
    money: float = 0.0
    llm_seconds: float = 0.0
    minutes: float = 0.0
    price_in: float = 0.0
    price_out: float = 0.0
    prices: Mapping[str, Sequence[float]] = field(default_factory=dict)
    hourly_wage: float = 0.0
    labels: int = 0

    @classmethod
    def of(cls, config: Config) -> Self:
        return cls(**config.budget.model_dump(), labels=config.run.labels)

    @classmethod
    def read(cls, store: Store) -> Self:
        """The budget that the run was last started with."""
        return cls(**json.loads(store.setting(SETTING) or "{}"))

    def write(self, store: Store) -> None:
        store.set(SETTING, json.dumps(asdict(self)))

    def price(self, model: str, tokens_in: int, tokens_out: int) -> float:
        """What an LLM costs for tokens read and written, by its name, or by that in the ledger, which says after the
        last @ where it is."""
        name = model if model in self.prices else model.rpartition("@")[0]
        price_in, price_out = self.prices.get(name, (self.price_in, self.price_out))
        return (tokens_in * price_in + tokens_out * price_out) / PER

    def exceeded(self, spent: Sequence[tuple[str, int, int]], seconds: float = 0.0) -> str | None:
        """The cap ("token" or "money") that a whole run's tokens would exceed: (model, in, out) each. "time" where
        `seconds` have used it up: what an answer will take is known only once it is there."""
        if self.llm_seconds and seconds >= self.llm_seconds:
            return "time"
        if self.tokens and sum(tokens_in + tokens_out for _, tokens_in, tokens_out in spent) > self.tokens:
            return "token"
        return "money" if self.money and sum(self.price(*one) for one in spent) > self.money else None


class Ledger:
    """The LLM calls of a run and their caps.

    Before a request is sent, the most it may cost is written down as a reservation, if it fits in what the caps leave
    beside all completions and all reservations. The completion takes the reservation's place. What is left of
    reservations when nothing is in flight was sent and lost, by a kill or an outage: it may have been paid for, and
    counts. Safe to call from several threads.
    """

    def __init__(self, store: Store, budget: Budget) -> None:
        self.store = store
        self.budget = budget

    def reserve(self, key: str, model: str, account: Account, tokens_in: int, tokens_out: int) -> None:
        """Raises BudgetSpentError where the tokens do not fit, or the LLM's time is used up."""
        with self.store.transaction() as connection:
            spent = connection.execute(SPENT).fetchall()
            (taken,) = connection.execute(TAKEN).fetchone() if self.budget.llm_seconds else (0.0,)
            cap = self.budget.exceeded([*spent, (model, tokens_in, tokens_out)], taken)
            if cap is not None:
                raise BudgetSpentError(cap)
            connection.execute(
                "insert into reservation (key, model, round, stage, arm, tokens_in, tokens_out, sent_at) "
                "values (?, ?, ?, ?, ?, ?, ?, ?)",
                (key, model, account.round, account.stage, account.arm, tokens_in, tokens_out, _now()),
            )

    def refund(self, key: str) -> None:
        """The last reservation for `key` was not spent."""
        with self.store.transaction() as connection:
            connection.execute(LAST, (key,))

    def keep(self, key: str, model: str, account: Account, request: ChatRequest, completion: Completion) -> None:
        """Stores a completion for good, in the place of its reservation."""
        # Escaped, since a model may write half a surrogate pair, which is no UTF-8.
        texts = (json.dumps(asdict(request)), json.dumps(asdict(completion)))
        spent = (completion.tokens_in, completion.tokens_out, completion.seconds)
        with self.store.transaction() as connection:
            connection.execute(LAST, (key,))
            connection.execute(
                "insert or ignore into completion values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (key, model, account.round, account.stage, account.arm, *texts, *spent, _now()),
            )


def _now() -> str:
    return datetime.now(UTC).isoformat()
