"""Exact Shapley values of tree ensembles, compiled: for every client of a portfolio, and for one within a heartbeat.

* `ensemble`: the values of a LightGBM model, of many clients or of one, path-dependent or against a population.
* `program`: a model's trees as flat arrays, their leaves in groups that have a table each.
* `leaves`: the formula of one leaf, of values and of interaction values.
* `tables`: what each group of leaves gives, for every pattern of the tests that decide it.
* `kernel`: the compiled walks through them.

Everything here is in the raw log-odds of default, the model's own output; `explain.contributions` turns it into
log-odds of repayment.

Out of scope: anything sampled or approximated, models averaged (random forests) or with linear leaves, and what the
values are used for.
"""
