"""What the documentation says of keys and commands is what the code has, and what it points to is there."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from loop.config import Config

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


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


PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
NEEDED = {
    "task": {"description": "x"},
    "classes": {"a": "", "b": ""},
    "data": {"pool": "x.csv"},
    "annotation": {"project": "xyz"},
    "run": {"directory": "x"},
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_shows_of_a_configuration_is_one(page: Path) -> None:
    for block in re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        shown = tomllib.loads(block)
        Config.model_validate({name: NEEDED.get(name, {}) | shown.get(name, {}) for name in {*NEEDED, *shown}})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_links_to_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    assert [link for link in links if link and not (page.parent / link).exists()] == []
    named = re.findall(r"(?:configs|docs|tests|loop|benchmarks)/[\w/-]+\.(?:toml|md|py|csv)", text)
    assert [name for name in named if not (ROOT / name).exists()] == []
