"""labelloop studio"""

import platform
from pathlib import Path
from typing import Annotated

import typer

from loop.commands.output import JsonFlag, console_of, print_value

PORT = 8080  # where annotation.url looks unless it says otherwise
_WARNING = (
    "warning: --public lets every machine that reaches this one open the server's page. What goes over the network, "
    "passwords included, is not encrypted: use it in a network that you trust, or put a proxy with TLS before it."
)


def studio(
    port: Annotated[int, typer.Option(help="Port on this machine.")] = PORT,
    data: Annotated[Path | None, typer.Option(help="Where the server keeps its data.")] = None,
    annotator: Annotated[
        list[str] | None, typer.Option(help="E-mail of somebody to make an account for; may be given several times.")
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="Let other machines reach it, unencrypted; without it only this one does.")
    ] = False,
    install_only: Annotated[bool, typer.Option("--install-only", help="Install the server and stop.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Installs a Label Studio in an environment of its own and runs it on this machine until Ctrl-C."""
    from connectors.studio import home, install, start
    from connectors.studio_people import add_annotator

    console = console_of(as_json)
    install(home(), console.print)
    if install_only:
        return
    place = (data or home() / "studio-data").absolute()
    if public:
        console.print(_WARNING)
    console.print(f"starting Label Studio on port {port}")
    with start(home(), place, port, public=public) as server:
        facts = {"url": server.url, "email": server.email, "password": server.password, "key": server.token}
        people = {email: add_annotator(home(), place, server, email) for email in annotator or []}
        lines = [f"{k}: {v}" for k, v in facts.items()]
        lines += [f"annotator {e}: {p or 'has an account, with the password it had'}" for e, p in people.items()]
        print_value(facts | {"annotators": people} if as_json else "\n".join(lines), as_json)
        if public:
            console.print(f"others open http://{platform.node()}:{port}")
        console.print("put the key in LABEL_STUDIO_API_KEY for 'labelloop run'; Ctrl-C stops the server")
        if port != PORT:
            console.print(f'and the address in the configuration, under [annotation]: url = "{server.url}"')
        server.process.wait()
