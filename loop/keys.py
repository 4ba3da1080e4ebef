"""Keys of servers: in environment variables, so that no file holds one."""

import os

from models.errors import ConfigError


def server_key(variable: str) -> str:
    """The key of a Label Studio account. Raises ConfigError where there is none."""
    key = llm_key(variable)
    if not key:
        raise ConfigError(f"environment variable {variable} is not set: put the key of your Label Studio account there")
    return key


def llm_key(variable: str) -> str:
    """The key of an LLM's server; "" where it asks for none."""
    return os.environ.get(variable, "").strip()
