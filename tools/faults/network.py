"""What happens on the way to the token endpoint."""

from __future__ import annotations

import ssl
import sys
from collections.abc import Callable

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
        (stage.folder / "ca").mkdir()
        authority = Authority(str(stage.folder / "ca"))
        good = authority.issue()
        if trusted:
            bad = authority.issue(names=names, begins=days[0], ends=days[1])
        else:
            (stage.folder / "other").mkdir()
            bad = Authority(str(stage.folder / "other")).issue()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(good.certificate, good.key)
        with AuthorizationServer(tls=context) as server:
            stage.server = server
            stage.keys["tls"] = {"caFile": authority.file}
            return ride(
                stage,
                lambda _: context.load_cert_chain(bad.certificate, bad.key),
                lambda _: context.load_cert_chain(good.certificate, good.key),
            )

    return act


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
