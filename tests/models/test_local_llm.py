"""The built-in LLM with its real weights."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import softmax
from transformers import LlamaConfig, LlamaForCausalLM

from models.chat import ChatRequest, Completion, Message
from models.decoding import SeededNoise
from models.errors import BudgetSpentError, LLMError, WeightsError
from models.label_scores import LabelScorer, disjoint
from models.llm import Meter
from models.local_llm import LocalLLM
from models.local_weights import find_weights, load_weights
from models.packaged import llm_file
from models.prefix import Tokens, common_prefix

SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {"text": {"type": "string", "maxLength": 30}, "stars": {"enum": [1, 2, 3]}},
        "required": ["text", "stars"],
        "additionalProperties": False,
    }
)
TOPICS = ("World", "Sports", "Business", "Sci/Tech")
QUESTION = "Name the topic of this headline: World, Sports, Business or Sci/Tech. Only the name.\n{}"
PREFIXES = ("Sport", "Sport news", "World", "World news today")
HEADLINES = (
    "Yankees win again",
    "Oil falls as output rises, and traders look to the Gulf",
    "Mars probe lands",
)


@pytest.fixture(scope="module")
def llm() -> LocalLLM:
    return LocalLLM(llm_file(), batch_size=4)


def _ask(text: str, **options: object) -> ChatRequest:
    return replace(ChatRequest((Message("user", text),), max_tokens=12), **options)  # type: ignore[arg-type]


def _questions(**options: object) -> list[ChatRequest]:
    return [_ask(QUESTION.format(headline), **options) for headline in HEADLINES]


def _texts(completions: Sequence[Completion]) -> list[str]:
    return [c.text for c in completions]


def test_generation_keeps_the_order_of_the_requests(llm: LocalLLM) -> None:
    words = ["apple", "a very much longer request for the word river", "stone", "tea", "moon and stars"]
    requests = [_ask(f"Repeat exactly: {word}") for word in words]
    arrived: dict[ChatRequest, Completion] = {}
    completions = llm.chat(requests, arrived.__setitem__)
    assert completions == [arrived[request] for request in requests]
    assert completions[0].tokens_in < completions[1].tokens_in
    assert completions[0].tokens_in == completions[2].tokens_in
    alone = [llm.chat([request])[0] for request in requests[:2]]
    # Batches round differently in bfloat16, so only the first words must agree.
    assert [t[:5] for t in _texts(alone)] == [t[:5] for t in _texts(completions[:2])]


class Purse(Meter):
    """Lets so many be sent, and remembers their bounds."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.bounds: dict[ChatRequest, tuple[int, int]] = {}

    def send(self, request: ChatRequest, tokens_in: int, tokens_out: int) -> None:
        if len(self.bounds) == self.most:
            raise BudgetSpentError("token")
        self.bounds[request] = tokens_in, tokens_out

    def refund(self, request: ChatRequest) -> None:
        raise AssertionError(request)


@pytest.mark.parametrize("choices", [(), PREFIXES])
def test_what_the_meter_lets_is_done_within_its_bounds(llm: LocalLLM, choices: tuple[str, ...]) -> None:
    requests = [_ask(f"Repeat exactly: {word}", choices=choices, seed=n) for n, word in enumerate("abcdef")]
    purse, arrived = Purse(5), dict[ChatRequest, Completion]()
    with pytest.raises(BudgetSpentError):
        llm.chat(requests, arrived.__setitem__, purse)
    assert list(arrived) == list(purse.bounds)
    assert len(arrived) == 5
    for request, completion in arrived.items():
        tokens_in, tokens_out = purse.bounds[request]
        assert completion.tokens_in == tokens_in
        assert completion.tokens_out <= tokens_out


def test_a_cut_answer_says_so(llm: LocalLLM) -> None:
    (cut,) = llm.chat([_ask("Tell a long story about the sea.", max_tokens=5)])
    assert (cut.finish, cut.tokens_out) == ("length", 5)
    (whole,) = llm.chat([_ask("What is the capital of France? One word.", max_tokens=40)])
    assert whole.finish == "stop"
    assert "Paris" in whole.text
    assert whole.tokens_out <= 40


def test_sampling_is_reproducible_and_the_seed_matters(llm: LocalLLM) -> None:
    requests = [_ask("Invent a name for a cat.", temperature=1.0, seed=seed) for seed in range(4)]
    first = llm.chat(requests)
    assert _texts(llm.chat(requests)) == _texts(first)
    assert len(set(_texts(first))) > 1


def test_seeded_noise_draws_from_the_distribution() -> None:
    scores = torch.log(torch.tensor([0.5, 0.25, 0.25, 0.0])).repeat(4000, 1)
    noise = SeededNoise(1.0, list(range(4000)), torch.device("cpu"))
    shares = torch.bincount(noise(torch.empty(0), scores).argmax(dim=1), minlength=4) / 4000
    assert np.allclose(shares, [0.5, 0.25, 0.25, 0], atol=0.03)


def test_a_schema_binds_the_answer(llm: LocalLLM) -> None:
    requests = [_ask("Review a film.", schema=SCHEMA, temperature=1.0, seed=seed, max_tokens=60) for seed in range(3)]
    for completion in llm.chat(requests):
        assert completion.finish == "stop"
        answer = json.loads(completion.text)
        assert set(answer) == {"text", "stars"}
        assert answer["stars"] in (1, 2, 3)


def test_a_schema_that_is_none_is_told(llm: LocalLLM) -> None:
    with pytest.raises(LLMError, match="JSON schema cannot be used"):
        llm.chat([_ask("x", schema='{"type": "nothing"}')])


@pytest.fixture(scope="module")
def exact() -> tuple[Any, Any]:
    """The model in float32, and its tokenizer."""
    model, tokenizer = load_weights(find_weights(llm_file()))
    return model.float(), tokenizer


def _prompt(tokenizer: Any, text: str) -> Tokens:
    messages = [{"role": "user", "content": text}]
    return tuple(tokenizer.apply_chat_template(messages, add_generation_prompt=True).input_ids)


def _naive(model: Any, prompt: Tokens, labels: Sequence[Tokens]) -> list[float]:
    scores = []
    for label in labels:
        with torch.inference_mode():
            logs = model(torch.tensor([[*prompt, *label]], device=model.device)).logits[0].log_softmax(-1)
        scores.append(sum(float(logs[len(prompt) - 1 + i, t]) for i, t in enumerate(label)))
    return scores


def _labels(tokenizer: Any, choices: Sequence[str]) -> list[Tokens]:
    words = [tuple(tokenizer(c, add_special_tokens=False).input_ids) for c in choices]
    return disjoint(words, tokenizer.eos_token_id)


@pytest.mark.parametrize("choices", [TOPICS, PREFIXES])
def test_label_scores_equal_the_naive_forward(exact: tuple[Any, Any], choices: tuple[str, ...]) -> None:
    model, tokenizer = exact
    prompts = [_prompt(tokenizer, QUESTION.format(headline)) for headline in HEADLINES]
    labels = _labels(tokenizer, choices)
    scores = LabelScorer(model, labels, common_prefix(prompts)).scores(prompts)
    assert len(common_prefix(prompts)) > 20
    assert np.allclose(scores, [_naive(model, prompt, labels) for prompt in prompts], atol=1e-3)


@pytest.mark.parametrize("choices", [TOPICS, PREFIXES])
def test_choices_come_with_their_probabilities(llm: LocalLLM, exact: tuple[Any, Any], choices: tuple[str, ...]) -> None:
    model, tokenizer = exact
    prompts = [_prompt(tokenizer, QUESTION.format(headline)) for headline in HEADLINES]
    expected = softmax(LabelScorer(model, _labels(tokenizer, choices), ()).scores(prompts), axis=1)
    completions = llm.chat(_questions(choices=choices))
    for prompt, row, completion in zip(prompts, expected, completions, strict=True):
        shares = np.array(completion.probabilities)
        # bfloat16 moves each log-probability by some 0.2
        assert np.allclose(shares, row, atol=0.1)
        assert sum(shares) == pytest.approx(1)
        assert completion.text == choices[int(np.argmax(shares))]
        assert (completion.tokens_in, completion.finish) == (len(prompt), "stop")


def test_a_choice_may_be_drawn(llm: LocalLLM) -> None:
    question = QUESTION.format("Minister opens the stadium of a football club that a bank bought")
    draws = [_ask(question, choices=("World", "Sports"), temperature=1.0, seed=seed) for seed in range(16)]
    completions = llm.chat(draws)
    assert _texts(completions) == _texts(llm.chat(draws))
    assert set(_texts(completions)) == {"World", "Sports"}
    assert len({c.probabilities for c in completions}) == 1  # the draw differs, the distribution does not


def test_probability_tables_align_with_prompts_and_classes(llm: LocalLLM) -> None:
    shares = llm.label_probabilities([QUESTION.format(h) for h in HEADLINES], TOPICS)
    assert shares.shape == (len(HEADLINES), len(TOPICS))
    assert np.allclose(shares.sum(axis=1), 1)


def test_a_prompt_past_the_context_is_refused_and_told_where_none_fits(llm: LocalLLM) -> None:
    seen: list[Completion] = []
    short, long = _ask("hi", max_tokens=2), _ask("word " * 9000)
    found = llm.chat([short, long], lambda _, completion: seen.append(completion))
    assert [c.finish for c in found] == ["length", "refused"]
    assert seen == found
    silent, said = llm.label_probabilities(["word " * 9000, QUESTION.format(HEADLINES[0])], TOPICS)
    assert np.allclose(silent, 1 / len(TOPICS))
    assert np.ptp(said) > 0
    with pytest.raises(LLMError, match=r"prompt has 9\d\d\d tokens; .* at most 8192"):
        llm.chat([long])


def test_the_name_is_the_weights_and_the_copy_is_kept(llm: LocalLLM) -> None:
    weights = find_weights(llm_file())
    assert llm.name == weights.name == "SmolLM2-135M-Instruct.Q4_1-b179c9523d0e"
    assert (Path(weights.folder) / "model.safetensors").is_file()
    assert not list(Path(weights.folder).parent.glob(".unpacking-*"))


def test_a_folder_of_safetensors_is_a_model_too(tmp_path: Path) -> None:
    folder = shutil.copytree(find_weights(llm_file()).folder, tmp_path / "tiny")
    config = LlamaConfig(
        vocab_size=49152, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=64, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    (folder / "chat_template.jinja").unlink()
    named = LocalLLM(folder, cache=tmp_path / "cache")
    assert named.name.startswith("tiny-")
    plain, cut = named.chat([_ask("no template here", max_tokens=3), _ask("w " * 50, max_tokens=50)])
    assert (plain.tokens_out, plain.finish) == (3, "length")
    assert cut.tokens_in + cut.tokens_out <= 64
    (folder / "config.json").write_text((folder / "config.json").read_text() + "\n")
    assert LocalLLM(folder, cache=tmp_path / "cache").name != named.name


@pytest.mark.parametrize("missing", [Path("gone"), "gone.gguf", "./gone", "/gone/at/all", "gone", "~/gone"])
def test_missing_weights_are_told_at_once(missing: Path | str) -> None:
    with pytest.raises(WeightsError, match="There are no LLM weights"):
        LocalLLM(missing)


def test_a_folder_or_file_without_weights_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"holds no \.safetensors"):
        LocalLLM(tmp_path)
    (tmp_path / "model.bin").write_bytes(b"x")
    with pytest.raises(WeightsError, match=r"not a \.gguf file"):
        LocalLLM(tmp_path / "model.bin")


def test_a_damaged_file_is_told_at_the_first_chat(tmp_path: Path) -> None:
    (tmp_path / "broken.gguf").write_bytes(b"GGUF but no more")
    broken = LocalLLM(tmp_path / "broken.gguf", cache=tmp_path / "cache")
    with pytest.raises(WeightsError, match="Cannot load the LLM broken-"):
        broken.chat([_ask("hi")])
    assert not [f for f in (tmp_path / "cache").iterdir() if f.is_dir()]
