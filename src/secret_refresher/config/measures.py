"""Shapes of what is measured or numbered: times, permissions, where to listen."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, final

from secret_refresher.config.checks import is_host
from secret_refresher.config.problems import Findings, Path
from secret_refresher.config.shapes import BAD, Schema, kind, shown

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION = "^(?=.)" + "".join(rf"([0-9]+(\.[0-9]+)?{unit})?" for unit in _UNITS) + "$"
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|h|m|s)")
_LONGEST = 40
"""Characters; longer than any time that makes sense."""
_MODE = "^0?[46][0246][04]$"
_ADDRESS = r"^(\[[0-9A-Fa-f:.]+\]|[^:\s\[\]]*):[0-9]{1,5}$"
_MOST_PORT = 65535


@final
@dataclass(frozen=True, slots=True)
class Duration:
    """A time as `90s`, `5m` or `1h30m`; bounds in seconds, both included."""

    least: float
    most: float

    def read(self, raw: Any, at: Path, findings: Findings) -> Any:
        """Seconds as a float."""
        if not isinstance(raw, str) or len(raw) > _LONGEST or not re.fullmatch(_DURATION, raw):
            findings.add(at, f"must be a time as 90s, 5m or 1h30m, not {kind(raw)}{_unit(raw)}")
            return BAD
        seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(raw))
        if not self.least <= seconds <= self.most:
            findings.add(at, f"must be from {span(self.least)} to {span(self.most)}")
            return BAD
        return seconds

    def show(self, value: Any) -> Any:
        """The largest unit that fits."""
        return span(value)

    def schema(self) -> Schema:
        """A string with a pattern."""
        return {"type": "string", "pattern": _DURATION, "maxLength": _LONGEST}


def span(seconds: float) -> str:
    """Seconds as a duration is written."""
    for unit, size in _UNITS.items():
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return "0s" if seconds == 0 else f"{seconds * 1000:g}ms"


def _unit(raw: object) -> str:
    """What a number without a unit was probably meant to be."""
    if isinstance(raw, str):
        if re.fullmatch(r"[0-9]{1,9}", raw):
            return f" without a unit; write {raw}s"
        days = re.fullmatch(r"([0-9]{1,4})d", raw)
        return f"; write days as hours, {24 * int(days[1])}h" if days else ""
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return ""
    return f" without a unit; write {shown(raw)}s"


@final
@dataclass(frozen=True, slots=True)
class Mode:
    """Permission bits as a quoted octal text."""

    def read(self, raw: Any, at: Path, findings: Findings) -> Any:
        """The bits as an int."""
        problem = _mode_problem(raw)
        if problem is None:
            return int(raw, 8)
        findings.add(at, f'{problem}; write it as "0440", quotes included')
        return BAD

    def show(self, value: Any) -> Any:
        """Four octal digits."""
        return f"{value:04o}"

    def schema(self) -> Schema:
        """A string with a pattern."""
        return {"type": "string", "pattern": _MODE}


def _mode_problem(raw: Any) -> str | None:
    if isinstance(raw, int) and not isinstance(raw, bool):
        return f"must be a text: without quotes YAML made it the number {shown(raw)}"
    if not isinstance(raw, str):
        return f"must be three or four octal digits, not {kind(raw)}"
    if not re.fullmatch("[0-7]{3,4}", raw):
        return "must be three or four octal digits"
    bits = int(raw, 8)
    if bits & 0o7000:
        return "must not set setuid, setgid or the sticky bit"
    if bits & 0o111:
        return "must not let anybody execute the token"
    if bits & 0o002:
        return "must not let everybody write to the token"
    return None if bits & 0o400 else "must let the owner read, who repairs the file"


@final
@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen: `host:port`, an IPv6 address in brackets; no host means all."""

    def read(self, raw: Any, at: Path, findings: Findings) -> Any:
        """Host and port."""
        match = re.fullmatch(_ADDRESS, raw) if isinstance(raw, str) else None
        if match is not None:
            host, _, port = match[0].rpartition(":")
            if (not host or is_host(host)) and int(port) <= _MOST_PORT:
                return host.strip("[]") or "::", int(port)
        findings.add(at, 'must be host:port in quotes, as "[::]:9797", "127.0.0.1:9797" or ":9797"')
        return BAD

    def show(self, value: Any) -> Any:
        """IPv6 in brackets."""
        host, port = value
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def schema(self) -> Schema:
        """A string."""
        return {"type": "string", "pattern": _ADDRESS}
