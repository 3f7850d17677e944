"""Who enters `wavebreak console`: one browser by the first address, which is told to it alone."""

import socket
import tempfile
from collections.abc import Iterator
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from tests.cli.console_process import Served, running
from tests.cli.fake_api import FakeApi

from wavebreak_cli.commands import console
from wavebreak_cli.console import server


@pytest.fixture
def fresh(page: Path, api: FakeApi) -> Iterator[Served]:  # noqa: ARG001 - which it is told of
    """A console that nobody has entered yet."""
    with running(page) as console:
        yield console


def first_path(console: Served) -> str:
    """Tell the first address without its host."""
    return console.address.removeprefix(f"http://{console.host}")


def test_the_token_is_answered_with_a_cookie_that_no_script_can_read(fresh: Served) -> None:
    path = first_path(fresh)
    assert fresh.ask("GET", "/?token=" + path.partition("=")[2][:-1] + "~").status == HTTPStatus.FORBIDDEN
    assert fresh.ask("GET", "/?token=%C3%A9").status == HTTPStatus.FORBIDDEN
    answer = fresh.ask("GET", path)
    assert (answer.status, answer.headers["location"]) == (HTTPStatus.SEE_OTHER, "/")
    session = answer.headers["set-cookie"]
    assert "HttpOnly" in session
    assert "SameSite=strict" in session
    token = path.partition("=")[2]
    assert len(token) >= 40
    assert token not in session
    fresh.cookie = session.split(";")[0]
    assert b"page" in fresh.ask("GET", "/").content


def test_the_token_is_void_once_it_was_used_but_for_whom_it_let_in(fresh: Served) -> None:
    cookie = fresh.ask("GET", first_path(fresh)).headers["set-cookie"].split(";")[0]
    again = fresh.ask("GET", first_path(fresh))
    assert (again.status, "set-cookie" in again.headers) == (HTTPStatus.FORBIDDEN, False)
    assert b"used already" in again.content
    assert fresh.ask("GET", first_path(fresh), cookie=cookie).status == HTTPStatus.SEE_OTHER


def test_who_comes_from_a_file_is_led_on_by_a_page_of_this_site(fresh: Served) -> None:
    """A browser sends no strict cookie along a chain of redirects that another site began."""
    answer = fresh.ask("GET", first_path(fresh), sec_fetch_site="cross-site", sec_fetch_mode="navigate")
    assert (answer.status, "set-cookie" in answer.headers) == (HTTPStatus.OK, True)
    assert b'http-equiv="refresh" content="0;url=/"' in answer.content
    assert first_path(fresh).partition("=")[2].encode() not in answer.content


def test_the_token_is_told_to_the_browser_in_a_file_of_this_user_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    address = "http://127.0.0.1:1/?token=secret"
    seen: list[tuple[str, int, str]] = []

    def open_page(url: str) -> bool:
        file = Path(unquote(urlsplit(url).path))
        seen.append((url, file.stat().st_mode & 0o777, file.read_text()))
        return True

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("webbrowser.open", open_page)
    with console._shown(address):
        [(url, mode, content)] = seen
        assert "secret" not in url
        assert mode == 0o600
        assert f"url={address}" in content
    assert list(tmp_path.iterdir()) == []


def test_without_a_port_it_is_the_usual_one_or_any_that_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        monkeypatch.setattr(server, "USUAL_PORT", taken.getsockname()[1])
        with closing(server._listen_somewhere()) as listening:
            assert listening.getsockname()[1] != taken.getsockname()[1]
    with closing(server._listen_somewhere()) as listening:
        assert listening.getsockname()[1] == server.USUAL_PORT
