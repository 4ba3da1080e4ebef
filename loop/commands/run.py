"""labelloop run"""

from typing import Annotated

import typer

from loop.commands.output import ConfigFile, JsonFlag, display_of, print_rounds


def run(
    config: ConfigFile,
    wait: Annotated[bool, typer.Option(help="Wait for the annotators; without it, post the tasks and stop.")] = True,
    as_json: JsonFlag = False,
) -> None:
    """Advances rounds until the labels are spent; goes on from wherever it was stopped."""
    from loop.config import load_config

    # Before what takes seconds to load: a mistake in it is told at once.
    settings = load_config(config)

    from loop.parts import assemble
    from loop.rounds import run as advance
    from loop.store import Store

    with display_of(as_json) as display, Store(settings.run.directory) as store:
        state = advance(assemble(settings, store), wait=wait, watch=display.stage)
        display.status.stop()
        print_rounds(store, as_json, state, settings.annotation.names)
