"""Every program beside every other, one scene after another."""

from __future__ import annotations

import base64
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.fleet import memory_folder
from bench.peers import programs
from bench.peers.programs import Program
from bench.peers.script import play
from bench.peers.stand import Stand, stand, until
from bench.places import fresh_cluster
from support.cluster import Cluster
from support.cluster_assets import assets
from support.cluster_client import ApiError
from support.consumer import Consumer
from support.secret_consumer import SecretConsumer

PERIOD = 0.05
"""Seconds between two reads of a consumer."""
Reader = Consumer | SecretConsumer
Found = dict[str, float]


def to_files(scene: str, life: float, lives: float) -> dict[str, Found]:
    """One scene for all programs that keep a file, side by side."""
    with _folder() as folder, ExitStack() as stack:
        working: dict[str, tuple[Stand, Reader]] = {}
        for number, program in enumerate(programs.to_files()):
            own = folder / str(number)
            at = stack.enter_context(stand(program, own, life))
            working[program.name] = at, stack.enter_context(Consumer(own / "token", PERIOD))
        return _played(scene, life, lives, working)


def to_secrets(scene: str, life: float, lives: float) -> dict[str, Found]:
    """One scene for all programs that keep a Secret, on one API server."""
    with _folder() as folder, fresh_cluster() as cluster, ExitStack() as stack:
        working: dict[str, tuple[Stand, Reader]] = {}
        for number, program in enumerate(programs.to_secrets()):
            own, namespace = folder / str(number), cluster.namespace()
            at = stack.enter_context(
                stand(
                    program,
                    own,
                    life,
                    place=f"{namespace}/token",
                    kubeconfig=cluster.admin_kubeconfig,
                    kubectl=os.path.join(assets(), "kubectl"),
                )
            )
            reader = SecretConsumer(cluster.admin, namespace, "token", period=PERIOD)
            working[program.name] = at, stack.enter_context(reader)
        return _played(scene, life, lives, working)


def _played(
    scene: str, life: float, lives: float, working: dict[str, tuple[Stand, Reader]]
) -> dict[str, Found]:
    until(lambda: all(reader.tokens for _, reader in working.values()))
    asked = {name: len(at.server.requests) for name, (at, _) in working.items()}
    play(scene, [at for at, _ in working.values()], life, lives)
    found = {}
    for name, (at, reader) in working.items():
        at.running.kill()
        found[name] = {
            "bad": sum(reader.faults.values()) * PERIOD,
            "requests": float(len(at.server.requests) - asked[name]),
            "memory": at.running.memory,
            "cpu": at.running.cpu,
        }
    return found


def start(name: str, kind: str) -> float:
    """Seconds from the start of a program to its first token."""
    with _folder() as folder:
        if kind == "file":
            program = _named(programs.to_files(), name)
            with stand(program, folder / "one", 3600.0) as at:
                return until(lambda: _whole(folder / "one" / "token", at))
        program = _named(programs.to_secrets(), name)
        with fresh_cluster() as cluster:
            namespace = cluster.namespace()
            with stand(
                program,
                folder / "one",
                3600.0,
                place=f"{namespace}/token",
                kubeconfig=cluster.admin_kubeconfig,
                kubectl=os.path.join(assets(), "kubectl"),
            ) as at:
                return until(lambda: _kept(cluster, namespace, at))


def _named(found: Sequence[Program], name: str) -> Program:
    return next(program for program in found if program.name == name)


def _whole(file: Path, at: Stand) -> bool:
    return file.exists() and file.read_text() in at.server.tokens


def _kept(cluster: Cluster, namespace: str, at: Stand) -> bool:
    try:
        secret = cluster.admin.get("secrets", "token", namespace)
    except ApiError:
        return False
    return base64.b64decode(secret.get("data", {}).get("token", "")).decode() in at.server.tokens


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bench-", dir=memory_folder()) as name:
        yield Path(name)
