"""Which places of care are probably eligible, and why: what registers say for the label, and against it. Pure.

Nothing is decided here: registers are late, and silent on most criteria. An agent reads the reasons, and invites.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from francesante.lib.french import NBSP, plural, typeset
from francesante.lib.text import sort_key
from labelling.rules.register_facts import favourable, unfavourable

WELL_SUPPORTED = 3
"""Facts in favour, none against, from which a place is held to be likely eligible."""


SPECIALISED: Mapping[str, str] = {
    "annexe": "annexe d’un autre lieu",
    "cattp": "psychiatrie",
    "cegidd": "santé sexuelle",
    "cmp": "psychiatrie",
    "cmpp": "psychiatrie",
    "convalescence": "soins de suite",
    "cpef": "planification familiale",
    "dent": "dentaire",
    "dentaire": "dentaire",
    "dentaires": "dentaire",
    "depistage": "prévention",
    "dialyse": "dialyse",
    "had": "HAD",
    "hj": "hôpital de jour",
    "hdj": "hôpital de jour",
    "imagerie": "imagerie",
    "infirmiers": "soins infirmiers",
    "mentale": "psychiatrie",
    "ophtalmo": "ophtalmologie",
    "ophtalmologie": "ophtalmologie",
    "ophtalmologique": "ophtalmologie",
    "orthodontie": "orthodontie",
    "planification": "planification familiale",
    "psychiatrie": "psychiatrie",
    "psychiatrique": "psychiatrie",
    "psychologique": "psychiatrie",
    "psychotherapique": "psychiatrie",
    "psy": "psychiatrie",
    "radiologie": "radiologie",
    "samu": "urgences",
    "sexuelle": "santé sexuelle",
    "smr": "soins de suite",
    "smur": "urgences",
    "ssr": "soins de suite",
    "tuberculeuse": "prévention",
    "usld": "soins de longue durée",
}
"""Words of a name, without accents, that speak of a single kind of care; and how they are told."""
GENERAL = frozenset({"medical", "medicale", "polyvalent", "polyvalente", "pluriprofessionnel", "pluriprofessionnelle"})
"""Words of a name that speak of general care: beside them, a single kind of care is not the only one."""

SILENT = "aucun registre ne dit rien des critères"
NO_ADDRESS = "aucune adresse électronique connue"
NO_ANSWER = "une invitation est restée sans réponse"
SHARED = (SILENT, NO_ADDRESS, NO_ANSWER)
"""Doubts that many places have: a list says them once for all of these."""


class Likelihood(StrEnum):
    """How much the registers say for a place."""

    LIKELY = "probable"
    POSSIBLE = "possible"
    DOUBTFUL = "à vérifier"


ORDER = list(Likelihood)


@dataclass(frozen=True, slots=True)
class Weighed:
    """What the registers say of a place: reasons to invite it, reasons to look closer.

    ``specialised``: its name speaks of a single kind of care, which the label does not aim at.
    """

    likelihood: Likelihood
    reasons: tuple[str, ...]
    doubts: tuple[str, ...]
    strength: int
    specialised: bool = False

    @property
    def shared(self) -> tuple[str, ...]:
        """The doubts that many places have."""
        return tuple(doubt for doubt in self.doubts if doubt in SHARED)

    @property
    def own(self) -> tuple[str, ...]:
        """The doubts that come from what is known of this place alone."""
        return tuple(doubt for doubt in self.doubts if doubt not in SHARED)

    @property
    def rank(self) -> tuple[int, int, tuple[str, ...], int]:
        """Order of the list: the likely first, then the fewest doubts, those that share them together; the best known first."""
        return ORDER.index(self.likelihood), len(self.shared), self.shared, len(self.own) * 100 - self.strength


def weigh(
    *,
    name: str,
    category: str,
    said: Sequence[tuple[str, Mapping[str, Any]]],
    has_address: bool,
    labelled_siblings: int = 0,
    former_invitation: bool = False,
) -> Weighed:
    """Weigh a place.

    Args:
        name: name in the register.
        category: category of the register, or the type that it proposes.
        said: the facts of each register that knows the place, with its name and date.
        has_address: the register knows an e-mail address.
        labelled_siblings: other sites of the same legal entity with a label in force.
        former_invitation: an earlier invitation ended without answer.
    """
    reasons, doubts = [category], []
    facts = 0
    for source, one in said:
        if good := favourable(one):
            facts += len(good)
            reasons.append(f"{source} : {', '.join(good)}")
        if bad := unfavourable(one):
            doubts.append(f"{source} : {', '.join(bad)}")
    if len(said) > 1:
        reasons.append(f"connue de {len(said)} registres")
    if labelled_siblings:
        s = plural(labelled_siblings)
        reasons.append(f"même entité juridique : {labelled_siblings}{NBSP}site{s} labellisé{s}")
    words = set(sort_key(name).split())
    if special := sorted({SPECIALISED[word] for word in words & SPECIALISED.keys()}):
        doubts.append(f"son nom dit « {', '.join(special)} » : présence d’un médecin à vérifier")
    against = bool(doubts)
    if not facts:
        doubts.append(SILENT)
    if not has_address:
        doubts.append(NO_ADDRESS)
    if former_invitation:
        doubts.append(NO_ANSWER)
    supported = Likelihood.LIKELY if facts >= WELL_SUPPORTED else Likelihood.POSSIBLE
    likelihood = Likelihood.DOUBTFUL if against else supported
    specialised = bool(special) and not words & GENERAL
    return Weighed(likelihood, tuple(map(typeset, reasons)), tuple(map(typeset, doubts)), facts, specialised)
