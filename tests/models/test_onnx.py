"""ONNX: the same answers, after saving and loading too, by onnxruntime alone, and nothing from a stranger's graph."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from tokenizers import Tokenizer

from models.char_ngrams import CharNgramEncoder
from models.classifier import TextClassifier
from models.encoder import SentenceEncoder
from models.errors import WeightsError
from models.onnx_encoder import OnnxEncoder, check_self_contained
from models.onnx_export import TOLERANCE, to_onnx

TEXTS = [f"{what} {when}" for what in ("parcel late", "card declined") for when in ("today", "again", "now", "since")]
LABELS = ["late"] * 4 + ["declined"] * 4
OTHERS = [*TEXTS, "something new", "", "한글 문장", "what they have said was that it came late, and broken at that"]
LONG = "word " * 400


def classifier(encoder: SentenceEncoder, training: str) -> TextClassifier:
    if training == "sets":
        return TextClassifier(encoder, "frozen", multi_label=True).fit(TEXTS, ["late", "late;lost"] * 2 + ["paid"] * 4)
    return TextClassifier(encoder, training, seed=3).fit(TEXTS, LABELS)


@pytest.fixture(scope="module", params=["frozen", "contrastive", "full", "sets"])
def pair(request: pytest.FixtureRequest, tiny_encoder: SentenceEncoder) -> tuple[TextClassifier, TextClassifier]:
    """A classifier and the same in ONNX."""
    fitted = classifier(tiny_encoder, request.param)
    return fitted, to_onnx(fitted, TEXTS)


def test_it_answers_alike_after_saving_and_loading_too(
    pair: tuple[TextClassifier, TextClassifier], tmp_path: Path
) -> None:
    fitted, exported = pair
    exported.save(tmp_path / "onnx")
    loaded = TextClassifier.load(tmp_path / "onnx")
    assert isinstance(loaded.trained_, OnnxEncoder)
    assert (loaded.training, loaded.seed, loaded.multi_label) == (fitted.training, fitted.seed, fitted.multi_label)
    for model in (exported, loaded):
        assert model.predict(OTHERS).tolist() == fitted.predict(OTHERS).tolist()
        assert np.allclose(model.predict_proba(OTHERS), fitted.predict_proba(OTHERS), atol=TOLERANCE)


def test_onnxruntime_alone_gives_the_probabilities(pair: tuple[TextClassifier, TextClassifier], tmp_path: Path) -> None:
    fitted, exported = pair
    exported.save(tmp_path)
    tokenizer = Tokenizer.from_file(str(tmp_path / "encoder" / "tokenizer.json"))
    session = onnxruntime.InferenceSession(str(tmp_path / "encoder" / "model.onnx"))
    cut = tokenizer.encode_batch(OTHERS)
    given = {"input_ids": [c.ids for c in cut], "attention_mask": [c.attention_mask for c in cut]}
    found = session.run(["probabilities"], given)[0]
    assert np.allclose(found, fitted.predict_proba(OTHERS), atol=TOLERANCE)
    assert json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))["classes"] == fitted.classes_.tolist()


def test_long_texts_are_cut_where_the_encoder_cuts_them(tiny_encoder: SentenceEncoder) -> None:
    exported = to_onnx(classifier(tiny_encoder, "frozen"), [LONG, "short"])
    assert np.allclose(exported.encode([LONG, "short"]), tiny_encoder.encode([LONG, "short"]), atol=TOLERANCE)
    assert exported.encode([]).shape == tiny_encoder.encode([]).shape


def test_what_answers_otherwise_is_not_exported(tiny_weights: Path) -> None:
    opened = SentenceEncoder.open(tiny_weights)
    fitted = TextClassifier(opened, "frozen").fit(TEXTS, LABELS)
    # A prompt before every text, of which a graph knows nothing.
    opened.model.prompts, opened.model.default_prompt_name = {"all": "query of somebody: "}, "all"
    with pytest.raises(WeightsError, match="does not answer as the model does"):
        to_onnx(fitted, TEXTS)


def test_an_encoder_without_a_graph_is_told() -> None:
    fitted = TextClassifier(CharNgramEncoder.learn(TEXTS), "frozen").fit(TEXTS, LABELS)
    with pytest.raises(WeightsError, match="leave ONNX out, or name a sentence-transformer"):
        to_onnx(fitted, TEXTS)


def graph(pair: tuple[TextClassifier, TextClassifier]) -> onnx.ModelProto:
    trained = pair[1].trained_
    assert isinstance(trained, OnnxEncoder)
    return onnx.load_model_from_string(trained.graph)


def hidden_in_a_branch(model: onnx.ModelProto, tensor: onnx.TensorProto) -> None:
    """Puts a tensor where only a subgraph has it."""
    inside = onnx.helper.make_graph([], "inside", [], [], [tensor])
    model.graph.node.append(onnx.helper.make_node("If", ["x"], ["y"], then_branch=inside, else_branch=inside))


@pytest.mark.parametrize("way", ["a file beside it", "a file in a branch", "an operator", "an operator in a function"])
def test_a_strangers_graph_reaches_nothing(
    pair: tuple[TextClassifier, TextClassifier], tmp_path: Path, way: str
) -> None:
    model = graph(pair)
    if way.startswith("a file"):
        tensor = onnx.TensorProto(name="weights", data_type=1, dims=[1], data_location=onnx.TensorProto.EXTERNAL)
        tensor.external_data.add(key="location", value="../../../etc/passwd")
        if way == "a file beside it":
            model.graph.initializer.append(tensor)
        else:
            hidden_in_a_branch(model, tensor)
    else:
        node = onnx.helper.make_node("Run", ["x"], ["y"], domain="evil.example")
        if way == "an operator":
            model.graph.node.append(node)
        else:
            opset = [onnx.helper.make_opsetid("", 17)]
            model.functions.append(onnx.helper.make_function("", "Inner", ["x"], ["y"], [node], opset))
    pair[1].save(tmp_path)
    (tmp_path / "encoder" / "model.onnx").write_bytes(model.SerializeToString())
    says = "files outside of itself" if way.startswith("a file") else "an operator of 'evil.example'"
    with pytest.raises(WeightsError, match=says):
        TextClassifier.load(tmp_path)


def test_what_is_no_graph_is_told(pair: tuple[TextClassifier, TextClassifier], tmp_path: Path) -> None:
    check_self_contained(graph(pair).SerializeToString())
    pair[1].save(tmp_path)
    for rubbish in (b"rubbish", b""):
        (tmp_path / "encoder" / "model.onnx").write_bytes(rubbish)
        with pytest.raises(WeightsError, match=r"not ONNX|cannot be opened"):
            TextClassifier.load(tmp_path)
