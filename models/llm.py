"""What every LLM here can do, and the scripted one that tests and users share."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.chat import ChatRequest, Completion, Message
from models.errors import LLMError

OnArrival = Callable[[ChatRequest, Completion], None]
Reordered = Callable[[Sequence[str], int], Sequence[str]]
VOTES = 5


def ignore(request: ChatRequest, completion: Completion) -> None:
    """The arrival of a completion that nobody stores."""


class Meter(Protocol):
    """What must be asked before each time that a request is sent; may be called from any thread."""

    def send(self, request: ChatRequest, tokens_in: int, tokens_out: int) -> None:
        """Hears of each sending, retries included, with the most that it may cost. Raises BudgetSpentError where
        `request` may not be sent."""
        ...

    def refund(self, request: ChatRequest) -> None:
        """The last sending of `request` was turned away, and cost nothing."""
        ...


class Unmetered(Meter):
    """Lets everything be sent."""

    def send(self, request: ChatRequest, tokens_in: int, tokens_out: int) -> None:
        return

    def refund(self, request: ChatRequest) -> None:
        return


UNMETERED = Unmetered()
REFUSED = Completion("", 0, 0, 0.0, "refused")


class LLM(Protocol):
    """A chat model.

    `name` identifies model and weights: completions are stored under it.
    """

    name: str

    def chat(
        self, requests: Sequence[ChatRequest], on_arrival: OnArrival = ignore, meter: Meter = UNMETERED
    ) -> list[Completion]:
        """Completions in the order of the requests; `on_arrival` sees each the moment it exists, `meter` is asked
        before each is sent.

        A request that the model turns down, where it takes others, is answered by `REFUSED`. Raises LLMError when the
        model cannot be reached or takes nothing, and BudgetSpentError where the meter does: then nothing more is sent,
        and what had been sent has arrived.
        """
        ...

    def label_probabilities(
        self, texts: Sequence[str], classes: Sequence[str], reordered: Reordered | None = None
    ) -> NDArray[np.float64]:
        """The probability of each class as the answer to each prompt: (n prompts, k classes), rows sum to 1.

        `texts` are whole prompts. Probabilities come from token log-probabilities; where the model gives
        none, from `VOTES` sampled answers with one pseudo-vote spread over all classes; a text that it refuses says
        nothing, and all classes share it. With `reordered`, which gives
        the prompts of a vote, by its number, with the classes in another order, each vote is cast on an order, and may
        be on a wording, of its own: models favour what stands first or last (Wang et al., "Self-consistency", ICLR
        2023, for the votes; Pezeshkpour and Hruschka, "Large language models sensitivity to the order of options",
        NAACL 2024).
        """
        requests = [ChatRequest((Message("user", text),), max_tokens=32, choices=tuple(classes)) for text in texts]
        shares = np.full((len(requests), len(classes)), 1 / len(classes))
        silent = []
        for position, completion in enumerate(self.chat(requests)):
            if completion.probabilities is not None:
                shares[position] = completion.probabilities
            elif completion.finish != REFUSED.finish:
                silent.append(position)
        if silent:
            shares[silent] = self._vote(texts, silent, classes, reordered)
        return shares

    def _vote(
        self, texts: Sequence[str], silent: Sequence[int], classes: Sequence[str], reordered: Reordered | None
    ) -> NDArray[np.float64]:
        """The share of the votes on each class, for the prompts at the positions `silent`."""
        draws, choices = [], tuple(classes)
        for seed in range(1, VOTES + 1):
            asked = reordered(shuffled(choices, seed), seed) if reordered else texts
            draws += [
                ChatRequest((Message("user", asked[i]),), max_tokens=32, temperature=1.0, seed=seed, choices=choices)
                for i in silent
            ]
        return count_votes([c.text.strip() for c in self.chat(draws)], choices)


def shuffled(classes: Sequence[str], vote: int) -> list[str]:
    """The classes in the order of a vote: by its number alone, so that the prompts of one vote still begin alike."""
    return [classes[i] for i in np.random.default_rng(vote).permutation(len(classes))]


def count_votes(answers: Sequence[str], classes: Sequence[str]) -> NDArray[np.float64]:
    """The share of the votes on each class, (n, k), of n texts; `answers` are all of the first of `VOTES` votes, then
    all of the second. What names no class is no vote; one pseudo-vote is spread over all classes."""
    counts = np.full((len(answers) // VOTES, len(classes)), 1 / len(classes))
    for position, answer in enumerate(answers):
        if answer in classes:
            counts[position % len(counts), classes.index(answer)] += 1
    shares: NDArray[np.float64] = counts / counts.sum(axis=1, keepdims=True)
    return shares


class ScriptedLLM(LLM):
    """An LLM whose answers are a function: for tests, dry runs and replays that cost nothing. Its tokens are words.

    `answer(request)` returns the text; for a request with choices it may instead return one probability for
    each of them; or a whole completion, such as `REFUSED`.
    """

    def __init__(
        self, answer: Callable[[ChatRequest], str | Sequence[float] | Completion], name: str = "scripted"
    ) -> None:
        self.name = name
        self.answer = answer

    def chat(
        self, requests: Sequence[ChatRequest], on_arrival: OnArrival = ignore, meter: Meter = UNMETERED
    ) -> list[Completion]:
        completions = []
        for request in requests:
            meter.send(request, _words(request), request.max_tokens)
            completion = self._complete(request)
            on_arrival(request, completion)
            completions.append(completion)
        return completions

    def _complete(self, request: ChatRequest) -> Completion:
        reply = self.answer(request)
        if isinstance(reply, Completion):
            return reply
        tokens_in = _words(request)
        if isinstance(reply, str):
            return Completion(reply, tokens_in, min(len(reply.split()), request.max_tokens), 0.0)
        if len(reply) != len(request.choices):
            raise LLMError(f"the script gave {len(reply)} probabilities for {len(request.choices)} choices")
        total = float(sum(reply))
        shares = tuple(float(p) / total for p in reply)
        return Completion(request.choices[int(np.argmax(shares))], tokens_in, 1, 0.0, probabilities=shares)


def _words(request: ChatRequest) -> int:
    return sum(len(m.content.split()) for m in request.messages)
