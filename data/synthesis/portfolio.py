"""Put the tables of a block together, and stream the blocks to Parquet."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import threading
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING

import polars as pl
import pyarrow.parquet as pq

from data import schema
from data.errors import InvalidOption
from data.files import write_json, written_whole
from data.progress import Report, silent
from data.synthesis import bureau, monthly, previous
from data.synthesis.cards import cards
from data.synthesis.clients import clients
from data.synthesis.default import default
from data.synthesis.frames import frame
from data.synthesis.instalments import instalments
from data.synthesis.latent import BLOCK, block
from data.synthesis.offers import offers

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

VERSION = 2
LARGEST = 2**31
FILES = tuple(name for table in schema.tables().values() for name in table.files)
MARK = "SYNTHETIC.json"
_BLOCKS_A_GROUP = 16
_AHEAD = 4


def block_tables(number: int, seed: int, first: int = BLOCK) -> dict[str, pl.DataFrame]:
    """Return the tables of the `first` clients of block `number` (it has 1,000), by the name of the published file."""
    one = block(number, seed)
    counts = bureau.loan_counts(one)
    people = clients(one, counts > 0)
    target = default(one, people)
    income = people.columns["AMT_INCOME_TOTAL"]
    elsewhere = bureau.loans(one, counts, income)
    applications = previous.applications(one, income)
    listed = applications.listed
    asked = previous.columns(one, applications) | offers(one, applications)
    some = monthly.loans(one, applications)
    statements = cards(one, applications)
    everybody = frame("application", people.columns | {schema.TARGET: target})
    unlabelled = pl.Series(one.unlabelled)
    statuses = bureau.balance(one, elsewhere)
    early = statuses.pop("owner") < first
    tables = {
        "application_train": everybody.filter(~unlabelled),
        "application_test": everybody.filter(unlabelled).drop(schema.TARGET),
        "bureau": frame("bureau", elsewhere.columns),
        "previous_application": frame("previous_application", {name: values[listed] for name, values in asked.items()}),
        "POS_CASH_balance": frame("POS_CASH_balance", monthly.statements(one, applications, some)),
        "installments_payments": frame("installments_payments", instalments(one, applications, some, statements)),
        "credit_card_balance": frame("credit_card_balance", statements.columns),
    }
    if first < BLOCK:
        end = int(one.ids[0]) + first
        tables = {name: part.filter(pl.col(schema.CLIENT_ID) < end) for name, part in tables.items()}
        statuses = {name: values[early] for name, values in statuses.items()}
    return tables | {"bureau_balance": frame("bureau_balance", statuses)}


def blocks(clients: int, seed: int, workers: int = 1) -> Generator[dict[str, pl.DataFrame]]:
    """Yield the tables of the first `clients` clients of the portfolio of `seed`, block by block.

    With several `workers`, processes of their own make blocks ahead, a few at a time; what is yielded is the same.
    Raises InvalidOption where `clients` is not in 1..2**31, `seed` is negative or there is no worker.
    """
    if not 1 <= clients <= LARGEST:
        raise InvalidOption(f"The number of clients is {clients}; it must be from 1 to {LARGEST:,}.")
    if seed < 0:
        raise InvalidOption(f"The seed is {seed}; it must be 0 or more.")
    if workers < 1:
        raise InvalidOption(f"The number of workers is {workers}; it must be 1 or more.")
    whole, rest = divmod(clients, BLOCK)
    wanted = itertools.chain(((number, seed, BLOCK) for number in range(whole)), [(whole, seed, rest)] if rest else [])
    if workers == 1:
        yield from itertools.starmap(block_tables, wanted)
        return
    processes = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=processes, initializer=_end_with_parent) as pool:
        ahead = deque(pool.submit(block_tables, *one) for one in itertools.islice(wanted, _AHEAD * workers))
        try:
            while ahead:
                tables = ahead.popleft().result()
                ahead.extend(pool.submit(block_tables, *one) for one in itertools.islice(wanted, 1))
                yield tables
        finally:
            for future in ahead:
                future.cancel()


def _end_with_parent() -> None:
    """Have this process end when the one that started it does: one that is killed can't tell its workers."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def generate(clients: int, seed: int) -> dict[str, pl.DataFrame]:
    """Return the eight tables of a synthetic portfolio, by the name of the published file.

    Parameters
    ----------
    clients : how many, labelled and unlabelled together, from 1 to 2**31; ids count from 100001.
    seed : 0 or more. The same seed gives the same clients, whatever their number: a smaller portfolio is the beginning
        of a larger one.

    Returns
    -------
    Frames with the schema's columns in the published order (Int64, Float64 and String, null where absent).
    `application_train` has TARGET, 1 for default; `application_test` hasn't.

    Raises
    ------
    InvalidOption : `clients` or `seed` is out of range.
    """
    parts: dict[str, list[pl.DataFrame]] = {name: [] for name in FILES}
    for tables in blocks(clients, seed):
        for name, part in tables.items():
            parts[name].append(part)
    return {name: pl.concat(frames) for name, frames in parts.items()}


def synthesise(clients: int, seed: int, out: Path, report: Report = silent, workers: int = 1) -> None:
    """Write a synthetic portfolio to `out`: eight Parquet files named as the published ones, and SYNTHETIC.json.

    Blocks are written as they are made, so memory does not grow with the number of clients; each file appears only when
    it is whole. Parameters and errors are those of `generate`; the files are the same whatever the number of `workers`,
    the processes that make blocks.
    """
    stream = blocks(clients, seed, workers)
    tables = next(stream)
    total = -(-clients // BLOCK)
    with contextlib.closing(stream), contextlib.ExitStack() as files, contextlib.ExitStack() as writers:
        open_files: dict[str, pq.ParquetWriter] = {}
        for name in FILES:
            path = files.enter_context(written_whole(out / f"{name}.parquet"))
            layout = tables[name].head(0).to_arrow().schema
            open_files[name] = writers.enter_context(pq.ParquetWriter(path, layout, compression="zstd"))
        group = [tables]
        for done, tables in enumerate(stream, start=1):
            report("making clients", done / total)
            if len(group) == _BLOCKS_A_GROUP:
                _write(open_files, group)
                group = []
            group.append(tables)
        _write(open_files, group)
        writers.close()
    write_json(out / MARK, {"generator": "data.synthesis", "version": VERSION, "seed": seed, "clients": clients})
    report("making clients", 1.0)


def _write(open_files: dict[str, pq.ParquetWriter], group: list[dict[str, pl.DataFrame]]) -> None:
    for name, writer in open_files.items():
        writer.write_table(pl.concat([tables[name] for tables in group]).to_arrow(), row_group_size=2**31 - 1)
