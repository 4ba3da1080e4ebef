"""What the tests of every room share: the real encoder, a tiny one that trains fast, a real Label Studio."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, sync_playwright

from connectors.studio import Studio, home, start
from loop.store import Store
from models.encoder import SentenceEncoder
from models.packaged import encoder_dir

# The same examples on every machine, none of them kept on disk: a red test is red for everybody.
settings.register_profile(
    "labelloop", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("labelloop")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest go first, those with slow tests, then those of the whole program: of two processes
    that share the files none is left waiting for the other's last one."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    tests = Path(__file__).parent
    items.sort(key=lambda item: (item.path not in slow, item.path.parent != tests))


@pytest.fixture(scope="session")
def encoder() -> SentenceEncoder:
    """The packaged all-MiniLM-L6-v2."""
    return SentenceEncoder.open("packaged")


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a BERT of one narrow layer and random weights: it trains in a second and knows nothing."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertModel

    folder = tmp_path_factory.mktemp("tiny")
    tokenizer = AutoTokenizer.from_pretrained(encoder_dir())
    torch.manual_seed(0)
    shape = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(shape).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_encoder(tiny_weights: Path) -> SentenceEncoder:
    return SentenceEncoder.open(tiny_weights)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "run")


@pytest.fixture(scope="session")
def studio_home() -> Path:
    return home()


@pytest.fixture(scope="session")
def studio_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("studio")


@pytest.fixture(scope="session")
def studio(studio_home: Path, studio_data: Path) -> Iterator[Studio]:
    with start(studio_home, studio_data) as running:
        yield running


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1, signed by itself, and its key, in one PEM file."""
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    outputs = ["-keyout", str(file), "-out", str(file.with_suffix(".crt"))]
    subprocess.run([*command.split(), *outputs], check=True, capture_output=True)
    file.write_bytes(file.read_bytes() + file.with_suffix(".crt").read_bytes())
    return file


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium, the system's own; nothing is downloaded."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no chromium on this machine: `make browser` installs it")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()
