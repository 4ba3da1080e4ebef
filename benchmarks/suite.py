"""The default beside what a user would pick instead, on every set of a folder, in one command.

Replays, peers, a table of each set, one over all sets, and pictures. Finished parts are kept; run it again to go on.

python benchmarks/suite.py DATA --to RESULTS --peers modal_margin skactiveml_strategies

DATA holds a folder for each set, with train.csv and test.csv. Peers that train an encoder take hours with all seeds:
with --peer-seeds and --peer-labels they are given fewer, and the others, played before, are kept.
"""

import argparse
import json
import statistics
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
from arms import Runs, area, at_counts, by_arm, check_plan, median_labels, number, read_results, spread, table

HERE = Path(__file__).absolute().parent
OURS = ("auto", "cluster-margin", "typiclust", "margin", "random")
MANY_CLASSES = 20
ROUNDS = 8


def budget(train: Path, rounds: int) -> tuple[int, int]:
    """Labels in all and in a batch: by the number of classes, so that no set is tuned to."""
    classes = pd.read_csv(train, dtype=str, keep_default_na=False)["label"].nunique()
    batch = 40 if classes > MANY_CLASSES else 20
    return batch * (1 + rounds), batch


def play(data: Path, options: argparse.Namespace) -> list[Path]:
    """The result files of one set, ours first, made where they are not there yet."""
    ours, *peers = (options.to / f"{data.name}{end}.json" for end in ("", *(f"-{peer}" for peer in options.peers)))
    labels, batch = budget(data / "train.csv", options.rounds)
    replay = ["--train", data / "train.csv", "--test", data / "test.csv", "--labels", labels, "--batch", batch]
    replay += ["--start", batch, "--seeds", options.seeds]
    replay += ["--training", options.training, "--encoder", options.encoder, "--arms", ",".join(options.arms)]
    if not ours.exists():
        part = ours.with_suffix(".unfinished")
        _run([Path(sys.executable).with_name("labelloop"), "replay", *replay, "--json", part])
        part.rename(ours)
    plan = json.loads(ours.read_text(encoding="utf-8"))["plan"]
    wanted = {"labels": labels, "batch": batch, "seeds": options.seeds}
    wanted |= {"training": options.training, "encoder": options.encoder}
    # More arms than are asked for do no harm.
    wanted["arms"] = plan["arms"] if set(options.arms) <= set(plan["arms"]) else options.arms
    check_plan(ours, plan, wanted, "name another folder with --to")
    fewer = ["--seeds", options.peer_seeds] if options.peer_seeds else []
    fewer += ["--labels", options.peer_labels] if options.peer_labels else []
    for peer, results in zip(options.peers, peers, strict=True):
        if not results.exists():
            part = results.with_suffix(".unfinished")
            _run([sys.executable, HERE / "compare.py", ours, peer, *fewer, "--json", part])
            part.rename(results)
    return [ours, *peers]


def _run(arguments: list[Any]) -> None:
    print(" ".join(str(a) for a in arguments), file=sys.stderr, flush=True)
    subprocess.run([str(a) for a in arguments], check=True, stdout=subprocess.DEVNULL)


def summary(ours: Runs, peers: Runs, full: dict[str, dict[str, Any]], arm: str) -> str:
    """For each set, ours against the best peer: area under the curve, at the label counts where that peer was measured,
    and labels to 95 % of full supervision. Where no peer got there, the ratio is at most that to the fewest labels that
    one was given."""
    heads = ["set", "area, ours", "area, best peer", "which", "labels to 95 % of full, ours", "best peer", "ratio"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    ratios = []
    for name, others in peers.items():
        curves, own = by_arm(others), by_arm(ours[name])[arm]
        areas = {peer: [area(c) for c in theirs] for peer, theirs in curves.items()}
        beside = {peer: [area(at_counts(c, theirs[0])) for c in own] for peer, theirs in curves.items()}
        best = max(areas, key=lambda peer: statistics.mean(areas[peer]) - statistics.mean(beside[peer]))
        target = 0.95 * full[name]["accuracy"]
        needed = median_labels(own, target)
        fewest = min(median_labels(c, target) for c in curves.values())
        reached = fewest < float("inf")
        given = min(curve[-1]["human_labels"] for theirs in curves.values() for curve in theirs)
        ratio = needed / (fewest if reached else given)
        # Where a peer alone got there, ours would need no one knows how many times its labels.
        ratios += [ratio] if reached or needed < float("inf") else []
        cells = [name, spread(beside[best]), spread(areas[best]), best, number(needed), number(fewest)]
        cells += ["–" if needed == float("inf") else f"{'' if reached else '< '}{ratio:.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(
        [*lines, f"\nMedian ratio where either got there: {statistics.median(ratios):.2f}" if ratios else ""]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--to", type=Path, required=True, help="folder for results and pictures")
    parser.add_argument("--sets", nargs="+", help="names of folders; all where none are given")
    parser.add_argument("--arms", nargs="+", default=OURS, help="ours; the first is compared with the peers")
    parser.add_argument("--peers", nargs="*", default=["modal_margin", "skactiveml_strategies"])
    parser.add_argument("--peer-seeds", type=int, help="fewer than --seeds, for peers that are played now")
    parser.add_argument("--peer-labels", type=int, help="fewer than ours have, for the same")
    parser.add_argument("--training", default="frozen")
    parser.add_argument("--encoder", default="auto", help="as of labelloop replay")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="after the first batch")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    options.to.mkdir(parents=True, exist_ok=True)
    folders = sorted(path.parent for path in options.data.glob("*/train.csv"))
    played = [play(d, options) for d in folders if not options.sets or d.name in options.sets]
    files = [file for one in played for file in one]
    runs, full = read_results(files)
    for name, own in runs.items():
        print(f"### {name}\n\n{table(own, full.get(name))}\n")
    if options.peers:
        ours, _ = read_results([own for own, *_ in played])
        peers, _ = read_results([file for _, *theirs in played for file in theirs])
        print(f"### All sets\n\n{summary(ours, peers, full, options.arms[0])}")
    if find_spec("matplotlib"):
        subprocess.run([sys.executable, HERE / "curves.py", *files, "--to", options.to], check=True)
    else:
        print("no pictures without matplotlib: pip install 'labelloop[bench]'", file=sys.stderr)


if __name__ == "__main__":
    main()
