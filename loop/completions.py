"""An LLM that never answers the same request twice: every completion goes to the store as it arrives."""

from collections.abc import Sequence

from loop.store import Store
from models.llm import LLM, OnArrival, ignore
from models.records import ChatRequest, Completion


class StoredLLM(LLM):
    """`llm` behind the run's store. `place` is the (round, stage) that pays for what is asked."""

    def __init__(self, llm: LLM, store: Store, place: tuple[int, str]) -> None:
        self.name = llm.name
        self.llm = llm
        self.store = store
        self.place = place

    def chat(self, requests: Sequence[ChatRequest], on_arrival: OnArrival = ignore) -> list[Completion]:
        keys = [request.key(self.name) for request in requests]
        known = {key: completion for key in keys if (completion := self.store.completion(key))}
        missing = {key: r for key, r in zip(keys, requests, strict=True) if key not in known}

        def keep(request: ChatRequest, completion: Completion) -> None:
            self.store.keep_completion(request.key(self.name), self.name, self.place, request, completion)
            on_arrival(request, completion)

        if missing:
            known |= dict(zip(missing, self.llm.chat(list(missing.values()), keep), strict=True))
        return [known[key] for key in keys]
