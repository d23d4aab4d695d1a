"""What happens to the daemon itself: killed, frozen, starved, and its clock set."""

from __future__ import annotations

import glob
import itertools
import random
import resource
import signal
import threading
import time
from http import HTTPStatus
from http.client import HTTPException

from support.authorization_answers import Recorded
from support.authorization_server import AuthorizationServer
from support.daemon import Daemon, entry, settings, until
from tools.faults.stage import LIFE, Stage, UnobservedError, expect, pause, polled, ride

_FAKETIME = "/usr/lib/*/faketime/libfaketime.so.1"


def kills(stage: Stage) -> str:
    """Killed by SIGKILL at any time, again and again; each start writes, for it adopts nothing."""
    stage.keys["adopt"] = False
    count = 500 if stage.full else 8
    chance = random.Random(7)  # noqa: S311 - any times will do
    daemon = stage.daemon()
    with daemon:
        began = time.monotonic()
        daemon.wait("token published")
        usual = time.monotonic() - began
        with polled(stage, daemon) as consumer:
            for _ in range(count):
                daemon.kill()
                known = len(consumer.tokens)
                daemon.start()
                pause(chance.uniform(0.5, 1.5) * usual)
                # However fast the machine is: every second start is to get as far as its publish.
                usual *= 0.95 if len(consumer.tokens) > known else 1.05
            daemon.kill()
            daemon.start()
            daemon.wait("token published")
        left = [file.name for file in stage.folder.iterdir() if file.suffix == ".tmp"]
        expect(daemon.stop() == 0, "it did not end well")
    expect(not left, f"left over: {left}")
    expect(stage.file.read_text() == stage.server.tokens[-1], "not the newest token")
    written = len(consumer.tokens)
    expect(written > count / 5, f"only {written} tokens were written")
    return f"{count} kills; {consumer.reads} reads of {written} tokens, none bad; nothing left over"


def frozen(stage: Stage) -> str:
    """SIGSTOP for longer than a token lives, then SIGCONT."""
    stage.server.lifetime = LIFE / 2
    with stage.daemon() as daemon:
        daemon.wait("token published")
        daemon.send(signal.SIGSTOP)
        pause(LIFE)
        known, begun = len(stage.server.tokens), time.monotonic()
        daemon.send(signal.SIGCONT)
        until(lambda: len(stage.server.tokens) > known, "a token")
        until(lambda: stage.file.read_text() == stage.server.tokens[-1], "its file")
        took = time.monotonic() - begun
        expect(daemon.get("/livez")[0] == HTTPStatus.OK, "not alive")
        expect(daemon.stop() == 0, "it did not end well")
    return f"frozen for {LIFE:.0f} s of a {LIFE / 2:.0f} s life; a new token {took:.1f} s after"


def clock(stage: Stage) -> str:
    """The wall clock goes an hour forth and back while tokens are refreshed."""
    found = glob.glob(_FAKETIME)
    if not found:
        raise UnobservedError("libfaketime is not installed")
    stamp = stage.folder / "faketime"
    stamp.write_text("+0")
    environment = {
        "LD_PRELOAD": found[0],
        "FAKETIME_TIMESTAMP_FILE": str(stamp),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }
    stage.server.lifetime = LIFE
    with stage.daemon(environment=environment) as daemon:
        with polled(stage, daemon) as consumer:
            for shift in ("+1h", "-1h", "+1h", "+0"):
                stamp.write_text(shift)
                seen = len(consumer.tokens)
                until(lambda seen=seen: len(consumer.tokens) >= seen + 2, "tokens")  # type: ignore[misc]
        expect(daemon.stop() == 0, "it did not end well")
    asked = len(stage.server.requests)
    reads = f"{consumer.reads} reads of {len(consumer.tokens)} tokens, none bad"
    return f"4 jumps; {reads}; {asked} requests"


def descriptors(stage: Stage) -> str:
    """No descriptor is left, then there are some again."""
    before = []

    def starve(daemon: Daemon) -> None:
        before.append(resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE))
        resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (3, before[0][1]))

    def feed(daemon: Daemon) -> None:
        resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, before[0])

    return ride(stage, starve, feed)


def memory(stage: Stage) -> str:
    """No further page of memory is given for a life or two, while somebody scrapes all the time."""
    stage.server.lifetime = LIFE
    with stage.daemon() as daemon:
        daemon.wait("token published")
        with polled(stage, daemon) as consumer:
            until(lambda: len(consumer.tokens) > 1, "a second token")
            before = resource.prlimit(daemon.pid, resource.RLIMIT_AS)
            resource.prlimit(daemon.pid, resource.RLIMIT_AS, (1 << 20, before[1]))
            over = time.monotonic() + (2 * LIFE if stage.full else LIFE)
            scrapes = [0, 0]
            while time.monotonic() < over:
                scrapes[_scraped(daemon)] += 1
                pause(0.1)
            resource.prlimit(daemon.pid, resource.RLIMIT_AS, before)
            starved = len(consumer.tokens) - 2
            # After the longest pause, if need be.
            until(lambda: len(consumer.tokens) > starved + 2, "a token after it", 75)
            expect(_scraped(daemon), "no scrape is answered any more")
        expect(daemon.stop() == 0, "it did not end well")
    failed = len(daemon.logs("fetch failed"))
    reads = f"{consumer.reads} reads, none bad"
    told = f"{starved} tokens written meanwhile, {failed} fetches and {scrapes[0]} scrapes failed"
    return f"{told}, {scrapes[1]} scrapes did not; {reads}"


def _scraped(daemon: Daemon) -> bool:
    try:
        return daemon.get("/metrics")[0] == HTTPStatus.OK
    except (OSError, HTTPException):
        return False


def swaps(stage: Stage) -> str:
    """Credentials are swapped as the kubelet does it while tokens are fetched all the time."""
    count, mount = (1000 if stage.full else 60), stage.folder / "mount"
    mount.mkdir()
    generation = itertools.count()

    def swap() -> None:
        number = next(generation)
        folder = mount / f"..{number}"
        folder.mkdir()
        (folder / "client_id").write_text(f"me-{number}")
        (folder / "client_secret").write_text(f"secret-{number}")
        beside = mount / "..data_tmp"
        beside.symlink_to(folder.name)
        beside.rename(mount / "..data")
        if number > 1:
            old = mount / f"..{number - 2}"
            for file in old.iterdir():
                file.unlink()
            old.rmdir()

    swap()
    for name in ("client_id", "client_secret"):
        (mount / name).symlink_to(f"..data/{name}")
    with AnyPair(lifetime=1.0) as server:
        tokens = [entry(server.token_url, stage.folder, f"token-{number}") for number in range(12)]
        for token in tokens:
            token["auth"] = {
                f"client{what.title()}File": str(mount / f"client_{what}")
                for what in ("id", "secret")
            }
        with Daemon(stage.folder, settings(*tokens)) as daemon:
            daemon.wait("token published", len(tokens))
            over = threading.Event()
            for _ in range(count):
                swap()
                over.wait(0.02)
            ended = daemon.stop()
        pairs = [_pair(request) for request in server.requests]
    expect(ended == 0, f"it ended with {ended}")
    expect(not daemon.logs("defect"), "a defect")
    torn = [pair for pair in pairs if pair[0] != pair[1]]
    expect(not torn, f"id and secret of two generations: {torn[:3]}")
    unread = len(daemon.logs("fetch failed", reason="credentials"))
    return (
        f"{count} swaps, {len(pairs)} requests with credentials of {len(set(pairs))} generations,"
        f" none with a torn pair; {unread} readings failed"
    )


class AnyPair(AuthorizationServer):
    """Grants whoever asks."""

    def _judge(self, request: Recorded) -> object:  # type: ignore[override]
        self.client_id, self.client_secret = map(str, request.client())
        return super()._judge(request)


def _pair(request: Recorded) -> tuple[str, str]:
    name, secret = map(str, request.client())
    return name.removeprefix("me-"), secret.removeprefix("secret-")
