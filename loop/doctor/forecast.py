"""What a run will likely take, before it starts: human minutes, machine time, tokens of an LLM."""

import math
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from loop import attributes
from loop.budget.ledger import Budget
from loop.config import Config
from loop.doctor.checks import Check
from loop.generate import RATIONALE_TOKENS
from loop.opinions import REASON_TOKENS
from loop.people.overlap import verdicts_for
from loop.sections import is_server
from loop.stopping import ANSWERS
from models import contrastive
from models.classifier import CALIBRATION_EFFORT, CALIBRATION_TEXTS
from models.encoder import SentenceEncoder, open_encoder
from models.llm import VOTES
from models.prompting import Prompts
from models.records import Example, TrainingExample
from models.strategies.committee import READ_BY_LLM

SECONDS_PER_VERDICT = 10
MEASURED = 64
# A round without the encoder: heads, their cross-validation, the query. 8 s for 2 classes and 2,350 texts, 2 cores.
ROUND_SECONDS = 8
# A step forward and back costs about three forward; in UTF-8 a token is about four bytes.
TRAINING_COST = 3
BYTES_PER_TOKEN = 4
CAPS = {"token": "tokens", "money": "money"}


@dataclass(frozen=True)
class Use:
    """What one LLM, by its name at its server, is asked: calls, prompt tokens, and the most tokens it may answer."""

    model: str
    calls: int
    tokens_in: int
    tokens_out: int

    def plus(self, times: int, other: "Use") -> "Use":
        more = (other.calls, other.tokens_in, other.tokens_out)
        mine = (self.calls, self.tokens_in, self.tokens_out)
        return Use(self.model, *(a + times * b for a, b in zip(mine, more, strict=True)))


@dataclass(frozen=True)
class Outlook:
    """`verdicts` of humans, `seconds` of this machine without the LLMs', and what each LLM is asked."""

    verdicts: int
    seconds: float
    uses: tuple[Use, ...] = ()

    @property
    def calls(self) -> int:
        return sum(use.calls for use in self.uses)

    @property
    def tokens_in(self) -> int:
        return sum(use.tokens_in for use in self.uses)

    @property
    def tokens_out(self) -> int:
        return sum(use.tokens_out for use in self.uses)

    def says(self) -> str:
        minutes = self.verdicts * SECONDS_PER_VERDICT / 60
        human = f"{self.verdicts:,} verdicts (about {minutes:,.0f} min at {SECONDS_PER_VERDICT} s each)"
        machine = f"about {self.seconds / 60:,.1f} min of this machine"
        if not self.calls:
            return f"{human}, {machine}"
        llm = f"{self.calls:,} LLM calls: about {self.tokens_in:,} tokens in, at most {self.tokens_out:,} out"
        return f"{human}, {machine} without the LLM, {llm}"


def check_outlook(config: Config, examples: Sequence[Example]) -> Iterator[Check]:
    """The first round, with what comes before it, and the whole budget."""
    speed, trains = _speed(config, examples)
    first, whole = forecast(config, examples, speed, trains)
    yield Check("forecast", "ok", f"first round: {first.says()}{costs(config, first)}")
    yield Check("forecast", "ok", f"whole budget: {whole.says()}{costs(config, whole)}")
    if is_server(config.llm.model) and config.llm.labelling == "direct":
        says = (
            f"each label takes {1 + VOTES} calls where the server gives no log-probabilities, not one as counted here"
        )
        yield Check("forecast", "ok", says)
    if cap := Budget.of(config).exceeded([(use.model, use.tokens_in, use.tokens_out) for use in whole.uses]):
        todo = f"raise it, or lower llm.texts and llm.labels; as it is the LLM rests once the {cap} cap is reached"
        yield Check("forecast", "warning", f"the whole budget may take more than budget.{CAPS[cap]} allows", todo)
    if 0 < config.budget.minutes < whole.verdicts * SECONDS_PER_VERDICT / 60:
        todo = "raise it, or lower run.labels; as it is the run ends once the minutes are spent"
        yield Check("forecast", "warning", "people may take more than budget.minutes allows", todo)


def costs(config: Config, outlook: Outlook) -> str:
    """What it comes to in money, as far as prices are given."""
    budget = Budget.of(config)
    llm = sum(budget.price(use.model, use.tokens_in, use.tokens_out) for use in outlook.uses)
    people = outlook.verdicts * SECONDS_PER_VERDICT / 3600 * budget.hourly_wage
    said = [f"{llm:,.2f} for the LLM at most"] if llm else []
    said += [f"{people:,.2f} for people"] if people else []
    return f"; costs {' and '.join(said)}" if said else ""


def forecast(config: Config, examples: Sequence[Example], speed: float, trains: bool = True) -> tuple[Outlook, Outlook]:
    """For the first round and for all, from what the configuration counts, at `speed` texts a second to embed; `trains`
    is whether the encoder can be trained."""
    run, sizes = config.run, Counter(e.origin for e in examples)
    holdout = 0 if sizes["holdout"] else config.data.holdout_size
    start = 0 if sizes["seed"] else run.start
    left = max(0, min(run.labels - sizes["seed"] - start, sizes["pool"] - holdout - start))
    rounds = math.ceil(left / run.batch)
    once = len(examples) / speed
    anew = _round_texts(config, sizes["pool"], sizes["holdout"] or holdout) if trains else 0.0
    each = ROUND_SECONDS + anew / speed
    pool = [e.text for e in examples if e.origin == "pool"]
    before = _llm_uses(config, pool, config.llm.start + (start or sizes["seed"]), _proposing(config))
    in_round = _llm_uses(config, pool, config.llm.labels + run.batch, _choosing(config, pool))
    # Shared tasks of a round count as many labels as people judge them; the holdout's come on top.
    holding = verdicts_for(holdout, config.annotation.overlap, config.annotation.overlap_share)

    def outlook(rounds: int, labels: int) -> Outlook:
        seconds = once + (rounds + 1) * each
        uses = [b.plus(rounds, r) for b, r in zip(before, in_round, strict=True)]
        return Outlook(holding + start + labels, seconds, tuple(uses))

    return outlook(min(1, rounds), min(run.batch, left)), outlook(rounds, left)


def _round_texts(config: Config, pool: int, holdout: int) -> float:
    """What a round costs in texts embedded: the training, the calibration, and all that a freshly trained encoder
    embeds anew; nothing where the encoder stays frozen."""
    learner = config.learner
    if learner.training == "frozen":
        return 0.0
    steps = (1 + CALIBRATION_EFFORT) * contrastive.usual_steps(learner.lora_rank)
    training = steps * contrastive.BATCH * TRAINING_COST
    learned = min(pool, learner.unlabelled)
    anew = learned + min(learned, CALIBRATION_TEXTS) + min(pool, learner.shortlist) + min(pool, ANSWERS) + holdout
    return training + anew


def _llm_uses(config: Config, pool: Sequence[str], real: int, more: Use) -> list[Use]:
    """What each LLM is asked in a round: the first labels so many `real` texts, writes and labels as many as the
    configuration says, and is asked `more`; the others label the same texts."""
    llm, task = config.llm, config.description()
    if llm.model == "none":
        return []
    labelled = real + llm.texts
    text = _typical(pool)
    pair = (task.class_names[0], task.class_names[1])
    shown = [TrainingExample("", text, name, "human") for name in pair for _ in range(llm.neighbours)]
    prompts, near = Prompts(llm.prompts), [TrainingExample("", text, pair[0], "human")] * llm.examples
    written = "".join(m.content for m in prompts.writing(task, pair, pair[0], shown, ""))
    calls = math.ceil(llm.texts / llm.per_call)
    writing = Use(
        llm.served_model,
        calls,
        calls * _tokens(written),
        llm.texts * llm.max_tokens + calls * RATIONALE_TOKENS * llm.rationale,
    )
    # Reviewed, where the votes of every text are divided: the most it may take.
    asked = labelled * {"direct": 1, "reasoned": VOTES, "reviewed": VOTES + 1}[llm.labelling]
    answer = max(map(_tokens, task.class_names)) if llm.labelling == "direct" else REASON_TOKENS
    labelling = Use(llm.served_model, asked, asked * _tokens(prompts.labelling(task, text, near)), asked * answer)
    return [
        labelling.plus(1, writing).plus(1, more),
        *(replace(labelling, model=c.served_model) for c in llm.crosscheck),
    ]


def _proposing(config: Config) -> Use:
    """What the first LLM is asked once, where it proposes the attributes: for them, and for values below each."""
    llm = config.llm
    if llm.attributes != "proposed":
        return Use(llm.served_model, 0, 0, 0)
    calls = attributes.TRIES + attributes.MOST
    prompt = "".join(m.content for m in Prompts(llm.prompts).proposing(config.description()))
    return Use(llm.served_model, calls, calls * _tokens(prompt), calls * attributes.MAX_TOKENS)


def _choosing(config: Config, pool: Sequence[str]) -> Use:
    """What the first LLM is asked in a round by a committee that chooses texts: about those that the classifier doubts,
    and about what was labelled since."""
    llm, task = config.llm, config.description()
    if config.learner.strategy != "llm-committee":
        return Use(llm.served_model, 0, 0, 0)
    calls = (READ_BY_LLM + 1) * config.run.batch
    prompt = Prompts(llm.prompts).labelling(task, _typical(pool))
    return Use(llm.served_model, calls, calls * _tokens(prompt), calls * max(map(_tokens, task.class_names)))


def _typical(pool: Sequence[str]) -> str:
    """A text of the pool of middling length."""
    return sorted(pool, key=len)[len(pool) // 2]


def _tokens(text: str) -> int:
    return math.ceil(len(text.encode()) / BYTES_PER_TOKEN)


def _speed(config: Config, examples: Sequence[Example]) -> tuple[float, bool]:
    """Texts embedded in a second, measured on a few of the pool, and whether the encoder can be trained."""
    pool = [e.text for e in examples if e.origin == "pool"]
    some = [pool[i] for i in np.random.default_rng(0).permutation(len(pool))[:MEASURED]]
    encoder = open_encoder(config.learner.encoder, some)
    encoder.encode(some[:8])
    begun = time.perf_counter()
    encoder.encode(some)
    return len(some) / (time.perf_counter() - begun), isinstance(encoder, SentenceEncoder)
