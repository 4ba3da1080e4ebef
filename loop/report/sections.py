"""The sections of a report, in their order on the page."""

from collections.abc import Callable
from typing import Any

from loop.report.curve import curve
from loop.report.doubts import doubts
from loop.report.effort import effort
from loop.report.ledger import ledger
from loop.report.outlook import outlook, standing
from loop.report.people import people
from loop.report.quality import classes, confusion
from loop.report.regions import regions
from loop.report.rejections import rejections
from loop.report.run import Run
from loop.report.sources import sources
from loop.report.written import written

SECTIONS: dict[str, Callable[[Run], dict[str, Any] | None]] = {
    "standing": standing,
    "curve": curve,
    "outlook": outlook,
    "classes": classes,
    "confusion": confusion,
    "doubts": doubts,
    "regions": regions,
    "people": people,
    "sources": sources,
    "rejections": rejections,
    "written": written,
    "ledger": ledger,
    "effort": effort,
}


def collect(run: Run) -> dict[str, dict[str, Any]]:
    """The data of each section that has something to say, JSON-ready."""
    found = {name: section(run) for name, section in SECTIONS.items()}
    return {name: data for name, data in found.items() if data is not None}
