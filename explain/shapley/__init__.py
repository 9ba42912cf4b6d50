"""Exact Shapley values of tree ensembles, compiled: for every client of a portfolio, and for one within a heartbeat.

* `ensemble`: the values of a LightGBM model, of many clients or of one, path-dependent or against a population.
* `program`: a model's trees as flat arrays, their leaves in groups that have a table each.
* `leaves`: the formula of one leaf, of values and of interaction values.
* `tables`: what each group of leaves gives, for every pattern of the tests that decide it.
* `walking`, `kernel`: the compiled walks through them.
* `other_models`: models that are not LightGBM, through shap's own explainers; `as_shap`: shap's own form of values.

The values of LightGBM ensembles are in the raw log-odds of default, the model's own output; `explain.contributions`
turns them into log-odds of repayment.

Out of scope: values of LightGBM ensembles that are sampled or approximated, random forests and linear leaves of
LightGBM, and what the values are used for.
"""
