"""The values of a feature along an axis, as people say them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboard.figures.standing import round_places
from explain.comparison import reads_backwards

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dashboard.i18n import Translator
    from dashboard.services import Services
    from dashboard.views.wording import Wording


class ValueAxis:
    """Says a feature's values along an axis.

    Parameters
    ----------
    services, wording : of the portfolio, in one language.
    feature : whose values they are.
    """

    def __init__(self, services: Services, wording: Wording, feature: str) -> None:
        entry = services.feature(feature)
        self._feature, self._wording = feature, wording
        self._days = entry.unit == "days"
        self.name = wording.feature(feature)
        self.backwards = reads_backwards(entry)

    def say(self, value: float | None) -> str:
        """Return a value as people say it."""
        return self._wording.number(self._feature, value)

    def between(self, least: float, greatest: float, t: Translator) -> str:
        """Return the values from one to another, in the order in which people read them."""
        low, high = self.say(least), self.say(greatest)
        if self.backwards:
            low, high = high, low
        return low if low == high else t("plots.between", low=low, high=high)

    def ticks(self, low: float, high: float, most: int = 6) -> list[tuple[float, str]]:
        """Return round places from a low to a high value, and what is said there; no two say the same."""
        places = round_places(low, high, days=self._days, most=most)
        said: dict[str, float] = {}
        for place in places:
            said.setdefault(self.say(place), place)
        return [(place, words) for words, place in said.items()]

    def levels(self, values: NDArray[np.float64]) -> list[tuple[float, str]]:
        """Return the number of each of a few values, and what is said of it."""
        return [(float(number), self.say(float(value))) for number, value in enumerate(values)]
