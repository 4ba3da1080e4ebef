"""The demo as a newcomer plays it: real Label Studio, packaged LLM and encoder, a simulated annotator."""

from pathlib import Path

import pytest

from loop.config import load_config
from loop.demo import play
from loop.rounds import silent
from loop.table import round_rows, status


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("corpus", ["en", "ko"])
def test_the_demo_plays_to_its_end(tmp_path: Path, studio_home: Path, corpus: str) -> None:
    said: list[str] = []
    with play(tmp_path, corpus, studio_home, None, silent, said.append) as store:
        rows, facts = round_rows(store), status(store)
    assert len(rows) >= 5
    assert facts["waiting_for"] == 0
    assert rows[-1]["accuracy"] > rows[0]["accuracy"] > 1 / 8
    # A source that human labels speak against pauses: then a round writes fewer, or none.
    texts = load_config(tmp_path / "demo.toml").llm.texts
    assert [row["texts_made"] for row in rows[:2]] == [texts, texts]
    assert all(row["texts_made"] <= texts for row in rows)
    assert all(row["tokens_out"] > 0 for row in rows[:-1])
    assert any("127.0.0.1" in line for line in said)
