"""The page: sections, words and charts put together. Autoescape is on, so that what a text says is shown and never
done; a policy in the page's head lets no script run and nothing be fetched besides."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from loop.evaluate import share
from loop.report import charts
from loop.report.run import Run, excerpt
from models.errors import ConfigError

LANGUAGES = ("en", "ko")


def language_for(run: Run, asked: str | None) -> str:
    """The language asked for, or the task's where the report speaks it, or English. Raises ConfigError."""
    if asked is None:
        return run.task.language if run.task.language in LANGUAGES else "en"
    if asked not in LANGUAGES:
        raise ConfigError(f"no report in the language '{asked}'; there are: {', '.join(LANGUAGES)}")
    return asked


def words_of(language: str) -> dict[str, Any]:
    """The fixed words of the report, by section."""
    return tomllib.loads(files("loop.report").joinpath("words", f"{language}.toml").read_text(encoding="utf-8"))


def page(run: Run, sections: Mapping[str, Any], language: str, refresh: int = 0) -> str:
    """The report as HTML, from the data of its sections; a page that is served asks anew every `refresh` seconds."""
    environment = Environment(
        loader=PackageLoader("loop.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"points": _points, "signed": _signed, "clock": _clock, "excerpt": excerpt}
    return environment.get_template("page.html").render(
        run=run,
        sections=sections,
        words=words_of(language),
        language=language,
        refresh=refresh,
        charts=charts,
        share=share,
    )


def _points(value: float) -> str:
    """A share of 1 in points."""
    return f"{100 * value:.1f}"


def _signed(value: float) -> str:
    """A difference of shares in points, with its sign."""
    return f"{100 * value:+.1f}".replace("-", "−")


def _clock(seconds: float) -> str:
    """Hours, minutes and seconds, without what is zero in front."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
