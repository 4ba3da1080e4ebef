"""What a person sees while the loop works: one moving line, and one that stays for each result."""

from types import TracebackType
from typing import Self

from rich.console import Console

WHAT = {
    "fit": "training the classifier",
    "evaluate": "measuring on the holdout",
    "worth": "working out what each source adds on the holdout",
    "query": "looking for what the classifier is least sure of",
    "aim": "choosing what the LLM begins with",
    "generate": "the LLM writes texts for the uncertain regions",
    "label": "machines suggest labels",
    "curate": "checking what the LLM made",
    "verify": "waiting for the annotators",
    "learn": "working out how far to trust each source",
}


def console(quiet: bool = False) -> Console:
    """Standard error, with addresses and passwords in one piece, for a reader who copies them and for a log."""
    return Console(stderr=True, quiet=quiet, highlight=False, markup=False, soft_wrap=True)


class Display:
    """Follows a run on standard error; says nothing while `quiet`."""

    def __init__(self, quiet: bool = False) -> None:
        self.console = console(quiet)
        self.status = self.console.status("starting")
        self._last: tuple[int, str] | None = None

    def __enter__(self) -> Self:
        self.status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.status.stop()

    def stage(self, round_: int, stage: str, detail: str) -> None:
        """Hears of each stage of a round."""
        if stage in ("evaluated", "note"):
            self.say(f"round {round_}: {detail}")
            return
        text = f"round {round_}: {WHAT[stage]}" + (f" ({detail})" if detail else "")
        self.status.update(text)
        # In a log a stage has one line, with the first that is known of it: where to answer, for one.
        if not self.console.is_terminal and (round_, stage) != self._last:
            self.say(text)
        self._last = (round_, stage)

    def say(self, text: str) -> None:
        """A line that stays."""
        self.console.print(text)
