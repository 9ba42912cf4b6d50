"""The portfolio: schema of the raw tables, sources, synthetic generator, features, store.

Out of scope: models, scores, explanations, drawing, and any network access.
"""
