"""The whole loop on the packaged corpus: real Label Studio, real LLM, real encoder, and a simulated annotator who
works through the server."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np

from connectors.annotators import SimulatedAnnotator
from connectors.datasets import read_labelled
from connectors.label_studio import LabelStudioAnnotators
from connectors.studio import Studio, start, stop_orphan
from connectors.studio_annotator import StudioWorker
from loop.config import Config, load_config
from loop.parts import Parts, assemble, run_id
from loop.rounds import Watch, run
from loop.store import Store
from models.calibration import fit_head
from models.errors import AnnotatorError, ConfigError

CORPORA = ("en", "ko")
SURE = 0.5


def write_config(corpus: str, directory: Path) -> Path:
    """The demo's configuration with the corpus beside it, in `directory`: a run like any other. Raises ConfigError."""
    if corpus not in CORPORA:
        raise ConfigError(f"no packaged corpus '{corpus}'; there are: {', '.join(CORPORA)}")
    directory.mkdir(parents=True, exist_ok=True)
    with as_file(files("loop").joinpath("corpus", corpus)) as source:
        for file in source.iterdir():
            (directory / file.name).write_bytes(file.read_bytes())
    return directory / "demo.toml"


@contextmanager
def play(
    directory: Path, corpus: str, home: Path, port: int | None, watch: Watch, say: Callable[[str], None]
) -> Iterator[Store]:
    """Plays the demo under `directory`, going on where an earlier one stopped; yields its store when it is done."""
    config = load_config(write_config(corpus, directory))
    server = directory / "label-studio"
    with Store(config.run.directory) as store:
        # The store is ours alone, so a server still working here was left by a demo that was killed.
        stop_orphan(server)
        say("starting Label Studio on this machine")
        with start(home, server, port) as studio:
            say(f"Label Studio: {studio.url}  login: {studio.email}  password: {studio.password}")
            parts = assemble(config, store, open_project(config, studio, run_id(store)))
            with StudioWorker(studio.url, studio.token, config.annotation.project, annotator(parts)) as worker:

                def watched(round_: int, stage: str, detail: str) -> None:
                    if not worker.alive:
                        raise AnnotatorError("the simulated annotator has stopped; start the demo again to go on")
                    watch(round_, stage, detail)

                run(parts, watch=watched)
        yield store


def open_project(config: Config, studio: Studio, run: str) -> LabelStudioAnnotators:
    """The demo's project on the demo's own server, whose key never leaves this process."""
    return LabelStudioAnnotators(studio.url, studio.token, config.annotation.project, config.description(), run=run)


def annotator(parts: Parts) -> SimulatedAnnotator:
    """Knows the corpus's labels; judges a written text as a classifier trained on all of them would, and rejects one it
    is not sure of."""
    data = parts.config.data
    known = read_labelled(data.pool, data.text, data.label, "pool")
    truth = {e.text: str(e.label) for e in known}
    head = fit_head(parts.encoder.encode(list(truth)), list(truth.values()))

    def judge(text: str) -> str | None:
        probabilities = head.predict_proba(parts.encoder.encode([text]))[0]
        return str(head.classes_[np.argmax(probabilities)]) if probabilities.max() >= SURE else None

    return SimulatedAnnotator(truth, list(parts.config.classes), judge=judge)
