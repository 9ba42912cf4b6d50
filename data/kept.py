"""Results kept for whoever asks again: a bounded number of them, each made once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

Result = TypeVar("Result")


class Kept(Generic[Result]):
    """The results last asked for, at most `most`, each made once however many ask for it.

    Parameters
    ----------
    most : how many are kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._found: OrderedDict[Hashable, Result] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}

    def peek(self, key: Hashable) -> Result | None:
        """Return a result that is there, else None."""
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
            return self._found.get(key)

    def get(self, key: Hashable, make: Callable[[], Result]) -> Result:
        """Return a result, made by `make` where it isn't there; whoever asks for it meanwhile waits for it.

        Where `make` raises, so does this, and nothing is kept.
        """
        with self._lock:
            own = self._making.setdefault(key, threading.Lock())
        with own:
            try:
                found = self.peek(key)
                if found is None:
                    found = make()
                with self._lock:
                    self._found[key] = found
                    self._found.move_to_end(key)
                    while len(self._found) > self._most:
                        self._found.popitem(last=False)
            finally:
                with self._lock:
                    self._making.pop(key, None)
        return found

    def __len__(self) -> int:
        return len(self._found)
