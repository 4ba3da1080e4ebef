"""The stages of a round, each a function from what the store holds to the records that it adds."""

from loop.stages.asking import asked_of, left_to_ask, query
from loop.stages.beginning import aim, first_look, start
from loop.stages.learner import evaluate, fit, learn, unlabelled, worth
from loop.stages.machine import curate, label
from loop.stages.people import needless, tasks
from loop.stages.writing import generate

__all__ = [
    "aim",
    "asked_of",
    "curate",
    "evaluate",
    "first_look",
    "fit",
    "generate",
    "label",
    "learn",
    "left_to_ask",
    "needless",
    "query",
    "start",
    "tasks",
    "unlabelled",
    "worth",
]
