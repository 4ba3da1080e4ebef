"""Several simulated people on a labelled file: is their consensus better than a majority vote, and who of them is good?

python benchmarks/crowd.py banking77/train.csv --accuracies 0.95 0.9 0.8 0.7 0.55 --overlap 3

Prints a Markdown table: for each seed the share of texts that the majority vote gets right, ties counted by chance, and
the consensus; Krippendorff's alpha; how often each person gave the consensus, the most accurate one first. With `--llm`
an LLM of that accuracy is one more, noisy annotator, in the consensus only.
"""

import argparse
import statistics
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from connectors.annotators import InstantAnnotators, simulated_crowd
from connectors.datasets import read_labelled
from loop.people.agreement import accuracy, agreement
from loop.people.consensus import answer, consensus, last_words
from loop.verify import make_tasks
from models.records import Example, LabelTask, Queried, Verdict


def majority(said: list[Verdict], truth: str) -> float:
    """The chance that the most frequent label, drawn among the tied, is right."""
    counts = Counter(v.label for v in said)
    tied = [label for label, count in counts.items() if count == max(counts.values())]
    return (truth in tied) / len(tied)


def play(examples: list[Example], options: argparse.Namespace, seed: int) -> tuple[float, float, float, list[float]]:
    """Shares right of majority vote and consensus, alpha, and each person's share of the consensus."""
    drawn = np.random.default_rng(seed).permutation(len(examples))[: options.texts]
    chosen = {examples[i].id: examples[i] for i in drawn}
    queried = [Queried(1, example, "query", 0.5) for example in chosen]
    tasks = [replace(t, people=options.overlap) for t in make_tasks(f"crowd {seed}", 1, queried, chosen, {}, [])]
    truth = {e.text: str(e.label) for e in examples}
    people = simulated_crowd(truth, sorted(set(truth.values())), options.accuracies, seed)
    words = last_words(tasks, InstantAnnotators(*people).collect(tasks))
    agreed = consensus(words, machine=_votes(tasks, truth, options.llm, seed))
    plain = statistics.mean(majority([*words[t.uid].values()], truth[t.text]) for t in tasks)
    better = statistics.mean(agreed[t.uid].label == truth[t.text] for t in tasks)
    votes = {uid: {who: answer(v) for who, v in said.items()} for uid, said in words.items()}
    right = {uid: answer(verdict) for uid, verdict in agreed.items()}
    shares = [accuracy(person.name, votes, right)["share"] for person in people]
    return plain, better, agreement(votes)["alpha"], shares


def _votes(tasks: list[LabelTask], truth: dict[str, str], accuracy: float, seed: int) -> dict[str, Verdict]:
    """What an LLM of that accuracy says of each task; nothing at 0."""
    (llm,) = simulated_crowd(truth, sorted(set(truth.values())), [accuracy], 1000 + seed)
    return {task.uid: llm.answer(task) for task in tasks} if accuracy else {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="CSV with columns text and label")
    parser.add_argument("--accuracies", type=float, nargs="+", default=[0.95, 0.9, 0.8, 0.7, 0.55])
    parser.add_argument("--overlap", type=int, default=3, help="people a text")
    parser.add_argument("--llm", type=float, default=0.0, help="accuracy of an LLM that votes too; 0 for none")
    parser.add_argument("--texts", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    options.accuracies.sort(reverse=True)
    examples = read_labelled(options.data, "text", "label", "pool")
    print("| seed | majority vote | consensus | alpha | gave the consensus, by accuracy | ranked right |")
    print("|---" * 6 + "|")
    for seed in range(options.seeds):
        plain, better, alpha, shares = play(examples, options, seed)
        ranked = "yes" if shares == sorted(shares, reverse=True) else "no"
        given = " ".join(f"{share:.3f}" for share in shares)
        print(f"| {seed} | {plain:.3f} | {better:.3f} | {alpha:.2f} | {given} | {ranked} |", flush=True)


if __name__ == "__main__":
    main()
