"""The one training loop: AdamW, linear warm-up and decay, bfloat16 where the processor has it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from models.threads import best_dtype, device

if TYPE_CHECKING:
    import torch

WARM_UP = 0.1


def optimise(model: "torch.nn.Module", loss: "Callable[[], torch.Tensor]", steps: int, learning_rate: float) -> None:
    """Takes `steps` steps down `loss()`, in place, on the parameters that are not frozen; leaves `model` in eval."""
    import torch

    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=0.01, fused=True)
    warm_up = max(1, round(WARM_UP * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm_up, (steps - step) / max(1, steps - warm_up))
    )
    dtype = best_dtype()
    model.train()
    for _ in range(steps):
        with torch.autocast(device(), dtype, enabled=dtype != torch.float32):
            value = loss()
        optimizer.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
    model.eval()
