"""Every machine-made example is kept, or rejected for the right reason."""

import unicodedata
from dataclasses import replace

import numpy as np
import pytest
from fakes import TableEncoder, WordEncoder
from hypothesis import given
from hypothesis import strategies as st

from loop.copies import find_copies, find_faults, find_misfits, plain_text, shared_wording
from loop.curate import curate, curate_labels, unlikely
from models.classifier import TextClassifier
from models.encoder import Encoder
from models.records import Candidate, Region, Suggestion, TrainingExample, text_id

LONG = " ".join(f"word{n}" for n in range(40))


def written(*texts: str, intended: str = "a") -> list[Candidate]:
    return [Candidate(text_id(t), t, 1, 0, intended, f"request {n}", "m", ()) for n, t in enumerate(texts)]


def unsure(encoder: Encoder, text: str = "apple", other: str = "boat") -> TextClassifier:
    """A classifier that knows one word of "a" and one of "b"."""
    return TextClassifier(encoder, "frozen").fit([text] * 6 + [other] * 6, ["a"] * 6 + ["b"] * 6)


def agreeing(candidates: list[Candidate]) -> dict[str, Suggestion]:
    """What an LLM says that labels each text as it was meant."""
    return {c.id: Suggestion(c.id, 1, "m", c.intended, 0.9) for c in candidates}


def reasons(candidates: list[Candidate], holdout: list[str] = [], known: list[str] = []) -> dict[str, str]:  # noqa: B006
    faults = find_faults(candidates, WordEncoder(), holdout, known)
    rejections = [candidates[n].rejected(reason) for n, reason in faults.items()]
    assert all(r.source == "llm-text" for r in rejections)
    return {r.key.rpartition(" ")[0]: r.reason for r in rejections}


def test_a_new_text_is_kept() -> None:
    assert reasons(written("something quite new"), ["held out"], ["known before"]) == {}


@pytest.mark.parametrize("text", ["held out", "Held  OUT!", "held-out"])
def test_a_copy_of_the_holdout_is_rejected(text: str) -> None:
    assert reasons(written(text), holdout=["held out"]) == {"request 0": "holdout-copy"}


def test_a_near_copy_of_the_holdout_is_rejected() -> None:
    assert reasons(written(LONG.replace("word7", "other")), holdout=[LONG]) == {"request 0": "holdout-copy"}


def test_half_of_a_holdout_text_is_no_copy() -> None:
    assert reasons(written(LONG[: len(LONG) // 2]), holdout=[LONG]) == {}


@pytest.mark.parametrize("text", ["known before", "KNOWN before."])
def test_a_copy_of_a_known_text_is_a_duplicate(text: str) -> None:
    assert reasons(written(text), known=["known before"]) == {"request 0": "duplicate"}


def test_the_holdout_is_named_before_the_pool() -> None:
    assert reasons(written("both"), holdout=["both"], known=["both"]) == {"request 0": "holdout-copy"}


def test_the_first_of_two_equal_candidates_is_kept() -> None:
    assert reasons(written("twice said", "once said", "twice said")) == {"request 2": "duplicate"}


def test_a_near_copy_of_an_earlier_candidate_is_a_duplicate() -> None:
    assert reasons(written(LONG, LONG.replace("word7", "other"))) == {"request 1": "near-duplicate"}


def test_a_counterfactual_may_be_near_the_text_that_it_was_made_of() -> None:
    encoder = WordEncoder()
    start = TrainingExample("start", LONG, "b", "human")
    flipped, copy = (replace(c, parents=("start",)) for c in written(LONG.replace("word7", "other"), LONG))
    others = [replace(flipped, intended="b"), replace(flipped, parents=("start", "more")), replace(flipped, parents=())]
    assert find_copies([flipped], encoder, [], [LONG], [start]) == {}
    assert find_copies([flipped], encoder, [LONG], [LONG], [start]) == {0: "holdout-copy"}
    assert find_copies([flipped], encoder, [], [LONG, LONG.replace("word8", "more")], [start]) == {0: "near-duplicate"}
    assert find_copies([copy], encoder, [], [LONG], [start]) == {0: "duplicate"}
    assert [find_copies([c], encoder, [], [LONG], [start])[0] for c in others] == ["near-duplicate"] * 3


def test_candidates_that_differ_in_punctuation_alone_are_duplicates() -> None:
    assert reasons(written("Twice said!", "twice said")) == {"request 1": "duplicate"}


def test_equal_candidates_without_a_vector_are_duplicates() -> None:
    encoder = TableEncoder({"strange script": [0.0, 0.0]})
    assert find_copies(written("strange script", "strange script"), encoder, [], []) == {1: "duplicate"}


def test_a_label_that_the_llm_does_not_repeat_is_a_disagreement() -> None:
    candidates = written("apple one", "apple two", "apple three")
    suggestions = {
        candidates[0].id: Suggestion(candidates[0].id, 1, "m", "b", 0.9),
        candidates[1].id: Suggestion(candidates[1].id, 1, "m", "a", 0.9),
    }
    found = curate(candidates, suggestions, unsure(WordEncoder()))
    assert [(r.key, r.reason) for r in found] == [(candidates[0].key, "disagreement"), (candidates[2].key, "no-label")]


def test_what_the_classifier_is_surer_of_than_the_llm_is_unlikely() -> None:
    candidates = written("boat", "apple")
    hesitant = {c.id: Suggestion(c.id, 1, "m", "a", 0.6) for c in candidates}
    found = curate(candidates, hesitant, unsure(WordEncoder()))
    assert [(r.key, r.reason) for r in found] == [(candidates[0].key, "unlikely")]


def test_a_class_the_classifier_has_not_seen_is_not_unlikely() -> None:
    candidates = written("boat", intended="never seen")
    assert curate(candidates, agreeing(candidates), unsure(WordEncoder())) == []


def test_how_many_classes_there_are_does_not_make_a_label_unlikely() -> None:
    encoder = WordEncoder()
    words = [f"word{n}" for n in range(40)]
    classifier = TextClassifier(encoder, "frozen").fit(words, words)
    said = [Suggestion("1", 1, "m", "word7", 0.3)]
    assert classifier.predict_proba(["something else"]).max() < 0.2
    assert unlikely(said, ["something else"], classifier).tolist() == [False]


def test_a_text_that_lands_in_another_region_is_rejected_where_that_is_wanted() -> None:
    encoder = WordEncoder()
    classifier = unsure(encoder)
    regions = [
        Region(1, n, (), ("a", "b"), 0.9, tuple(classifier.encode([word])[0].tolist()))
        for n, word in enumerate(["apple", "boat"])
    ]
    candidates = written("apple pie", "apple and boat boat")
    found = curate(candidates, agreeing(candidates), classifier, regions)
    assert [(r.key, r.reason) for r in found] == [(candidates[1].key, "off-region")]


def test_no_candidates_no_rejections() -> None:
    assert reasons([], ["held out"], ["known"]) == {}


def test_labels_on_real_texts_are_rejected_where_unlikely_or_none() -> None:
    said = {"1": Suggestion("1", 2, "m", "b", 0.6), "2": Suggestion("2", 2, "m", "a", 0.6)}
    texts = {"1": "apple", "2": "apple", "3": "apple"}
    found = curate_labels(["1", "2", "3"], said, texts, unsure(WordEncoder()), 2)
    assert {(r.round, r.source) for r in found} == {(2, "llm-label")}
    assert {r.key: r.reason for r in found} == {"1": "unlikely", "3": "no-label"}
    rested = curate_labels(["1", "2", "3"], said, texts, unsure(WordEncoder()), 2, rested=True)
    assert {r.key: r.reason for r in rested} == {"1": "unlikely"}
    assert curate_labels([], said, texts, unsure(WordEncoder()), 2) == []


@pytest.mark.parametrize(("one", "other"), [("मेरा", "मेरी"), ("มา", "ม้า"), ("개", "게")])
def test_vowels_and_tones_make_another_text(one: str, other: str) -> None:
    assert plain_text(one) != plain_text(other)


def test_what_emoji_look_like_does_not() -> None:
    assert plain_text("Good \N{THUMBS UP SIGN}\ufe0f") == plain_text("good")


@given(st.text())
def test_plain_text_is_plain_already(text: str) -> None:
    assert plain_text(plain_text(text)) == plain_text(text)


@given(st.text(min_size=1))
def test_only_nothing_becomes_nothing(text: str) -> None:
    assert bool(plain_text(text)) == bool(unicodedata.normalize("NFKC", text).casefold().strip())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Where is it?", "where is it"),
        ("Straße", "STRASSE"),
        ("café", "cafe\u0301"),
        ("한글", unicodedata.normalize("NFD", "한글")),
        ("ｆｕｌｌ", "full"),
        ("a\u00a0b", "a b"),
        ("배송 조회", "배송조회"),
    ],
)
def test_one_text_in_two_spellings(one: str, other: str) -> None:
    assert plain_text(one) == plain_text(other)


@pytest.mark.parametrize(("one", "other"), [("late", "lost"), ("2 items", "3 items"), ("?", "!"), ("😀", "😡")])
def test_two_texts(one: str, other: str) -> None:
    assert plain_text(one) != plain_text(other)


def test_copies_are_found_among_many() -> None:
    encoder = WordEncoder()
    known = [f"known text number {n} about topic {n * 7}" for n in range(200)]
    copies = find_copies(written(known[150], "fresh thought"), encoder, [], known)
    assert copies == {0: "duplicate"}
    assert np.isfinite(encoder.encode(known)).all()


ENGLISH = [f"where is the parcel number {n} that I ordered" for n in range(60)]
KOREAN = [f"{n}번 택배가 아직 안 왔어요 Galaxy 어디쯤인가요" for n in range(60)]


def test_texts_unlike_the_known_ones_from_the_outside_are_told() -> None:
    texts = [
        "and where is my other parcel",
        "택배가 아직 안 왔어요 어디쯤인가요",
        "no",
        "word " * 40,
        "1234 5678 9012 3456 7890 1234",
    ]
    assert find_misfits(texts, ENGLISH) == {1: "wrong-language", 2: "too-short", 3: "too-long"}
    assert find_misfits(["Where is the parcel?", "택배가 아직도 안 왔습니다 iPhone"], KOREAN) == {0: "wrong-language"}


def test_a_copy_of_the_holdout_is_called_that_in_any_script() -> None:
    copied = "택배가 아직 안 왔어요 어디쯤인가요"
    assert reasons(written(copied), holdout=[copied], known=ENGLISH) == {"request 0": "holdout-copy"}


def test_composition_of_characters_makes_no_other_language_nor_length() -> None:
    assert find_misfits([unicodedata.normalize("NFD", KOREAN[0])], KOREAN) == {}


def test_a_few_known_texts_say_nothing_of_what_is_usual() -> None:
    assert find_misfits(["no", "아니요"], ENGLISH[:40]) == {}


def test_a_misfit_is_rejected_before_anybody_asks_what_it_says() -> None:
    assert reasons(written("no", "택배가 아직 안 왔어요 어디쯤인가요"), known=ENGLISH) == {
        "request 0": "too-short",
        "request 1": "wrong-language",
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Where is the parcel I ordered on Monday?", "Where is the parcel I orderd on Monday?"),
        ("주문한 택배가 아직도 안 왔어요 어디쯤인가요", "주문한 택베가 아직도 안 왔어요. 어디쯤인가요?"),
    ],
)
def test_a_text_but_for_a_letter_is_a_duplicate_whatever_the_encoder_thinks(one: str, other: str) -> None:
    encoder = TableEncoder({one: [1.0, 0.0], other: [0.0, 1.0]})
    assert find_copies(written(other), encoder, [], [one]) == {0: "near-duplicate"}
    assert find_copies(written(one, other), encoder, [], []) == {1: "near-duplicate"}
    assert find_copies(written(other), encoder, [one], []) == {0: "holdout-copy"}


def test_wording_is_shared_from_not_at_all_to_wholly() -> None:
    found = shared_wording(["a parcel came", "x"], ["A parcel came!", "nothing like it", "a parcel came today"])
    assert found[0, 0] == 1
    assert found[0, 1] == 0
    assert found[0, 2] == pytest.approx(8 / 13)
    assert found[1].tolist() == [0, 0, 0]
