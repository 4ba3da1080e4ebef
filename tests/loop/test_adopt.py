"""A run that starts from a project on the real server in which people have already worked."""

import csv
import itertools
from pathlib import Path
from typing import Any

import pytest
from small_run import CORPUS, write_config

from connectors.annotators import InstantAnnotators, SimulatedAnnotator
from connectors.label_studio_api import LabelStudioApi
from connectors.studio import Studio
from loop.config import Config, load_config
from loop.data import load_examples
from loop.doctor.examine import examine
from loop.labelled import human_examples, human_label_count
from loop.parts import assemble
from loop.rounds import run
from loop.store import Store
from loop.verify import on_page
from models.errors import ConfigError, DataError
from models.measures import Evaluation
from models.records import LabelTask, Verdict

_numbers = itertools.count(1)
PAGE = """<View><Text name="message" value="$body"/><Header value="$title"/>
<Choices name="intent" toName="message">{}</Choices></View>"""


@pytest.fixture
def texts() -> list[tuple[str, str]]:
    with (CORPUS / "pool.csv").open(encoding="utf-8", newline="") as file:
        return [(row["text"], row["label"]) for row in csv.DictReader(file)][:60]


@pytest.fixture
def client(studio: Studio) -> Any:
    return LabelStudioApi(studio.url, studio.token).ask(lambda c: c)


def choose(label: str) -> list[dict[str, Any]]:
    value = {"choices": [label]}
    return [{"from_name": "intent", "to_name": "message", "type": "choices", "value": value}]


@pytest.fixture
def config(
    studio: Studio, client: Any, texts: list[tuple[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Config:
    """A configuration whose pool is a project: 20 of its texts are labelled, one is skipped, one has two labels."""
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", studio.token)
    title = f"{next(_numbers)} somebody's own"
    path = write_config(
        tmp_path,
        holdout=30,
        data={"pool": f"studio:{title}"},
        annotation={"url": studio.url, "project": f"{title}, on"},
        run={"labels": 32},
    )
    config = load_config(path)
    choices = "".join(f'<Choice value="{name}"/>' for name in config.classes)
    project = client.projects.create(title=title, label_config=PAGE.format(choices))
    rows = [{"body": text, "title": "a ticket"} for text, _ in texts]
    ids = client.projects.import_tasks(project.id, request=rows, return_task_ids=True).task_ids
    for task, (_, label) in list(zip(ids, texts, strict=True))[:20]:
        client.annotations.create(task, result=choose(label), lead_time=3.0)
    client.annotations.create(ids[20], result=[], was_cancelled=True)
    other = client.users.create(email=f"{title.split()[0]}-o@example.org", username="o", first_name="", last_name="")
    client.annotations.create(ids[0], result=choose(texts[0][1]), completed_by=other.id)
    wrong = [{"task": task, "result": choose(texts[0][1])} for task in ids]
    client.projects.import_predictions(project.id, request=wrong)
    return config


def test_a_run_starts_from_what_people_have_said(
    config: Config, texts: list[tuple[str, str]], client: Any, studio: Studio
) -> None:
    truth = dict(texts)
    with Store(config.run.directory) as store:
        annotators = InstantAnnotators(SimulatedAnnotator(truth, list(config.classes)))
        assert run(assemble(config, store, annotators)) == "done"
        adopted = [t for t in store.all(LabelTask) if t.kind == "adopted"]
        tasks = on_page(store.all(LabelTask))
        before = {t.uid: t.text for t in adopted}
        verdicts = [v for v in store.all(Verdict) if v.task in before]
        assert [e.label for e in human_examples(store)] == [truth[e.text] for e in human_examples(store)]
        points = store.all(Evaluation)
    assert {t.text for t in adopted} == {text for text, _ in texts[:21]}
    assert len(verdicts) == 22
    assert len({v.annotator for v in verdicts}) == 2
    assert {v.seconds for v in verdicts if v.outcome == "label"} == {3.0, 0.0}
    assert not {t.text for t in tasks} & set(before.values())
    assert [t.kind for t in tasks] == ["query"] * 10
    assert [p.human_labels for p in points] == [22, 32]


def test_the_project_is_read_once(config: Config, client: Any) -> None:
    with Store(config.run.directory) as store:
        load_examples(config, store)
        known = store.all(Verdict)
        (project,) = [p for p in client.projects.list(title=config.data.project()) if p.title == config.data.project()]
        client.projects.delete(project.id)
        load_examples(config, store)
        assert store.all(Verdict) == known
        assert human_label_count(store) == 22


def test_what_cannot_be_adopted_says_why(config: Config, client: Any, tmp_path: Path) -> None:
    found = {check.says for check in examine(config) if check.area == "data"}
    assert f"pool: 60 texts of project '{config.data.project()}', 21 judged" in found
    with Store(tmp_path / "other") as store:
        fewer = dict(list(config.classes.items())[1:])
        with pytest.raises(DataError, match=r"has labels that \[classes\] does not know: '"):
            load_examples(config.model_copy(update={"classes": fewer}), store)
        data = config.data.model_copy(update={"pool": Path("studio:nobody's")})
        with pytest.raises(DataError, match=r"no project at .* is titled \"nobody's"):
            load_examples(config.model_copy(update={"data": data}), store)
        client.projects.create(title="pictures of cats", label_config='<View><Image name="i" value="$u"/></View>')
        data = config.data.model_copy(update={"pool": Path("studio:pictures of cats")})
        with pytest.raises(DataError, match="no single control of choices"):
            load_examples(config.model_copy(update={"data": data}), store)


def test_the_loop_has_a_project_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="name the same project"):
        load_config(write_config(tmp_path, data={"pool": "studio:mine"}, annotation={"project": "mine"}))
