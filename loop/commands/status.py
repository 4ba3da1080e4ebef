"""labelloop status"""

from loop.commands.output import ConfigFile, JsonFlag, print_table, print_value


def status(config: ConfigFile, as_json: JsonFlag = False) -> None:
    """Where the run stands, and what it waits for."""
    from loop.config import load_config

    settings = load_config(config)

    from loop.store import Store
    from loop.table import status as facts_of

    with Store(settings.run.directory, read_only=True) as store:
        facts = facts_of(store, settings.annotation.names)
    if as_json:
        return print_value(facts, as_json)
    labels = f"{facts['human_labels']} of {settings.run.labels} human labels"
    print(f"round {facts['round']}, after stage '{facts['last_stage']}'; {labels}")
    if facts["waiting_for"]:
        print(f"waiting for {facts['waiting_for']} verdicts at {settings.annotation.url}")
    print_table(facts)
