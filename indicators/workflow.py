"""The rule book of an edition (DESIGN §5)."""

from collections.abc import Mapping

from francesante.lib.workflow import Transition
from indicators.choices import EditionState as State

_NATIONAL = frozenset({"national", "system"})

TRANSITIONS: Mapping[str, Transition] = {
    "compute": Transition(
        sources=frozenset({State.DRAFT, State.CHECKED}),
        target=State.DRAFT,
        who=_NATIONAL,
        refusal="Une édition publiée ne se recalcule pas : une correction est une nouvelle version, avec son motif.",
    ),
    "check": Transition(
        sources=frozenset({State.DRAFT}),
        target=State.CHECKED,
        who=_NATIONAL,
        refusal="Seule une édition en brouillon peut être vérifiée, par l’équipe nationale.",
    ),
    "publish": Transition(
        sources=frozenset({State.CHECKED}),
        target=State.PUBLISHED,
        who=_NATIONAL,
        refusal="Seule une édition vérifiée peut être publiée, par l’équipe nationale.",
    ),
    "supersede": Transition(
        sources=frozenset({State.PUBLISHED}),
        target=State.SUPERSEDED,
        who=_NATIONAL,
        refusal="Seule une édition publiée peut être remplacée.",
    ),
}
