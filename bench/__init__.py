"""The benchmark worker: contenders measured side by side in one run, and records of what was found.

Every benchmark interleaves its contenders, so that load on the machine affects all of them alike; keeps a summary of
its raw samples, with the environment they were taken in, as a record under `artifacts/bench/`; has a null contender
that measures the harness itself; prints a table for people and, as its last line, one line of JSON whose keys bear
their units.

Out of scope: training models for use, serving, drawing results (the dashboard reads the records), and any claim about
machines other than the one a record names.
"""
