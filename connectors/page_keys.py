"""The keys of the annotators' page."""

import logging
from collections.abc import Iterator
from itertools import chain, repeat

from connectors.label_studio_api import ONCE, LabelStudioApi
from models.errors import AnnotatorError

_log = logging.getLogger(__name__)
REJECT_KEY = "x"
SEARCH_KEY = "/"
# One key for what is done with every text; the server's own two go on working.
SUBMIT = "enter,ctrl+enter"
SKIP = "space,ctrl+space"
# What a server that is started with it in its environment gives to everybody.
KEYMAP = {"annotation:submit": {"key": SUBMIT}, "annotation:skip": {"key": SKIP}}
# The keys that Label Studio's own page gives to choices, in its order, without REJECT_KEY.
_PLAIN = "1234567890qwetasdfgzcvbyiopjklnm"


def class_keys() -> Iterator[str | None]:
    """A key for each class, in order: plain ones, then with shift, then none."""
    return chain(_PLAIN, (f"shift+{key}" for key in _PLAIN), repeat(None))


def set_own_keys(api: LabelStudioApi) -> None:
    """Gives the key's owner the one-key submit and skip on a server with other keys; what he has set himself stays.
    Other people's keys are theirs to set. A server that refuses keeps its keys, which work too."""
    ours = {f"annotation:{action}": {**to, "active": True} for action, to in KEYMAP.items()}
    try:
        own = dict(api.ask(lambda c: c.users.get_hotkeys()).custom_hotkeys or {})
        if not ours.keys() <= own.keys():
            api.ask(lambda c: c.users.update_hotkeys(custom_hotkeys=ours | own, request_options=ONCE))
    except AnnotatorError as error:
        _log.info("The keys of the page stay as they are: %s", error)
