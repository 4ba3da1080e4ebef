"""Which language texts are in, without a model."""

import re
from collections import Counter
from collections.abc import Sequence

SAMPLE = 1000
_SCRIPTS = {"ko": "[가-힣]", "ja": "[ぁ-ヿ]", "zh": "[一-鿿]", "ru": "[а-яё]", "ar": "[؀-ۿ]", "el": "[α-ω]"}
_STOP_WORDS = {
    "en": "the and is to of you it my for have",
    "de": "der die und ist nicht das ich ein zu mit",
    "es": "el los que es una por con para mi del",
    "fr": "le les est et je pas une des vous dans",
    "it": "il che è una non di per sono mi della",
    "nl": "het een en niet ik van op te dat voor",
    "pt": "os que é uma não para com meu do em",
}


def language_of(texts: Sequence[str]) -> str:
    """The ISO 639-1 code of what most texts are written in, by a rule of thumb: a script that makes a fifth of the
    letters, else the Latin language whose ten stop words occur most; "en" where none does. Of a script that serves
    several languages it gives the most written one."""
    sample = " ".join(text[:200].lower() for text in texts[:: max(1, len(texts) // SAMPLE)])
    letters = len(re.findall(r"[^\W\d_]", sample))
    for code, script in _SCRIPTS.items():
        if letters and len(re.findall(script, sample)) >= letters / 5:
            return code
    words = Counter(re.findall(r"\w+", sample))
    return max(_STOP_WORDS, key=lambda code: sum(words[w] for w in _STOP_WORDS[code].split()))
