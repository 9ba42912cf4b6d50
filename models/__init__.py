"""The model: train it, calibrate it, export it exactly to ONNX, score clients with it, say what it is.

A model is a folder: `model.txt` (LightGBM's text), `model.onnx`, `calibrator.json`, `policy.json`, `card.json`,
`out_of_fold.parquet` and `manifest.json`, which holds the hash of each. Default is the positive class everywhere: a raw
score is the uncalibrated log-odds of default, a PD the calibrated probability of default; only the *score* that people
see goes the other way (see `models.policy`).

Out of scope: features, explanations, drawing, serving, and comparing contenders (that is `bench`).
"""
