"""What the demo says."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable

from secret_refresher.demo.consumer import BROKEN, Change
from secret_refresher.demo.place import Place
from secret_refresher.demo.server import Verdict

_FOUND = {
    Verdict.MISSING: "the file is missing",
    Verdict.EMPTY: "THE FILE IS EMPTY",
    Verdict.TORN: "THE FILE HOLDS A PIECE OF A TOKEN",
    Verdict.EXPIRED: "THE TOKEN IN THE FILE IS DEAD",
    Verdict.FOREIGN: "the file holds what somebody else wrote",
}


def introduction(place: Place, served: str, url: str, lifetime: float, poll: float) -> str:
    """What there is to see and to try; `served` is where metrics and probes are."""
    return f"""
  folder         {place.folder}
  token file     {place.token}
  configuration  {place.config}
  credentials    {place.id} and client_secret
  status page    {served}/
  metrics        {served}/metrics
  probes         {served}/livez /readyz /startupz /freshz
  token server   {url} (tokens live {lifetime:.0f} s)

What to look at: the daemon asks for a token, writes it to the file, and replaces it with about
half of its life left. The consumer reads the file every {poll * 1000:.0f} ms, and the server says
what it got. A token is shown as a short hash only. Try in another terminal:

  cd {shlex.quote(place.folder)}
  cat token
  curl -s {served}/metrics | grep secret_refresher_token
  rm token
  echo mine > token
  echo wrong > credentials/client_secret
  cp credentials/client_secret.right credentials/client_secret

A lost or changed file is put right within seconds, without asking for another token. With the
wrong secret the next refresh is refused and the old token stays; with the right one back the
daemon asks at once. Leave the wrong one for too long, and you see what a consumer sees then.
Ctrl-C ends all of it.
"""


def change(what: Change) -> str:
    """One line on what a consumer found."""
    if what.verdict is not Verdict.LIVE:
        return _FOUND[what.verdict]
    text = f"token {what.number} ({what.mark}), {what.remaining:.1f} s to live"
    if what.left is None:
        return text if what.first else f"{text}; whole again after {what.after:.1f} s"
    if what.left < 0:
        return f"{text}; THE ONE BEFORE WAS DEAD FOR {-what.left:.1f} s"
    return f"{text}; the one before had {what.left:.1f} s left"


def failure(why: str, lines: Iterable[str]) -> str:
    """That it went wrong, and what the daemon said last."""
    told = "\n".join(f"  {line}" for line in lines) or "  (it said nothing)"
    return f"\nFAILED: {why}. The last lines of its log:\n\n{told}"


def summary(tokens: int, seen: Counter[Verdict]) -> str:
    """How it went."""
    broken = [f"{seen[verdict]} {verdict}" for verdict in BROKEN]
    if any(seen[verdict] for verdict in BROKEN):
        result = f"of these found the token {', '.join(broken)}"
    else:
        result = "no token was ever seen expired, empty or torn"
    told = f"\n{_count(tokens, 'token')} published, {_count(seen.total(), 'read')}; {result}."
    missing, foreign = seen[Verdict.MISSING], seen[Verdict.FOREIGN]
    if missing or foreign:
        told += (
            f"\nSomebody touched the file: {_count(missing, 'read')} found it missing,"
            f" {_count(foreign, 'read')} another content."
        )
    return told


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
