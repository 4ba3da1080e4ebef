"""Text as tags and attributes of a page, so that nothing in it is markup or a variable."""

from xml.sax.saxutils import quoteattr

# Written after a "$" it ends the variable that the page would otherwise look up; it has no width.
WORD_JOINER = "\u2060"


def literal(text: str) -> str:
    """An attribute's value in which the page looks nothing up."""
    return text.replace("$", "$" + WORD_JOINER)


def tag(kind: str, /, **attributes: str) -> str:
    return opening(kind, **attributes)[:-1] + "/>"


def opening(kind: str, /, **attributes: str) -> str:
    written = "".join(f" {key}={quoteattr(_printable(value))}" for key, value in attributes.items())
    return f"<{kind}{written}>"


def is_xml(c: str) -> bool:
    """Whether XML can hold the character."""
    return c in "\t\n\r" or "\x20" <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c >= "\U00010000"


def _printable(text: str) -> str:
    return "".join(c if is_xml(c) else "\ufffd" for c in text)
