"""From raw tables to a portfolio ready to serve: import, features, train, export, score, explain; resumable.

Each step leaves its own finished artefact, with a manifest of hashes; a step whose artefact is there and was made from the same
input is not run again. A run that is killed at any moment leaves either the old artefact or the new one.
"""
