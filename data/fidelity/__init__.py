"""How faithful a set of raw tables is to the published statistics of the Home Credit tables."""

from data.fidelity.comparison import Comparison, compare
from data.fidelity.published import Statistic, published, published_in

__all__ = ["Comparison", "Statistic", "compare", "published", "published_in"]
