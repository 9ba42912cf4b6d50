"""Exploring every client at once: linked filters, counts by bin and by cell, and pictures of two columns.

In scope: columns of all clients and where they lie along an axis; filters, each kept by the chart that made it; what
each chart shows of the clients that the others' filters keep; what goes together, and where risk is high; segments,
which are filters with a name; listing and exporting the clients of a selection. It all works on memory-mapped columns,
without Panel and without sampling.

Out of scope: drawing (`dashboard`), explanations of scores (`explain.importance` and its neighbours), and changing
data.
"""
