"""The command line."""

import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

import models.threads  # noqa: F401 - first of all: it tells OpenMP not to spin, which only counts before torch loads
from models.errors import LabelloopError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON for scripts, and nothing else on standard output.")]
ConfigFile = Annotated[Path, typer.Argument(help="The run's TOML file.")]
STOPPED = 130
LOG_WIDTH = 140


def main() -> None:
    """Runs the command; a mistake the user can act on is one message, and exit code 1."""
    try:
        app(standalone_mode=False)
    except LabelloopError as error:
        _fail(str(error))
    except typer.Abort:
        sys.exit(STOPPED)
    except KeyboardInterrupt:
        print("stopped; nothing is lost: the same command goes on from here", file=sys.stderr)
        sys.exit(STOPPED)
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        _fail(error.format_message(), getattr(error, "exit_code", 2))


def _fail(message: str, code: int = 1) -> None:
    if "--json" in sys.argv:
        print(json.dumps({"error": message}, ensure_ascii=False))
    print(f"error: {message}", file=sys.stderr)
    sys.exit(code)


@app.callback()
def labelloop() -> None:
    """An active-learning labeling loop that measures how far to trust the machine."""


@app.command()
def demo(
    corpus: Annotated[str, typer.Option(help='The packaged corpus: "en" or "ko".')] = "en",
    directory: Annotated[
        Path | None, typer.Option(help="Where the run lives; a new one starts where it is empty.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port of the Label Studio server; a free one by default.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """The whole loop on the packaged corpus, with a local LLM, a local Label Studio and a simulated annotator."""
    from loop.demo import play

    place = (directory or Path("runs") / f"demo-{corpus}").absolute()
    with _display(as_json) as display, play(place, corpus, _home(), port, display.stage, display.say) as store:
        display.status.stop()
        _print_rounds(store, as_json)


@app.command()
def studio(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 8080,
    data: Annotated[Path | None, typer.Option(help="Where the server keeps its data.")] = None,
    install_only: Annotated[bool, typer.Option("--install-only", help="Install the server and stop.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Installs a Label Studio in an environment of its own and runs it on this machine until Ctrl-C."""
    from connectors.studio import install, start

    console = Console(stderr=True, quiet=as_json, highlight=False)
    install(_home(), console.print)
    if install_only:
        return
    place = data or _home() / "studio-data"
    with start(_home(), place.absolute(), port) as server:
        facts = {"url": server.url, "email": server.email, "password": server.password, "key": server.token}
        _print(facts if as_json else "\n".join(f"{k}: {v}" for k, v in facts.items()), as_json)
        console.print("put the key in LABEL_STUDIO_API_KEY for 'labelloop run'; Ctrl-C stops the server")
        server.process.wait()


@app.command()
def run(
    config: ConfigFile,
    wait: Annotated[bool, typer.Option(help="Wait for the annotators; without it, post the tasks and stop.")] = True,
    as_json: JsonFlag = False,
) -> None:
    """Advances rounds until the labels are spent; goes on from wherever it was stopped."""
    from loop.config import load_config
    from loop.parts import assemble
    from loop.rounds import run as advance
    from loop.store import Store

    settings = load_config(config)
    with _display(as_json) as display, Store(settings.run.directory) as store:
        state = advance(assemble(settings, store), wait=wait, watch=display.stage)
        display.status.stop()
        _print_rounds(store, as_json, state)


@app.command()
def status(config: ConfigFile, as_json: JsonFlag = False) -> None:
    """Where the run stands, and what it waits for."""
    from loop.config import load_config
    from loop.store import Store
    from loop.table import status as facts_of

    settings = load_config(config)
    with Store(settings.run.directory, read_only=True) as store:
        facts = facts_of(store)
    if as_json:
        return _print(facts, as_json)
    print(f"round {facts['round']}, after stage '{facts['last_stage']}'; {facts['human_labels']} human labels")
    if facts["waiting_for"]:
        print(f"waiting for {facts['waiting_for']} verdicts at {settings.annotation.url}")
    _print_table(facts)


@app.command()
def replay(
    train: Annotated[Path, typer.Option(help="Labelled texts that play the pool.")],
    test: Annotated[Path, typer.Option(help="Labelled texts that play the holdout.")],
    labels: Annotated[int, typer.Option(min=2, help="Human labels in all.")] = 200,
    batch: Annotated[int, typer.Option(min=2, help="Human labels per round.")] = 20,
    start: Annotated[int, typer.Option(min=2, help="Human labels of the first batch.")] = 20,
    seeds: Annotated[int, typer.Option(min=1, help="Repetitions of each arm, seeds 0, 1, …")] = 3,
    arms: Annotated[str, typer.Option(help='Query strategies, and "llm", with commas.')] = "random,cluster-margin",
    training: Annotated[str, typer.Option(help="frozen, contrastive or full.")] = "contrastive",
    encoder: Annotated[str, typer.Option(help="As learner.encoder in a configuration.")] = "auto",
    llm: Annotated[str, typer.Option(help='"none", "bundled", a GGUF file, or the address of a server.')] = "none",
    task: Annotated[str, typer.Option(help="One sentence for the LLM.")] = "Classify the text.",
    text: Annotated[str, typer.Option(help="Column that holds the text.")] = "text",
    label: Annotated[str, typer.Option(help="Column that holds the label.")] = "label",
    error_rate: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the simulated annotator's verdicts that are wrong.")
    ] = 0.0,
    rechecks: Annotated[int, typer.Option(min=0, help="As annotation.rechecks in a configuration.")] = 0,
    unlabelled: Annotated[int, typer.Option(min=0, help="As learner.unlabelled in a configuration.")] = 2000,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes at once; by default one per core, or one for a local LLM.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--json", help="File for the results.")] = None,
) -> None:
    """The same loop over labelled data, with a simulated annotator: what would this have cost, with which arm?"""
    from loop.arms import Plan
    from loop.replay import most_jobs
    from loop.replay import replay as play

    plan = Plan(
        train=train,
        test=test,
        arms=tuple(name.strip() for name in arms.split(",") if name.strip()),
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
    )
    console = Console(stderr=True, highlight=False)
    with _work_of(plan, out) as work:
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


@contextmanager
def _work_of(plan: Any, out: Path | None) -> Iterator[Path]:
    """Where a replay keeps its runs until it is done: beside its results, so that a killed one goes on."""
    if out is None:
        with tempfile.TemporaryDirectory(prefix="labelloop-replay-") as name:
            yield Path(name)
        return
    work = out.with_name(f"{out.name}.work") / hashlib.sha256(repr(plan).encode()).hexdigest()[:12]
    yield work
    shutil.rmtree(work.parent, ignore_errors=True)


def _home() -> Path:
    """Where what is installed once for all runs lies."""
    import os

    return Path(os.environ.get("LABELLOOP_HOME") or Path.home() / ".cache" / "labelloop")


def _display(quiet: bool) -> Any:
    from loop.display import Display

    return Display(quiet)


def _print_rounds(store: Any, as_json: bool, state: str = "done") -> None:
    from loop.table import CAPTION
    from loop.table import status as facts_of

    facts = facts_of(store)
    if as_json:
        return _print(facts | {"state": state}, as_json)
    _print_table(facts, CAPTION)
    if state == "waiting":
        print(f"waiting for {facts['waiting_for']} verdicts; run again when they are there")


def _print_table(facts: dict[str, Any], caption: str = "") -> None:
    from loop.table import render

    # A log has no width of its own; the usual 80 columns would break each cell.
    Console(width=None if sys.stdout.isatty() else LOG_WIDTH).print(render(facts["rounds"]))
    for line in filter(None, [caption, *facts["says"]]):
        print(line)


def _print(value: Any, as_json: bool) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=1) if as_json else value, flush=True)
