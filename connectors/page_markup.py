"""Text as tags and attributes of a page, so that nothing in it is a variable, or markup that was not meant."""

from xml.sax.saxutils import quoteattr

from markdown_it import MarkdownIt

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


def markdown(text: str) -> str:
    """Markdown as HTML on lines of which none is blank, as the page's own Markdown takes it; HTML in it is shown as it
    is written, and nothing is loaded from elsewhere."""
    # The page's parser knows no tables and obeys HTML.
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("table").disable("image")
    lines = parser.render(_printable(text)).splitlines()
    return "\n".join(["<div>", *(line if line.strip() else "&#32;" for line in lines), "</div>"])


def is_xml(c: str) -> bool:
    """Whether XML can hold the character."""
    return c in "\t\n\r" or "\x20" <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c >= "\U00010000"


def _printable(text: str) -> str:
    return "".join(c if is_xml(c) else "\ufffd" for c in text)
