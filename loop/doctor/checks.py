"""One finding of `labelloop doctor`."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True)
class Check:
    """What was looked at and found; `todo` is what to do about it. An error keeps a run from starting or going on."""

    area: str
    level: Level
    says: str
    todo: str = ""
