"""The portfolio on disk, in one place: feature sets, portfolios, and the clients' ids."""

from data.artefact import find_portfolios
from data.client_ids import nearest_ids, parse_client, prefix_ranges
from data.feature_set import FeatureSet, features_from, write_features
from data.portfolio import Portfolio, write_importance, write_portfolio_manifest, write_scores

__all__ = [
    "FeatureSet",
    "Portfolio",
    "features_from",
    "find_portfolios",
    "nearest_ids",
    "parse_client",
    "prefix_ranges",
    "write_features",
    "write_importance",
    "write_portfolio_manifest",
    "write_scores",
]
