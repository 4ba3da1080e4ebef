"""The configuration: TOML checked by pydantic. Unknown keys are refused with the nearest known one."""

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, Field, ValidationError

from connectors.named_datasets import is_named
from connectors.trackers import MLFLOW
from loop.sections import (
    AnnotationSection,
    BudgetSection,
    Checker,
    DataSection,
    LearnerSection,
    LLMSection,
    RunSection,
    Section,
    TaskSection,
    TrackingSection,
    is_server,
)
from models.errors import ConfigError
from models.label_sets import SEPARATOR
from models.records import ClassDefinition, TaskDescription

S = TypeVar("S", bound=Section)


class Config(Section):
    task: TaskSection
    classes: dict[str, str] = Field(description="Class names and what they mean.")
    data: DataSection
    learner: LearnerSection = LearnerSection()
    llm: LLMSection = LLMSection()
    annotation: AnnotationSection
    run: RunSection
    budget: BudgetSection = BudgetSection()
    tracking: TrackingSection = TrackingSection()

    def description(self) -> TaskDescription:
        guideline = self.task.guideline
        return TaskDescription(
            sentence=self.task.description,
            classes=tuple(ClassDefinition(name, meaning) for name, meaning in self.classes.items()),
            language=self.task.language,
            guideline=guideline.read_text(encoding="utf-8") if guideline else "",
            multi_label=self.task.multi_label,
        )


class Settings(Section):
    """What of a configuration the arms of a replay take."""

    classes: dict[str, str] = Field({})
    learner: LearnerSection = LearnerSection()
    llm: LLMSection = LLMSection()


def load_config(path: Path) -> Config:
    """Reads a TOML file; its relative paths are relative to it. Raises ConfigError."""
    config = _resolve(_read(path, Config), path.parent.resolve())
    _check(path, config)
    return config


def load_settings(path: Path, given: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """What a TOML file says, as a configuration does, of classes, learner and LLM, section by section; the `given` keys
    stand elsewhere, each where it is told. Raises ConfigError."""
    sections = _read(path, Settings)
    said = sections.model_dump(exclude_unset=True)
    for key, place in given.items():
        section, _, name = key.partition(".")
        if name in said.get(section, {}):
            raise ConfigError(f"{path}: {key} is for {place} to say: leave it out here")
    if "llm" in said:
        llm = _resolve_llm(sections.llm, path.parent.resolve())
        said["llm"] = {name: getattr(llm, name) for name in said["llm"]}
    return said


def _read(path: Path, sections: type[S]) -> S:
    if not path.is_file():
        raise ConfigError(f"no configuration at {path}: give a TOML file, such as those in configs/")
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error
    try:
        return sections.model_validate(raw)
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(path, e, sections) for e in error.errors())) from None


def _resolve(config: Config, root: Path) -> Config:
    def beside(tracker: str) -> str:
        """MLflow's directory is relative to the file, as other paths are."""
        kind, _, place = tracker.partition(":")
        return f"{MLFLOW}{root / place}" if f"{kind}:" == MLFLOW and place and "://" not in place else tracker

    sections = {n: _absolute(v, root) for n, v in config if isinstance(v, Section)}
    sections["llm"] = _resolve_llm(config.llm, root)
    sections["tracking"] = config.tracking.model_copy(update={"to": beside(config.tracking.to)})
    sections["learner"] = config.learner.model_copy(update={"encoder": _local(config.learner.encoder, root)})
    return config.model_copy(update=sections)


def _resolve_llm(llm: LLMSection, root: Path) -> LLMSection:
    others = tuple(one.model_copy(update={"model": _local(one.model, root)}) for one in llm.crosscheck)
    return _absolute(llm, root).model_copy(update={"model": _local(llm.model, root), "crosscheck": others})


def _absolute(section: S, root: Path) -> S:
    return section.model_copy(update={n: root / v for n, v in section if isinstance(v, Path) and not is_named(v)})


def _local(name: str, root: Path) -> str:
    """A name that is a path here stays one wherever the command is run."""
    return str(root / name) if (root / name).exists() else name


def _check(path: Path, config: Config) -> None:
    if len(config.classes) < 2:
        raise ConfigError(f"{path}: [classes] names {len(config.classes)} class; a classifier needs two or more")
    guideline = config.task.guideline
    try:
        config.description()
    except OSError:
        raise ConfigError(f"{path}: task.guideline: no file {guideline}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: task.guideline: {guideline} is not UTF-8: save it as UTF-8") from None
    if config.task.multi_label:
        _check_multi_label(path, config)
    if config.llm.prompts and not config.llm.prompts.is_dir():
        raise ConfigError(
            f"{path}: llm.prompts: no folder {config.llm.prompts}; "
            f"'labelloop prompts {config.llm.prompts}' writes one to edit"
        )
    if config.data.holdout and config.data.set_aside:
        raise ConfigError(
            f"{path}: data.set_aside counts on a holdout drawn from the pool, and data.holdout gives another: "
            "leave one of them out"
        )
    if config.budget.money and not (config.budget.price_in or config.budget.price_out):
        _check_prices(path, config)
    if config.learner.lora_rank and config.learner.training != "contrastive":
        raise ConfigError(
            f"{path}: learner.lora_rank is of contrastive training, and learner.training is "
            f"'{config.learner.training}': make it contrastive, or leave lora_rank out"
        )
    if config.learner.strategy == "llm-committee" and config.llm.model == "none":
        raise ConfigError(
            f"{path}: learner.strategy 'llm-committee' asks an LLM what it thinks of the pool: give llm.model"
        )
    if any(one.model == "none" for one in config.llm.crosscheck) or (
        config.llm.crosscheck and config.llm.model == "none"
    ):
        raise ConfigError(f"{path}: llm.crosscheck: name LLMs that check another's labels, and that one in llm.model")
    annotation = config.annotation
    if config.data.project() == annotation.project:
        raise ConfigError(
            f"{path}: data.pool and annotation.project name the same project: give annotation.project a title of its "
            "own; the loop shows people the texts that it needs there, one round at a time"
        )
    if annotation.accept_above and (config.llm.model == "none" or not annotation.blind_share):
        raise ConfigError(
            f"{path}: annotation.accept_above accepts labels of the LLM that an audit has shown to be right: "
            "give llm.model and an annotation.blind_share above 0, or leave it out"
        )
    if annotation.llm_votes and config.llm.model == "none":
        raise ConfigError(f"{path}: annotation.llm_votes lets the LLM vote, and llm.model is none: name one")
    if config.run.labels < config.run.start and config.data.seed is None:
        raise ConfigError(
            f"{path}: run.labels ({config.run.labels}) is under run.start ({config.run.start}): "
            "the run would end before its first round; raise run.labels"
        )


def _check_prices(path: Path, config: Config) -> None:
    """A model without a price would cost nothing, and the cap never bind."""
    models: tuple[LLMSection | Checker, ...] = (config.llm, *config.llm.crosscheck)
    served = [one for one in models if is_server(one.model)]
    for one in served or models:
        if one.served_model not in config.budget.prices:
            raise ConfigError(
                f"{path}: budget.money caps what the LLM costs, and {one.served_model or one.model} has no price: give "
                "budget.price_in and budget.price_out, per million tokens, or budget.prices of its served_model"
            )


def _check_multi_label(path: Path, config: Config) -> None:
    named = [name for name in config.classes if SEPARATOR in name]
    if named:
        raise ConfigError(
            f"{path}: the class name '{named[0]}' holds '{SEPARATOR}', which stands between the classes of a text "
            "where task.multi_label is true: rename the class"
        )
    single = {
        "llm.model": config.llm.model != "none",
        "learner.training": config.learner.training != "frozen",
        "learner.goal": config.learner.goal != "accuracy",
        "annotation.rechecks": config.annotation.rechecks > 0,
    }
    for key in (key for key, given in single.items() if given):
        raise ConfigError(
            f"{path}: '{key}' works with one class a text only, and task.multi_label is true: leave it out"
        )


def _explain(path: Path, error: Any, sections: type[Section]) -> str:
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        known = _known_keys(error["loc"][:-1], sections)
        near = difflib.get_close_matches(str(error["loc"][-1]), known, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(known)}"
        return f"{path}: unknown key '{where}'; {hint}"
    if error["type"] == "missing":
        return f"{path}: '{where}' is missing; add it"
    return f"{path}: '{where}': {error['msg'].lower()} (it is {error['input']!r})"


def _known_keys(location: tuple[Any, ...], model: type[BaseModel]) -> list[str]:
    # A place within a list has a number, and the same keys as any other.
    for part in (part for part in location if not isinstance(part, int)):
        annotation = model.model_fields[part].annotation
        candidates = [a for a in (annotation, *get_args(annotation)) if isinstance(a, type)]
        model = next(a for a in candidates if issubclass(a, BaseModel))
    return list(model.model_fields)
