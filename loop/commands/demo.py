"""labelloop demo"""

from pathlib import Path
from typing import Annotated

import typer

from loop.commands.output import JsonFlag, display_of, print_rounds


def demo(
    corpus: Annotated[str, typer.Option(help='The packaged corpus: "en" or "ko".')] = "en",
    directory: Annotated[
        Path | None, typer.Option(help="Where the run lives; a new one starts where it is empty.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port of the Label Studio server; a free one by default.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """The whole loop on the packaged corpus, with a local LLM, a local Label Studio and a simulated annotator."""
    from importlib.util import find_spec

    from connectors.studio import home
    from loop.commands.report import report
    from loop.demo import play

    place = (directory or Path("runs") / f"demo-{corpus}").absolute()
    with display_of(as_json) as display, play(place, corpus, home(), port, display.stage, display.say) as store:
        display.status.stop()
        print_rounds(store, as_json)
    # Charts come with an extra, which the demo can do without.
    if not as_json and find_spec("altair") and find_spec("vl_convert"):
        report(place / "demo.toml")
