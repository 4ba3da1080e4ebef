"""Where chance comes from: from the seed, the round and the stage alone, so that one seed is one result."""

import numpy as np

STAGES = ("fit", "evaluate", "query", "generate", "label", "curate", "verify", "learn")


def of_stage(seed: int, round_: int, stage: str) -> np.random.Generator:
    return np.random.default_rng([seed, round_, STAGES.index(stage)])


def of_split(seed: int) -> np.random.Generator:
    """For what is set aside of a pool before the first round."""
    return np.random.default_rng([seed, len(STAGES)])
