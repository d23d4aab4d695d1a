"""Who may look, what is answered, and what that costs."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from secret_refresher import page
from secret_refresher.config.model import Config, Page
from secret_refresher.lifecycle.state import TokenState
from secret_refresher.page.door import refusal
from secret_refresher.page.markup import Markup, fill
from secret_refresher.page.routes import pages
from secret_refresher.ports import ConfigRefused, Electing, ElectionTroubled, Subject, View
from secret_refresher.server import Asked
from secret_refresher.status.pace import BURST, SHARE, Pace
from support.plain_http import get
from support.scenes import FORBIDDEN, Night, Stage, quiet, token, troubled

LOCAL = Asked(client="127.0.0.1", host="localhost:9797")


@pytest.fixture(scope="module")
def night() -> Night:
    """A night on which much is wrong; to be looked at only."""
    return troubled()


@pytest.mark.parametrize(
    "asked",
    [
        LOCAL,
        LOCAL._replace(client="::1", host="[::1]:9797"),
        LOCAL._replace(client="::ffff:127.0.0.1", host="127.0.0.1"),
        LOCAL._replace(host="LOCALHOST."),
        LOCAL._replace(host="status.localhost:1"),
        LOCAL._replace(host="127.8.8.8:80"),
        LOCAL._replace(host=None),
    ],
    ids=str,
)
def test_who_is_on_this_machine_may_look(asked: Asked) -> None:
    """Over either family, by any name of this machine, and without a name, as HTTP/1.0 allows."""
    assert refusal(asked, Page.LOOPBACK) is None


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (LOCAL._replace(client="10.1.2.3"), "for clients on this machine"),
        (LOCAL._replace(client="::ffff:10.1.2.3"), "for clients on this machine"),
        (LOCAL._replace(client="fe80::1%eth0"), "for clients on this machine"),
        (LOCAL._replace(client="127.0.0.6"), "for clients on this machine"),
        (LOCAL._replace(client=""), "for clients on this machine"),
        (LOCAL._replace(forwarded=True), "a proxy has handed this request on"),
        (LOCAL._replace(host="evil.example"), "under another name"),
        (LOCAL._replace(host="localhost.evil.example:9797"), "under another name"),
        (LOCAL._replace(host="10.1.2.3:9797"), "under another name"),
        (LOCAL._replace(host="localhost@evil.example"), "under another name"),
        (LOCAL._replace(host="[::1"), "under another name"),
        (LOCAL._replace(host=""), "under another name"),
    ],
    ids=str,
)
def test_nobody_else_may(asked: Asked, why: str) -> None:
    """Strangers, strangers behind a proxy, and pages that gave this machine another name."""
    refused = refusal(asked, Page.LOOPBACK)
    assert refused is not None
    assert why in refused
    assert "server.page: all" in refused
    assert refusal(asked, Page.ALL) is None


@pytest.mark.parametrize("path", ["/", "/status.json", "/page.js", "/page.css", "/icon.svg"])
def test_the_server_sees_who_asks(night: Night, path: str) -> None:
    """By its own name over a socket 200; by another, or through a proxy, 403 with a sentence."""
    assert get(night.port, path)[0] == 200
    status, headers, body = get(night.port, path, headers={"Host": "evil.example"})
    assert status == 403
    assert body.startswith("the status page was asked for under another name; open it as http://")
    assert headers["Content-Type"].startswith("text/plain")
    assert get(night.port, path, headers={"X-Forwarded-For": "10.1.2.3"})[0] == 403


@pytest.mark.parametrize("path", ["/", "/status.json", "/page.js", "/?state=nonsense"])
def test_browsers_are_told_to_be_strict(night: Night, path: str) -> None:
    """Nothing inline, nothing from elsewhere, in no frame, kept nowhere, of its own type."""
    _, headers, _ = get(night.port, path)
    policy = headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"} <= set(policy)
    assert not any("unsafe" in part or "http" in part or "*" in part for part in policy)
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["/", "/status.json", "/icon.svg"])
def test_head_is_get_without_a_body(night: Night, path: str) -> None:
    """With the same status and type."""
    status, headers, body = get(night.port, path, "HEAD")
    assert (status, body) == (200, "")
    assert int(headers["Content-Length"]) > 100
    assert headers["Content-Type"] == get(night.port, path)[1]["Content-Type"]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("state=green", "state: must be attention or one of expired blocked failing"),
        ("reason=because", "reason: must be one of dns connect"),
        ("page=0", "page: must be a number from 1 to"),
        ("page=%C2%B2", "page: must be a number from 1 to"),
        ("per=1001", "per: must be a number from 1 to 1000"),
        ("sort=name", "there is no such parameter; there are q state reason page per"),
        ("q=" + "x" * 201, "q: must be at most 200 characters"),
        ("q=%ff", "the query is not UTF-8"),
        ("&".join("q=a" for _ in range(30)), "too many parameters"),
        ("q=" + "%20" * 2000, "the query is too long"),
    ],
)
def test_a_wrong_query_is_explained(night: Night, query: str, told: str) -> None:
    """With status 400, the parameter and what it may be; what was sent is not repeated."""
    for path in ("/", "/status.json"):
        status, _, body = get(night.port, f"{path}?{query}")
        assert status == 400
        assert told in body
        assert "because" not in body


def test_a_page_beyond_the_last_is_the_last(night: Night) -> None:
    """Tokens may have gone since the link was made."""
    found = json.loads(get(night.port, "/status.json?page=7&per=4")[2])
    assert (found["page"], found["pages"], len(found["tokens"])) == (3, 3, 2)


def test_off_is_off() -> None:
    """There is no page then, and whoever looks for it hears why."""
    port = Stage().open(Config(tokens=(token("a", "id.example.com"),)), Page.OFF)
    for path in ("/", "/status.json"):
        status, _, body = get(port, path)
        assert status == 404
        assert body == "the status page is off; set server.page to have it\n"
    assert get(port, "/page.js")[0] == 404


def test_what_is_wrong_with_the_daemon_itself_stands_above_all() -> None:
    """A refused configuration with its problems, a loop that stands still, an election lost."""
    stage = quiet().stage
    answer = pages(stage.engine, stage, stage.journal, Page.LOOPBACK)["/"]
    assert b"Needs attention" not in answer(LOCAL).body
    refused = ConfigRefused(tuple(f"config.yaml: tokens[{n}].<name>: bad" for n in range(12)))
    for fact in (Electing(1), ElectionTroubled(FORBIDDEN), refused):
        stage.journal.notice(None, fact)
    stage.time += 45
    body = answer(LOCAL._replace(query="q=mail")).body.decode()
    attention = body[body.index("Needs attention") : body.index('id="list"')]
    still = r"The daemon stands still: its loop has not turned for (4[5-9]|5\d) s\."
    assert re.search(still, attention)
    assert "A changed configuration was refused; the one before is in force." in attention
    assert "config.yaml: tokens[9].&lt;name&gt;: bad" in attention
    assert "tokens[10]" not in attention
    assert "and 2 more" in attention
    assert f"{FORBIDDEN.summary}." in attention
    assert "on standby" in body


def test_nothing_of_elsewhere_is_named() -> None:
    """No file of the page names another server, so that none can be asked."""
    folder = Path(page.__file__).parent
    for file in folder.iterdir():
        if file.suffix in {".css", ".js", ".svg"}:
            text = file.read_text().replace("http://www.w3.org/2000/svg", "")
            assert not re.search(r"://|@import|url\(", text), file


class Counted:
    """A view that counts how often all tokens are looked at; implements `ports.View`."""

    def __init__(self, view: View) -> None:
        self.looks = 0
        self._view = view
        self.heartbeat = view.heartbeat
        self.unavailable_origins = view.unavailable_origins
        self.busy = view.busy

    def tokens(self) -> Sequence[tuple[Subject, TokenState]]:
        """Every token as of now."""
        self.looks += 1
        return self._view.tokens()


def test_the_same_question_is_worked_out_once_a_second() -> None:
    """However many ask it; another question is answered beside it."""
    stage = quiet().stage
    view = Counted(stage.engine)
    answer = pages(view, stage, stage.journal, Page.LOOPBACK)["/status.json"]
    bodies = {answer(LOCAL).body for _ in range(5)}
    assert 1 <= view.looks < 5
    assert len(bodies) == 1  # the world stands still
    assert answer(LOCAL._replace(query="q=mail")).body not in bodies


def test_probes_find_a_place_beside_lookers_on(night: Night) -> None:
    """Of those who ask at once a few are answered, the others come again: none of them hangs."""
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda n=n: answers.append(get(night.port, f"/?page={n}")[0]))
        for n in range(1, 25)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(answers) == 24
    assert set(answers) <= {200, 503}
    assert 200 in answers


def test_lookers_on_get_a_share_of_the_processor() -> None:
    """What was spent beyond the burst has to leak away first."""
    pace = Pace()
    assert pace.wait(100.0) == 0
    pace.spend(BURST, 100.0)
    assert pace.wait(100.0) == 0
    pace.spend(1.0, 100.0)
    assert pace.wait(100.0) == pytest.approx(1.0 / SHARE)
    assert pace.wait(100.0 + 1.0 / SHARE) == pytest.approx(0)
    assert pace.wait(50.0) >= 0  # a clock that went back harms nobody


def test_markup_holds_text_as_text() -> None:
    """A value is escaped, a piece of markup stands, and braces in a value are no places."""
    hostile = "<b>{name}</b>'\"&"
    made = fill(
        '<p title="{title}">{text}{made}</p>', title=hostile, text=hostile, made=Markup("<i/>")
    )
    escaped = "&lt;b&gt;{name}&lt;/b&gt;&#x27;&quot;&amp;"
    assert made == f'<p title="{escaped}">{escaped}<i/></p>'
