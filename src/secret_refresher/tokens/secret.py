"""A value that cannot be printed by accident."""

from __future__ import annotations

from typing import Generic, NoReturn, TypeVar, final

T = TypeVar("T", str, bytes)


@final
class Secret(Generic[T]):
    """Holds a secret; `reveal()` is the one way out, so that it is easy to search for.

    `str`, `repr` and f-strings show asterisks; pickling and copying to JSON are refused.
    """

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value: T = value

    def reveal(self) -> T:
        """The secret itself: only for the wire and the sink."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(****)"

    __str__ = __repr__

    def __format__(self, spec: str, /) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied")
