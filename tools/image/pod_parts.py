"""What runs inside the containers of `pod-run` beside the daemon: a token server and a consumer.

    pod_parts.py server LIFE
    pod_parts.py consumer PATH SECONDS

Standard library only, since the image has nothing else to give. A token says of itself when it
expires and carries a checksum, so that a reader can tell an expired or torn one.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = 8080
GRANTED = {"client_id": "pod", "client_secret": "pod-secret", "grant_type": "client_credentials"}
POLL = 0.02
"""Seconds between two reads."""
PATIENCE = 20.0
"""Seconds that the consumer waits for the first token."""


def _token(serial: int, expires: float) -> str:
    text = f"{serial}.{expires:.3f}"
    return f"{text}.{hashlib.sha256(text.encode()).hexdigest()}"


def serve(life: float) -> None:
    """Grants tokens that live `life` seconds to whoever sends the right JSON, until killed."""
    serial = 0

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            nonlocal serial
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path != "/oauth/token" or json.loads(body) != GRANTED:
                self._answer(401, {"error": "invalid_client"})
                return
            serial += 1
            token = _token(serial, time.time() + life)
            self._answer(200, {"access_token": token, "expires_in": life})

        def _answer(self, status: int, answer: dict[str, object]) -> None:
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Says nothing: what it would say is in the daemon's log."""

    ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()


def consume(path: str, seconds: float) -> None:
    """Waits for the first token, reads for `seconds`, and prints what it saw as JSON."""
    patience = time.monotonic() + PATIENCE
    while not os.path.exists(path):
        if time.monotonic() > patience:
            sys.exit(f"no token at {path} after {PATIENCE:.0f} s")
        time.sleep(0.002)
    first = time.time()
    seen: Counter[str] = Counter()
    serials: set[str] = set()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        before = time.time()
        try:
            with open(path, encoding="ascii") as file:
                text = file.read()
        except OSError as trouble:
            seen[f"unreadable ({trouble.strerror})"] += 1
        else:
            seen[_judge(text, before)] += 1
            serials.add(text.partition(".")[0])
        time.sleep(POLL)
    try:
        with open(path, "ab"):
            written = True
    except OSError:
        written = False
    report = {
        "first": first,
        "reads": dict(seen),
        "tokens": len(serials),
        "uid": os.getuid(),
        "mode": f"{os.stat(path).st_mode & 0o7777:04o}",
        "could_write": written,
    }
    print(json.dumps(report), flush=True)


def _judge(text: str, now: float) -> str:
    serial, _, rest = text.partition(".")
    expires, _, _ = rest.rpartition(".")
    try:
        if text != _token(int(serial), float(expires)):
            return "torn"
    except ValueError:
        return "torn"
    return "live" if now < float(expires) else "expired"


if __name__ == "__main__":
    if sys.argv[1] == "server":
        serve(float(sys.argv[2]))
    else:
        consume(sys.argv[2], float(sys.argv[3]))
