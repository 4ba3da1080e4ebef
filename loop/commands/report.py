"""labelloop report"""

from pathlib import Path
from typing import Annotated, Any

import typer

from loop.commands.output import ConfigFile, JsonFlag, console_of, print_value


def report(
    config: ConfigFile,
    to: Annotated[
        Path | None, typer.Option("--to", help="HTML file to write; report.html in the run's directory by default.")
    ] = None,
    language: Annotated[str | None, typer.Option(help="en or ko; the task's language by default.")] = None,
    replay: Annotated[
        Path | None, typer.Option(help="Results of 'labelloop replay --json' whose arms to draw beside the run.")
    ] = None,
    serve: Annotated[bool, typer.Option("--serve", help="Follow a running loop on 127.0.0.1 until Ctrl-C.")] = False,
    port: Annotated[int, typer.Option(min=0, help="Port for --serve; a free one by default.")] = 0,
    as_json: JsonFlag = False,
) -> None:
    """One self-contained HTML page of a run: where it stands, what it cost, what each source was worth."""
    from loop.config import load_config
    from models.errors import ConfigError

    if serve and to is not None:
        raise ConfigError("--serve writes no file: leave out --to, or --serve")
    settings = load_config(config)

    from loop.report.curve import read_replay
    from loop.report.page import page

    beside = read_replay(replay) if replay else None
    if serve:
        return _serve(settings, beside, language, port, as_json)
    file = to or settings.run.directory / "report.html"
    run, sections, spoken = _read(settings, beside, language)
    _write(file, page(run, sections, spoken))
    print_value({"file": str(file), "language": spoken, "sections": sections} if as_json else str(file), as_json)


def _read(settings: Any, replay: Any, language: str | None) -> tuple[Any, dict[str, Any], str]:
    """The run, its sections and the language of their words; raises StoreError where there is no run."""
    from loop.report.page import language_for
    from loop.report.run import Run
    from loop.report.sections import collect
    from loop.store import Store

    with Store(settings.run.directory, read_only=True) as store:
        run = Run(store, settings.description(), settings.annotation.project, replay)
        return run, collect(run), language_for(run, language)


def _serve(settings: Any, replay: Any, language: str | None, port: int, as_json: bool) -> None:
    from loop.report.page import page
    from loop.report.serve import REFRESH, LivePage, open_server

    live = LivePage(settings.run.directory, lambda: page(*_read(settings, replay, language), refresh=REFRESH))
    live.html()  # What cannot be shown is said here, not on the page.
    with open_server(live, port) as server:
        url = f"http://127.0.0.1:{server.server_port}/"
        print_value({"url": url} if as_json else url, as_json)
        console_of(as_json).print("Ctrl-C stops it; the loop goes on")
        server.serve_forever()


def _write(file: Path, text: str) -> None:
    from models.errors import ConfigError

    part = file.with_name(f"{file.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(file)
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}: give another file with --to") from error
