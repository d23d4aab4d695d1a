from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from secret_refresher.adapters.clock import SystemClock
from secret_refresher.adapters.mounts import MountReader
from secret_refresher.adapters.token_endpoint import TokenEndpoint
from secret_refresher.config.model import Auth
from secret_refresher.errors import Fault, Lane, Reason
from secret_refresher.tokens.token import Grant
from support.authorization_answers import Answer, answer, refusal
from support.authorization_server import AuthorizationServer
from support.endpoint_tokens import TokenMaker


class Mount:
    """A folder as the kubelet keeps it: files lead through `..data` to one generation."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self._number = 0
        self._before: Path | None = None

    def publish(self, **files: str) -> None:
        """A new generation, swapped in as the AtomicWriter does it; the old one goes."""
        self._number += 1
        generation = self.folder / f"..2026_{self._number}"
        generation.mkdir()
        for name, content in files.items():
            (generation / name).write_text(content, encoding="utf-8")
            if not (self.folder / name).is_symlink():
                (self.folder / name).symlink_to(f"..data/{name}")
        beside = self.folder / "..data_tmp"
        beside.symlink_to(generation.name)
        beside.rename(self.folder / "..data")
        if self._before is not None:
            for old in self._before.iterdir():
                old.unlink()
            self._before.rmdir()
        self._before = generation

    def auth(self) -> Auth:
        """Credentials in it."""
        return Auth(
            client_id_file=str(self.folder / "client_id"),
            client_secret_file=str(self.folder / "client_secret"),
        )


# --- what the files may hold -----------------------------------------------------------------


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_one_newline_at_the_end_is_no_part_of_a_secret(
    endpoint: TokenEndpoint, token: TokenMaker, end: bytes
) -> None:
    """An editor's newline is taken off."""
    token.secret_file.write_bytes(b"sesame" + end)
    assert isinstance(endpoint.fetch(token(), 5).result, Grant)


def test_blanks_are_part_of_a_secret(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """Blanks in and around a secret are sent as they are."""
    server.client_secret = " se same "
    token.secret_file.write_bytes(b" se same \n")
    assert isinstance(endpoint.fetch(token(), 5).result, Grant)


BAD = {
    "missing": (None, "No such file or directory", "mounted there"),
    "empty": (b"", "is empty", "write the credential"),
    "only a newline": (b"\n", "is empty", "write the credential"),
    "binary": (b"\xff\xfe\x00hush", "is not text", "encoded twice"),
    "two lines": (b"hush\nhush\n", "control characters", "on one line"),
    "a NUL": (b"hush\x00", "control characters", "on one line"),
    "a byte order mark": (b"\xef\xbb\xbfhush", "byte order mark", "without a BOM"),
    "another file": (b"h" * 70_000, "larger than 64 KiB", "right file"),
    "far too large": (b"h" * 1_100_000, "larger than 1048576 bytes", "right file"),
}


@pytest.mark.parametrize("which", ["client_id", "client_secret"])
@pytest.mark.parametrize("name", BAD)
def test_bad_credential_files(
    endpoint: TokenEndpoint, token: TokenMaker, tmp_path: Path, name: str, which: str
) -> None:
    """Each is a fault that names the file and a remedy, never what is in it; nobody is asked."""
    content, summary, advice = BAD[name]
    files = {key: tmp_path / key for key in ("client_id", "client_secret")}
    files["client_id"].write_text("me")
    if content is None:
        files[which].unlink()
    else:
        files[which].write_bytes(content)
    auth = Auth(
        client_id_file=str(files["client_id"]), client_secret_file=str(files["client_secret"])
    )
    outcome = endpoint.fetch(token(auth=auth), 5)
    fault = outcome.result
    assert isinstance(fault, Fault)
    assert (fault.reason, fault.lane) == (Reason.CREDENTIALS, Lane.PERMANENT)
    assert str(files[which]) in fault.summary
    assert summary in fault.summary
    assert advice in fault.advice
    assert "hush" not in str(fault)
    assert outcome.exchanges == ()
    assert outcome.credentials == endpoint.credentials(token(auth=auth))


class Unreadable:
    """A reader of files that this user may not read; root, who runs tests, may read all."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.closed = True

    def read(self, paths: Sequence[str]) -> dict[str, bytes | Fault]:
        """Everything but that file, until it is opened."""
        found = dict(MountReader().read(paths))
        if self.closed:
            found[self._path] = Fault(
                Reason.CREDENTIALS,
                f"cannot read {self._path}: {os.strerror(errno.EACCES)}",
                "let this user read it: set fsGroup and defaultMode on the volume",
                Lane.PERMANENT,
                code="EACCES",
            )
        return found


def test_an_unreadable_file_becomes_readable(token: TokenMaker) -> None:
    """A file without permission is a fault, and the digest changes once it can be read."""
    reader = Unreadable(str(token.secret_file))
    endpoint = TokenEndpoint(SystemClock(), reader, "test")
    outcome = endpoint.fetch(token(), 5)
    assert isinstance(outcome.result, Fault)
    assert "fsGroup" in outcome.result.advice
    assert endpoint.credentials(token()) == outcome.credentials
    reader.closed = False
    assert endpoint.credentials(token()) != outcome.credentials
    assert isinstance(endpoint.fetch(token(), 5).result, Grant)


@pytest.fixture
def as_nobody() -> Iterator[None]:
    """Root may read everything, so a test as root goes on as somebody else."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_permission_of_the_system(
    endpoint: TokenEndpoint, token: TokenMaker, request: pytest.FixtureRequest
) -> None:
    """What the system forbids to read is told with what to set on the volume."""
    token.secret_file.chmod(0)
    request.getfixturevalue("as_nobody")
    fault = endpoint.fetch(token(), 5).result
    assert isinstance(fault, Fault)
    assert fault.code == "EACCES"
    assert "fsGroup" in fault.advice


@pytest.mark.parametrize("kind", ["folder", "pipe", "circle"])
def test_things_that_are_no_files(
    endpoint: TokenEndpoint, token: TokenMaker, tmp_path: Path, kind: str
) -> None:
    """A folder, a pipe and a symlink to itself are refused at once, and hold nothing open."""
    path = tmp_path / "odd"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(path)
    config = token(auth=Auth(client_id="me", client_secret_file=str(path)))
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        fault = endpoint.fetch(config, 5).result
        assert isinstance(fault, Fault)
        assert fault.reason is Reason.CREDENTIALS
        assert str(path) in fault.summary
    assert len(os.listdir("/proc/self/fd")) <= before + 2


# --- the digest ------------------------------------------------------------------------------


def test_the_digest_tells_every_change(
    endpoint: TokenEndpoint, token: TokenMaker, tmp_path: Path
) -> None:
    """Content, presence and reason of every file count; nothing else does."""
    previous = tmp_path / "previous"
    config = token(previous=previous)
    digests = [endpoint.credentials(config)]
    for change in (
        lambda: token.secret("other"),
        lambda: token.secret(""),
        token.secret_file.unlink,
        lambda: previous.write_text("sesame"),
        lambda: previous.write_text("sesame\n"),
    ):
        change()
        digests.append(endpoint.credentials(config))
    assert len(set(digests)) == len(digests)
    previous.write_text("sesame\n")
    assert endpoint.credentials(config) == digests[-1]


def test_the_digest_is_no_oracle(token: TokenMaker) -> None:
    """Two processes have different digests of the same secret."""
    one, two = (TokenEndpoint(SystemClock(), MountReader(), "test") for _ in range(2))
    assert one.credentials(token()) != two.credentials(token())


def test_files_cannot_be_confused(
    endpoint: TokenEndpoint, token: TokenMaker, tmp_path: Path
) -> None:
    """The same bytes, shared out differently among the files, have another digest."""
    auth = Auth(
        client_id_file=str(tmp_path / "client_id"), client_secret_file=str(token.secret_file)
    )
    digests = set()
    shares = [("a", "bc"), ("ab", "c"), ("", "abc")]
    for between in (f"{token.secret_file}\0holds", f"{token.secret_file}\0holds\0"):
        shares += [(f"a{between}b", "c"), ("a", f"b{between}c")]
    for name, secret in shares:
        (tmp_path / "client_id").write_text(name)
        token.secret_file.write_text(secret)
        digests.add(endpoint.credentials(token(auth=auth)))
    assert len(digests) == len(shares)


def test_a_half_written_file_heals(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """Half a secret is refused by the server; the rest of it is a change that wakes the token."""
    token.secret_file.write_text("ses")
    half = endpoint.fetch(token(), 5)
    assert isinstance(half.result, Fault)
    assert half.result.reason is Reason.INVALID_CLIENT
    assert endpoint.credentials(token()) == half.credentials
    token.secret_file.write_text("")
    empty = endpoint.fetch(token(), 5)
    assert isinstance(empty.result, Fault)
    assert empty.result.reason is Reason.CREDENTIALS
    assert empty.credentials != half.credentials
    token.secret_file.write_text("sesame")
    assert endpoint.credentials(token()) != empty.credentials
    assert isinstance(endpoint.fetch(token(), 5).result, Grant)
    assert len(server.requests) == 2


# --- one generation --------------------------------------------------------------------------


def test_id_and_secret_are_of_one_generation(tmp_path: Path) -> None:
    """However the kubelet swaps a mount, id and secret never come from two generations."""
    mount = Mount(tmp_path / "mount")
    mount.publish(client_id="1", client_secret="1")
    stop = threading.Event()

    def swap() -> None:
        number = 1
        while not stop.is_set():
            number += 1
            mount.publish(client_id=str(number), client_secret=str(number))

    swapper = threading.Thread(target=swap)
    swapper.start()
    paths = [str(mount.folder / "client_id"), str(mount.folder / "client_secret")]
    try:
        seen = [MountReader().read(paths) for _ in range(400)]
    finally:
        stop.set()
        swapper.join()
    pairs = [tuple(found[path] for path in paths) for found in seen]
    assert all(one == two and isinstance(one, bytes) for one, two in pairs)
    assert len(set(pairs)) > 1, "the mount was swapped while it was read"


def test_a_swap_between_id_and_secret(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker, tmp_path: Path
) -> None:
    """A rotation of both is taken whole at the next attempt."""
    mount = Mount(tmp_path / "mount")
    mount.publish(client_id="me", client_secret="sesame")
    config = token(auth=mount.auth())
    first = endpoint.fetch(config, 5)
    assert isinstance(first.result, Grant)
    mount.publish(client_id="you", client_secret="open")
    server.client_id, server.client_secret = "you", "open"
    second = endpoint.fetch(config, 5)
    assert isinstance(second.result, Grant)
    assert first.credentials != second.credentials


def test_what_else_lies_in_a_mount_is_read(tmp_path: Path) -> None:
    """A file that is mounted into a mount, and a path that names ..data itself, are read."""
    mount = Mount(tmp_path / "mount")
    mount.publish(client_id="me")
    (mount.folder / "extra").write_text("by subPath")
    extra, through = str(mount.folder / "extra"), str(mount.folder / "..data" / "client_id")
    assert MountReader().read([extra, through]) == {extra: b"by subPath", through: b"me"}


# --- the previous secret ---------------------------------------------------------------------


@pytest.fixture
def previous(tmp_path: Path) -> Path:
    """A file with the secret that the server still accepts."""
    path = tmp_path / "previous"
    path.write_text("sesame\n")
    return path


def test_the_previous_secret_is_tried_once(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker, previous: Path
) -> None:
    """While the server does not know the new secret yet, the old one serves, and it is told."""
    token.secret("new")
    outcome = endpoint.fetch(token(previous=previous), 5)
    assert isinstance(outcome.result, Grant)
    assert outcome.used_previous_secret
    assert [exchange.status for exchange in outcome.exchanges] == [401, 200]
    assert [seen.client()[1] for seen in server.requests] == ["new", "sesame"]
    server.client_secret = "new"
    outcome = endpoint.fetch(token(previous=previous), 5)
    assert isinstance(outcome.result, Grant)
    assert not outcome.used_previous_secret
    assert len(outcome.exchanges) == 1


def test_two_wrong_secrets(endpoint: TokenEndpoint, token: TokenMaker, previous: Path) -> None:
    """If both are refused, the fault is invalid_client and says that both were tried."""
    token.secret("wrong")
    previous.write_text("wrong too")
    outcome = endpoint.fetch(token(previous=previous), 5)
    fault = outcome.result
    assert isinstance(fault, Fault)
    assert (fault.reason, fault.lane) == (Reason.INVALID_CLIENT, Lane.PERMANENT)
    assert "nor with the previous secret" in fault.summary
    assert [exchange.status for exchange in outcome.exchanges] == [401, 401]
    assert not outcome.used_previous_secret


@pytest.mark.parametrize("state", ["missing", "empty", "newline", "the same"])
def test_no_previous_secret(
    endpoint: TokenEndpoint, token: TokenMaker, previous: Path, state: str
) -> None:
    """A previous file that is missing, empty or the same is simply not there."""
    token.secret("wrong")
    if state == "missing":
        previous.unlink()
    else:
        previous.write_text({"empty": "", "newline": "\n", "the same": "wrong\n"}[state])
    outcome = endpoint.fetch(token(previous=previous), 5)
    assert isinstance(outcome.result, Fault)
    assert outcome.result.reason is Reason.INVALID_CLIENT
    assert [exchange.status for exchange in outcome.exchanges] == [401]


def test_a_previous_secret_that_cannot_be_used(
    endpoint: TokenEndpoint, token: TokenMaker, previous: Path
) -> None:
    """A binary previous file never hinders the secret itself, and is told when it is needed."""
    previous.write_bytes(b"\xff\xfe")
    assert isinstance(endpoint.fetch(token(previous=previous), 5).result, Grant)
    token.secret("wrong")
    fault = endpoint.fetch(token(previous=previous), 5).result
    assert isinstance(fault, Fault)
    assert fault.reason is Reason.INVALID_CLIENT
    assert f"Besides, {previous} is not text" in fault.advice


@pytest.mark.parametrize(
    "first",
    [refusal("invalid_scope"), answer({}, 401), Answer(500), refusal("invalid_client", 503)],
    ids=["invalid_scope", "bare 401", "500", "503"],
)
def test_only_invalid_client_asks_for_the_previous_secret(
    endpoint: TokenEndpoint,
    server: AuthorizationServer,
    token: TokenMaker,
    previous: Path,
    first: Answer,
) -> None:
    """Any other refusal says nothing about the secret, so the old one stays at home."""
    token.secret("new")
    server.queue(first)
    assert len(endpoint.fetch(token(previous=previous), 5).exchanges) == 1


def test_both_secrets_share_one_deadline(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker, previous: Path
) -> None:
    """The second try gets what the first left over; the refusal stays the fault."""
    token.secret("wrong")
    server.queue(replace(refusal("invalid_client", 401), delay=0.1), replace(answer({}), hang=True))
    outcome = endpoint.fetch(token(previous=previous), 1.0)
    assert isinstance(outcome.result, Fault)
    assert outcome.result.reason is Reason.INVALID_CLIENT
    assert [exchange.status for exchange in outcome.exchanges] == [401, None]
