"""How torch uses this machine: threads from the cores that are really there, the precision that is fast."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

# Read once, when torch loads its OpenMP. By default idle threads spin, and where another process wants a core
# they keep it from torch's own working thread: 54 tokens/s became 9 to 25 beside one busy process on two cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def real_cores(cgroups: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> int:
    """The cores this process may use: its affinity, cut by the CPU quota of its control groups (v2)."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min([cores, *_quotas(cgroups, own)]))


def _quotas(cgroups: Path, own: Path) -> list[int]:
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return []
    group = next((line[3:].strip("/") for line in lines if line.startswith("0::")), "")
    folders = [cgroups / group, *(cgroups / parent for parent in Path(group).parents)]
    return [quota for folder in folders if (quota := _quota(folder / "cpu.max")) is not None]


def _quota(file: Path) -> int | None:
    try:
        allowed, period = file.read_text().split()
        # A half core rounds down: one thread too many is throttled, and the others wait for it.
        return None if allowed == "max" else int(allowed) // int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


@cache
def use_real_cores() -> None:
    """Sets torch's threads, the first time it is called in a process.

    Never raises their number: torch itself may know better (OMP_NUM_THREADS, hyper-threads).
    """
    import torch

    torch.set_num_threads(min(torch.get_num_threads(), real_cores()))


def one_thread() -> Any:
    """A context in which linear algebra stays on one thread.

    A few hundred rows are not worth two: a fit of 64 classes took 8 times as long with two threads beside a busy
    process, whose core they waited for. It gives what `all_threads` takes.
    """
    return _pools().limit(limits=1)


@contextmanager
def all_threads(limits: Any) -> Iterator[None]:
    """Within `one_thread`, as many as there were before: a model that is asked there wants them."""
    limits.restore_original_limits()
    try:
        yield
    finally:
        _pools().limit(limits=1)


@cache
def _pools() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def device() -> str:
    """Where torch should compute: "cuda", "mps" or "cpu"."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def best_dtype() -> "torch.dtype":
    """bfloat16 where the device computes in it natively, else float32."""
    import torch

    place = device()
    if place == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    elif place == "cpu":
        # Older torch cannot say; float32 is then the safe answer.
        ask = getattr(torch.cpu, "get_capabilities", None)
        native = ask is not None and bool(ask().get("avx512_bf16") or ask().get("amx_bf16"))
    else:
        native = False
    return torch.bfloat16 if native else torch.float32
