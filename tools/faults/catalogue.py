"""Every fault that is tried for real, with what is expected of a running daemon."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tools.faults import answers, cluster, disk, network, process
from tools.faults.stage import Stage

Act = Callable[[Stage], str]
"""Tries a fault; returns what was observed, or raises AssertionError."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the page."""

    group: str
    name: str
    expected: str
    act: Act


_OLD = "the old token stays; a new one comes within the lead"
_PUBLISH = "the token is in memory and is written as soon as that goes; no request for another"
_NETWORK: tuple[tuple[str, str, Act], ...] = (
    ("the name does not resolve, no name server answers", _OLD, network.no_name),
    ("connections are refused", _OLD, network.refused),
    ("connections are reset", _OLD, network.reset),
    ("a black hole: connections are taken, nothing answers", _OLD, network.black_hole),
    ("a black hole: no connection comes about", _OLD, network.no_way),
    ("no TLS handshake is answered", _OLD, network.no_handshake),
    ("something answers that speaks no TLS", _OLD, network.no_tls),
    ("the certificate has expired", _OLD, network.certificate("IP:127.0.0.1", (-9, -1))),
    ("the certificate is not valid yet", _OLD, network.certificate("IP:127.0.0.1", (1, 9))),
    ("the certificate is another host's", _OLD, network.certificate("DNS:other", (-1, 9))),
    (
        "the certificate is of an unknown authority",
        _OLD,
        network.certificate("IP:127.0.0.1", (-1, 9), trusted=False),
    ),
)
_DISK: tuple[tuple[str, str, Act], ...] = (
    ("the file system is full", _PUBLISH, disk.full),
    ("no inode is left", _PUBLISH, disk.no_inodes),
    ("the file system is read-only", _PUBLISH, disk.read_only),
    ("the folder may not be written to", _PUBLISH, disk.no_permission),
    ("`umask 000`", "the mode that was asked for, never a wider one", disk.umask("000")),
    ("`umask 077`", "the mode that was asked for", disk.umask("077")),
)
_PROCESS: tuple[tuple[str, str, Act], ...] = (
    ("`kill -9`, at any time", "whole tokens only, nothing left over", process.kills),
    ("SIGSTOP for longer than a life, then SIGCONT", "a new token at once", process.frozen),
    ("the wall clock is set, an hour both ways", "nothing changes", process.clock),
    ("no further memory", f"{_OLD}; it goes on", process.memory),
    ("no further descriptors", f"{_OLD}; it goes on", process.descriptors),
    (
        "credentials are swapped while fetching",
        "each request has id and secret of one generation",
        process.swaps,
    ),
)
_CLUSTER: tuple[tuple[str, str, Act], ...] = (
    (
        "the API server is killed and started again",
        "no dead token in the Secret, no further token request",
        cluster.restarted,
    ),
    (
        "etcd is wiped",
        "the Secret is made again from memory, once there are namespace and rights",
        cluster.wiped,
    ),
)
FAULTS: tuple[Fault, ...] = tuple(
    Fault(group, *row)
    for group, rows in (
        ("The token endpoint answers", answers.ACTS),
        ("The way there", _NETWORK),
        ("Files", _DISK),
        ("The process", _PROCESS),
        ("The cluster", _CLUSTER),
    )
    for row in rows
)
