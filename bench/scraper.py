"""A Prometheus, as far as a server can tell: scrapes, and prints the seconds of each scrape.

Usage: python -m bench.scraper PORT COUNT PAUSE
"""

from __future__ import annotations

import http.client
import sys
import threading
import time

ACCEPT = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


def scrape(port: int) -> float:
    """Seconds of one scrape, to its last byte."""
    begin = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/metrics", headers={"Accept": ACCEPT})
    answer = connection.getresponse()
    while answer.read(1 << 20):
        pass
    connection.close()
    return time.monotonic() - begin


def _main(port: str, count: str, pause: str) -> None:
    rest = threading.Event()
    for number in range(int(count)):
        if number:
            rest.wait(float(pause))
        print(scrape(int(port)), flush=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])
