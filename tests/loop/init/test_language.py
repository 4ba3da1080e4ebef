"""The language of texts, by a rule of thumb that must not be far off."""

import pytest

from loop.init.language import language_of

SENTENCES = {
    "en": ["Where is my parcel?", "I have not received the refund for my order."],
    "ko": ["배송이 왜 이렇게 늦나요?", "iPhone 15 Pro 환불 부탁드려요"],
    "ja": ["注文した荷物がまだ届きません", "返金はいつですか"],
    "zh": ["我的包裹在哪里？", "我想退款"],
    "ru": ["Где моя посылка?", "Я хочу вернуть деньги"],
    "de": ["Wo ist mein Paket und warum ist es nicht da?", "Ich will das zurückgeben"],
    "fr": ["Je ne trouve pas mon colis et le service est fermé", "une erreur dans les paiements"],
    "es": ["¿Dónde está el paquete que pedí?", "una devolución por favor, para mi pedido"],
}


@pytest.mark.parametrize("code", SENTENCES)
def test_the_language_of_a_few_sentences(code: str) -> None:
    assert language_of(SENTENCES[code]) == code


@pytest.mark.parametrize("texts", [["12345", "!!"], ["xyzzy"]])
def test_what_tells_nothing_is_english(texts: list[str]) -> None:
    assert language_of(texts) == "en"
