"""labelloop doctor"""

import sys

from loop.commands.output import ConfigFile, JsonFlag, print_value


def doctor(config: ConfigFile, as_json: JsonFlag = False) -> None:
    """Checks data, keys, servers, weights and disk, and forecasts time and tokens; the exit code is 1 on an error."""
    from loop.config import load_config

    settings = load_config(config)

    from dataclasses import asdict

    from loop.doctor.examine import examine

    checks = []
    for check in examine(settings):
        checks.append(check)
        if not as_json:
            print(f"{check.level:8} {check.area:9} {check.says}", flush=True)
            if check.todo:
                print(f"{'':18} → {check.todo}", flush=True)
    errors = sum(check.level == "error" for check in checks)
    if as_json:
        print_value({"errors": errors, "checks": [asdict(check) for check in checks]}, as_json)
    sys.exit(1 if errors else 0)
