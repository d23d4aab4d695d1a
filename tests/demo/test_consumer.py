"""What the demo's consumer makes of what it reads."""

import json
from pathlib import Path

import pytest

from secret_refresher.demo import words
from secret_refresher.demo.consumer import Change, Consumer
from secret_refresher.demo.server import PATH, AuthorizationServer, Client, Verdict


class HandClock:
    """A clock that somebody turns by hand."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        """As set."""
        return self.time

    def wall(self) -> float:
        """As set."""
        return self.time


class Scene:
    """A consumer with its file, and a server that was asked without HTTP."""

    def __init__(self, folder: Path) -> None:
        self.clock = HandClock()
        self.client = Client.fresh()
        self.server = AuthorizationServer(self.client, self.clock, 20.0)
        self.file = folder / "token"
        self.consumer = Consumer(str(self.file), self.server, self.clock)

    def token(self) -> str:
        """A fresh one."""
        asked = {
            "client_id": self.client.id,
            "client_secret": self.client.secret.reveal(),
            "grant_type": "client_credentials",
        }
        answer = self.server.answer(PATH, "application/json", json.dumps(asked).encode())
        return str(answer["access_token"])

    def look(self, content: str | None) -> Change | None:
        """One read of a file with this content."""
        self.file.unlink(missing_ok=True)
        if content is not None:
            self.file.write_text(content)
        return self.consumer.look()


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A fresh one."""
    return Scene(tmp_path)


def test_nothing_is_counted_before_the_first_token(scene: Scene) -> None:
    """Reads of a file that does not exist yet are no complaint."""
    assert scene.look(None) is None
    assert scene.consumer.seen.total() == 0
    change = scene.look(scene.token())
    assert change is not None
    assert (change.verdict, change.number, change.first) == (Verdict.LIVE, 1, True)
    assert scene.consumer.seen == {Verdict.LIVE: 1}


def test_a_change_tells_what_the_old_token_had_left(scene: Scene) -> None:
    """The second token is told once, with the seconds that the first would have lived."""
    scene.look(scene.token())
    scene.clock.time += 9.5
    second = scene.token()
    change = scene.look(second)
    assert change is not None
    assert change.left == pytest.approx(10.5)
    assert change.remaining == pytest.approx(20)
    assert "token 2" in words.change(change)
    assert "had 10.5 s left" in words.change(change)
    assert scene.look(second) is None
    assert scene.consumer.tokens == 2


def test_a_token_is_dead_from_its_expiry_on(scene: Scene) -> None:
    """The same text that was right a moment ago is expired, and said and counted to be."""
    token = scene.token()
    scene.look(token)
    scene.clock.time += 19.99
    assert scene.look(token) is None
    scene.clock.time += 0.01
    change = scene.look(token)
    assert change is not None
    assert change.verdict is Verdict.EXPIRED
    assert "DEAD" in words.change(change)
    scene.clock.time += 2
    after = scene.look(scene.token())
    assert after is not None
    assert "THE ONE BEFORE WAS DEAD FOR 2.0 s" in words.change(after)
    told = words.summary(scene.consumer.tokens, scene.consumer.seen)
    assert "1 expired" in told
    assert "no token was ever" not in told


@pytest.mark.parametrize("cut", [1, 7, 8, 20, 42])
def test_a_piece_of_a_token_is_torn(scene: Scene, cut: int) -> None:
    """However much of a token is missing at its end or its beginning."""
    token = scene.token()
    assert len(token) == 43
    scene.look(token)
    for piece in (token[:cut], token[-max(cut, 8) :]):
        scene.look(piece)
        assert scene.consumer.seen[Verdict.TORN] > 0
        scene.consumer.seen.clear()


def test_two_tokens_in_one_read_are_torn(scene: Scene) -> None:
    """A file that was written over in place mixes both."""
    one, two = scene.token(), scene.token()
    scene.look(one)
    change = scene.look(two[:20] + one[20:])
    assert change is not None
    assert change.verdict is Verdict.TORN


def test_an_empty_file_is_told_from_a_missing_one(scene: Scene) -> None:
    """Empty is broken; missing is what somebody else did, since the daemon only replaces."""
    token = scene.token()
    scene.look(token)
    for content, verdict in (("", Verdict.EMPTY), (None, Verdict.MISSING)):
        change = scene.look(content)
        assert change is not None
        assert change.verdict is verdict
    scene.clock.time += 0.5
    back = scene.look(token)
    assert back is not None
    assert "whole again after 0.5 s" in words.change(back)
    told = words.summary(scene.consumer.tokens, scene.consumer.seen)
    assert "1 token published, 4 reads; of these found the token 0 expired, 1 empty" in told
    assert "1 read found it missing" in told


@pytest.mark.parametrize("content", ["mine\n", "eyJ0b2tlbiI6IGZhbHNlfQ", "\udcff", "TOKEN\n"])
def test_what_somebody_else_wrote_is_not_torn(scene: Scene, content: str) -> None:
    """Another text, or a token with something added, is blamed on whoever wrote it."""
    token = scene.token()
    scene.look(token)
    scene.file.write_bytes(content.replace("TOKEN", token).encode("utf-8", "surrogateescape"))
    change = scene.consumer.look()
    assert change is not None
    assert change.verdict is Verdict.FOREIGN
    told = words.summary(scene.consumer.tokens, scene.consumer.seen)
    assert "no token was ever seen expired, empty or torn" in told
    assert "0 reads found it missing, 1 read another content" in told


def test_no_word_holds_a_token(scene: Scene) -> None:
    """What is said of a token is a short hash, so that a recorded demo gives nothing away."""
    said = []
    tokens = [scene.token() for _ in range(3)]
    for content in (tokens[0], tokens[1], tokens[1][:20], None, tokens[2]):
        change = scene.look(content)
        assert change is not None
        said.append(words.change(change) + repr(change))
    said.append(words.summary(scene.consumer.tokens, scene.consumer.seen))
    assert not [token for token in tokens if token[:8] in " ".join(said)]
