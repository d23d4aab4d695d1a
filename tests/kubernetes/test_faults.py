"""What goes wrong with the Kubernetes API, as faults of ours."""

import socket
import ssl

import pytest
import urllib3
from kubernetes.config.config_exception import ConfigException

from secret_refresher.adapters.kubernetes import faults
from secret_refresher.errors import Fault, Lane, Reason, Trouble

SECRET = "Bearer eyJhbGciOi"


def translated(error: Exception) -> Fault:
    """What becomes of an exception of a library."""
    with pytest.raises(Trouble) as trouble, faults.translated():
        raise error
    assert trouble.value.__cause__ is None
    assert SECRET not in str(trouble.value)
    return trouble.value.fault


def exhausted(reason: Exception) -> urllib3.exceptions.MaxRetryError:
    """As urllib3 wraps what happens while connecting."""
    return urllib3.exceptions.MaxRetryError(urllib3.HTTPSConnectionPool("x"), "/" + SECRET, reason)


CONNECTION = urllib3.connection.HTTPConnection("x")


@pytest.mark.parametrize(
    ("error", "reason", "lane"),
    [
        (exhausted(ssl.SSLError(SECRET)), Reason.TLS, Lane.TRANSIENT),
        (ssl.SSLCertVerificationError(SECRET), Reason.TLS, Lane.TRANSIENT),
        (
            urllib3.exceptions.NewConnectionError(CONNECTION, SECRET),
            Reason.CONNECT,
            Lane.TRANSIENT,
        ),
        (
            urllib3.exceptions.NameResolutionError("x", CONNECTION, socket.gaierror(-2, SECRET)),
            Reason.DNS,
            Lane.TRANSIENT,
        ),
        (
            urllib3.exceptions.ReadTimeoutError(urllib3.HTTPConnectionPool("x"), "/", SECRET),
            Reason.TIMEOUT,
            Lane.TRANSIENT,
        ),
        (
            urllib3.exceptions.ConnectTimeoutError(CONNECTION, SECRET),
            Reason.TIMEOUT,
            Lane.TRANSIENT,
        ),
        (TimeoutError(SECRET), Reason.TIMEOUT, Lane.TRANSIENT),
        (urllib3.exceptions.ProtocolError(SECRET), Reason.NETWORK, Lane.TRANSIENT),
        (ConnectionResetError(SECRET), Reason.NETWORK, Lane.TRANSIENT),
        (BrokenPipeError(SECRET), Reason.NETWORK, Lane.TRANSIENT),
        (ConfigException(SECRET), Reason.KUBERNETES, Lane.PERMANENT),
        (ValueError(f"Invalid header value {SECRET}"), Reason.KUBERNETES, Lane.PERMANENT),
        (UnicodeEncodeError("latin-1", SECRET, 0, 1, "x"), Reason.KUBERNETES, Lane.PERMANENT),
    ],
)
def test_what_libraries_raise(error: Exception, reason: Reason, lane: Lane) -> None:
    """Each becomes a fault that says what to look at, and nothing of its text is kept."""
    fault = translated(error)
    assert (fault.reason, fault.lane) == (reason, lane)
    assert fault.advice


def test_a_defect_stays_a_defect() -> None:
    """What no library means to raise is not explained away."""
    with pytest.raises(KeyError), faults.translated():
        raise KeyError("x")


def test_a_trouble_passes() -> None:
    """What is a fault already stays the same."""
    mine = Trouble(Fault(Reason.INTERNAL, "a", "b"))
    with pytest.raises(Trouble) as trouble, faults.translated():
        raise mine
    assert trouble.value is mine


STATUSES = [
    (400, Reason.INVALID, Lane.PERMANENT),
    (401, Reason.UNAUTHORIZED, Lane.TRANSIENT),
    (403, Reason.PERMISSION, Lane.PERMANENT),
    (404, Reason.NOT_FOUND, Lane.PERMANENT),
    (408, Reason.TIMEOUT, Lane.TRANSIENT),
    (409, Reason.CONFLICT, Lane.TRANSIENT),
    (410, Reason.KUBERNETES, Lane.TRANSIENT),
    (413, Reason.INVALID, Lane.PERMANENT),
    (422, Reason.INVALID, Lane.PERMANENT),
    (429, Reason.RATE_LIMITED, Lane.TRANSIENT),
    (500, Reason.SERVER_ERROR, Lane.TRANSIENT),
    (502, Reason.SERVER_ERROR, Lane.TRANSIENT),
    (503, Reason.SERVER_ERROR, Lane.TRANSIENT),
    (504, Reason.TIMEOUT, Lane.TRANSIENT),
    (507, Reason.SERVER_ERROR, Lane.TRANSIENT),
    # Of something else that answers in its place.
    (302, Reason.KUBERNETES, Lane.PERMANENT),
    (405, Reason.KUBERNETES, Lane.PERMANENT),
    (407, Reason.KUBERNETES, Lane.PERMANENT),
    (415, Reason.KUBERNETES, Lane.PERMANENT),
]


@pytest.mark.parametrize(("status", "reason", "lane"), STATUSES)
def test_every_status(status: int, reason: Reason, lane: Lane) -> None:
    """Each says what was tried, what it means and what to do, and quotes nothing."""
    content = {"kind": "Status", "message": SECRET, "reason": SECRET}
    fault = faults.refused(status, content, 3.0, "write Secret a/b")
    assert (fault.reason, fault.lane, fault.status) == (reason, lane, status)
    assert fault.retry_after == 3.0
    assert fault.summary.startswith("cannot write Secret a/b: ")
    assert fault.summary.endswith(f" (HTTP {status})")
    assert fault.advice
    assert SECRET not in str(fault)


def test_a_namespace_that_goes() -> None:
    """It comes as a 403 whose cause tells it from a missing right."""
    content = {"details": {"causes": [{"reason": "NamespaceTerminating", "message": "x"}]}}
    assert faults.refused(403, content, None, "write").reason is Reason.TERMINATING
    assert faults.refused(422, content, None, "write").reason is Reason.INVALID


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"details": None},
        {"details": []},
        {"details": {"causes": None}},
        {"details": {"causes": 5}},
        {"details": {"causes": ["x", {"reason": None}]}},
        {"details": {"causes": [{"reason": "FieldValueInvalid", "field": "data"}]}},
    ],
)
def test_no_conflict_of_managers(content: dict[str, object]) -> None:
    """Whatever the server's answer looks like."""
    assert faults.conflicts(content) == {}
    assert not faults.has_cause(content, "NamespaceTerminating")


def test_conflicts_of_managers() -> None:
    """Each field with its manager, whose name is taken only where it is a plain one."""
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "helm" using v1',
            "field": ".data.a",
        },
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "kubectl-client-side-apply" with subresource "x" using v1',
            "field": ".data.b",
        },
        {"reason": "FieldManagerConflict", "message": 'conflict with "\n{x"', "field": ".data.c"},
        {"reason": "FieldManagerConflict"},
    ]
    assert faults.conflicts({"details": {"causes": causes}}) == {
        ".data.a": "helm",
        ".data.b": "kubectl-client-side-apply",
        ".data.c": "another manager",
        "": "another manager",
    }
