"""Benchmarks of what happens to a client's features: the score, and later the explanation.

Out of scope: the quality of the model (`python -m models evaluate`).
"""
