"""What values a column holds: how many, from where to where, whole or not, and which ones stand at given ranks.

All of it in a few passes over the column, in blocks side by side, without sorting or copying it.
"""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from data.compiling import column as array_of
from data.compiling import compiled
from data.cores import threads

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

Result = TypeVar("Result")
ALONE = 200_000
"""Clients up to which one thread is quicker than several."""
MOST_FEW = 256
_HALF = 65536
_SLOTS, _FREE = 4096, 0xFFFFFFFF
_LEAST, _GREATEST, _FINITE, _MISSING, _FRACTIONS = range(5)


@dataclass(frozen=True, slots=True)
class Survey:
    """What values a column holds.

    Attributes
    ----------
    finite, infinite, missing : clients with a finite value, with an infinite one, and with none.
    least, greatest : finite values; NaN where there is none.
    whole : whether all finite values are whole numbers.
    """

    finite: int
    infinite: int
    missing: int
    least: float
    greatest: float
    whole: bool


def in_blocks(clients: int, work: Callable[[int, int], Result]) -> list[Result]:
    """Return what `work` makes of each block of clients, from a first position to one past the last, side by side."""
    count = threads() if clients > ALONE else 1
    ends = [clients * number // count for number in range(count + 1)]
    if count == 1:
        return [work(0, clients)]
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, ends[:-1], ends[1:]))


def survey(values: NDArray[np.float32]) -> Survey:
    """Return what (n,) float32 values there are, NaN being none."""
    run = _surveying()

    def one(start: int, stop: int) -> NDArray[np.float64]:
        found = np.zeros(5)
        run(values[start:stop], found)
        return found

    parts = np.stack(in_blocks(len(values), one))
    finite, missing = int(parts[:, _FINITE].sum()), int(parts[:, _MISSING].sum())
    least, greatest = (float(parts[:, _LEAST].min()), float(parts[:, _GREATEST].max())) if finite else (np.nan, np.nan)
    fractions = bool(parts[:, _FRACTIONS].any())
    return Survey(finite, len(values) - finite - missing, missing, least + 0.0, greatest + 0.0, not fractions)


def few(values: NDArray[np.float32], most: int) -> NDArray[np.float32] | None:
    """Return the finite values there are, ascending, where they are at most `most` (up to MOST_FEW); else None."""
    run = _listing()
    bits = values.view(np.uint32)

    def one(start: int, stop: int) -> NDArray[np.uint32]:
        slots = np.full(_SLOTS, _FREE, dtype=np.uint32)
        run(bits[start:stop], np.int64(min(most, MOST_FEW)), slots)
        return slots

    found = np.concatenate(in_blocks(len(values), one))
    there = np.unique(found[found != _FREE].view(np.float32))
    return there if there.size <= most else None


def at_ranks(values: NDArray[np.float32], ranks: Sequence[int], *, sizes: bool = False) -> list[float]:
    """Return the finite values that stand at some ranks, 0 being the least's; NaN for one that nobody has.

    Parameters
    ----------
    values : (n,) float32.
    ranks : ascending or not.
    sizes : whether to rank the absolute values other than 0 instead.
    """
    return [found for _, found in _selected(values, lambda _: ranks, sizes=sizes)]


def at_shares(values: NDArray[np.float32], shares: Sequence[float], *, sizes: bool = False) -> list[float]:
    """Return the finite values at some shares of the ranks, in [0, 1], rounded to the outside of the middle.

    See `at_ranks`; all are NaN where there is no such value.
    """

    def ranks(count: int) -> list[int]:
        last = max(count - 1, 0)
        return [int(last * share) if share <= 0.5 else last - int(last * (1 - share)) for share in shares]

    return [found for _, found in _selected(values, ranks, sizes=sizes)]


def _selected(
    values: NDArray[np.float32], ranks: Callable[[int], Sequence[int]], *, sizes: bool
) -> list[tuple[int, float]]:
    """Select by the upper, then by the lower half of bits that sort as the values do."""
    bits = values.view(np.uint32)
    run, run_within = _counting()
    kind = np.uint8(sizes)

    def uppers(start: int, stop: int) -> NDArray[np.uint32]:
        counts = np.zeros(_HALF, dtype=np.uint32)
        run(bits[start:stop], kind, counts)
        return counts

    cumulated = np.cumsum(np.sum(in_blocks(len(bits), uppers), axis=0, dtype=np.int64))
    total = int(cumulated[-1])
    wanted = list(ranks(total))
    halves = [int(np.searchsorted(cumulated, rank, side="right")) if 0 <= rank < total else -1 for rank in wanted]
    slots = {half: slot for slot, half in enumerate(sorted(set(halves) - {-1}))}
    if not slots:
        return [(rank, float("nan")) for rank in wanted]
    slot_of = np.full(_HALF, len(slots), dtype=np.uint8)
    for half, slot in slots.items():
        slot_of[half] = slot

    def lowers(start: int, stop: int) -> NDArray[np.uint32]:
        counts = np.zeros((len(slots) + 1, _HALF), dtype=np.uint32)
        run_within(bits[start:stop], kind, slot_of, counts)
        return counts

    within = np.cumsum(np.sum(in_blocks(len(bits), lowers), axis=0, dtype=np.int64), axis=1)
    found = []
    for rank, half in zip(wanted, halves, strict=True):
        if half < 0:
            found.append((rank, float("nan")))
            continue
        before = int(cumulated[half - 1]) if half else 0
        low = int(np.searchsorted(within[slots[half]], rank - before, side="right"))
        found.append((rank, value_of_order((half << 16) | low) + 0.0))
    return found


def order_of(value: float) -> int:
    """Return a whole number that sorts float32 values as they sort, in [0, 2**32)."""
    bits = int(np.float32(value).view(np.uint32))
    return bits ^ 0xFFFFFFFF if bits >> 31 else bits | 0x80000000


def value_of_order(order: int) -> float:
    """Return the float32 value that has that order."""
    bits = order ^ 0x80000000 if order >> 31 else order ^ 0xFFFFFFFF
    return float(np.uint32(bits).view(np.float32))


def upper_halves(values: NDArray[np.float32]) -> NDArray[np.uint32]:
    """Return the upper 16 bits of what `order_of` gives, (n,) uint32."""
    return _orders(np.ascontiguousarray(values).view(np.uint32)) >> np.uint32(16)


def value_before(value: float) -> float:
    """Return the greatest float32 value below one."""
    with np.errstate(over="ignore"):
        return float(np.nextafter(np.float32(value), np.float32(-np.inf)))


def least_value(holds: Callable[[float], bool]) -> float:
    """Return the least float32 value of which something holds that holds of all greater ones; NaN where of none."""
    low, high = order_of(-np.inf), order_of(np.inf)
    if not holds(np.inf):
        return float("nan")
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(value_of_order(middle)) else (middle + 1, high)
    return value_of_order(low) + 0.0


def ordered(values: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.uint32]]:
    """Return the values that are there, sorted, infinite ones included and 0 without a sign, and whose they are.

    Returns
    -------
    there : (m,) float32, the m values that are not missing, ascending.
    clients : (m,) uint32, positions of the clients whose they are; among equal ones ascending.
    """
    bits = (values + np.float32(0.0)).view(np.uint32)
    clients = np.flatnonzero(~np.isnan(values)).astype(np.uint32)
    orders = _orders(bits if clients.size == bits.size else bits[clients])
    other_orders, other_clients, run = np.empty_like(orders), np.empty_like(clients), _sorting()
    for shift in (0, 11, 22):
        run(orders, clients, np.uint32(shift), other_orders, other_clients)
        orders, other_orders, clients, other_clients = other_orders, orders, other_clients, clients
    return np.where(orders >> 31, orders ^ np.uint32(0x80000000), ~orders).view(np.float32), clients


def _orders(bits: NDArray[np.uint32]) -> NDArray[np.uint32]:
    return np.where(bits >> 31, ~bits, bits | np.uint32(0x80000000))


def _survey(values: NDArray[np.float32], out: NDArray[np.float64]) -> None:
    least, greatest = np.float32(np.inf), np.float32(-np.inf)
    finite = missing = fractions = 0
    for value in values:
        known = np.isfinite(value)
        finite += known
        missing += value != value
        fractions += known & (np.floor(value) != value)
        if known:
            least, greatest = min(least, value), max(greatest, value)
    out[_LEAST], out[_GREATEST] = least, greatest
    out[_FINITE], out[_MISSING], out[_FRACTIONS] = finite, missing, fractions


def _list(bits: NDArray[np.uint32], most: int, slots: NDArray[np.uint32]) -> None:
    """Put each finite value there is into a slot of its own, until there are more than `most`."""
    exponent, free = np.uint32(0x7F800000), np.uint32(_FREE)
    mask = np.uint32(len(slots) - 1)
    count = 0
    for each in bits:
        own = np.uint32(0) if each == np.uint32(0x80000000) else each  # 0 with a sign is the same value
        slot = np.uint32(np.uint32(own * np.uint32(0x9E3779B1)) >> np.uint32(20)) & mask
        if slots[slot] == own or own & exponent == exponent:
            continue
        while slots[slot] != own and slots[slot] != free:
            slot = np.uint32(slot + np.uint32(1)) & mask
        if slots[slot] == free:
            slots[slot] = own
            count += 1
            if count > most:
                return


def _count(bits: NDArray[np.uint32], sizes: np.uint8, counts: NDArray[np.uint32]) -> None:
    sign, exponent = np.uint32(0x80000000), np.uint32(0x7F800000)
    kept = np.uint32(0x7FFFFFFF) if sizes else np.uint32(0xFFFFFFFF)
    for each in bits:
        own = each & kept
        if own & exponent == exponent or (sizes and own == 0):
            continue
        order = own ^ np.uint32(0xFFFFFFFF) if own & sign else own | sign
        counts[order >> np.uint32(16)] += np.uint32(1)


def _count_within(
    bits: NDArray[np.uint32], sizes: np.uint8, slot_of: NDArray[np.uint8], counts: NDArray[np.uint32]
) -> None:
    sign, exponent = np.uint32(0x80000000), np.uint32(0x7F800000)
    none = len(counts) - 1
    kept = np.uint32(0x7FFFFFFF) if sizes else np.uint32(0xFFFFFFFF)
    for each in bits:
        own = each & kept
        if own & exponent == exponent or (sizes and own == 0):
            continue
        order = own ^ np.uint32(0xFFFFFFFF) if own & sign else own | sign
        slot = slot_of[order >> np.uint32(16)]
        if slot != none:
            counts[slot, order & np.uint32(0xFFFF)] += np.uint32(1)


def _sort_by_digit(
    orders: NDArray[np.uint32],
    clients: NDArray[np.uint32],
    shift: int,
    out_orders: NDArray[np.uint32],
    out_clients: NDArray[np.uint32],
) -> None:
    """Sort by 11 bits, keeping the order of what is alike in them."""
    starts = np.zeros(2049, dtype=np.int64)
    for order in orders:
        starts[((order >> shift) & np.uint32(2047)) + 1] += 1
    for digit in range(2048):
        starts[digit + 1] += starts[digit]
    for place in range(len(orders)):
        order = orders[place]
        digit = (order >> shift) & np.uint32(2047)
        to = starts[digit]
        starts[digit] += 1
        out_orders[to] = order
        out_clients[to] = clients[place]


@functools.cache
def _surveying() -> Callable[..., None]:
    return compiled(_survey, array_of("float32"), array_of("float64", written=True))


@functools.cache
def _listing() -> Callable[..., None]:
    return compiled(_list, array_of("uint32"), array_of("int64", 0), array_of("uint32", written=True))


@functools.cache
def _counting() -> tuple[Callable[..., None], Callable[..., None]]:
    bits, sizes = array_of("uint32"), array_of("uint8", 0)
    return (
        compiled(_count, bits, sizes, array_of("uint32", written=True)),
        compiled(_count_within, bits, sizes, array_of("uint8"), array_of("uint32", 2, written=True)),
    )


@functools.cache
def _sorting() -> Callable[..., None]:
    read, out = array_of("uint32"), array_of("uint32", written=True)
    return compiled(_sort_by_digit, read, read, array_of("uint32", 0), out, out)
