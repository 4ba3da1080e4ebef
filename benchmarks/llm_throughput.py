"""Decoding steps a second of a local LLM through the loop, beside its engine on the same prompts.

python benchmarks/llm_throughput.py POOL.csv --task "Which intent has this message?" --texts 32 --repeats 3

The loop's side is all that a round does to have texts written: prompts for the regions, the ledger, batches sorted by
length, the store, reading of the answers, copies and misfits turned down. The engine's side is transformers' `generate`
on the same prompts, tokenised beforehand and sorted by length, in the same static batches, with its own sampling and
the same grammar.
Counted are the steps of each batch times its rows: a batch takes as long as its longest text, and draws differ. Each
repeat plays both sides, in turns the one first and the other, so that what else the machine does meets both.
"""

import argparse
import shutil
import sys
import time
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
import transformers

from connectors.datasets import read_labelled
from loop.completions import StoredLLM
from loop.copies import find_faults
from loop.generate import Material, generate
from loop.steering import share_out, slots
from loop.store import Store
from models.chat import Account, ChatRequest, Completion
from models.embedding_cache import EmbeddingCache
from models.encoder import open_encoder
from models.local_llm import LocalLLM
from models.packaged import llm_file
from models.records import ClassDefinition, Region, TaskDescription, TrainingExample


class Heard(LocalLLM):
    """The local LLM, which remembers what it was asked, and the steps of each batch times its rows."""

    def forget(self) -> None:
        self.asked: list[ChatRequest] = []
        self.steps = 0

    def chat(self, requests: Sequence[ChatRequest], on_arrival: Any = None, meter: Any = None) -> list[Completion]:
        wrote = super().chat(requests, on_arrival, meter)
        self.asked += requests
        # The loop asks in waves, none of which is more than a batch.
        self.steps += len(wrote) * max(completion.tokens_out for completion in wrote)
        return wrote


def through_the_loop(llm: Heard, plan: dict[str, Any], cache: Path) -> float:
    """Steps a second of all waves of requests, which are the same each time. As in a run, the embeddings of real texts
    are in a `cache`, a copy here, as those of written texts are not."""
    llm.forget()
    verified = plan["material"].verified
    known = [e.text for e in verified]
    with TemporaryDirectory() as folder, Store(Path(folder)) as store:
        encoder = open_encoder("auto", known, EmbeddingCache(Path(shutil.copy(cache, folder))))
        faults = partial(find_faults, encoder=encoder, holdout=[], known=known, verified=verified)
        encoder.encode(["loads the weights"])
        begun = time.perf_counter()
        stored = StoredLLM(llm, store, Account(1, "generate", "llm-text"))
        candidates, rejections = generate(stored, **plan, rng=np.random.default_rng(0), turned_down=faults)
        store.finish(1, "generate", [*candidates, *rejections], 0.0)
        seconds = time.perf_counter() - begun
    return llm.steps / seconds


def by_the_engine(llm: Heard) -> float:
    """Steps a second of the requests that the loop's side made last."""
    decoder, like = llm._decoder, llm.asked[0]
    prompts = sorted((llm._tokens(request) for request in llm.asked), key=len)
    tokenizer, steps = decoder.tokenizer, 0
    tokenizer.padding_side = "left"
    config = transformers.GenerationConfig(
        max_new_tokens=like.max_tokens,
        do_sample=True,
        temperature=like.temperature,
        eos_token_id=list(decoder.ends),
        pad_token_id=tokenizer.pad_token_id if tokenizer.pad_token_id is not None else decoder.ends[0],
    )
    begun = time.perf_counter()
    for start in range(0, len(prompts), llm.batch_size):
        rows = tokenizer.pad(
            {"input_ids": [list(p) for p in prompts[start : start + llm.batch_size]]}, return_tensors="pt"
        )
        grammar = transformers.LogitsProcessorList([decoder._bound(like.schema)] if like.schema else [])
        with torch.inference_mode():
            output = decoder.model.generate(
                **rows.to(decoder.model.device), generation_config=config, logits_processor=grammar
            )
        steps += len(output) * (output.shape[1] - rows["input_ids"].shape[1])
    return steps / (time.perf_counter() - begun)


def make_plan(file: Path, task: str, texts: int, cache: Path) -> dict[str, Any]:
    """Regions between neighbouring classes of a labelled file, and what a round hands to `generate`; the embeddings of
    its texts go to `cache`."""
    examples = read_labelled(file, "text", "label", "pool")[:200]
    verified = [TrainingExample(e.id, e.text, str(e.label), "human") for e in examples]
    known = [e.text for e in examples]
    vectors = open_encoder("auto", known, EmbeddingCache(cache)).encode(known)
    names = sorted({e.label for e in verified})
    regions = []
    for index, pair in enumerate(pairwise(names)):
        rows = [i for i, e in enumerate(verified) if e.label in pair]
        centre = tuple(float(x) for x in vectors[rows].mean(axis=0))
        regions.append(Region(1, index, tuple(verified[i].id for i in rows), pair, 0.9, centre))
    description = TaskDescription(task, tuple(ClassDefinition(name) for name in names))
    wanted = share_out(slots(regions, {}, {}, {}), texts, np.random.default_rng(0))
    return {"task": description, "wanted": wanted, "material": Material(verified, vectors)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="labelled texts for the prompts")
    parser.add_argument("--task", default="Which intent has this message?")
    parser.add_argument("--model", default="bundled", help="a GGUF file or a directory")
    parser.add_argument("--texts", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    llm = Heard(llm_file() if options.model == "bundled" else options.model)
    loop, engine = [], []
    with TemporaryDirectory() as folder:
        cache = Path(folder) / "embeddings.sqlite"
        plan = make_plan(options.file, options.task, options.texts, cache)
        through_the_loop(llm, plan | {"wanted": plan["wanted"][:2]}, cache)  # loads the weights, compiles the grammar
        through_the_loop(llm, plan, cache)
        for repeat in range(options.repeats):
            if repeat % 2:
                engine.append(by_the_engine(llm))
            loop.append(through_the_loop(llm, plan, cache))
            if not repeat % 2:
                engine.append(by_the_engine(llm))
            print(f"{loop[-1]:.1f} through the loop, {engine[-1]:.1f} by the engine", file=sys.stderr)
    ratios = np.array(loop) / np.array(engine)
    print("| model | prompts | loop, steps/s | engine, steps/s | loop ÷ engine, median [lowest, highest] |")
    print("|---|---|---|---|---|")
    spread = f"{np.median(ratios):.2f} [{ratios.min():.2f}, {ratios.max():.2f}]"
    print(f"| {llm.name} | {options.texts} | {np.median(loop):.0f} | {np.median(engine):.0f} | {spread} |")


if __name__ == "__main__":
    main()
