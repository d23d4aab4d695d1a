"""Assertions that somebody else signed, as files hold them."""

import base64
import json
from typing import Any

import pytest

from secret_refresher.errors import Fault, Lane, Reason, Trouble
from secret_refresher.tokens.assertion import Validity, parse, validity

PATH = "/var/run/tokens/assertion"


def part(value: Any) -> str:
    """One part of a JWT."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def jwt(claims: Any, header: Any = None) -> str:
    """A JWT with a signature that nobody checks."""
    return f"{part(header or {'alg': 'RS256'})}.{part(claims)}.{part(b'signature')}"


ENCRYPTED = ".".join([part({"alg": "RSA-OAEP", "enc": "A256GCM"}), *["AAAA"] * 4])


@pytest.mark.parametrize("text", [jwt({"sub": "x"}), jwt({}), ENCRYPTED])
@pytest.mark.parametrize("end", ["", "\n"])
def test_what_an_assertion_is(text: str, end: str) -> None:
    """A signed JWT is taken as it is, and an encrypted one, less one newline at the end."""
    assert parse(PATH, (text + end).encode()).reveal() == text


@pytest.mark.parametrize(
    "content",
    [
        b"hunter2-hunter2",
        b"a.b",
        b"a.b.c",
        f"{part({'alg': 'RS256'})}.hunter2hunter2.c".encode(),
        f"{part(b'[1]')}.{part({})}.c".encode(),
        f"{part({'typ': 'JWT'})}.{part({})}.c".encode(),
        f"{part({'alg': 1})}.{part({})}.c".encode(),
        jwt({}).encode() + b".d",
        b"." * 4,
    ],
)
def test_what_it_is_not(content: bytes) -> None:
    """Anything else is refused before it is sent anywhere, without a word of it."""
    with pytest.raises(Trouble) as error:
        parse(PATH, content)
    fault = error.value.fault
    assert (fault.reason, fault.lane) == (Reason.CREDENTIALS, Lane.PERMANENT)
    assert fault.summary == f"{PATH} does not hold a JWT"
    assert "a private key belongs to auth.privateKeyFile" in fault.advice
    assert "hunter2" not in str(fault)


@pytest.mark.parametrize(("content", "told"), [(b"", "is empty"), (b"a\nb.c", "control")])
def test_what_no_credential_may_be(content: bytes, told: str) -> None:
    """What is wrong for every credential file is told in the same words."""
    with pytest.raises(Trouble, match=told):
        parse(PATH, content)


def test_a_fault_of_reading() -> None:
    """A file that could not be read is told as its reader does."""
    fault = Fault(Reason.CREDENTIALS, "cannot read it", "mount it")
    with pytest.raises(Trouble) as error:
        parse(PATH, fault)
    assert error.value.fault is fault


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({"nbf": 10, "exp": 20.5}, Validity(10.0, 20.5)),
        ({"exp": 20}, Validity(None, 20.0)),
        ({"exp": "20", "nbf": True}, Validity()),
        ({"exp": 1e300}, Validity()),
        ([], Validity()),
    ],
)
def test_from_when_to_when(claims: Any, told: Validity) -> None:
    """Times are read where they are numbers; nothing else in their place does harm."""
    assert validity(f"{jwt(claims)}\n".encode()) == told


@pytest.mark.parametrize("content", [b"", b"\xff.\xff.\xff", ENCRYPTED.encode(), b"a.b.c"])
def test_times_of_something_else(content: bytes) -> None:
    """What is no signed JWT says no times."""
    assert validity(content) == Validity()
