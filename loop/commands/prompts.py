"""labelloop prompts"""

from pathlib import Path
from typing import Annotated

import typer


def prompts(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to write them; name it in llm.prompts.")],
) -> None:
    """Writes the packaged prompts into a folder, to be edited; files that are there stay as they are."""
    from models.errors import ConfigError
    from models.prompting import LANGUAGES, PACKAGED_FILES, packaged

    for path, language, name in [(folder / lang / name, lang, name) for lang in LANGUAGES for name in PACKAGED_FILES]:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                path.write_text(packaged(language, name), encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from error
    print(f'prompts are in {folder}; in the configuration: [llm] prompts = "{folder}"')
