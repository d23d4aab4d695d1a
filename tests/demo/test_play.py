"""The whole demo in a process of its own, with the real daemon as its child."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from support.running_demo import Start

SUMMARY = r"^(\d+) tokens? published, \d+ reads?; no token was ever seen expired, empty or torn\.$"


def get(url: str) -> tuple[int, str]:
    """Status and body."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - loopback
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def listens(url: str) -> bool:
    """Whether anybody answers there."""
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname, parts.port), timeout=30).close()
    except ConnectionRefusedError:
        return False
    return True


def test_it_ends_by_itself_and_leaves_nothing(start: Start) -> None:
    """With --seconds it ends with status 0 and a summary; no file, process or port remains."""
    demo = start("--seconds", "1")
    served, asked = demo.url(), demo.hears(r"^  token server +(http://\S+) ")
    assert demo.ends() == 0
    assert int(re.findall(SUMMARY, demo.said, re.MULTILINE)[0]) >= 1
    assert "stopping" in demo.said
    assert demo.leftovers() == []
    assert not listens(served)
    assert not listens(asked)


def test_the_file_changes_before_ones_eyes(start: Start) -> None:
    """A new token comes while the old one lives, and all that the demo points at is there."""
    demo = start("--seconds", "13")
    file = demo.file()
    demo.hears(r"consumer \| .*token 1 \([0-9a-f]{8}\)")
    first = file.read_text()
    assert os.stat(file).st_mode & 0o777 == 0o600
    served = demo.url()
    assert 'secret_refresher_token_healthy{token="demo"} 1' in get(served)[1]
    for probe in ("livez", "readyz", "startupz", "freshz"):
        assert get(f"{served.removesuffix('metrics')}{probe}") == (200, "ok\n")
    assert float(demo.hears(r"token 2 .*; the one before had ([0-9.]+) s left")) > 0
    second = file.read_text()
    assert second not in {first, ""}
    assert demo.ends() == 0
    assert first not in demo.said
    assert second not in demo.said
    assert int(re.findall(SUMMARY, demo.said, re.MULTILINE)[0]) >= 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_of_it(start: Start, number: signal.Signals) -> None:
    """Ctrl-C, SIGTERM and a closed terminal: status 0, the summary, and nothing left."""
    demo = start()
    demo.hears(r"consumer \| .*token 1 ")
    daemon = demo.daemon()
    demo.process.send_signal(number)
    assert demo.ends() == 0
    assert re.search(SUMMARY, demo.said, re.MULTILINE)
    assert not Path(f"/proc/{daemon}").exists()
    assert demo.leftovers() == []


def test_a_signal_at_the_very_start_leaves_nothing(start: Start) -> None:
    """Who changes their mind before the daemon is up is left with nothing either."""
    demo = start()
    demo.hears("^Starting ")
    demo.process.send_signal(signal.SIGTERM)
    assert demo.ends() == 0
    assert demo.leftovers() == []


def test_a_dead_daemon_is_a_failure(start: Start) -> None:
    """When the daemon dies, the demo ends with status 1, says how, and shows its last lines."""
    demo = start()
    demo.hears(r"consumer \| .*token 1 ")
    os.kill(demo.daemon(), signal.SIGKILL)
    assert demo.ends() == 1
    told = demo.said.partition("FAILED: ")[2]
    assert told.startswith("the daemon ended by itself, with exit status -9.")
    assert re.search(r"^  .*token published", told, re.MULTILINE)
    assert demo.leftovers() == []


def test_an_empty_file_is_a_failure(start: Start) -> None:
    """A file that was seen empty makes the status 1, and the summary counts the reads."""
    demo = start()
    demo.hears(r"consumer \| .*token 1 ")
    daemon = demo.daemon()
    os.kill(daemon, signal.SIGSTOP)
    demo.file().write_text("")
    demo.hears("THE FILE IS EMPTY")
    os.kill(daemon, signal.SIGCONT)
    demo.hears("whole again after")
    demo.process.send_signal(signal.SIGINT)
    assert demo.ends() == 1
    assert re.search(r"of these found the token 0 expired, [1-9]\d* empty, 0 torn", demo.said)


def test_a_touched_file_is_put_right(start: Start) -> None:
    """Edited or deleted, it is whole again without another request, and nobody is blamed."""
    demo = start()
    demo.hears(r"consumer \| .*token 1 ")
    file = demo.file()
    file.unlink()
    demo.hears(r"the file is missing(?s:.*)token 1 .*; whole again after")
    beside = file.with_name("edited")
    beside.write_text("mine\n")
    beside.rename(file)
    demo.hears(r"the file holds what somebody else wrote(?s:.*)token \d .*; whole again after")
    demo.process.send_signal(signal.SIGINT)
    assert demo.ends() == 0
    assert "Somebody touched the file" in demo.said
    assert re.search(SUMMARY, demo.said, re.MULTILINE)


def test_wrong_credentials_can_be_put_right(start: Start) -> None:
    """The daemon is refused, keeps the old token, and asks at once when the secret is right."""
    demo = start()
    demo.hears(r"consumer \| .*token 1 ")
    secret = demo.file().parent / "credentials" / "client_secret"
    secret.write_text("wrong\n")
    demo.hears("fetch failed .*invalid_client")
    secret.write_text(secret.with_name("client_secret.right").read_text())
    assert float(demo.hears(r"token 2 .*; the one before had ([0-9.]+) s left")) > 0
    demo.process.send_signal(signal.SIGINT)
    assert demo.ends() == 0


def test_two_demos_do_not_meet(start: Start) -> None:
    """Each takes free ports and a folder of its own."""
    demos = [start("--seconds", "1") for _ in range(2)]
    assert [demo.ends() for demo in demos] == [0, 0]


def test_the_environment_does_not_get_in_the_way(start: Start) -> None:
    """Somebody's own configuration or proxy in the environment changes nothing."""
    demo = start(
        "--seconds",
        "1",
        SECRET_REFRESHER_CONFIG="/nowhere",
        SECRET_REFRESHER_CONFIG_YAML="{",
        http_proxy="http://127.0.0.1:9",
        HTTP_PROXY="http://127.0.0.1:9",
        no_proxy="",
    )
    assert demo.ends() == 0, demo.said


def test_a_reader_that_goes_away_ends_it(tmp_path: Path) -> None:
    """`demo | head -1` ends the daemon too, without a traceback."""
    told = subprocess.run(
        ["sh", "-c", '"$0" -m secret_refresher demo | head -1', sys.executable],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )
    assert told.stdout.startswith("Starting ")
    assert told.stderr == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf"])
def test_senseless_seconds_are_refused(start: Start, seconds: str) -> None:
    """A time that never comes or is over already is a mistake of usage, told with a remedy."""
    demo = start("--seconds", seconds)
    assert demo.ends() == 2
    assert demo.said == "secret-refresher: --seconds must be a number above 0, as 30\n"
