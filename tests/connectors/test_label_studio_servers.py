"""Other people's servers: below a path, with a certificate of their own, and every kind of key."""

import traceback
from pathlib import Path
from typing import Any

import pytest
from faulty_proxy import Proxy
from on_server import NEWS, Opened, ids, tasks_of

from connectors.label_studio import LabelStudioAnnotators
from connectors.label_studio_api import LabelStudioApi
from connectors.labeling_config import choice_result
from connectors.studio import Studio
from models.errors import AnnotatorError


@pytest.mark.parametrize("key", ["legacy", "personal"])
def test_a_server_below_a_path(opened: Opened, person: Any, studio: Studio, personal_token: str, key: str) -> None:
    token = studio.token if key == "legacy" else personal_token
    with Proxy(studio.url, prefix="/tools/ls") as proxy:
        annotators = LabelStudioAnnotators(f"{proxy.url}/", token, opened().title, NEWS)
        assert annotators.post(tasks_of(1, 2)) == 2
        assert annotators.address.startswith(f"{proxy.url}/projects/")
        at = ids(annotators, person)
        person.annotations.create(at["010001"], result=choice_result("sport"))
        assert [v.task for v in annotators.collect(tasks_of(1, 2))] == ["010001"]
        assert all(line.split()[1].startswith("/tools/ls/api/") for line in proxy.seen)
        above = LabelStudioApi(proxy.url.removesuffix("/tools/ls"), studio.token)
        with pytest.raises(AnnotatorError, match="is not a Label Studio"):
            above.ask(lambda client: client.users.whoami())


def test_a_certificate_of_its_own_is_trusted_only_where_it_is_named(
    opened: Opened, studio: Studio, personal_token: str, certificate: Path, tmp_path: Path
) -> None:
    with Proxy(studio.url, prefix="/ls", certificate=certificate) as proxy:
        assert proxy.url.startswith("https://")
        for key in (studio.token, personal_token):
            with pytest.raises(AnnotatorError, match=r"is not to be trusted \(.*self.signed.*annotation.ca_file"):
                LabelStudioAnnotators(proxy.url, key, opened().title, NEWS).post(tasks_of(1, 1))
        assert proxy.seen == []
        public = certificate.with_suffix(".crt")
        for key in (studio.token, personal_token):
            with_it = LabelStudioAnnotators(proxy.url, key, opened().title, NEWS, ca_file=public)
            assert with_it.post(tasks_of(1, 1)) == (key == studio.token)
    with pytest.raises(AnnotatorError, match=r"annotation.ca_file: .*none.pem holds no certificates"):
        LabelStudioApi(proxy.url, "key", ca_file=tmp_path / "none.pem")
    (tmp_path / "key.pem").write_text("no certificate")
    with pytest.raises(AnnotatorError, match="holds no certificates"):
        LabelStudioApi(proxy.url, "key", ca_file=tmp_path / "key.pem")


def test_a_token_of_the_wrong_kind_is_told_from_a_wrong_one(person: Any, studio: Studio, personal_token: str) -> None:
    access = person.tokens.refresh(refresh=personal_token).access
    heard = {}
    for kind, key in {"access": access, "wrong": "0" * 40}.items():
        with pytest.raises(AnnotatorError) as caught:
            LabelStudioApi(studio.url, key, key_name="MY_KEY").ask(lambda client: client.users.whoami())
        heard[kind] = str(caught.value) + "".join(traceback.format_exception(caught.value))
    assert "MY_KEY holds an access token, which lasts for minutes" in heard["access"]
    assert "personal access token" in heard["access"]
    assert "access token, which" not in heard["wrong"]
    assert access not in heard["access"]
