"""What happens on the way to the token endpoint."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Callable, Iterator

from support.authorization_server import AuthorizationServer
from support.certificates import Authority
from tools.faults.stage import Stage, ride


def refused(stage: Stage) -> str:
    """The server is gone, and comes back on its port."""
    return ride(stage, lambda _: stage.server.go_away(), lambda _: stage.server.come_back())


def black_hole(stage: Stage) -> str:
    """Connections are taken, and nothing is ever said."""
    stage.keys["request"] = {"timeout": "1s"}

    def mute(on: bool) -> None:  # noqa: FBT001 - set from two lambdas
        stage.server.mute = on
        stage.server.cut_connections()

    return ride(stage, lambda _: mute(True), lambda _: mute(False))


def no_way(stage: Stage) -> str:
    """Nobody answers a first packet: where a queue is full, the kernel drops it (listen(2))."""
    stage.keys["request"] = {"timeout": "500ms"}

    def fill(listener: socket.socket, meanwhile: contextlib.ExitStack) -> None:
        for _ in range(2):
            filler = meanwhile.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())

    return _instead(stage, fill)


def reset(stage: Stage) -> str:
    """Connections are taken, and reset at once."""

    def end(connection: socket.socket) -> None:
        # An end without lingering is a reset (socket(7)).
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return _instead(stage, _taking(end))


def no_handshake(stage: Stage) -> str:
    """Connections are taken, and no handshake is ever answered."""
    with _secure(stage):
        return black_hole(stage)


def no_tls(stage: Stage) -> str:
    """Something else listens on the port, in the clear."""
    with _secure(stage):
        return _instead(stage, _taking(lambda connection: connection.sendall(b"220 hello\r\n")))


Begin = Callable[[socket.socket, contextlib.ExitStack], None]


def _instead(stage: Stage, begin: Begin) -> str:
    """For a while another listener stands in the server's place."""
    with contextlib.ExitStack() as meanwhile:

        def replace(_: object) -> None:
            stage.server.go_away()
            listener = meanwhile.enter_context(socket.socket())
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", stage.server.port))
            listener.listen(0)
            begin(listener, meanwhile)

        def give_back(_: object) -> None:
            meanwhile.close()
            stage.server.come_back()

        return ride(stage, replace, give_back)


def _taking(act: Callable[[socket.socket], object]) -> Begin:
    """Does something to each connection, and ends it."""

    def take(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):  # the end of the listener
            while True:
                with listener.accept()[0] as connection:
                    act(connection)

    def begin(listener: socket.socket, meanwhile: contextlib.ExitStack) -> None:
        taker = threading.Thread(target=take, args=(listener,))
        taker.start()
        meanwhile.callback(taker.join)
        meanwhile.callback(listener.shutdown, socket.SHUT_RDWR)

    return begin


def no_name(stage: Stage) -> str:
    """The name leaves /etc/hosts, as the daemon sees it, and no name server answers."""
    hosts = stage.folder / "hosts"
    known = "127.0.0.1 localhost authorization.test\n"
    hosts.write_text(known)
    stage.url = f"http://authorization.test:{stage.server.port}/oauth/token"
    stage.keys |= {"allowInsecure": True, "request": {"timeout": "1s"}}
    python = _script(stage, f'mount --bind {hosts} /etc/hosts; exec {sys.executable} "$@"')
    return ride(
        stage,
        lambda _: hosts.write_text("127.0.0.1 localhost\n"),
        lambda _: hosts.write_text(known),
        python=python,
    )


def certificate(
    names: str, days: tuple[int, int], *, trusted: bool = True
) -> Callable[[Stage], str]:
    """A fault in which the server shows another certificate for a while."""

    def act(stage: Stage) -> str:
        with _secure(stage) as (authority, context):
            good = authority.issue()
            if trusted:
                bad = authority.issue(names=names, begins=days[0], ends=days[1])
            else:
                (stage.folder / "other").mkdir()
                bad = Authority(str(stage.folder / "other")).issue()
            return ride(
                stage,
                lambda _: context.load_cert_chain(bad.certificate, bad.key),
                lambda _: context.load_cert_chain(good.certificate, good.key),
            )

    return act


@contextlib.contextmanager
def _secure(stage: Stage) -> Iterator[tuple[Authority, ssl.SSLContext]]:
    """A server that speaks TLS, in place of the stage's own."""
    (stage.folder / "ca").mkdir()
    authority = Authority(str(stage.folder / "ca"))
    good = authority.issue()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(good.certificate, good.key)
    with AuthorizationServer(tls=context) as stage.server:
        stage.keys["tls"] = {"caFile": authority.file}
        yield authority, context


def _script(stage: Stage, commands: str) -> str:
    program = stage.folder / "python-elsewhere"
    program.write_text(f"#!/bin/sh\nset -e\nexec unshare -m sh -ec '{commands}' sh \"$@\"\n")
    program.chmod(0o755)
    return str(program)


def wrapped(stage: Stage, commands: str, before: str = "") -> str:
    """An interpreter after these commands of a shell, begun by what stands before it."""
    program = stage.folder / "python-wrapped"
    program.write_text(f'#!/bin/sh\nset -e\n{commands}\nexec {before} {sys.executable} "$@"\n')
    program.chmod(0o755)
    return str(program)
