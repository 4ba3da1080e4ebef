"""What the documentation says of keys and commands is what the code has."""

import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    subprocess.run([sys.executable, str(DOCS / "generate.py"), str(folder)], check=True, cwd=DOCS.parent)
    return folder


@pytest.mark.parametrize("name", ["configuration.md", "commands.md"])
def test_generated_pages_are_up_to_date(written: Path, name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == (written / name).read_text(encoding="utf-8"), (
        f"run: python docs/generate.py, and commit docs/{name}"
    )
