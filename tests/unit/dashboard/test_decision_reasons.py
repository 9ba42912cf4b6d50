"""The reasons of a decision as the Client page shows them, from a real prepared portfolio; no server."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.special import logit

from dashboard.i18n import Translator
from dashboard.services import ClientFile, Services
from dashboard.views.wording import Wording
from data.store import Portfolio
from explain.blocks import in_blocks

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow
HEADINGS = re.compile(r"<h3>([^<]+)</h3>")
TITLES = {
    "fr": ("Motifs du refus", "Motifs de l’accord", "Ce qui aide ce client", "Ce qui pèse contre ce client"),
    "en": ("Reasons for the refusal", "Reasons for the acceptance", "What helps this", "What weighs against this"),
}


@pytest.fixture(scope="module")
def services(artifacts: Path) -> Services:
    return Services(Portfolio.open(artifacts / "portfolios" / "small"), artifacts / "models" / "small")


def first(services: Services, *, accepted: bool) -> ClientFile:
    return services.file_at(int(np.flatnonzero(services.accepted == accepted)[0]))


def shown(services: Services, file: ClientFile, language: str = "en") -> str:
    return Wording(services, Translator(language)).sentences_html(file)


def with_score_and(services: Services, file: ClientFile, score: float, **values: float) -> ClientFile:
    """Return the file of a client with that score, of whose contributions only these count."""
    names = services.reference_explainer.names
    contributions = np.zeros(len(names))
    for name, value in values.items():
        contributions[names.index(name)] = value
    against = replace(file.against, values=contributions, logit_score=float(logit(score)))
    outcome = file.outcome._replace(score=score, accepted=bool(score >= services.policy.threshold))
    return replace(file, against=against, blocks=in_blocks(against, services.catalog), outcome=outcome)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_decisions_own_side_comes_first_numbered_then_the_other(services: Services, language: str) -> None:
    refused, accepted, helps, weighs = TITLES[language]
    for is_accepted, own, other in ((False, refused, helps), (True, accepted, weighs)):
        text = shown(services, first(services, accepted=is_accepted), language)
        headings = HEADINGS.findall(text)
        assert headings[0].startswith(own)
        assert headings[1].startswith(other)
        numbered = text[text.index("<ol>") : text.index("</ol>")]
        assert 2 <= numbered.count("<li") <= 4
        side = "for" if is_accepted else "against"
        assert numbered.count(f'<li class="{side}">') == numbered.count("<li")
        assert text.index("<ol>") < text.index("<ul>")


def test_it_says_whom_the_client_is_compared_with(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    file, count = first(services, accepted=False), int(services.accepted.sum())
    assert f"Compared with the {count} accepted clients." in shown(services, file)
    assert file.against.base == pytest.approx(services.reference_explainer.base, abs=1e-12)
    assert file.against.base > file.contributions.base
    assert file.against.logit_score == pytest.approx(file.contributions.logit_score, abs=1e-12)
    monkeypatch.setattr(services, "accepted", np.ones(1_001, dtype=bool))
    assert "Compared with 1,000 accepted clients drawn at random (seed 0)." in shown(services, file)


def test_a_flagged_reason_bears_its_tag_and_a_note_and_one_further_down_is_listed_apart(services: Services) -> None:
    ordinary = {
        "EXT_SOURCE_2": -0.5, "AMT_CREDIT": -0.4, "AMT_INCOME_TOTAL": -0.3, "BURO_DAYS_CREDIT_MEAN": -0.2,
    }  # fmt: skip
    weighs = with_score_and(services, first(services, accepted=False), 0.3, DAYS_BIRTH=-0.35, **ordinary)
    text = shown(services, weighs)
    numbered = text[text.index("<ol>") : text.index("</ol>")]
    assert numbered.count("<li") == 5
    assert numbered.count('<span class="tag">protected attribute</span>') == 1
    assert "A person must review the decision." in numbered
    assert "Other protected attributes" not in text
    further = with_score_and(services, first(services, accepted=False), 0.3, DAYS_BIRTH=-0.1, **ordinary)
    text = shown(services, further, "fr")
    numbered = text[text.index("<ol>") : text.index("</ol>")]
    assert numbered.count("<li") == 4
    apart = text[text.index("Autres attributs protégés dont le modèle s’est servi") :]
    assert "<strong>Âge</strong>" in apart
    assert apart.count("Une personne doit revoir la décision.") == 1


def test_near_the_threshold_it_is_said_before_the_reasons(services: Services) -> None:
    file = first(services, accepted=False)
    near = shown(services, with_score_and(services, file, 0.515, EXT_SOURCE_2=-0.5))
    assert near.index("close to the threshold (52%), on the refused side") < near.index("<ol>")
    assert "close to the threshold" not in shown(services, with_score_and(services, file, 0.4, EXT_SOURCE_2=-0.5))


def test_a_side_without_reasons_says_so_and_so_does_a_portfolio_without_an_accepted_client(services: Services) -> None:
    file = first(services, accepted=False)
    text = shown(services, with_score_and(services, file, 0.3, EXT_SOURCE_2=-0.5))
    assert "Nothing stands out in this client" in text
    assert "there is nobody to compare this client with" in shown(services, replace(file, against=None, blocks=None))


def test_nobody_accepted_leaves_the_rest_of_the_file(artifacts: Path) -> None:
    alone = Services(Portfolio.open(artifacts / "portfolios" / "small"), artifacts / "models" / "small")
    alone.accepted = np.zeros_like(alone.accepted)
    file = alone.file_at(3)
    assert alone.reference_explainer is None
    assert (file.against, file.blocks, file.usual) == (None, None, {})
    assert file.bars.groups


def test_the_categories_quoted_come_with_the_most_frequent_one(services: Services) -> None:
    file = services.file_at(0)
    source = "application.NAME_CONTRACT_TYPE"
    expected = services.usual(source)
    counts = {
        category: float(
            np.nansum(services.portfolio.features.column(f"NAME_CONTRACT_TYPE_{category}")[services.accepted])
        )
        for category in ("Cash loans", "Revolving loans")
    }
    assert expected == max(counts, key=counts.__getitem__)
    weighs = with_score_and(services, file, 0.3, **{"NAME_CONTRACT_TYPE_Cash loans": -0.5})
    assert "frequent" in shown(services, replace(weighs, usual={source: expected}))
