"""What can happen to a shard; in a module of its own, as who takes no part names it, too."""

from __future__ import annotations

from enum import Enum


class Move(Enum):
    """What happens to a shard."""

    TAKEN = "taken"
    """Its tokens may be acted for."""
    LEAVING = "leaving"
    """Its tokens are to be given up; to be answered by `vacated`."""
    RELEASED = "released"
    LOST = "lost"
    """Its tokens may not be acted for any more, as of now."""
