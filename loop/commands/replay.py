"""labelloop replay"""

import hashlib
import math
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer

from loop.commands.output import console_of
from models.errors import ConfigError

# What a configuration says of these, here an option does.
OPTIONS = {f"learner.{name}": f"--{name}" for name in ("encoder", "training", "unlabelled")}
OPTIONS |= {"learner.strategy": "--arms", "learner.start": "--arms", "llm.model": "--llm"}


def replay(
    train: Annotated[Path, typer.Option(help="Labelled texts that play the pool.")],
    test: Annotated[Path, typer.Option(help="Labelled texts that play the holdout.")],
    labels: Annotated[int, typer.Option(min=2, help="Human labels in all.")] = 200,
    batch: Annotated[int, typer.Option(min=2, help="Human labels per round.")] = 20,
    start: Annotated[int, typer.Option(min=2, help="Human labels of the first batch.")] = 20,
    seeds: Annotated[int, typer.Option(min=1, help="Repetitions of each arm, seeds 0, 1, …")] = 3,
    arms: Annotated[
        str, typer.Option(help="Query strategies and arms with an LLM (llm, llm-label, llm-text, …), with commas.")
    ] = "random,cluster-margin",
    training: Annotated[str, typer.Option(help="frozen, contrastive or full.")] = "frozen",
    encoder: Annotated[str, typer.Option(help="As learner.encoder in a configuration.")] = "auto",
    llm: Annotated[
        str,
        typer.Option(help='"none", "bundled", a GGUF file, the address of a server, or "random": answers by chance.'),
    ] = "none",
    task: Annotated[str, typer.Option(help="One sentence for the LLM.")] = "Classify the text.",
    settings: Annotated[
        Path | None,
        typer.Option(help="TOML file whose [classes], [learner] and [llm] hold for all arms, as in a configuration."),
    ] = None,
    completions: Annotated[
        Path | None, typer.Option(help="File in which the LLM's answers are kept for other replays, made or added to.")
    ] = None,
    text: Annotated[str, typer.Option(help="Column that holds the text.")] = "text",
    label: Annotated[str, typer.Option(help="Column that holds the label.")] = "label",
    error_rate: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the simulated annotator's verdicts that are wrong.")
    ] = 0.0,
    rechecks: Annotated[int, typer.Option(min=0, help="As annotation.rechecks in a configuration.")] = 0,
    crowd: Annotated[
        str, typer.Option(help="Accuracies of several simulated annotators, with commas: 0.95,0.8,0.7.")
    ] = "",
    overlap: Annotated[int, typer.Option(min=1, help="As annotation.overlap in a configuration.")] = 1,
    overlap_share: Annotated[float, typer.Option(min=0, max=1, help="As annotation.overlap_share.")] = 0.1,
    unlabelled: Annotated[int, typer.Option(min=0, help="As learner.unlabelled in a configuration.")] = 2000,
    multi_label: Annotated[bool, typer.Option("--multi-label", help="As task.multi_label in a configuration.")] = False,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes at once; by default one per core, or one for a local LLM.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--json", help="File for the results.")] = None,
) -> None:
    """The same loop over labelled data, with a simulated annotator: what would this have cost, with which arm?"""
    from loop.arms import Plan
    from loop.config import load_settings
    from loop.replay import most_jobs
    from loop.replay import replay as play

    plan = Plan(
        train=train,
        test=test,
        arms=tuple(dict.fromkeys(name.strip() for name in arms.split(",") if name.strip())),
        labels=labels,
        batch=batch,
        start=start,
        seeds=seeds,
        training=training,
        encoder=encoder,
        llm=llm,
        task=task,
        text=text,
        label=label,
        error_rate=error_rate,
        rechecks=rechecks,
        unlabelled=unlabelled,
        multi_label=multi_label,
        crowd=_accuracies(crowd),
        overlap=overlap,
        overlap_share=overlap_share,
        settings=load_settings(settings, OPTIONS) if settings else {},
        completions=completions,
    )
    console = console_of()
    with _work_of(plan.of_a_run, out) as work:
        results = play(
            plan,
            work,
            out,
            lambda arm, seed, line: console.print(f"{arm}, seed {seed}: {line}"),
            jobs=jobs or most_jobs(plan),
        )
    for run_ in results["arms"]:
        last = run_["curve"][-1]
        print(f"{run_['arm']}, seed {run_['seed']}: {last['accuracy']:.3f} at {last['human_labels']} labels")
    print(f"full supervision: {results['full_supervision']['accuracy']:.3f}")


def _accuracies(given: str) -> tuple[float, ...]:
    try:
        found = tuple(float(part) for part in given.split(",") if part.strip())
    except ValueError:
        found = (math.nan,)
    if not all(0 <= accuracy <= 1 for accuracy in found):
        raise ConfigError(f"--crowd {given!r} is no list of accuracies: give one for each person, such as 0.95,0.8,0.7")
    return found


@contextmanager
def _work_of(key: str, out: Path | None) -> Iterator[Path]:
    """Where a replay keeps its runs until it is done: beside its results, so that a killed one goes on, with other arms
    and seeds too."""
    if out is None:
        with tempfile.TemporaryDirectory(prefix="labelloop-replay-") as name:
            yield Path(name)
        return
    work = out.with_name(f"{out.name}.work") / hashlib.sha256(key.encode()).hexdigest()[:12]
    yield work
    shutil.rmtree(work, ignore_errors=True)
    # Other plans that were broken off keep theirs.
    with suppress(OSError):
        work.parent.rmdir()
