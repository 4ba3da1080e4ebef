"""The one exception tree. Each message says what is wrong, where, and what to do next."""


class LabelloopError(Exception):
    """A mistake or an outage the user can act on; shown as one message, never as a traceback."""


class ConfigError(LabelloopError):
    """The configuration cannot be used."""


class DataError(LabelloopError):
    """A data file is missing, malformed, or too small for what is asked."""


class WeightsError(LabelloopError):
    """Model weights are missing, or are not the published file."""


class LLMError(LabelloopError):
    """The LLM cannot be reached, refuses, or answers in a way no request can."""


class RefusedError(LLMError):
    """The LLM turns down one request, as too long or against its rules; it may answer others."""


class BudgetSpentError(LabelloopError):
    """A request would cost more than `cap` ("token", "money" or "time") leaves, and was not sent."""

    def __init__(self, cap: str) -> None:
        super().__init__(f"the {cap} budget of the run is spent: raise it in [budget]")
        self.cap = cap


class AnnotatorError(LabelloopError):
    """Label Studio cannot be reached, refuses the key, or holds something the loop did not put there."""


class OutageError(AnnotatorError):
    """Label Studio does not answer, or fails, for now: waiting may be all that it takes."""


class TrackerError(LabelloopError):
    """A tracker does not take the figures of a round, for now."""


class StoreError(LabelloopError):
    """The run's store is missing, of another version, in use, or belongs to another configuration."""
