"""The local Label Studio: installing, starting, and what goes wrong on the way."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.label_studio_api import LabelStudioApi
from connectors.studio import Studio, install, start, stop_orphan
from connectors.studio_install import _run, locked
from connectors.studio_people import add_annotator
from models.errors import AnnotatorError


def test_an_installation_is_made_once(studio_home: Path) -> None:
    told: list[str] = []
    program = install(studio_home, told.append)
    assert program.exists()
    assert program == install(studio_home, told.append)
    assert told == []


def test_a_failed_installation_says_why_and_is_begun_anew(tmp_path: Path) -> None:
    environment = os.environ | {"PIP_NO_INDEX": "1", "LABELLOOP_HOME": str(tmp_path)}
    for _ in range(2):
        run = subprocess.run(
            [sys.executable, "-m", "connectors.studio_install"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 1
        assert run.stderr.startswith("Label Studio 1.23.2 could not be installed; python -m pip says:")
        assert "No matching distribution found" in run.stderr


def test_an_installation_that_is_killed_says_so(tmp_path: Path) -> None:
    with locked(tmp_path / "lock", "") as lock, pytest.raises(AnnotatorError, match="killed by signal 9") as told:
        _run([sys.executable, "-c", "import os; print('half done', flush=True); os.kill(os.getpid(), 9)"], lock)
    assert "half done" in str(told.value)
    assert "tries again" in str(told.value)


def test_credentials_survive_a_restart_and_are_private(studio_home: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with start(studio_home, data) as first:
        pass
    with start(studio_home, data) as second:
        assert (first.email, first.password, first.token) == (second.email, second.password, second.token)
        assert LabelStudioApi(second.url, second.token).ask(lambda c: c.users.whoami()).email == second.email
        assert _logs_in(second)
        with pytest.raises(
            AnnotatorError, match=f"Another Label Studio works in .*, at {second.url}. .*kill {second.process.pid}"
        ):
            start(studio_home, data)
    assert second.process.poll() is not None
    assert stat.S_IMODE((data / "credentials.json").stat().st_mode) == 0o600
    assert second.token not in repr(second)
    assert second.password not in repr(second)
    assert second.token not in (data / "server.log").read_text()


def test_a_new_directory_begins_with_a_database_and_secrets_of_its_own(studio_home: Path, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for data in (one, other):
        with start(studio_home, data) as server:
            users = LabelStudioApi(server.url, server.token).ask(lambda c: list(c.users.list()))
            assert [user.email for user in users] == [server.email]
        assert "Initializing database" not in (data / "server.log").read_text()
    for secret in (".env", "credentials.json"):
        assert (one / secret).read_text() != (other / secret).read_text()


def test_an_annotator_gets_an_account_that_opens_the_page(studio_home: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with start(studio_home, data) as server:
        password = add_annotator(studio_home, data, server, "kim@example.com")
        assert password is not None
        assert _logs_in(replace(server, email="kim@example.com", password=password))
        assert not _logs_in(replace(server, email="kim@example.com", password="another"))
        assert add_annotator(studio_home, data, server, "kim@example.com") is None
        assert add_annotator(studio_home, data, server, "-lee@example.com") is not None
        with pytest.raises(AnnotatorError, match="'kim' is no e-mail address"):
            add_annotator(studio_home, data, server, "kim")


def _logs_in(studio: Studio) -> bool:
    """Logs in as a person does, with e-mail and password on the login page."""
    import httpx

    with httpx.Client(base_url=studio.url, trust_env=False) as browser:
        browser.get("/user/login/")
        form = {"email": studio.email, "password": studio.password}
        form["csrfmiddlewaretoken"] = browser.cookies["csrftoken"]
        answer = browser.post("/user/login/", data=form)
        return answer.status_code == 302 and browser.get("/api/current-user/whoami").status_code == 200


def test_it_listens_on_the_loopback_only(studio: Studio) -> None:
    # All of 127.0.0.0/8 is this machine: a server on 0.0.0.0 would answer here too.
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.2", int(studio.url.rsplit(":", 1)[1]))) != 0


def test_where_it_is_public_other_machines_stay_on_the_address_that_they_use(studio_home: Path, tmp_path: Path) -> None:
    import httpx

    with start(studio_home, tmp_path / "data", public=True) as server:
        port = server.url.rsplit(":", 1)[1]
        with httpx.Client(base_url=f"http://127.0.0.2:{port}", trust_env=False) as other:
            there = other.get("/projects", headers={"Host": f"studio.example.com:{port}"})
            assert there.status_code == 302
            assert there.headers["location"].startswith("/user/login")
            page = other.get("/user/login/", headers={"Host": f"studio.example.com:{port}"})
            assert page.status_code == 200
            assert "127.0.0.1" not in page.text


def test_a_busy_port_is_named(studio_home: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AnnotatorError, match=f"Port {port} of this machine cannot be used"):
            start(studio_home, tmp_path / "data", port)


def test_a_port_that_is_taken_while_it_starts(studio_home: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with socket.socket() as thief:
        thief.bind(("127.0.0.1", 0))
        port = thief.getsockname()[1]
    stolen: list[socket.socket] = []

    def steal() -> None:
        while not (data / "server.log").exists():
            time.sleep(0.01)
        stolen.append(socket.create_server(("127.0.0.1", port)))

    thread = threading.Thread(target=steal)
    thread.start()
    with pytest.raises(AnnotatorError, match=f"Port {port} was taken"):
        start(studio_home, data, port)
    thread.join()
    stolen[0].close()


def test_a_server_that_dies_shows_the_end_of_its_log(studio_home: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "label_studio.sqlite3").write_bytes(b"no database at all" * 100)
    with pytest.raises(AnnotatorError, match=r"(?s)ended while it started.*file is not a database") as caught:
        start(studio_home, data)
    assert json.loads((data / "credentials.json").read_text())["token"] not in str(caught.value)


def test_credentials_of_another_directory(studio_home: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    start(studio_home, data).stop()
    (data / "credentials.json").unlink()
    with pytest.raises(AnnotatorError, match="does not open the Label Studio"):
        start(studio_home, data)


def test_broken_credentials(studio_home: Path, tmp_path: Path) -> None:
    (tmp_path / "credentials.json").write_text('{"email": "x')
    with pytest.raises(AnnotatorError, match="is broken"):
        start(studio_home, tmp_path)


def test_stop_is_harmless_to_repeat_and_after_a_crash(studio_home: Path, tmp_path: Path) -> None:
    running = start(studio_home, tmp_path / "data")
    running.process.send_signal(signal.SIGKILL)
    running.stop()
    running.stop()
    assert running.process.returncode == -signal.SIGKILL


def test_a_server_that_a_killed_process_left_is_ended(studio_home: Path, tmp_path: Path) -> None:
    data = tmp_path / "left"
    stop_orphan(data)
    code = "import os, pathlib, signal, sys; from connectors.studio import start\n"
    code += "start(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])); os.kill(os.getpid(), signal.SIGKILL)"
    subprocess.run([sys.executable, "-c", code, str(studio_home), str(data)], check=False)
    with pytest.raises(AnnotatorError, match="Another Label Studio works in"):
        start(studio_home, data)
    stop_orphan(data)
    start(studio_home, data).stop()
    stop_orphan(data)
