"""Runs to report on, put into a store as records: one of strangers' texts, and one that says more in every section."""

from loop.budget.ledger import Account, Budget, Ledger
from loop.store import Store
from models.chat import ChatRequest, Completion, Message
from models.measures import Doubt, Evaluation, HoldoutAnswers, HoldoutWorth, PoolAnswers, SourceTrust, TextQuality
from models.records import Candidate, Example, LabelTask, Region, Rejection, Suggestion, Verdict

HOSTILE = [
    "<script>alert(1)</script>",
    "</style></q></table><style>*{display:none}</style><img src=x onerror=alert(1)>",
    "\" onmouseover='alert(1)' {{ 7 * 7 }} {% include 'style.css' %} {0} {labels}",
    "\u202eright to left, and no way back \u2067 \u200f",
    "a http://example.invalid/x.js b",
    "word" * 25_000,
    "\x00\x1b[31m\x85 🙂\u200d↔️",
    "</script><!-- {{ config }} ${task} {% raw %} שלום, היכן החבילה שלי? 😀🎉👩‍👩‍👧‍👦",
    "배송이늦어요" * 1700,
]


def fill(store: Store, texts: list[str]) -> None:
    """A run of two rounds about `TASK`, whose every free text is one of `texts`."""
    store.add([Example(f"h{n}", f"holdout {n}", "holdout", ("late", "lost", "paid")[n % 3]) for n in range(30)])
    store.add([Example(f"p{n}", text, "pool") for n, text in enumerate(texts)])
    store.add([Evaluation(n, 20 * n, 0.61, 0.55, 0.67, 0.5, 0.45, 0.56) for n in range(1, 6)])
    store.add([PoolAnswers(n, ("p0", "p1", "p2"), ("late", "lost", "paid")) for n in range(1, 6)])
    said = tuple("late" if n % 3 == 1 else ("late", "lost", "paid")[n % 3] for n in range(30))
    store.add([HoldoutAnswers(1, ("h0",), ("paid",)), HoldoutAnswers(2, tuple(f"h{n}" for n in range(30)), said)])
    store.add([Region(1, 0, tuple(f"p{n}" for n in range(len(texts))), ("late", "lost"), 0.7, (0.1, 0.2))])
    store.add([Candidate(f"c{n}", text, 1, 0, "late", f"key{n}", "m", ()) for n, text in enumerate(texts)])
    store.add([Rejection(1, "llm-text", f"key{n} c{n}", "duplicate") for n in range(len(texts))])
    store.add([Rejection(1, "llm-label", "p0", "brand-new"), Suggestion("p0", 1, "m", "paid", 0.9)])
    store.add([SourceTrust(2, "llm-text", 0.3, 0.031, 0.01, 0.06, 12), SourceTrust(2, "self", 0, 0, 0, 0, 0)])
    store.add([HoldoutWorth(2, "llm-text", -0.012, -0.034, 0.011)])
    store.add([LabelTask(f"u{n}", f"p{n}", texts[n], 1, "query", 0.5) for n in range(2)])
    store.add([Verdict("u0", "label", "late", "ann", "1", 30.0)])
    request = ChatRequest((Message("user", "x"),))
    Ledger(store, Budget()).keep("k", "m", Account(1, "generate", "llm-text"), request, Completion("x", 1200, 34, 5.0))
    store.add([TextQuality(1, 4, ((0, 4, 3, 2),), 1.0, 0.512, 0.3, 2.5, None)])
    for name in ("fit", "evaluate", "query", "generate", "learn"):
        store.finish(1, name, [], 61.0)
    store.add([Doubt(1, "p0", "late", "paid", 0.83), Doubt(1, "p2", "lost", "paid", 0.9)])


def fill_every_section(store: Store, texts: list[str]) -> None:
    """`fill`, with machine sources over five rounds, two annotators, a holdout that is answered wrong here and there,
    and rejections of many kinds."""
    for n in range(1, 6):
        store.add([SourceTrust(n, "self", 3, 0.01 * n, 0.01 * n - 0.02, 0.01 * n + 0.03, 2000)])
        store.add([SourceTrust(n, "llm-label", 0, -0.02, -0.05, 0.01, 20 * n)])
    fill(store, texts)
    said = tuple(("late", "lost", "paid", "late", "lost")[n % 5] for n in range(30))
    store.add([HoldoutAnswers(5, tuple(f"h{n}" for n in range(30)), said)])
    store.add(
        [Region(1, n, tuple(f"p{m}" for m in range(n, n + 3)), ("lost", "paid"), 0.5, (0.1,)) for n in range(1, 4)]
    )
    reasons = ("holdout-copy", "off-region", "disagreement", "unlikely", "not-json", "too-long", "wrong-language")
    store.add([Rejection(n, "llm-text", f"{reason}{n} c", reason) for reason in reasons for n in range(1, 5)])
    store.add([TextQuality(n, 4, ((0, 4, 3, 2),), 1.0, 0.612, 0.3, 3.5, 0.81) for n in range(2, 5)])
    store.add([Suggestion(f"p{n}", 1, texts[0], "late", 0.9) for n in range(2, 6)])
    seen = ("late", None, "late", None)
    store.add(
        [LabelTask(f"s{n}", f"p{n}", "t", 1, "query", 0.5, seen[n - 2], 0.9, suggester=texts[0]) for n in range(2, 6)]
    )
    store.add([Verdict(f"s{n}", "label", "late" if n < 5 else "paid", "ann", "1", 9.0) for n in range(2, 6)])
    shared = [LabelTask(f"both{n}", f"b{n}", "t", 1, "query", 0.5, people=3) for n in range(12)]
    store.add(shared)
    for who, wrong in (("ann", 5), ("bob", 4), ("cho", 3)):
        given = [("late", "lost", "paid")[(n + (n % wrong == 1)) % 3] for n in range(12)]
        store.add([Verdict(t.uid, "label", label, who, "1", 12.0) for t, label in zip(shared, given, strict=True)])
    for n in range(2, 5):
        store.add([Doubt(n, "p4", "late", "lost", 0.91), Doubt(n, "p5", "paid", "late", 0.84)])
        for name, seconds in (("fit", 12.0), ("evaluate", 1.0), ("generate", 75.0), ("verify", 3725.0), ("learn", 4.0)):
            store.finish(n, name, [], seconds)
