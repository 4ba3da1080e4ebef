"""labelloop export"""

from pathlib import Path
from typing import Annotated, Any

import typer

from loop.commands.output import ConfigFile, JsonFlag, console_of, print_value


def export(
    config: ConfigFile,
    to: Annotated[Path, typer.Option(help="A new or empty directory.")],
    licence: Annotated[
        str, typer.Option(help='Of the texts, as the Hugging Face hub names it, such as "cc-by-4.0".')
    ] = "unknown",
    mask: Annotated[
        bool,
        typer.Option("--mask", help="Take e-mail addresses and telephone, card and resident numbers out of the texts."),
    ] = False,
    country: Annotated[
        str | None,
        typer.Option(help="Where telephone numbers without a country code are; by default by the language, KR or US."),
    ] = None,
    onnx: Annotated[
        bool, typer.Option("--onnx", help="The classifier as an ONNX graph too, under onnx/: answers without torch.")
    ] = False,
    push: Annotated[
        str | None,
        typer.Option(
            help="Dataset repository on the Hugging Face hub, owner/name; a new one is private. Key: HF_TOKEN."
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """The run's dataset, with where each row comes from, and its classifier, in the layout of the Hugging Face hub."""
    from loop.config import load_config

    settings = load_config(config)

    from loop.release.export import export as write
    from loop.store import Store

    with Store(settings.run.directory, read_only=True) as store:
        facts = write(settings, store, to.absolute(), licence, mask, country, onnx)
    pushed = _push(to, push, facts) if push else None
    if as_json:
        return print_value(facts | {"directory": str(to), "pushed": pushed}, as_json)
    print(f"{to}: {facts['train']} texts to train on, {facts['holdout']} to measure by; version {facts['version']}")
    console = console_of()
    if found := ", ".join(f"{kind} in {count}" for kind, count in facts["personal_data"].items()):
        console.print(f"personal data {'masked' if mask else 'found'}: {found} texts")
    if facts["personal_data"] and not mask:
        console.print("it is in the export: look before you pass it on, or export again with --mask")
    if licence == "unknown":
        console.print("the card says that the licence is unknown; --licence names it")
    if pushed:
        print(f"pushed: {pushed}")


def _push(to: Path, repository: str, facts: dict[str, Any]) -> str:
    from connectors.hub import push_dataset
    from models.errors import DataError

    if facts["personal_data"] and not facts["masked"]:
        raise DataError(
            f"{to} is written, but not pushed: it holds personal data ({', '.join(facts['personal_data'])}). Export "
            f"again with --mask; or look, and: hf upload {repository} {to} --repo-type dataset"
        )
    return push_dataset(to, repository, f"Version {facts['version']}")
