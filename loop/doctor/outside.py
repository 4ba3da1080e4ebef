"""What a run needs from outside itself: keys, servers, weights."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from connectors.label_studio_api import LabelStudioApi
from connectors.label_studio_project import find_project, project_titled
from connectors.labeling_config import Page
from connectors.openai_llm import OpenAILLM
from loop.config import Config
from loop.doctor.checks import Check
from loop.parts import disputes_of, open_run_tracker
from loop.sections import AnnotationSection, is_server
from models.encoder import weights_for
from models.errors import LabelloopError, OutageError, WeightsError
from models.local_weights import find_weights
from models.lora import check_peft
from models.packaged import encoder_dir, llm_file

TIMEOUT = 5.0
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
WEIGHT_FILES = ("model.safetensors", "model.safetensors.index.json")


def check_keys(config: Config) -> Iterator[Check]:
    """Whether the environment variables are set; what they hold is shown nowhere."""
    name = config.annotation.key_env
    if _key(name):
        yield Check("keys", "ok", f"{name} is set")
    else:
        todo = f"export {name}=… (a token from {config.annotation.url}/user/account, or what 'labelloop studio' prints)"
        yield Check("keys", "error", f"{name} is not set", todo)
    if not is_server(config.llm.model):
        return
    name = config.llm.key_env
    if _key(name):
        yield Check("keys", "ok", f"{name} is set")
    elif urlsplit(config.llm.model).hostname in LOOPBACK:
        yield Check("keys", "ok", f"{name} is not set; a server on this machine seldom wants one")
    else:
        yield Check("keys", "warning", f"{name} is not set", f"export {name}=… unless the LLM server wants no key")


def check_servers(config: Config) -> Iterator[Check]:
    """One question to each server, answered within `TIMEOUT` seconds; nothing is changed there."""
    if _key(config.annotation.key_env):
        yield _try("servers", lambda: _label_studio(config), "'labelloop studio' starts one and prints its key")
        if who := config.annotation.adjudicator:
            yield _try("servers", lambda: _adjudicator(config, who))
    else:
        yield Check("servers", "warning", f"Label Studio at {config.annotation.url} was not asked: no key")
    if is_server(config.llm.model):
        yield _try("servers", lambda: _llm_server(config))


def check_weights(config: Config, texts: Sequence[str]) -> Iterator[Check]:
    """The encoder and, where it is local, the LLM: present, and the published files where they are packaged."""
    yield _try("weights", lambda: _encoder(weights_for(config.learner.encoder, texts), config.learner.encoder))
    if config.learner.lora_rank:
        yield _try("weights", _adapters)
    if config.llm.model == "none":
        yield Check("weights", "ok", "no LLM: nothing is written or suggested by one")
    elif not is_server(config.llm.model):
        yield _try("weights", lambda: _local_llm(config.llm.model))


def check_tracker(config: Config) -> Iterator[Check]:
    """Whether what hears of the rounds can be opened; nothing is sent."""
    if to := config.tracking.to:
        yield _try("tracking", lambda: _opened(config, to))


def _adapters() -> Check:
    check_peft()
    return Check("weights", "ok", "peft is there for adapters (learner.lora_rank)")


def _opened(config: Config, to: str) -> Check:
    open_run_tracker(config)
    return Check("tracking", "ok", f"each round's figures go to {to}")


def _try(area: str, work: Callable[[], Check], todo: str = "") -> Check:
    """`todo` is what helps where nothing answers."""
    try:
        return work()
    except LabelloopError as error:
        return Check(area, "error", str(error), todo if isinstance(error, OutageError) else "")


def _key(variable: str) -> str:
    return os.environ.get(variable, "").strip()


def _api(section: AnnotationSection) -> LabelStudioApi:
    return LabelStudioApi(
        section.url, _key(section.key_env), key_name=section.key_env, timeout=TIMEOUT, ca_file=section.ca_file
    )


def _label_studio(config: Config) -> Check:
    section, api = config.annotation, _api(config.annotation)
    project = f"project '{section.project}'"
    if find_project(api, section.project) is None:
        return Check("servers", "ok", f"Label Studio at {api.url} takes the key; {project} will be made")
    project_titled(api, section.project, Page(config.description()))
    return Check("servers", "ok", f"Label Studio at {api.url} takes the key; {project} is there, with these classes")


def _adjudicator(config: Config, who: str) -> Check:
    section, api = config.annotation, _api(config.annotation)
    if who in {user.email for user in api.ask(lambda client: list(client.users.list()))}:
        return Check(
            "servers", "ok", f"the adjudicator {who} has an account; disputes go to '{disputes_of(section.project)}'"
        )
    todo = f"'labelloop studio --annotator {who}' makes one; without it disputes wait for ever"
    return Check("servers", "error", f"the adjudicator {who} has no account at {api.url}", todo)


def _llm_server(config: Config) -> Check:
    section = config.llm
    llm = OpenAILLM(section.model, section.served_model, key=_key(section.key_env), timeout=TIMEOUT, retries=0)
    listed = llm.served_models()
    if llm.model in listed:
        return Check("servers", "ok", f"the LLM server answers and lists {llm.name}")
    there = ", ".join(listed[:10]) or "none"
    return Check("servers", "error", f"the LLM server lists no {llm.name}", f"set llm.served_model to one of: {there}")


def _encoder(weights: str, asked: str) -> Check:
    if weights == "packaged":
        return Check("weights", "ok", f"encoder: all-MiniLM-L6-v2, the published file, in {encoder_dir()}")
    if weights == "korean":
        return Check("weights", "ok", "encoder: Korean morphemes, by Kiwi, beside character n-grams of the pool")
    if weights == "char-ngram":
        says = "encoder: character n-grams, learned from the pool"
        if asked == weights:
            return Check("weights", "ok", says)
        todo = "name a multilingual sentence-transformer in learner.encoder, if you have one"
        return Check("weights", "warning", f"{says}, as the packaged one reads no such script", todo)
    if not Path(weights).is_dir():
        return _on_hub("encoder", weights)
    if not any(Path(weights).rglob("*.safetensors")):
        raise WeightsError(f"{weights} holds no .safetensors file: name the folder of a sentence-transformer")
    return Check("weights", "ok", f"encoder: {weights}")


def _local_llm(model: str) -> Check:
    if model == "bundled":
        return Check("weights", "ok", f"LLM: SmolLM2-135M-Instruct, the published file, {llm_file()}")
    if not Path(model).expanduser().exists() and model.count("/") == 1 and not model.endswith(".gguf"):
        return _on_hub("LLM", model)
    return Check("weights", "ok", f"LLM: {find_weights(model).name} at {model}")


def _on_hub(what: str, repository: str) -> Check:
    """In the hub's cache on this machine, or to be had from the hub."""
    from huggingface_hub import HfApi, try_to_load_from_cache

    try:
        if any(isinstance(try_to_load_from_cache(repository, file), str) for file in WEIGHT_FILES):
            return Check("weights", "ok", f"{what}: {repository}, in the hub's cache on this machine")
        HfApi().model_info(repository, timeout=TIMEOUT)
    except (OSError, ValueError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        todo = "check the spelling, the network, and HF_TOKEN for a gated model"
        return Check("weights", "error", f"{what}: {repository} is neither a folder nor to be had: {reason}", todo)
    return Check("weights", "warning", f"{what}: {repository} is on the hub, not yet here", "the first run fetches it")
