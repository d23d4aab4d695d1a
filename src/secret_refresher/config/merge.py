"""`defaults` under each token: on what was read, before anything is built."""

from __future__ import annotations

from secret_refresher.config.methods import of_the_method
from secret_refresher.config.problems import Path
from secret_refresher.config.sections import Part

_RIVALS = {
    "": {"tokenUrl": "issuer", "issuer": "tokenUrl"},
    "auth": {"clientId": "clientIdFile", "clientIdFile": "clientId"},
}
"""A token's one removes the default's other; by the section that has them."""


def merged(default: Part, own: Part, section: str = "") -> Part:
    """`own` over `default`: maps merge, lists and scalars replace, null removes."""
    rivals = _RIVALS.get(section, {})
    result = Part(default)
    for key, value in own.items():
        beneath = result.pop(key, None)
        if value is None:
            continue
        if key in rivals:
            result.pop(rivals[key], None)
        if isinstance(value, Part):
            under = beneath if isinstance(beneath, Part) else Part()
            if key == "auth":
                under = of_the_method(under, value)
            value = merged(under, value, key)  # noqa: PLW2901 - what it comes to
        result[key] = value
    return result


def holds(part: Part, path: Path) -> bool:
    """Whether a part says what stands at `path`, be it with null or as a whole around it."""
    value: object = part
    for key in path:
        if not isinstance(value, Part):
            return True
        if key not in value:
            return False
        value = value[str(key)]
    return True
