"""An LLM that several runs share: what one has asked, another gets from a file; and one that answers by chance."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from models.chat import ChatRequest, Completion
from models.llm import LLM, UNMETERED, Meter, OnArrival, ScriptedLLM, ignore


class SharedLLM(LLM):
    """`llm` with its completions in `file`. One that stands there arrives at once, and its meter is asked as if it had
    been sent: a run cannot tell, but by the clock."""

    def __init__(self, llm: LLM, file: Path) -> None:
        self.name = llm.name
        self.llm = llm
        file.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(file, timeout=60, isolation_level=None, check_same_thread=False)
        self._connection.execute("pragma journal_mode = wal")
        self._connection.execute("create table if not exists completion (key text primary key, reply text not null)")

    def chat(
        self, requests: Sequence[ChatRequest], on_arrival: OnArrival = ignore, meter: Meter = UNMETERED
    ) -> list[Completion]:
        """See LLM."""
        known = {key: reply for r in requests if (reply := self._known(key := r.key(self.name)))}
        for request in requests:
            if reply := known.get(request.key(self.name)):
                meter.send(request, reply.tokens_in, reply.tokens_out)
                on_arrival(request, reply)

        def keep(request: ChatRequest, completion: Completion) -> None:
            key = request.key(self.name)
            row = (key, json.dumps(asdict(completion)))
            self._connection.execute("insert or ignore into completion values (?, ?)", row)
            known[key] = completion
            on_arrival(request, completion)

        missing = [r for r in requests if r.key(self.name) not in known]
        if missing:
            self.llm.chat(missing, keep, meter)
        return [known[r.key(self.name)] for r in requests]

    def _known(self, key: str) -> Completion | None:
        row = self._connection.execute("select reply from completion where key = ?", (key,)).fetchone()
        if row is None:
            return None
        reply = json.loads(row[0])
        shares = reply["probabilities"]
        return Completion(**reply | {"probabilities": None if shares is None else tuple(shares)})


def random_llm() -> ScriptedLLM:
    """Labels at random, as surely as can be, and writes the words of its prompt in random order."""

    def answer(request: ChatRequest) -> str | list[float]:
        rng = np.random.default_rng(int(request.key("random")[:15], 16))
        if request.choices:
            chosen = int(rng.integers(len(request.choices)))
            return [float(i == chosen) for i in range(len(request.choices))]
        words = request.messages[-1].content.split()
        return json.dumps({"text": " ".join(rng.permutation(words)[:12].tolist())})

    return ScriptedLLM(answer, name="random")
