"""The demo as a newcomer plays it: real Label Studio, packaged LLM and encoder, a simulated annotator."""

from pathlib import Path

import pytest

from loop.config import load_config
from loop.demo import play
from loop.table import round_rows, status


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("corpus", ["en", "ko"])
def test_the_demo_plays_to_its_end(tmp_path: Path, studio_home: Path, corpus: str) -> None:
    said: list[str] = []
    fewer: set[int] = set()

    def watch(round_: int, stage: str, detail: str) -> None:
        if stage == "note" and detail.startswith("writing texts "):
            fewer.add(round_)

    with play(tmp_path, corpus, studio_home, None, watch, said.append) as store:
        rows, facts = round_rows(store), status(store)
    assert len(rows) >= 5
    assert facts["waiting_for"] == 0
    assert rows[-1]["accuracy"] > rows[0]["accuracy"] > 1 / 8
    # A source that human labels speak against two rounds running pauses, and the run says so. What the LLM writes, and
    # so when that is, is not the same on every processor.
    texts = load_config(tmp_path / "demo.toml").llm.texts
    assert rows[0]["texts_made"] == texts
    assert {row["round"] for row in rows[:-1] if row["texts_made"] < texts} == fewer
    assert all(row["texts_made"] <= texts for row in rows)
    assert all(row["tokens_out"] > 0 for row in rows[:-1])
    assert any("127.0.0.1" in line for line in said)
