"""What LLM calls cost: written down before each is sent, so that no cap is ever exceeded, whatever is killed when."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Self

from loop.config import Config
from loop.store import Store
from models.errors import BudgetSpentError
from models.records import Account, ChatRequest, Completion

SETTING = "budget"
PER = 1_000_000

SPENT = """
select coalesce(sum(tokens_in), 0), coalesce(sum(tokens_out), 0) from (
    select tokens_in, tokens_out from completion union all select tokens_in, tokens_out from reservation
)
"""
LAST = "delete from reservation where id = (select max(id) from reservation where key = ?)"


@dataclass(frozen=True)
class Budget:
    """Caps of a run, 0 for none, and prices: of the LLM per million tokens, of people per hour, in one currency."""

    tokens: int = 0
    money: float = 0.0
    price_in: float = 0.0
    price_out: float = 0.0
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

    def price(self, tokens_in: int, tokens_out: int) -> float:
        return (tokens_in * self.price_in + tokens_out * self.price_out) / PER

    def exceeded(self, tokens_in: int, tokens_out: int) -> str | None:
        """The cap ("token" or "money") that so many tokens of a whole run would exceed."""
        if self.tokens and tokens_in + tokens_out > self.tokens:
            return "token"
        return "money" if self.money and self.price(tokens_in, tokens_out) > self.money else None


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
        """Raises BudgetSpentError where the tokens do not fit."""
        with self.store.transaction() as connection:
            spent_in, spent_out = connection.execute(SPENT).fetchone()
            cap = self.budget.exceeded(spent_in + tokens_in, spent_out + tokens_out)
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
