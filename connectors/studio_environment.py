"""The environment in which the local Label Studio runs."""

import json
import os
from pathlib import Path

from connectors.page_keys import KEYMAP
from connectors.studio_credentials import Credentials


def server_environment(data: Path, url: str, login: Credentials) -> dict[str, str]:
    """The variables of the server's process: its address, who owns it, and those of any of its programs."""
    return program_environment(data) | {
        "LABEL_STUDIO_USERNAME": login.email,
        "LABEL_STUDIO_PASSWORD": login.password,
        "LABEL_STUDIO_USER_TOKEN": login.token,
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
        "LABEL_STUDIO_HOST": url,
        "LABEL_STUDIO_EDITOR_KEYMAP": json.dumps(KEYMAP),
    }


def program_environment(data: Path) -> dict[str, str]:
    """The variables of any program of the server's: no analytics, no network, its own directories."""
    # Only what a program needs: the server reads dozens of bare names (HOST, PORT, DATABASE_NAME, …).
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR", "TZ") if name in os.environ}
    nowhere = "http://127.0.0.1:9"
    return kept | {
        "HOME": str(data),
        "PYTHONUNBUFFERED": "1",
        "LABEL_STUDIO_BASE_DATA_DIR": str(data),
        "LABEL_STUDIO_COLLECT_ANALYTICS": "false",
        "LABEL_STUDIO_LATEST_VERSION_CHECK": "false",
        "LABEL_STUDIO_SENTRY_DSN": "",
        "LABEL_STUDIO_FRONTEND_SENTRY_DSN": "",
        "HTTP_PROXY": nowhere,
        "HTTPS_PROXY": nowhere,
        "NO_PROXY": "127.0.0.1,localhost",
    }
