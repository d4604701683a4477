"""Which events are news for an agent, by kind. The other acts are the agent's own work, or nobody's surprise."""

from collections.abc import Mapping

from labelling.choices import NewsKind

ACTIONS: Mapping[NewsKind, frozenset[str]] = {
    NewsKind.ANSWER: frozenset({"answer"}),
    NewsKind.MESSAGE: frozenset({"message"}),
    NewsKind.EVIDENCE: frozenset({"add_evidence"}),
    NewsKind.SHARE: frozenset({"share", "endorse"}),
    NewsKind.OPINION: frozenset({"give_opinion", "revise_opinion"}),
    NewsKind.DISAGREEMENT: frozenset({"disagree", "record_concertation", "confirm_concertation", "advise", "resume"}),
    NewsKind.DECISION: frozenset({"grant", "refuse"}),
    NewsKind.DEADLINE: frozenset({"warn_silence", "silence", "expire_request"}),
}
"""The acts on a file that make a kind of news."""
FROM_STRUCTURE = frozenset({NewsKind.MESSAGE, NewsKind.EVIDENCE})
"""Kinds that are news only when the structure did it."""

IN_WORDS: Mapping[NewsKind, tuple[str, str]] = {
    NewsKind.ANSWER: ("réponse reçue", "réponses reçues"),
    NewsKind.MESSAGE: ("message de la structure", "messages de la structure"),
    NewsKind.EVIDENCE: ("pièce ajoutée", "pièces ajoutées"),
    NewsKind.SHARE: ("partage ou position de l’autre autorité", "partages ou positions"),
    NewsKind.OPINION: ("avis rendu", "avis rendus"),
    NewsKind.DISAGREEMENT: ("étape d’un désaccord", "étapes d’un désaccord"),
    NewsKind.DECISION: ("décision signée", "décisions signées"),
    NewsKind.DEADLINE: ("alerte d’échéance", "alertes d’échéance"),
}
"""One event of a kind, and several, on the page of a file."""
KIND_OF: Mapping[str, NewsKind] = {action: kind for kind, actions in ACTIONS.items() for action in actions}
