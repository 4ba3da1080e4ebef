"""Charts as inline SVG, in the colours of the page's style sheet. No text of the data goes into them: what they show is
numbers, and fixed words."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from markupsafe import Markup

from models.errors import ConfigError

WIDTH, HEIGHT = 330, 200
DASHES = ([28, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4], [1, 3])
LEVEL = [3, 3]
TICKS = 6

Point = dict[str, float]


def learning(data: Mapping[str, Any], measure: Literal["accuracy", "macro_f1"], words: Mapping[str, str]) -> Markup:
    """The run's curve of a measure in points, with its interval, beside the replayed arms'."""
    low, high = ("low", "high") if measure == "accuracy" else ("macro_f1_low", "macro_f1_high")
    replay = data["replay"] or {"arms": [], "full_supervision": None}
    own = [
        {"x": p["human_labels"], "y": 100 * p[measure], "low": 100 * p[low], "high": 100 * p[high]}
        for p in data["points"]
    ]
    arms = [[{"x": p["human_labels"], "y": 100 * p[measure]} for p in arm["points"]] for arm in replay["arms"]]
    full = replay["full_supervision"] if measure == "accuracy" else None
    return lines([own, *arms], words["labels"], words[measure], None if full is None else 100 * full)


def worth(rounds: Sequence[Mapping[str, Any]], words: Mapping[str, str]) -> Markup:
    """What a source was worth in points, round by round."""
    keys = {"y": "worth", "low": "low", "high": "high"}
    points = [{"x": t["round"], **{to: 100 * t[key] for to, key in keys.items()}} for t in rounds if t["examples"]]
    return lines([points], words["round"], words["worth"], 0.0)


def agreement(rounds: Sequence[Mapping[str, Any]], words: Mapping[str, str]) -> Markup:
    """How far the answers of each round agree with those of the round before."""
    return lines([[{"x": r["round"], "y": r["kappa"]} for r in rounds]], words["round"], words["kappa"])


def key(number: int | None = None) -> Markup:
    """The stroke of a series in a legend, or that of the level."""
    colour = "currentColor" if number is None else f"var(--series-{number})"
    dashes = " ".join(map(str, LEVEL if number is None else DASHES[number % len(DASHES)]))
    stroke = f'stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"'
    return Markup(f'<svg aria-hidden="true" width="28" height="6"><line x2="28" y1="3" y2="3" {stroke}/></svg>')


def lines(series: Sequence[Sequence[Point]], x: str, y: str, level: float | None = None) -> Markup:
    """Lines over whole numbers: each point has x, y and, where it has an interval, low and high. The first line is
    drawn with its points; `level` is a rule across. Raises ConfigError without altair or vl-convert."""
    try:
        import altair as alt
        import vl_convert
    except ImportError as error:
        raise ConfigError("the report's charts need altair and vl-convert: pip install 'labelloop[report]'") from error

    across = alt.X("x:Q", title=x, scale=alt.Scale(zero=False), axis=alt.Axis(format=",d", **_ticks(series)))
    up = alt.Y("y:Q", title=y, scale=alt.Scale(zero=False))
    layers: list[Any] = []
    for number, points in enumerate(series):
        colour = f"var(--series-{number})"
        chart = alt.Chart(alt.InlineData(values=list(points)))
        if all("low" in point for point in points):
            # A band of one point has no width: its interval is a stroke.
            band = chart.mark_rule(color=colour) if len(points) == 1 else chart.mark_area(color=colour, opacity=0.2)
            layers.append(band.encode(across, alt.Y("low:Q"), alt.Y2("high:Q")))
        if number == 0:
            layers.append(chart.mark_point(color=colour, filled=True, size=40).encode(across, up))
        line = chart.mark_line(color=colour, strokeDash=DASHES[number % len(DASHES)])
        layers.append(line.encode(across, up))
    if level is not None:
        rule = alt.Chart(alt.InlineData(values=[{"y": level}])).mark_rule(color="currentColor", strokeDash=LEVEL)
        layers.append(rule.encode(up))
    chart = _styled(alt, alt.layer(*layers))
    drawn = vl_convert.vegalite_to_svg(chart.to_dict(), allowed_base_urls=[])
    # For those who listen, the figure's caption and the table beside it say the same.
    return Markup(drawn.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1))


def _ticks(series: Sequence[Sequence[Point]]) -> dict[str, Any]:
    """At whole numbers: a few rounds are named one by one, since Vega would put ticks between them."""
    over = [round(point["x"]) for points in series for point in points]
    few = over and max(over) - min(over) <= TICKS
    return {"values": list(range(min(over), max(over) + 1))} if few else {"tickCount": TICKS}


def _styled(alt: Any, chart: Any) -> Any:
    axis = alt.AxisConfig(
        labelColor="currentColor",
        titleColor="currentColor",
        gridColor="var(--rule)",
        domainColor="var(--rule)",
        tickColor="var(--rule)",
        titleFontWeight="normal",
        titlePadding=10,
        labelFlush=False,
        labelFontSize=11,
        titleFontSize=12,
    )
    return chart.properties(width=WIDTH, height=HEIGHT, background="transparent").configure(
        font="sans-serif", axis=axis, view=alt.ViewConfig(stroke=None)
    )
