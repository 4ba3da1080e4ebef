"""The annotators' page in words: what it says by itself, in the languages that it speaks."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PageWords:
    """`{…}` stands for what a task fills in; `…_set` is for texts that may be of several classes, or of none."""

    guideline: str
    classes: str
    keys: str
    unusable: str
    unusable_meaning: str
    unusable_meaning_set: str
    real: str
    written: str
    suggested: str
    confidence: str
    search: str
    choose_first: str
    how_to: str
    how_to_set: str
    how_to_many: str
    asked_again: str
    disagreed: str


ENGLISH = PageWords(
    guideline="Guideline",
    classes="Classes",
    keys="Keys",
    unusable="unusable",
    unusable_meaning="The text is unusable: broken, unnatural, meaningless, or of no class",
    unusable_meaning_set="The text is unusable: broken, unnatural or meaningless",
    real="real text",
    written="written by an LLM",
    suggested="a machine suggests: {label}",
    confidence="confidence {share}",
    search="Find a class: / and a part of its name",
    choose_first="Choose a class (or ✗) before submitting.",
    how_to="Enter submits what is chosen, and with it accepts a suggestion. The key of a class chooses it instead, "
    "x says that the text is unusable, Space skips it. Where Enter and Space alone do nothing, press them with Ctrl.",
    how_to_set="A text may be of several classes, or of none. Suggested classes are already chosen: the key of a class "
    "adds it or takes it away, Enter submits what is chosen, x says that the text is unusable, Space skips it. Nothing "
    "chosen means: of no class. Where Enter and Space alone do nothing, press them with Ctrl.",
    how_to_many="/ goes to the search: type a part of the name, Enter chooses the first class found, Tab leaves the "
    "search, and Enter submits. The key of a class that is already chosen takes the choice away: press it again.",
    asked_again="asked again: it was labelled '{label}', the texts most like it are '{likely}'",
    disagreed="others disagreed: {answers}",
)

KOREAN = PageWords(
    guideline="지침",
    classes="클래스",
    keys="단축키",
    unusable="쓸 수 없음",
    unusable_meaning="쓸 수 없는 글: 깨졌거나 부자연스럽거나 뜻이 없거나, 해당하는 클래스가 없음",
    unusable_meaning_set="쓸 수 없는 글: 깨졌거나 부자연스럽거나 뜻이 없음",
    real="실제 글",
    written="LLM이 쓴 글",
    suggested="기계의 제안: {label}",
    confidence="확신도 {share}",
    search="클래스 찾기: /를 누르고 이름의 일부를 입력하세요",
    choose_first="제출하기 전에 클래스(또는 ✗)를 고르세요.",
    how_to="Enter를 누르면 골라져 있는 클래스로 제출되고, 제안도 그대로 받아들여집니다. 클래스의 키를 누르면 그 "
    "클래스로 바뀌고, x는 쓸 수 없는 글, Space는 건너뛰기입니다. Enter나 Space만으로 되지 않으면 Ctrl과 함께 누르세요.",
    how_to_set="한 글에 클래스가 여럿일 수도, 하나도 없을 수도 있습니다. 제안된 클래스는 이미 골라져 있습니다. "
    "클래스의 키를 누르면 더해지거나 빠지고, Enter는 제출, x는 쓸 수 없는 글, Space는 건너뛰기입니다. 아무것도 고르지 "
    "않으면 '해당 없음'입니다. Enter나 Space만으로 되지 않으면 Ctrl과 함께 누르세요.",
    how_to_many="/를 누르면 검색으로 갑니다. 이름의 일부를 입력하고 Enter를 누르면 맨 앞의 클래스가 골라지고, "
    "Tab으로 나와 Enter로 제출합니다. 이미 골라진 클래스의 키를 누르면 선택이 풀립니다. 그때는 한 번 더 누르세요.",
    asked_again="다시 묻습니다: '{label}'(이)라는 라벨이 달렸는데, 가장 비슷한 글들은 '{likely}'입니다",
    disagreed="다른 사람들의 답이 갈렸습니다: {answers}",
)


def page_words(language: str) -> PageWords:
    """The page's words in a language (ISO 639-1); English where it does not speak it."""
    return KOREAN if language == "ko" else ENGLISH
