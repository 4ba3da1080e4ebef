"""The annotators' page as XML, and the predictions and answers that belong to it."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_studio_sdk.label_interface.interface import LabelInterface

from connectors.labeling_config import (
    REJECT,
    Page,
    choice_result,
    labeling_config,
    prediction,
    read_choice,
    task_data,
)
from connectors.page_words import page_words
from models.errors import ConfigError
from models.label_sets import join
from models.records import ClassDefinition, LabelTask, TaskDescription

TASK = LabelTask("1f", "e1", "a text", 3, "query", 0.4, "sport", 0.8)
_printable = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
_names = st.lists(st.text(_printable, min_size=1).filter(lambda n: n.strip() and n != REJECT), min_size=1, unique=True)
_wild = st.text(st.characters(exclude_categories=("Cs",)))


def description(*names: str) -> TaskDescription:
    return TaskDescription("Which topic?", tuple(ClassDefinition(n, f"about {n}") for n in names))


def choices(config: str) -> list[dict[str, str]]:
    """The choices that are seen."""
    return [choice.attrib for choice in ElementTree.fromstring(config).findall(".//Choices/Choice")]


@given(names=_names, sentence=_wild, definition=_wild)
def test_any_name_and_text_make_a_page_with_exactly_these_labels(
    names: list[str], sentence: str, definition: str
) -> None:
    page = labeling_config(Page(TaskDescription(sentence, tuple(ClassDefinition(n, definition) for n in names))))
    labels = LabelInterface(page).get_control("label").labels
    assert sorted(labels) == sorted([*names, REJECT])
    chosen = [choice.get("alias", choice["value"]) for choice in choices(page)]
    assert chosen == [*names, REJECT]


@given(names=_names, sentence=_wild, definition=_wild)
def test_only_our_own_variables_are_looked_up(names: list[str], sentence: str, definition: str) -> None:
    told = TaskDescription(sentence, tuple(ClassDefinition(n, definition) for n in names), guideline=definition)
    page = labeling_config(Page(told))
    looked_up = [tag.attrib["value"] for tag in ElementTree.fromstring(page).iter() if "value" in tag.attrib]
    variables = [v for v in looked_up if "$" in v.replace("$\u2060", "")]
    assert variables == ["$text", "$provenance", "$confidence"]
    assert all(hint.get("hint", "x") not in ("true", "false") for hint in choices(page))


@given(names=_names, priority=st.floats(allow_nan=False, allow_infinity=False))
def test_predictions_pass_the_sdk(names: list[str], priority: float) -> None:
    task = replace(TASK, suggestion=names[-1], priority=priority)
    page = LabelInterface(labeling_config(Page(description(*names))))
    suggested = prediction(task)
    assert page.validate_prediction(suggested, return_errors=True) == []
    assert suggested["model_version"] == "round-3"
    assert read_choice(suggested["result"]) == names[-1]


def test_the_score_falls_as_the_priority_rises() -> None:
    priorities = [-1e6, -3.0, -0.5, 0.0, 1e-6, 0.2, 0.21, 1.0, 2.0, 1e6]
    scores = [prediction(replace(TASK, priority=p))["score"] for p in priorities]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == len(scores)


def test_keys_go_to_as_many_classes_as_there_are_keys() -> None:
    found = choices(labeling_config(Page(description(*(f"class {i}" for i in range(150))))))
    keys = [c.get("hotkey") for c in found]
    assert "".join(keys[:12]) == "1234567890qw"
    assert keys[32:34] == ["shift+1", "shift+2"]
    assert keys[64:150] == [None] * 86
    assert keys[150] == "x"
    assert len({k for k in keys if k}) == len([k for k in keys if k])


def test_a_key_that_is_pressed_again_leaves_its_class_chosen() -> None:
    few, many = (description(*(f"class {i}" for i in range(n))) for n in (20, 21))
    for told in (few, many):
        doubles = [
            c.attrib for c in ElementTree.fromstring(labeling_config(Page(told))).findall(".//Choices/View/Choice")
        ]
        assert [(c["alias"], c["hotkey"]) for c in doubles] == [
            (c["value"], c["hotkey"]) for c in choices(labeling_config(Page(told)))[: len(doubles)]
        ]
        assert len(doubles) == (20 if told is few else 0)


def test_words_that_the_page_takes_for_booleans_stand_in_values_only() -> None:
    for count in (0, 20):
        told = description("true", "false", *(f"class {i}" for i in range(count)))
        for element in ElementTree.fromstring(labeling_config(Page(told))).iter():
            bare = {key for key, value in element.attrib.items() if value in ("true", "false")}
            assert bare <= {"value", "required"}


def test_many_classes_are_searched() -> None:
    for number, searched in ((20, []), (21, ["/"])):
        page = ElementTree.fromstring(labeling_config(Page(description(*(f"class {i}" for i in range(number))))))
        assert [tag.attrib["hotkey"] for tag in page.iter("Filter")] == searched


def test_the_page_shows_guideline_definitions_and_keys() -> None:
    told = replace(description("sport"), guideline="Be quick.\nBe kind.")
    assert choices(labeling_config(Page(told)))[0] == {"value": "sport", "hint": "sport: about sport", "hotkey": "1"}
    english, korean = headers(Page(told)), headers(Page(replace(told, language="ko")))
    for shown in (english, korean):
        assert {"Which topic?", "sport: about sport", "$provenance", "$confidence"} <= {*shown}
    assert guideline(Page(told)) == "<div>\n<p>Be quick.<br />\nBe kind.</p>\n</div>"
    assert "Guideline" in english
    assert "지침" in korean
    assert any("Enter submits" in line for line in english)
    assert not any(
        re.search("[a-z]", line.replace("sport", "")) for line in {*korean} - {*english} if "Enter" not in line
    )


def test_provenance_and_confidence_are_shown_or_hidden() -> None:
    for provenance, confidence in ((True, False), (False, True), (False, False)):
        page = Page(description("sport"), provenance, confidence)
        assert ("$provenance" in headers(page)) == provenance
        assert ("$confidence" in headers(page)) == confidence
        data = task_data(TASK, page)
        assert ("real text" in data["provenance"]) == provenance
        assert ("80%" in data["confidence"]) == confidence


@given(wild=_wild)
def test_a_guideline_is_markdown_and_no_html(wild: str) -> None:
    told = replace(description("sport"), guideline=f"# One\n\n{wild}\n\n<script>a</script> <b onload=x>")
    shown = guideline(Page(told))
    allowed = "div h1 h2 h3 h4 h5 h6 p br ul ol li em strong code pre blockquote hr a table thead tbody tr th td"
    assert {*re.findall(r"</?(\w+)", shown)} <= {*allowed.split()}
    assert "<h1>One</h1>" in shown
    assert all(line.strip() for line in shown.split("\n"))
    table = replace(told, guideline="| a | b |\n|---|---|\n| 1 | 2 |")
    assert "<td>2</td>" in guideline(Page(table))


def guideline(page: Page) -> str:
    (found,) = ElementTree.fromstring(labeling_config(page)).iter("Markdown")
    return found.attrib["value"]


def headers(page: Page) -> list[str]:
    return [tag.attrib["value"] for tag in ElementTree.fromstring(labeling_config(page)).iter("Header")]


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (["a", " "], "empty name"),
        ([REJECT], "stands for unusable"),
        (["a\x00b"], "no page can show"),
        (["a", "b", "a"], "'a' is given twice"),
    ],
)
def test_names_that_no_page_can_hold(names: list[str], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        labeling_config(Page(description(*names)))


def test_what_annotators_are_told_of_a_task() -> None:
    page = Page(description("sport"))
    assert task_data(TASK, page) == {
        "uid": "1f",
        "batch": "round-3",
        "text": "a text",
        "provenance": "real text · a machine suggests: sport",
        "confidence": "confidence 80%",
    }
    blind = replace(TASK, kind="candidate", suggestion=None)
    assert task_data(blind, page)["provenance"] == "written by an LLM"
    again = replace(blind, kind="recheck", reason="asked again: it was labelled 'a'")
    assert task_data(again, page)["provenance"] == "real text · asked again: it was labelled 'a'"
    assert task_data(blind, page)["confidence"] == ""
    assert prediction(blind)["result"] == []


@pytest.mark.parametrize(
    "result",
    [
        [],
        [{"from_name": "other", "value": {"choices": ["a"]}}],
        [{"from_name": "label", "value": {"choices": []}}],
        [{"from_name": "label", "value": {"choices": ["a", "b"]}}],
        [{"from_name": "label", "value": {"choices": [3]}}],
        [{"from_name": "label", "value": None}],
    ],
)
def test_results_that_choose_nothing(result: list[dict[str, object]]) -> None:
    assert read_choice(result) is None
    assert read_choice([{"from_name": "comment"}, *choice_result("a")]) == "a"


def test_a_page_for_sets_lets_choose_several_or_none() -> None:
    page = Page(replace(description("a", "b"), multi_label=True))
    attributes = next(ElementTree.fromstring(labeling_config(page)).iter("Choices")).attrib
    assert attributes["choice"] == "multiple"
    assert "required" not in attributes
    assert any("Nothing chosen means" in line for line in headers(page))
    # No page calls for ✗ where to be of no class is a label.
    assert any("of no class" in line for line in headers(Page(description("a", "b"))) if line.startswith(REJECT))
    for language in ("en", "ko"):
        shown = labeling_config(Page(replace(description("a", "b"), multi_label=True, language=language)))
        words = page_words(language)
        assert shown.count(words.unusable_meaning_set) == 2
        assert words.unusable_meaning not in shown


@given(names=st.sets(st.sampled_from(["a", "b", "$c"])))
def test_a_set_that_is_suggested_and_accepted_comes_back(names: set[str]) -> None:
    suggested = prediction(replace(TASK, suggestion=join(names)), multi_label=True)
    assert read_choice(suggested["result"], multi_label=True) == join(names)


def test_a_set_with_the_mark_of_unusable_texts_is_unusable() -> None:
    assert read_choice(choice_result(join(["a", REJECT]), multi_label=True), multi_label=True) == REJECT
