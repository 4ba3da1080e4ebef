"""The same loop over an already labelled set: what would this have cost, with which arm?"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, get_args

from connectors.datasets import read_labelled
from loop.ablation import ARMS, needs_llm
from loop.arms import Plan, full_supervision, open_pool, replay_arm
from loop.evaluate import share
from loop.parts import open_llm
from loop.sections import LLMSection, Training, is_server
from loop.shared_completions import SharedLLM, random_llm
from models.errors import ConfigError, DataError
from models.llm import LLM
from models.records import Example
from models.strategies import STRATEGIES, find_strategy
from models.threads import real_cores

RANDOM = "random"
COMPLETIONS = "completions.sqlite"
Watch = Callable[[str, int, str], None]


def replay(
    plan: Plan, work: Path, out: Path | None, watch: Watch, *, jobs: int = 1, llm: LLM | None = None
) -> dict[str, Any]:
    """Runs every arm with every seed, and full supervision once; returns and, given `out`, writes the results, anew
    after each arm. What a killed replay had finished under `work` is not done again.

    With `jobs` above 1, that many processes share the cores, each with runs of its own; the results are the same.
    Raises LabelloopError.
    """
    read = partial(read_labelled, text=plan.text, label=plan.label, multi_label=plan.multi_label)
    train, test = read(plan.train, origin="pool"), read(plan.test, origin="holdout")
    _check(plan, out, train, test)
    results: dict[str, Any] = {"plan": vars(plan), "arms": [], "full_supervision": None}
    order = [(seed, arm) for seed in range(plan.seeds) for arm in plan.arms]
    if jobs == 1:
        done = _in_turn(plan, order, train, work, watch, llm)
    else:
        done = _at_once(plan, order, train, test, work, watch, jobs)
    for result in done:
        results["arms"].append(result)
        results["arms"].sort(key=lambda r: order.index((r["seed"], r["arm"])))
        _write(out, results)
    results["full_supervision"] = full_supervision(plan, train, test, work)
    _write(out, results)
    return results


def _needs_llm(plan: Plan) -> bool:
    return any(map(needs_llm, plan.arms))


def most_jobs(plan: Plan) -> int:
    """One process per core; one in all where an LLM would have to be loaded into each."""
    local = _needs_llm(plan) and plan.llm != RANDOM and not is_server(plan.llm)
    return 1 if local else min(real_cores(), plan.seeds * len(plan.arms))


def _in_turn(
    plan: Plan,
    order: Sequence[tuple[int, str]],
    train: Sequence[Example],
    work: Path,
    watch: Watch,
    llm: LLM | None,
) -> Iterator[dict[str, Any]]:
    writer = llm
    if llm is None and any(needs_llm(arm) for _, arm in order):
        writer = SharedLLM(writer_of(plan), plan.completions or work / COMPLETIONS)
    for seed, arm in order:
        yield replay_arm(plan, arm, seed, train, work, writer, watch)


def writer_of(plan: Plan) -> LLM:
    """The LLM that the plan names; where its server, key and model are, the settings may say."""
    opened = (
        random_llm() if plan.llm == RANDOM else open_llm(LLMSection(model=plan.llm, **plan.settings.get("llm", {})))
    )
    assert opened is not None
    return opened


def _at_once(
    plan: Plan,
    order: Sequence[tuple[int, str]],
    train: Sequence[Example],
    test: Sequence[Example],
    work: Path,
    watch: Watch,
    jobs: int,
) -> Iterator[dict[str, Any]]:
    from joblib import Parallel, delayed, parallel_config

    _embed(plan, train, test, work)
    with parallel_config("loky", n_jobs=jobs, inner_max_num_threads=max(1, real_cores() // jobs)):
        runs = (delayed(_one)(plan, arm, seed, train, work) for seed, arm in order)
        for result in Parallel(return_as="generator_unordered")(runs):
            _report(result, watch)
            yield result


def _one(plan: Plan, arm: str, seed: int, train: Sequence[Example], work: Path) -> dict[str, Any]:
    return next(_in_turn(plan, [(seed, arm)], train, work, lambda *_: None, None))


def _embed(plan: Plan, train: Sequence[Example], test: Sequence[Example], work: Path) -> None:
    """Once, before every process would do it for itself; in the batches of a run, or the last digits would differ."""
    pool, encoder = open_pool(plan, train, test, work)
    encoder.encode([e.text for e in pool])
    encoder.encode([e.text for e in test])


def _report(result: Mapping[str, Any], watch: Watch) -> None:
    for point in result["curve"]:
        interval = share(point["accuracy"], point["low"], point["high"])
        watch(result["arm"], result["seed"], f"accuracy {interval} with {point['human_labels']} human labels")


def _check(plan: Plan, out: Path | None, train: Sequence[Example], test: Sequence[Example]) -> None:
    """Raises ConfigError or DataError for a plan that would fail later."""
    if plan.training not in get_args(Training):
        raise ConfigError(f"no training '{plan.training}'; there are: {', '.join(get_args(Training))}")
    if not plan.arms:
        raise ConfigError("no arm to replay: give --arms, such as random,cluster-margin")
    if plan.labels < plan.start:
        raise ConfigError(f"--labels ({plan.labels}) is under --start ({plan.start}): raise it")
    if out is not None and not out.absolute().parent.is_dir():
        raise ConfigError(f"no directory {out.absolute().parent} to write {out.name} to: make it first")
    if plan.overlap > max(1, len(plan.crowd)):
        raise ConfigError(
            f"--overlap {plan.overlap} needs so many people: give the accuracy of each, --crowd 0.9,0.8,0.7"
        )
    there = (*ARMS, *STRATEGIES)
    for arm in (arm for arm in plan.arms if arm not in there):
        if not arm.partition(":")[2]:
            raise ConfigError(
                f"no arm '{arm}'; there are: {', '.join(there)}, or give a strategy as package.module:function"
            )
        find_strategy(arm)
    single = [f"--training {plan.training}"] if plan.training != "frozen" else []
    single += [f"--rechecks {plan.rechecks}"] if plan.rechecks else []
    goal = plan.settings.get("learner", {}).get("goal", "accuracy")
    single += [f"learner.goal = {goal}"] if goal != "accuracy" else []
    single += [f"the arm {arm}" for arm in plan.arms if needs_llm(arm) or (arm in ARMS and ARMS[arm].one_class)]
    if plan.multi_label and single:
        raise ConfigError(f"{single[0]} works with one class a text only: leave it or --multi-label out")
    if _needs_llm(plan) and plan.llm == "none":
        raise ConfigError("an arm with an LLM needs one: give --llm bundled, a GGUF file, or the address of a server")
    known, held = ({str(e.label) for e in part} for part in (train, test))
    strange = sorted(plan.settings.get("classes", {}).keys() - known) if not plan.multi_label else []
    if strange:
        raise DataError(f"--settings names classes that {plan.train} does not have: {', '.join(strange[:5])}")
    unknown = sorted(held - known) if not plan.multi_label else []
    if unknown:
        raise DataError(f"{plan.test} has labels that {plan.train} does not: {', '.join(unknown[:5])}")


def _write(out: Path | None, results: Mapping[str, Any]) -> None:
    if out is None:
        return
    part = out.with_name(out.name + ".part")
    part.write_text(json.dumps(results, ensure_ascii=False, indent=1, default=str), encoding="utf-8")
    part.replace(out)
