"""What an LLM brings: the same loop with it and without, at the same human labels, on sets as a user would have them.

python benchmarks/llm_gain.py DATA --to RESULTS --llm qwen2.5-1.5b.gguf

DATA holds a folder for each set, with train.csv and test.csv. Class names are written out in words, as in the file of
a user who cares; `--definitions` adds what they mean. Finished sets are kept, and the LLM's answers with them: run it
again to go on, under another `--name` with other arms. Cells are differences of accuracy in points: mean
over seeds [lowest, highest].
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from arms import check_plan
from numpy.typing import NDArray

COUNTS = (20, 40, 80, 160)
WITHOUT = "auto"
POOL, HOLDOUT = 2000, 1000
DEFINITIONS = Path(__file__).with_name("definitions.toml")


@dataclass(frozen=True)
class Set:
    """A set as it is played: its folder, the sentence that says what it is about, and which class a label is of."""

    folder: str
    task: str
    class_of: Callable[[str], str] = lambda label: label
    classes: int = 1000


def in_words(label: str) -> str:
    """ "AddToPlaylist" and "card_arrival" as people write them."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|_+", " ", label).strip(" ?").lower()


def scenario(label: str) -> str:
    return label.split("_")[0]


SETS = {
    "banking77-10": Set("banking77", "Which intent has this question to a bank's customer support?", in_words, 10),
    "snips": Set("snips", "What does the user want the voice assistant to do?", in_words),
    "subj": Set("subj", "Is this sentence of a film review an opinion or a plot fact?"),
    "hwu64-scenarios": Set("hwu64", "What is this request to a home assistant about?", scenario),
    "klue_ynat_ko": Set("klue_ynat_ko", "이 뉴스 제목의 주제는 무엇인가?"),
}


def prepare(data: Path, played: Set, to: Path) -> None:
    """Writes train.csv and test.csv: a random part of the set, of at most so many of its classes, drawn at random."""
    rng = np.random.default_rng(0)
    parts = {name: pd.read_csv(data / played.folder / name, dtype=str, keep_default_na=False) for name in FILES}
    names = sorted(parts["train.csv"]["label"].unique())
    chosen = set(rng.permutation(names)[: played.classes])
    to.mkdir(parents=True, exist_ok=True)
    for (name, part), size in zip(parts.items(), (POOL, HOLDOUT), strict=True):
        part = part[part["label"].isin(chosen)]
        part = part.iloc[rng.permutation(len(part))[:size]]
        part.assign(label=part["label"].map(played.class_of))[["text", "label"]].to_csv(to / name, index=False)


FILES = ("train.csv", "test.csv")


def play(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """The results of a set, made where they are not there yet."""
    played, folder = SETS[name], options.to / name
    if not (folder / "test.csv").exists():
        prepare(options.data, played, folder)
    results = folder / f"{options.name}.json"
    if not results.exists():
        part = results.with_suffix(".unfinished")
        words = ["--train", folder / "train.csv", "--test", folder / "test.csv", "--task", played.task]
        words += ["--labels", max(options.counts), "--batch", options.batch, "--start", min(options.counts)]
        words += ["--seeds", options.seeds, "--arms", ",".join((WITHOUT, *options.arms)), "--llm", options.llm]
        words += ["--training", options.training, "--encoder", options.encoder]
        words += ["--completions", options.to / "completions.sqlite", "--json", part]
        if options.definitions:
            words += ["--settings", define(name, folder)]
        _run([Path(sys.executable).with_name("labelloop"), "replay", *words])
        part.rename(results)
    found: dict[str, Any] = json.loads(results.read_text(encoding="utf-8"))
    wanted = {"labels": max(options.counts), "batch": options.batch, "start": min(options.counts)}
    wanted |= {name: getattr(options, name) for name in ("seeds", "llm", "training", "encoder")}
    wanted["definitions"] = options.definitions
    measured = found["plan"] | {"definitions": bool(found["plan"]["settings"])}
    check_plan(results, measured, wanted, "give this measurement another --name")
    return found


def define(name: str, folder: Path) -> Path:
    """A file of the set's definitions, as replay reads it."""
    meanings = tomllib.loads(DEFINITIONS.read_text(encoding="utf-8"))[name]
    lines = [f"{json.dumps(n, ensure_ascii=False)} = {json.dumps(m, ensure_ascii=False)}" for n, m in meanings.items()]
    file = folder / "definitions.toml"
    file.write_text("\n".join(["[classes]", *lines, ""]), encoding="utf-8")
    return file


def _run(arguments: list[Any]) -> None:
    print(" ".join(str(a) for a in arguments), file=sys.stderr, flush=True)
    subprocess.run([str(a) for a in arguments], check=True, stdout=subprocess.DEVNULL)


def accuracies(results: dict[str, Any], arm: str, counts: list[int]) -> NDArray[Any]:
    """Accuracy in points, (seeds, counts)."""
    runs = sorted((run for run in results["arms"] if run["arm"] == arm), key=lambda run: run["seed"])
    curves = [{point["human_labels"]: point["accuracy"] for point in run["curve"]} for run in runs]
    return np.array([[100 * curve[count] for count in counts] for curve in curves])


def table(found: dict[str, dict[str, Any]], arm: str, counts: list[int]) -> str:
    """One line a set and one over all: what the arm is above or below the loop without an LLM."""
    heads = ["set", f"without, at {counts[0]}", *(f"{arm} − without, at {count}" for count in counts), "tokens a run"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    means = []
    for name, results in found.items():
        without = accuracies(results, WITHOUT, counts)
        gain = accuracies(results, arm, counts) - without
        means.append(gain.mean(axis=0))
        tokens = statistics.mean(run["tokens"] for run in results["arms"] if run["arm"] == arm)
        cells = [f"{column.mean():+.1f} [{column.min():+.1f}, {column.max():+.1f}]" for column in gain.T]
        lines.append(f"| {' | '.join([name, f'{without[:, 0].mean():.1f}', *cells, f'{tokens:,.0f}'])} |")
    mean = [f"**{value:+.1f}**" for value in np.mean(means, axis=0)]
    return "\n".join([*lines, f"| mean | | {' | '.join(mean)} | |"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--to", type=Path, required=True, help="folder for results")
    parser.add_argument("--llm", required=True, help="as of labelloop replay")
    parser.add_argument("--name", default="gain", help="name of this measurement within the folder")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--arms", nargs="+", default=["llm"])
    parser.add_argument("--counts", nargs="+", type=int, default=list(COUNTS))
    parser.add_argument("--batch", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--training", default="frozen")
    parser.add_argument("--encoder", default="auto", help="as of labelloop replay")
    parser.add_argument("--definitions", action="store_true")
    options = parser.parse_args()
    found = {name: play(name, options) for name in options.sets}
    for arm in options.arms:
        print(f"### {arm}\n\n{table(found, arm, options.counts)}\n")


if __name__ == "__main__":
    main()
