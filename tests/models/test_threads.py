"""Cores and precision."""

import os
from pathlib import Path

import pytest
import torch

from models.threads import best_dtype, device, real_cores, use_real_cores


def _cgroups(folder: Path, quotas: dict[str, str]) -> tuple[Path, Path]:
    for group, quota in quotas.items():
        (folder / group).mkdir(parents=True, exist_ok=True)
        (folder / group / "cpu.max").write_text(quota)
    own = folder / "own"
    own.write_text("1:cpu:/ignored\n0::/pod/box\n")
    return folder, own


@pytest.mark.parametrize(
    ("quotas", "cores"),
    [
        ({"pod/box": "100000 100000"}, 1),
        ({"pod": "150000 100000", "pod/box": "max 100000"}, 1),
        ({".": "50000 100000"}, 1),
        ({"pod/box": "max 100000"}, None),
        ({"pod/box": "nonsense"}, None),
        ({}, None),
    ],
)
def test_a_quota_of_the_group_or_above_it_cuts_the_cores(
    tmp_path: Path, quotas: dict[str, str], cores: int | None
) -> None:
    assert real_cores(*_cgroups(tmp_path, quotas)) == (cores or len(os.sched_getaffinity(0)))


def test_a_machine_without_control_groups_has_its_affinity(tmp_path: Path) -> None:
    assert real_cores(tmp_path, tmp_path / "none") == len(os.sched_getaffinity(0))


def test_torch_gets_no_more_threads_than_there_are_cores() -> None:
    use_real_cores()
    assert torch.get_num_threads() <= real_cores()


def test_device_and_precision_fit_together() -> None:
    x = torch.ones(2, 2, dtype=best_dtype(), device=device())
    assert float((x @ x).sum()) == 8
