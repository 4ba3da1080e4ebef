"""The round's table, from the store: what was labelled, what was reached, what each source was worth."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from rich.table import Table

from loop.advice import forecast, sentence, stability
from loop.budget.classes import class_spending
from loop.budget.ledger import Budget
from loop.budget.spending import ledger, sentences, spending
from loop.budget.split import proposal, proposal_sentence
from loop.chances import chance_facts, chance_sentences
from loop.evaluate import gain, share
from loop.labelled import (
    accepted,
    holdout_examples,
    human_examples,
    human_label_count,
    judged_sources,
    kept_candidates,
    verdicts_by_example,
)
from loop.people.acceptance import acceptance_sentences
from loop.people.agreement import people_facts, people_sentence
from loop.people.anchoring import (
    acceptance,
    acceptance_sentence,
    anchoring,
    anchoring_sentences,
    blind_accuracy,
    blind_sentences,
)
from loop.people.consensus import outstanding
from loop.people.recheck import SURE, doubts_sentence, standing_doubts
from loop.people.suggestions import judged_suggestions, odd_origins, odd_sentences
from loop.quality import as_row, faithfulness
from loop.stopping import agreements, changes, settled
from loop.store import Store
from loop.verify import counted
from loop.worth import worth_sentences
from models.measures import Evaluation, HoldoutWorth, Permission, PoolAnswers, SourceTrust, TextQuality
from models.records import Candidate, LabelTask, Rejection, Verdict


def round_rows(store: Store) -> list[dict[str, Any]]:
    """One JSON-ready row for each evaluated round: the evaluation, what the LLM made since, what annotators made of the
    suggestions, how far the fit trusted each source, and the machine's seconds, without the wait for people."""
    tokens, seconds = store.tokens(), Counter[int]()
    for (round_, stage), spent in store.stages().items():
        seconds[round_] += round(0.0 if stage == "verify" else spent, 1)  # type: ignore[assignment]
    judged, qualities, rows = judged_suggestions(store), text_qualities(store), []
    for evaluation in store.all(Evaluation):
        number = evaluation.round
        row = asdict(evaluation) | {
            "texts_made": len(store.all(Candidate, round=number)),
            "texts_kept": len(kept_candidates(store, round=number)),
            "quality": qualities.get(number),
            "rejected": dict(Counter(r.reason for r in store.all(Rejection, round=number))),
            "suggestions": acceptance([j for j in judged if j.round == number]),
            "accepted_unseen": len(accepted(store, number)),
            "on_holdout": {w.source: asdict(w) for w in store.all(HoldoutWorth, round=number)},
            "trust": {t.source: asdict(t) for t in store.all(SourceTrust, round=number)},
            "tokens_in": tokens.get(number, (0, 0))[0],
            "tokens_out": tokens.get(number, (0, 0))[1],
            "seconds": round(seconds[number], 1),
        }
        rows.append(row)
    return rows


def text_qualities(store: Store) -> dict[int, dict[str, Any]]:
    """By round, what its texts are like, and how far humans agree with what they were written for."""
    said = {example: v.label for example, v in verdicts_by_example(store).items() if v.outcome != "skip"}
    return {
        q.round: as_row(q) | {"faithfulness": faithfulness(store.all(Candidate, round=q.round), said)}
        for q in store.all(TextQuality)
    }


def status(store: Store, names: bool = False) -> dict[str, Any]:
    """Where the run stands, JSON-ready; annotators have their names only with `names`."""
    done = list(store.stages())
    tasks = store.all(LabelTask)
    verdicts = store.all(Verdict)
    facts: dict[str, Any] = {
        "round": done[-1][0] if done else 0,
        "last_stage": done[-1][1] if done else None,
        "human_labels": human_label_count(store),
        "tasks": len(tasks),
        "waiting_for": outstanding([t for t in tasks if (t.round, "verify") not in done], counted(store)),
        "rounds": round_rows(store),
        **_outlook(store, [v.seconds for v in verdicts]),
    }
    people, judged, odd = people_facts(store, names), judged_suggestions(store), odd_origins(store)
    sway, blind = anchoring(judged), blind_accuracy(judged)
    shown = [row for row in facts["rounds"] if row["suggestions"]][-1:]
    facts["says"] += [people_sentence(people)] if people else []
    facts["says"] += [said for row in shown for said in acceptance_sentence(row["round"], row["suggestions"])]
    facts["says"] += anchoring_sentences(sway) + blind_sentences(blind) + odd_sentences(odd)
    facts["says"] += acceptance_sentences(store) + worth_sentences(store)
    doubted = standing_doubts(store, SURE)
    facts["says"] += [doubts_sentence(len(doubted), len(human_examples(store)))] if doubted else []
    right = chance_facts(judged_sources(store))
    facts["says"] += chance_sentences(right)
    return facts | {
        "sources": right,
        "people": people,
        "anchoring": sway,
        "acceptance": acceptance(judged),
        "blind": blind,
        "odd_origins": odd,
        "doubts": [asdict(doubt) | {"text": text} for doubt, text in doubted.items()],
        "permissions": [asdict(permission) for permission in store.all(Permission)],
    }


def _outlook(store: Store, seconds: Sequence[float]) -> dict[str, Any]:
    """What more labels would bring, in numbers and in words; `seconds` is what each verdict took."""
    points, answers = store.all(Evaluation), store.all(PoolAnswers)
    ahead = forecast(points, len(holdout_examples(store)), np.random.default_rng(0))
    agreed, changed = agreements(answers), changes(answers)
    budget = Budget.read(store)
    spent = ledger(store, ahead) | {"classes": [asdict(s) for s in class_spending(store, budget)]}
    says = sentences(spent)
    says += [sentence(ahead, points[-1], float(np.median(seconds or [0.0])))] if ahead else []
    says += [stability(agreed, changed, settled(answers))] if agreed else []
    shares = proposal(store.all(SourceTrust), spending(store, budget), ahead)
    says += [proposal_sentence(shares)] if shares else []
    facts = {"forecast": asdict(ahead) if ahead else None, "agreement": agreed, "changed": changed, "ledger": spent}
    return facts | {"proposal": shares, "says": says}


def render(rows: list[dict[str, Any]]) -> Table:
    """The table as printed."""
    table = Table(header_style="bold")
    for heading in ("round", "human\nlabels", "accuracy\n[95 %]", "macro-F1\n[95 %]", "LLM texts\nkept/made"):
        table.add_column(heading, justify="right")
    sources = [
        s
        for s in ("description", "self", "llm-label", "llm-text")
        if any(r["trust"].get(s, {}).get("examples") for r in rows)
    ]
    for source in sources:
        table.add_column(f"{source}\nweight: worth [95 %]", justify="right")
    table.add_column("tokens", justify="right")
    table.add_column("seconds", justify="right")
    for row in rows:
        table.add_row(
            str(row["round"]),
            str(row["human_labels"]),
            share(row["accuracy"], row["low"], row["high"]),
            share(row["macro_f1"], row["macro_f1_low"], row["macro_f1_high"]),
            f"{row['texts_kept']}/{row['texts_made']}" if row["texts_made"] else "–",
            *(_trust(row["trust"].get(source)) for source in sources),
            f"{row['tokens_in'] + row['tokens_out']:,}",
            f"{row['seconds']:.0f}",
        )
    return table


CAPTION = (
    "accuracy: on the holdout. worth: accuracy points that a source adds at its weight, or would add at the best other "
    "weight where it is 0, in cross-validation on human labels; being the best of three weights, it flatters a little. "
    "description: what the user says the classes are, an example of each. "
    "self: the classifier's own answers on pool texts, their weight in units of all labels together. "
    "The texts of a row were made after its accuracy was measured; what the LLM did before round 1 is in no row, and "
    "counted in what was spent. "
    "seconds: of this machine, the wait for people left out."
)


def _trust(trust: dict[str, Any] | None) -> str:
    if trust is None or not trust["examples"]:
        return "–"
    return f"{trust['weight']:.3g} of {trust['examples']}: {gain(trust['worth'], trust['low'], trust['high'])}"
