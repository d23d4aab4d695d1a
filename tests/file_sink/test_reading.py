"""What a consumer sees while tokens come and go."""

import hashlib
import threading
from pathlib import Path

from support.file_place import FilePlace
from support.sink_contract import token

PUBLISHES = 2000


def text(number: int) -> str:
    """A token that says itself whether it is whole; from some bytes to a hundred thousand."""
    body = chr(ord("a") + number % 26) * (1 << number % 17)
    return f"{body}.{hashlib.sha256(body.encode()).hexdigest()}"


def whole(content: str) -> bool:
    """Whether it is."""
    body, _, digest = content.rpartition(".")
    return hashlib.sha256(body.encode()).hexdigest() == digest


def test_no_reader_ever_sees_half_a_token(memory_folder: Path) -> None:
    """A reader in a loop, through thousands of publishes: every read is a whole token."""
    place = FilePlace(memory_folder)
    sink = place.sink()
    sink.publish(token(place.clock, text(0)))
    over, torn, reads = threading.Event(), [], 0

    def read() -> None:
        nonlocal reads
        while not over.is_set():
            content = place.file.read_text()
            reads += 1
            if not whole(content):
                torn.append(len(content))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, PUBLISHES):
        place.hand.pass_by(1)
        sink.publish(token(place.clock, text(number)))
    over.set()
    reader.join()
    assert torn == []
    assert reads > 100


def test_an_open_file_stays_what_it_was(tmp_path: Path) -> None:
    """A consumer that reads slowly gets the token that it opened, to the end."""
    place = FilePlace(tmp_path)
    sink = place.sink()
    sink.publish(token(place.clock, text(16)))
    with place.file.open() as slow:
        start = slow.read(1000)
        sink.publish(token(place.clock, "next"))
        assert whole(start + slow.read())
