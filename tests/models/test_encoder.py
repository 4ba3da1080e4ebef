"""Encoders: unit vectors that depend on the text alone, and the choice between them."""

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from models.char_ngrams import CharNgramEncoder
from models.embedding_cache import EmbeddingCache
from models.encoder import SentenceEncoder, hangul_share, latin_share, load_encoder, open_encoder
from models.errors import WeightsError
from models.korean_encoder import KoreanEncoder
from models.vectors import unit_rows

KOREAN = [
    "배송이 아직 안 왔어요",
    "배송 조회가 멈췄어요",
    "배송 언제 오나요",
    "결제가 안 돼요",
    "결제가 자꾸 실패해요",
    "카드 결제 오류가 나요",
]


@pytest.fixture(scope="module")
def ngrams() -> CharNgramEncoder:
    return CharNgramEncoder.learn(KOREAN)


def test_packaged_vectors_have_unit_length(encoder: SentenceEncoder) -> None:
    assert np.allclose(np.linalg.norm(encoder.encode(["a", "My parcel is late.", ""]), axis=1), 1, atol=1e-5)


def test_packaged_encoder_knows_meaning(encoder: SentenceEncoder) -> None:
    late, slow, password = encoder.encode(
        ["My parcel is late.", "The delivery still has not arrived.", "I forgot my password."]
    )
    assert late @ slow > late @ password + 0.2


def test_a_vector_does_not_depend_on_its_neighbours(encoder: SentenceEncoder) -> None:
    texts = ["short", "a somewhat longer text about a parcel that never came to my door", "mid length one"]
    together = encoder.encode(texts)
    alone = np.vstack([encoder.encode([text]) for text in texts])
    assert np.allclose(together, alone, atol=2e-2)
    assert np.allclose(encoder.encode(texts[::-1])[::-1], together, atol=2e-2)


def test_nothing_to_encode_gives_no_rows_of_the_right_width(encoder: SentenceEncoder, ngrams: CharNgramEncoder) -> None:
    assert encoder.encode([]).shape == (0, encoder.encode(["x"]).shape[1])
    assert ngrams.encode([]).shape == (0, ngrams.encode(["x"]).shape[1])


def test_remembered_vectors_are_the_computed_ones(encoder: SentenceEncoder, tmp_path: Path) -> None:
    cached = SentenceEncoder(encoder.model, EmbeddingCache(tmp_path / "cache.sqlite"))
    first = cached.encode(["one", "two"])
    assert np.array_equal(cached.encode(["two", "one"]), first[::-1])
    assert np.allclose(first, encoder.encode(["one", "two"]), atol=1e-6)


def test_other_weights_have_another_name(encoder: SentenceEncoder, tiny_encoder: SentenceEncoder) -> None:
    assert encoder.name != tiny_encoder.name


def test_another_cut_has_another_name(tiny_weights: Path) -> None:
    whole, cut = SentenceEncoder.open(tiny_weights), SentenceEncoder.open(tiny_weights).model
    cut.max_seq_length = 3
    assert SentenceEncoder(cut).name != whole.name


def test_a_saved_sentence_encoder_is_the_same(tiny_encoder: SentenceEncoder, tmp_path: Path) -> None:
    tiny_encoder.save(tmp_path / "encoder")
    loaded = load_encoder(tmp_path / "encoder")
    assert loaded.name == tiny_encoder.name
    assert np.allclose(loaded.encode(KOREAN), tiny_encoder.encode(KOREAN), atol=1e-6)


def test_missing_weights_are_told(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="cannot load the encoder"):
        SentenceEncoder.open(tmp_path / "nowhere")


def test_an_unreachable_hub_id_is_told() -> None:
    with pytest.raises(WeightsError, match="no-such-owner/no-such-model"):
        SentenceEncoder.open("no-such-owner/no-such-model")


def test_character_ngrams_tell_korean_topics_apart(ngrams: CharNgramEncoder) -> None:
    vectors = ngrams.encode(KOREAN)
    delivery, payment = vectors[:3].mean(axis=0), vectors[3:].mean(axis=0)
    assert ((vectors @ delivery > vectors @ payment) == ([True] * 3 + [False] * 3)).all()
    assert ngrams.encode(["배송이 늦어요"])[0] @ (delivery - payment) > 0
    assert ngrams.encode(["결제를 못 했어요"])[0] @ (delivery - payment) < 0


def test_composed_and_decomposed_korean_are_one_text(ngrams: CharNgramEncoder) -> None:
    decomposed = [unicodedata.normalize("NFD", text) for text in KOREAN]
    assert decomposed != KOREAN
    assert np.allclose(ngrams.encode(decomposed), ngrams.encode(KOREAN))


def test_saved_character_ngrams_are_the_same(ngrams: CharNgramEncoder, tmp_path: Path) -> None:
    ngrams.save(tmp_path / "encoder")
    loaded = load_encoder(tmp_path / "encoder")
    assert loaded.name == ngrams.name
    assert np.array_equal(loaded.encode(KOREAN), ngrams.encode(KOREAN))


def test_character_ngrams_of_another_pool_have_another_name(ngrams: CharNgramEncoder) -> None:
    assert CharNgramEncoder.learn(KOREAN).name == ngrams.name
    assert CharNgramEncoder.learn(KOREAN[1:]).name != ngrams.name


@given(st.lists(st.text(), max_size=4))
def test_any_text_has_a_finite_vector_of_length_one_or_zero(ngrams: CharNgramEncoder, texts: list[str]) -> None:
    vectors = ngrams.encode(texts)
    lengths = np.linalg.norm(vectors, axis=1)
    assert len(vectors) == len(texts)
    assert (np.isclose(lengths, 1, atol=1e-5) | (lengths == 0)).all()


def test_latin_texts_get_the_packaged_encoder_and_others_do_not(encoder: SentenceEncoder) -> None:
    assert open_encoder("auto", ["Where is my parcel?", "café"]).name == encoder.name
    assert isinstance(open_encoder("auto", KOREAN), KoreanEncoder)
    assert isinstance(open_encoder("auto", ["где моя посылка", "оплата не прошла", "спасибо"]), CharNgramEncoder)
    assert isinstance(open_encoder("char-ngram", ["plain English", "as plain", "not so"]), CharNgramEncoder)


@pytest.mark.parametrize(
    ("texts", "latin", "hangul"),
    [(["abé"], 1, 0), (["한글"], 0, 1), (["ab", "한글"], 0.5, 0.5), (["123 !?"], 1, 0), ([], 1, 0), (["мир"], 0, 0)],
)
def test_shares_of_scripts(texts: list[str], latin: float, hangul: float) -> None:
    assert (latin_share(texts), hangul_share(texts)) == (latin, hangul)


def test_unit_rows_leave_a_row_of_zeros() -> None:
    assert unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist() == pytest.approx(np.array([[0.6, 0.8], [0, 0]]))


@pytest.fixture(scope="module")
def korean() -> KoreanEncoder:
    return KoreanEncoder.learn(KOREAN)


def test_korean_morphemes_have_meanings_that_no_text_of_the_pool_has_shown(korean: KoreanEncoder) -> None:
    football, baseball, interest = korean.encode(["축구 경기", "야구 시합", "금리 인상"])
    assert football @ baseball > football @ interest + 0.1


def test_a_korean_text_has_the_same_vector_in_any_company_and_composition(korean: KoreanEncoder) -> None:
    together = korean.encode(KOREAN)
    alone = np.vstack([korean.encode([text]) for text in KOREAN])
    assert np.array_equal(together, alone)
    assert np.array_equal(korean.encode([unicodedata.normalize("NFD", text) for text in KOREAN]), together)


def test_a_saved_korean_encoder_is_the_same(korean: KoreanEncoder, tmp_path: Path) -> None:
    korean.save(tmp_path)
    loaded = load_encoder(tmp_path)
    assert loaded.name == korean.name
    assert np.array_equal(loaded.encode(KOREAN), korean.encode(KOREAN))
    assert KoreanEncoder.learn(KOREAN).name == korean.name != KoreanEncoder.learn(KOREAN[1:]).name


def test_another_kiwi_is_told(korean: KoreanEncoder, tmp_path: Path) -> None:
    korean.save(tmp_path)
    arrays = load_file(tmp_path / "korean.safetensors")
    save_file(arrays, tmp_path / "korean.safetensors", metadata={"kiwipiepy_model": "0.1.0"})
    with pytest.raises(WeightsError, match=r"pip install kiwipiepy_model==0\.1\.0"):
        load_encoder(tmp_path)


@given(st.lists(st.text(), max_size=4))
def test_any_text_has_a_finite_korean_vector(korean: KoreanEncoder, texts: list[str]) -> None:
    lengths = np.linalg.norm(korean.encode(texts), axis=1)
    assert len(lengths) == len(texts)
    assert (np.isclose(lengths, 1, atol=1e-5) | (lengths == 0)).all()
