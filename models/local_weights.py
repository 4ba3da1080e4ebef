"""Where a local LLM's weights are, what they are called, and how they are loaded."""

import hashlib
import tempfile
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from models.errors import WeightsError
from models.packaged import file_sha256
from models.records import text_id
from models.threads import best_dtype, device, use_real_cores

DEFAULT_CACHE = Path("~/.cache/labelloop/llm")


@dataclass(frozen=True)
class Weights:
    """Weights that exist. `name` is their stable identity; `folder` is what transformers loads (a path or a
    hub id); a GGUF file is first unpacked there. `revision` is a hub commit."""

    name: str
    folder: str
    gguf: Path | None = None
    revision: str | None = None


def find_weights(source: Path | str, cache: Path | None = None) -> Weights:
    """The weights at `source`: a .gguf file, a folder with safetensors, or a hub id ("owner/name").

    Raises WeightsError when they are not there. Nothing is loaded yet; a hub id asks the hub for its commit
    unless the hub's own cache knows it.
    """
    folder = (cache or DEFAULT_CACHE).expanduser()
    path = Path(source).expanduser()
    if path.is_dir():
        return _directory(path, folder)
    if path.is_file():
        if path.suffix != ".gguf":
            raise WeightsError(f"{path} is not a .gguf file. Name a .gguf file or a folder with safetensors.")
        digest = _remembered_sha256(path, folder)
        return Weights(f"{path.stem}-{digest[:12]}", str(folder / digest[:16]), gguf=path)
    if isinstance(source, Path) or source.count("/") != 1 or source.endswith(".gguf") or source[0] in "./~":
        raise WeightsError(
            f"There are no LLM weights at {source}. Name a .gguf file, a folder with safetensors or a hub id."
        )
    return _hub(source)


def _directory(path: Path, cache: Path) -> Weights:
    if not any(path.glob("*.safetensors")):
        raise WeightsError(f"{path} holds no .safetensors file. Name the folder that save_pretrained wrote.")
    # The tokenizer, the configuration and the chat template change the answers as much as the weights do.
    files = sorted(f for f in path.iterdir() if f.suffix in {".safetensors", ".json", ".jinja"})
    digests = "".join(f.name + _remembered_sha256(f, cache) for f in files)
    return Weights(f"{path.resolve().name}-{hashlib.sha256(digests.encode()).hexdigest()[:12]}", str(path))


def _hub(repository: str) -> Weights:
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    try:
        # The cached commit first: a run that lasts days must not change its model halfway.
        config = try_to_load_from_cache(repository, "config.json")
        if not isinstance(config, str):
            config = hf_hub_download(repository, "config.json")
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"{repository} is no folder here and the hub does not give it: {_short(error)} "
            "Check the spelling, the network, and HF_TOKEN for a gated model."
        ) from error
    commit = Path(config).parent.name
    return Weights(f"{repository}@{commit[:12]}", repository, revision=commit)


def _remembered_sha256(path: Path, cache: Path) -> str:
    """The file's hash, computed again only when its place, size or time has changed."""
    facts = path.stat()
    memo = cache / f"{text_id(f'{path.resolve()}|{facts.st_size}|{facts.st_mtime_ns}')}.sha256"
    if memo.is_file() and len(known := memo.read_text()) == 64:
        return known
    digest = file_sha256(path)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        memo.write_text(digest)
    except OSError:
        return digest  # only costs time; an unwritable cache is told when a copy must be kept
    return digest


def load_weights(weights: Weights) -> tuple[Any, Any]:
    """(model, tokenizer) of transformers, in the machine's best precision, on its best device.

    Unpacks a GGUF file the first time (tens of seconds). Raises WeightsError.
    """
    transformers: Any = import_module("transformers")
    transformers.utils.logging.disable_progress_bar()
    use_real_cores()
    try:
        if weights.gguf is not None and not Path(weights.folder).is_dir():
            _unpack(transformers, weights.gguf, Path(weights.folder))
        tokenizer = transformers.AutoTokenizer.from_pretrained(weights.folder, revision=weights.revision)
        model = transformers.AutoModelForCausalLM.from_pretrained(
            weights.folder, revision=weights.revision, dtype=best_dtype(), use_safetensors=True
        )
    except Exception as error:  # a damaged file makes the readers below fail in every way
        raise WeightsError(
            f"Cannot load the LLM {weights.name} from {weights.gguf or weights.folder}: {_short(error)} "
            f"Check the file, free disk space, and remove {weights.folder} if it is a damaged copy."
        ) from error
    return model.to(device()).eval(), tokenizer


def _unpack(transformers: Any, gguf: Path, folder: Path) -> None:
    """Writes what transformers reads in a second, whole or not at all."""
    # From transformers 5.20 or so a GGUF model can be saved only when it was asked to unpack.
    config = getattr(transformers, "GgufConfig", None)
    extra = {} if config is None else {"quantization_config": config(dequantize=True)}
    tokenizer = transformers.AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    # bfloat16 on every machine: half the disk, and far finer than the 4 to 8 bits that were packed.
    model = transformers.AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype="bfloat16", **extra
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".unpacking-") as scratch:
        copy = Path(scratch) / "copy"
        model.save_pretrained(copy)
        tokenizer.save_pretrained(copy)
        try:
            copy.rename(folder)
        except OSError:
            if not folder.is_dir():  # another process may have been faster; its copy is as good
                raise


def _short(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
