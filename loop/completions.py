"""An LLM that never answers the same request twice, nor beyond the budget: every sending goes to the ledger before it,
every completion to the store as it arrives."""

from collections.abc import Sequence

from loop.budget.ledger import Budget, Ledger
from loop.store import Store
from models.chat import Account, ChatRequest, Completion, Rest
from models.errors import BudgetSpentError
from models.llm import LLM, UNMETERED, Meter, OnArrival, ignore

UNASKED = Completion("", 0, 0, 0.0, "unasked")


class StoredLLM(LLM, Meter):
    """`llm` behind the run's store and budget; `account` pays for what is asked.

    What the budget has no room for is not asked: its completion is `UNASKED`, and is not stored.
    """

    def __init__(self, llm: LLM, store: Store, account: Account) -> None:
        self.name = llm.name
        self.llm = llm
        self.store = store
        self.account = account
        self.ledger = Ledger(store, Budget.read(store))

    def chat(
        self, requests: Sequence[ChatRequest], on_arrival: OnArrival = ignore, meter: Meter = UNMETERED
    ) -> list[Completion]:
        """See LLM; the ledger is the meter, and no other is asked."""
        keys = [request.key(self.name) for request in requests]
        known = {key: completion for key in keys if (completion := self.store.completion(key))}
        missing = {key: r for key, r in zip(keys, requests, strict=True) if key not in known}

        def keep(request: ChatRequest, completion: Completion) -> None:
            key = request.key(self.name)
            self.ledger.keep(key, self.name, self.account, request, completion)
            known[key] = completion
            del missing[key]
            on_arrival(request, completion)

        while missing:
            before = len(missing)
            try:
                self.llm.chat(list(missing.values()), keep, self)
            except BudgetSpentError as spent:
                # What has arrived may have cost less than was reserved for it: then there is room again.
                if len(missing) == before:
                    self._rest(spent.cap)
                    break
        return [known.get(key, UNASKED) for key in keys]

    def send(self, request: ChatRequest, tokens_in: int, tokens_out: int) -> None:
        self.ledger.reserve(request.key(self.name), self.name, self.account, tokens_in, tokens_out)

    def refund(self, request: ChatRequest) -> None:
        self.ledger.refund(request.key(self.name))

    def _rest(self, cap: str) -> None:
        self.store.add([Rest(self.account.round, self.account.stage, self.account.arm, cap)])
