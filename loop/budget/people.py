"""What is left of people's labels and of their minutes."""

from loop.budget.ledger import Budget
from loop.budget.spending import judged
from loop.labelled import human_label_count
from loop.store import Store


def labels_left(store: Store, budget: Budget) -> int:
    """How many labels people may still be asked for: what `run.labels` leaves, and, where their minutes have a cap, no
    more than there is time for at their speed so far."""
    left = budget.labels - human_label_count(store)
    if budget.minutes:
        seconds = [each for times in judged(store).values() for each in times]
        if taken := sum(seconds):
            left = min(left, int((60 * budget.minutes - taken) * len(seconds) // taken))
    return max(0, left)


def why_spent(store: Store, budget: Budget) -> str:
    """Which cap leaves people nothing to do, in words; empty where none does."""
    if human_label_count(store) >= budget.labels:
        return f"the {budget.labels} human labels of run.labels are spent"
    if not labels_left(store, budget):
        return f"of the {budget.minutes:g} minutes of budget.minutes there are none left for another label"
    return ""
