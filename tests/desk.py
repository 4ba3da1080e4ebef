"""An annotator at the real page: a login and a browser session of his own, a keyboard, and a camera."""

from pathlib import Path

from playwright.sync_api import Browser, Dialog, Response

from connectors.label_studio import LabelStudioAnnotators
from connectors.studio import Studio

# What is seen of the page once it has settled: a text with its classes, or that none is left.
_STATE = """() => {
    const choices = [...document.querySelectorAll('.lsf-choice')].filter(c => c.offsetParent !== null)
    const chosen = choices.filter(c => c.querySelector('input').checked)
    const text = document.querySelector('.lsf-richtext__container, .lsf-richtext')
    return text && choices.length ? [text.innerText.trim(), ...chosen.map(c => c.innerText)] : null
}"""
_FRAME = """() => {
    const look = what => [...document.querySelectorAll(what)].map(e => {
        const [box, style] = [e.getBoundingClientRect(), getComputedStyle(e)]
        return [Math.round(box.left), Math.round(box.width), style.display, style.backgroundColor, style.direction]
    })
    const wide = document.documentElement.scrollWidth > window.innerWidth
    return [wide, document.title, ...['body', '.lsf-choice', '.lsf-richtext', 'h4', 'form', 'iframe'].map(look)]
}"""
_SECONDS = 60


class Desk:
    """`troubles` collects dialogs and script errors; `shots` is where the pictures go, in the order they are taken."""

    def __init__(self, browser: Browser, studio: Studio, email: str, password: str, shots: Path) -> None:
        self.name = email.partition("@")[0]
        self.shots = shots
        self.troubles: list[str] = []
        self.page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        self.page.set_default_timeout(1000 * _SECONDS)
        self.page.on("dialog", self._dismiss)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.goto(f"{studio.url}/user/login/")
        self.page.fill("#email", email)
        self.page.fill("#password", password)
        self.page.click("button[type=submit]")
        self.page.wait_for_url(lambda url: "/login" not in url)
        self.email = email

    def rows(self, annotators: LabelStudioAnnotators) -> list[str]:
        """Opens the list of tasks; what stands in each of its rows."""
        self.page.goto(annotators.address)
        self.page.locator(".lsf-table__row-wrapper").first.wait_for()
        return self.page.locator(".lsf-table__row-wrapper").all_inner_texts()

    def begin(self, annotators: LabelStudioAnnotators) -> None:
        """Presses "Label All Tasks"."""
        self.rows(annotators)
        self.page.get_by_text("Label All Tasks", exact=True).click()
        self._settle()

    def reopen(self, annotators: LabelStudioAnnotators, text: str) -> None:
        """Opens one task that he has judged from the list."""
        self.rows(annotators)
        self.page.locator(".lsf-table__row-wrapper").get_by_text(text, exact=True).click()
        # Until his own answer has come the page holds a new one, made of the suggestion.
        self.page.locator("button", has_text="Update").wait_for()
        self._settle()

    @property
    def text(self) -> str:
        """The text that is to be judged; empty where none is left."""
        return (self.page.evaluate(_STATE) or [""])[0]

    @property
    def chosen(self) -> list[str]:
        """The classes that are ticked, each with its key."""
        return (self.page.evaluate(_STATE) or [""])[1:]

    def press(self, *keys: str) -> int:
        """Presses the keys, of which the last ends with the text, and waits for the next one; returns their number."""
        for key in keys[:-1]:
            self.page.keyboard.press(key)
        before = self.text
        with self.page.expect_response(_written):
            self.page.keyboard.press(keys[-1])
        # Once the answer is written down the next text comes; a task that was opened by itself stays.
        self.page.wait_for_timeout(300)
        if "task=" not in self.page.url or not before:
            self.page.wait_for_function(f"before => (({_STATE})() ?? [''])[0] !== before", arg=before)
        self._settle()
        return len(keys)

    def frame(self) -> object:
        """What no text may change: where the parts of the page stand and how they look."""
        return self.page.evaluate(_FRAME)

    def shoot(self, what: str) -> Path:
        """Takes a picture."""
        self.shots.mkdir(parents=True, exist_ok=True)
        picture = self.shots / f"{len([*self.shots.iterdir()]) + 1:02d} {self.name} {what}.png"
        self.page.screenshot(path=picture)
        return picture

    def _settle(self) -> None:
        self.page.wait_for_function(f"() => ({_STATE})() || /No More Tasks/.test(document.body.innerText)")

    def _dismiss(self, dialog: Dialog) -> None:
        self.troubles.append(dialog.message)
        dialog.dismiss()


def _written(response: Response) -> bool:
    return "/annotations" in response.url and response.request.method in ("POST", "PATCH") and response.ok
