"""The project that the loop works in: found by its title, or created."""

from collections.abc import Iterable

from connectors.label_studio_api import ONCE, LabelStudioApi, LostAnswerError
from connectors.labeling_config import CONTROL, REJECT, Page, labeling_config
from connectors.page_keys import set_own_keys
from models.errors import AnnotatorError
from models.records import TaskDescription


def project_titled(api: LabelStudioApi, title: str, page: Page) -> int:
    """The id of the one project with this title, which is created where there is none.

    An existing project keeps its page as it is. Raises AnnotatorError where its classes are not the
    description's, or where several projects have the title; ConfigError for a class name that the page cannot
    hold.
    """
    found = find_project(api, title)
    if found is None:
        set_own_keys(api)
        found = _create(api, title, page)
    _check_classes(api, found, title, page.description)
    return found


def find_project(api: LabelStudioApi, title: str) -> int | None:
    """The id of the project with exactly this title, or None. Raises AnnotatorError for several."""
    listed = api.ask(lambda c: list(c.projects.list(title=title, include="id,title")))
    # Pages shift while others make projects, and one is then listed twice.
    ids = sorted({project.id for project in listed if project.title == title})
    if len(ids) > 1:
        raise AnnotatorError(f"{len(ids)} projects at {api.url} are titled {title!r}. Rename all but one.")
    return ids[0] if ids else None


def _create(api: LabelStudioApi, title: str, page: Page) -> int:
    lost: AnnotatorError | None = None
    try:
        api.ask(
            lambda c: c.projects.create(
                title=title,
                description=page.description.sentence,
                label_config=labeling_config(page),
                # A window with instructions would take the first Enter for the text behind it.
                show_instruction=False,
                enable_empty_annotation=page.description.multi_label,
                skip_queue="IGNORE_SKIPPED",
                request_options=ONCE,
            )
        )
    except LostAnswerError as error:
        lost = error
    created = find_project(api, title)
    if created is None:
        raise lost or AnnotatorError(f"{api.url} took the project {title!r} but does not list it. Try again later.")
    return created


def _check_classes(api: LabelStudioApi, project: int, title: str, description: TaskDescription) -> None:
    page = api.ask(lambda c: c.projects.get(project))
    found = set((page.parsed_label_config or {}).get(CONTROL, {}).get("labels", ()))
    ours = {*description.class_names, REJECT}
    if found != ours:
        raise AnnotatorError(
            f"The project {title!r} at {api.url} is for other classes ({_names(found)}) than this "
            f"configuration ({_names(ours)}). Rename that project, or give this one another title."
        )
    if ('choice="multiple"' in (page.label_config or "")) != description.multi_label:
        raise AnnotatorError(
            f"The project {title!r} at {api.url} was made with another task.multi_label than this configuration has. "
            "Rename that project, or give this one another title."
        )


def _names(labels: Iterable[str]) -> str:
    return ", ".join(sorted(labels)) or "none"
