"""From a file that nobody prepared to tasks on the annotators' page: makes such files of data sets, and times the way.

python benchmarks/own_data.py DATA --sets nsmc_ko snips banking77

DATA holds a folder for each set, with train.csv and its columns text and label. Each file has columns shuffled among
others that are of no use, blank rows, every cell in quotes, a byte order mark or CP949, and a label in a few rows only.
Then, as a person would type them: `labelloop init`, `labelloop studio` (a new server, installed before), and
`labelloop run --no-wait`. Prints a Markdown table of seconds, and how many tasks lie on the page.
"""

import argparse
import csv
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from connectors.label_studio_api import LabelStudioApi
from connectors.label_studio_project import find_project

LABELLED = 60
BLANK_EVERY = 50
SENTENCES = {"ko": "이 글은 어느 분류에 속합니까?", "en": "Which class has this text?"}
COMMAND = Path(sys.executable).with_name("labelloop")


def nasty(source: Path, target: Path, encoding: str, rows: int, seed: int) -> None:
    """Writes at most `rows` texts of a set, as no program would want them."""
    rng = random.Random(seed)
    with source.open(encoding="utf-8", newline="") as file:
        texts = list(csv.DictReader(file))
    chosen = rng.sample(texts, min(rows, len(texts)))
    columns = ["id", "received", "channel", "message", "kind", "remark"]
    rng.shuffle(columns)
    with target.open("w", encoding=encoding, errors="ignore", newline="") as file:
        writer = csv.DictWriter(file, columns, quoting=csv.QUOTE_ALL)
        writer.writeheader()
        for number, row in enumerate(chosen):
            label = row["label"] if number < LABELLED else ""
            facts = {"id": f"{number:06d}", "received": f"2026-01-{number % 28 + 1:02d}", "remark": ""}
            channel = rng.choice(["web", "app", "phone"])
            writer.writerow(facts | {"channel": channel, "message": f" {row['text']} ", "kind": label})
            if number % BLANK_EVERY == 0:
                file.write("\r\n")


def timed(folder: Path, *arguments: str, **environment: str) -> float:
    """Runs a command of labelloop; the seconds it took. Ends the program where it fails."""
    begun = time.monotonic()
    done = subprocess.run(
        [COMMAND, *arguments], cwd=folder, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"labelloop {' '.join(arguments)}: {done.stdout}{done.stderr}")
    return time.monotonic() - begun


@contextmanager
def studio(folder: Path, port: int) -> Iterator[tuple[dict[str, Any], float]]:
    """`labelloop studio` on a new data directory: what it prints, and after how many seconds."""
    begun = time.monotonic()
    command: list[str | Path] = [COMMAND, "studio", "--port", str(port), "--data", str(folder / "studio"), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            lines = [server.stdout.readline()]
            while lines[-1] and lines[-1].rstrip() != "}":
                lines.append(server.stdout.readline())
            yield json.loads("".join(lines)), time.monotonic() - begun
        finally:
            server.send_signal(signal.SIGINT)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def on_the_page(facts: dict[str, Any], title: str) -> int:
    """How many tasks the project has."""
    api = LabelStudioApi(facts["url"], facts["key"])
    project = find_project(api, title)
    return 0 if project is None else len(api.tasks(project, [], include="id"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--sets", nargs="+", default=["nsmc_ko", "snips", "banking77"])
    parser.add_argument("--rows", type=int, default=3000)
    options = parser.parse_args()
    print("| set | encoding | `init` | `studio`, new | `run --no-wait` | tasks on the page |\n" + "|---" * 6 + "|")
    with tempfile.TemporaryDirectory() as work:
        folder, port = Path(work), free_port()
        with studio(folder, port) as (facts, starting):
            for number, name in enumerate(options.sets):
                korean = name.endswith("_ko")
                encoding = "cp949" if korean else "utf-8-sig" if number % 2 else "utf-8"
                nasty(options.data / name / "train.csv", folder / f"{name}.csv", encoding, options.rows, number)
                sentence = SENTENCES["ko" if korean else "en"]
                looking = timed(folder, "init", f"{name}.csv", "--yes", "--label", "kind", "--task", sentence)
                config = folder / f"{name}.toml"
                # Where port 8080 is free the file stays as it is; here several servers may run.
                address = f'[annotation]\nurl = "{facts["url"]}"'
                there = config.read_text(encoding="utf-8").replace("[annotation]", address)
                config.write_text(there, encoding="utf-8")
                posting = timed(folder, "run", config.name, "--no-wait", LABEL_STUDIO_API_KEY=facts["key"])
                seconds = " | ".join(f"{s:.0f} s" for s in (looking, starting, posting))
                print(f"| {name} | {encoding} | {seconds} | {on_the_page(facts, name)} |", flush=True)


if __name__ == "__main__":
    main()
