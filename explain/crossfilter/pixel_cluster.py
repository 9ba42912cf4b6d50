"""Pictures by Dask."""

DASK_FROM = 5_000_000
