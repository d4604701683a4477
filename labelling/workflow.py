"""The rule book of an application: which act, from which states, by whom, to which state (DESIGN §5).

Hats: ``owner`` and ``editor`` for a structure's accounts; ``ars`` and ``prefecture`` for agents; ``system`` for the
portal itself, which applies the effects of signatures.
"""

from collections.abc import Mapping
from typing import Any

from francesante.lib.workflow import Transition
from labelling.choices import ApplicationState as State
from labelling.choices import SupportState

_STRUCTURE = frozenset({"owner", "editor"})
_AGENTS = frozenset({"ars", "prefecture"})
_SYSTEM = frozenset({"system"})

FINAL = frozenset({State.LABELLED, State.REFUSED, State.ABANDONED, State.CLOSED})
PAST_DRAFT = [state for state in State if state != State.DRAFT]
"""States in which ``submitted_at`` is set. An abandoned draft is deleted, not kept."""
_OPEN = frozenset({State.SUBMITTED, State.UNDER_REVIEW, State.DISAGREEMENT, State.AWAITING_SIGNATURES})
"""States in which silence may become a rejection."""
_CONTESTABLE = _OPEN | {State.LABELLED, State.REFUSED}
"""States in which something may be contested: an implicit rejection, a refusal, an act on a label."""
DECIDED_OR_SIGNING = [State.AWAITING_SIGNATURES, State.LABELLED, State.REFUSED]
"""States in which ``decision`` is set."""


ELSEWHERE: Mapping[str, str] = {
    State.SUBMITTED: "Ce dossier attend d’être pris en charge : son instruction n’a pas commencé.",
    State.DISAGREEMENT: "Les deux autorités sont en désaccord sur ce dossier : la concertation vient d’abord.",
    State.AWAITING_SIGNATURES: "Ce dossier est déjà à la signature.",
    State.LABELLED: "Ce dossier est déjà labellisé.",
    State.REFUSED: "Ce dossier a déjà reçu un refus.",
    State.ABANDONED: "La structure s’est désistée de ce dossier.",
    State.CLOSED: "Ce dossier est classé sans suite.",
}
"""Why an act of the instruction cannot be done on a file that is in another state: what agents read of each file."""


def _shared_and_endorsed(application: Any) -> str | None:
    if application.shared_at is None:
        return "L’appréciation du chef de file n’est pas encore partagée avec l’autre autorité."
    if application.endorsed_at is None:
        return "L’autre autorité n’a pas encore pris position sur l’appréciation partagée."
    return None


def _not_shared(application: Any) -> str | None:
    return None if application.shared_at is None else "L’appréciation est déjà partagée avec l’autre autorité."


def _shared(application: Any) -> str | None:
    return "L’appréciation n’est pas encore partagée." if application.shared_at is None else None


def _unsigned(application: Any) -> str | None:
    signed = application.decision is not None and application.decision.signatures.all()
    return "Une signature est déjà donnée : le projet de décision ne se reprend plus." if signed else None


TRANSITIONS: Mapping[str, Transition] = {
    "submit": Transition(
        sources=frozenset({State.DRAFT}),
        target=State.SUBMITTED,
        who=frozenset({"owner"}),
        refusal="Ce dossier est déjà déposé, ou votre compte ne permet pas de le déposer : le responsable de la structure "
        "peut le faire.",
    ),
    "take_up": Transition(
        sources=frozenset({State.SUBMITTED}),
        target=State.UNDER_REVIEW,
        who=_AGENTS,
        refusal="Ce dossier n’attend pas d’être pris en charge, ou votre habilitation ne permet pas de l’instruire.",
    ),
    "assign": Transition(
        sources=frozenset({State.SUBMITTED, State.UNDER_REVIEW, State.DISAGREEMENT, State.AWAITING_SIGNATURES}),
        target=None,
        who=_AGENTS,
        refusal="Un dossier s’affecte jusqu’à sa décision, par un agent de l’ARS ou de la préfecture.",
        elsewhere=ELSEWHERE,
    ),
    "assess": Transition(
        sources=frozenset({State.UNDER_REVIEW, State.DISAGREEMENT}),
        target=None,
        who=_AGENTS,
        refusal="Un critère s’apprécie pendant l’instruction, par un agent de l’ARS ou de la préfecture.",
    ),
    "share": Transition(
        sources=frozenset({State.UNDER_REVIEW}),
        target=None,
        who=_AGENTS,
        refusal="L’appréciation se partage pendant l’instruction, par un agent de l’autorité chef de file.",
        guard=_not_shared,
        elsewhere=ELSEWHERE,
    ),
    "endorse": Transition(
        sources=frozenset({State.UNDER_REVIEW}),
        target=None,
        who=_AGENTS,
        refusal="L’appréciation se reprend pendant l’instruction, par un agent de l’autre autorité.",
        guard=_shared,
        elsewhere=ELSEWHERE,
    ),
    "propose": Transition(
        sources=frozenset({State.UNDER_REVIEW}),
        target=State.AWAITING_SIGNATURES,
        who=_AGENTS,
        refusal="Un projet de décision se présente à la signature pendant l’instruction, par un agent.",
        guard=_shared_and_endorsed,
        elsewhere=ELSEWHERE,
    ),
    "take_back": Transition(
        sources=frozenset({State.AWAITING_SIGNATURES}),
        target=State.UNDER_REVIEW,
        who=_AGENTS,
        refusal="Un projet se reprend tant qu’il est à la signature, par un agent de l’autorité qui l’a présenté.",
        guard=_unsigned,
    ),
    "ask": Transition(
        sources=frozenset({State.UNDER_REVIEW}),
        target=None,
        who=_AGENTS,
        refusal="Une précision se demande pendant l’instruction, par un agent de l’ARS ou de la préfecture.",
    ),
    "read_request": Transition(
        sources=frozenset({State.UNDER_REVIEW}),
        target=None,
        who=_STRUCTURE,
        refusal="Aucune précision n’est attendue sur ce dossier : les services ne l’instruisent plus.",
    ),
    "answer": Transition(
        sources=frozenset({State.UNDER_REVIEW}),
        target=None,
        who=frozenset({"owner"}),
        refusal="Les réponses s’envoient pendant l’instruction, par le responsable de la structure.",
    ),
    "withdraw_request": Transition(
        sources=frozenset({State.UNDER_REVIEW}),
        target=None,
        who=_AGENTS,
        refusal="Une demande de précision se retire pendant l’instruction, par un agent de l’autorité qui l’a envoyée.",
    ),
    "expire_request": Transition(
        sources=frozenset({State.UNDER_REVIEW}),
        target=None,
        who=_SYSTEM,
        refusal="Une demande de précision se clôt d’elle-même à son échéance.",
    ),
    "correct": Transition(
        sources=frozenset({State.SUBMITTED, State.UNDER_REVIEW, State.DISAGREEMENT}),
        target=None,
        who=_AGENTS,
        refusal="Les réponses d’un dossier déposé se corrigent avant la mise à la signature, par un agent.",
    ),
    "silence": Transition(
        sources=_OPEN,
        target=None,
        who=_SYSTEM,
        refusal="Le rejet implicite naît du silence, à sa date, et de rien d’autre.",
    ),
    "grant": Transition(
        sources=frozenset({State.AWAITING_SIGNATURES}),
        target=State.LABELLED,
        who=_SYSTEM,
        refusal="Le label n’est accordé que par la dernière signature requise.",
    ),
    "refuse": Transition(
        sources=frozenset({State.AWAITING_SIGNATURES}),
        target=State.REFUSED,
        who=_SYSTEM,
        refusal="Le refus n’est acquis que par la dernière signature requise.",
    ),
    "disagree": Transition(
        sources=frozenset({State.AWAITING_SIGNATURES}),
        target=State.DISAGREEMENT,
        who=_SYSTEM,
        refusal="Un désaccord naît d’un signataire qui ne signe pas.",
    ),
    "resume": Transition(
        sources=frozenset({State.DISAGREEMENT}),
        target=State.UNDER_REVIEW,
        who=_AGENTS,
        refusal="L’instruction reprend après une concertation, par un agent.",
    ),
    "record_concertation": Transition(
        sources=frozenset({State.DISAGREEMENT}),
        target=None,
        who=_AGENTS,
        refusal="Une concertation se consigne pendant un désaccord, par un agent de l’ARS ou de la préfecture.",
    ),
    "confirm_concertation": Transition(
        sources=frozenset({State.DISAGREEMENT}),
        target=None,
        who=_AGENTS,
        refusal="Un compte rendu de concertation se confirme pendant le désaccord, par un agent de l’autre autorité.",
    ),
    "advise": Transition(
        sources=frozenset({State.DISAGREEMENT}),
        target=None,
        who=frozenset({"national"}),
        refusal="L’équipe nationale donne un avis pendant un désaccord ; elle ne décide pas.",
    ),
    "propose_alone": Transition(
        sources=frozenset({State.DISAGREEMENT}),
        target=State.AWAITING_SIGNATURES,
        who=_AGENTS,
        refusal="Un refus exprès se présente après une concertation, par un agent de l’autorité qui n’a pas signé.",
    ),
    "add_to_draft": Transition(
        sources=frozenset({State.UNDER_REVIEW, State.DISAGREEMENT}),
        target=None,
        who=_AGENTS,
        refusal="Le projet de décision se complète pendant l’instruction ou le désaccord, par l’autorité qui le présente.",
    ),
    "ask_reasons": Transition(
        sources=_OPEN,
        target=None,
        who=frozenset({"owner"}) | _AGENTS,
        refusal="Les motifs d’un rejet implicite se demandent tant que le dossier n’est pas décidé, par le responsable de la "
        "structure, ou s’enregistrent par un agent.",
    ),
    "give_reasons": Transition(
        sources=_OPEN,
        target=None,
        who=_AGENTS,
        refusal="Les motifs d’un rejet implicite se communiquent tant que le dossier n’est pas décidé, par un agent.",
    ),
    "receive_reasons": Transition(
        sources=_OPEN,
        target=None,
        who=frozenset({"owner"}) | _AGENTS,
        refusal="Ces motifs n’ont plus d’objet : une décision est intervenue.",
    ),
    "presume_reasons": Transition(
        sources=_OPEN,
        target=None,
        who=_SYSTEM,
        refusal="Des motifs ne sont réputés communiqués que par le temps passé sans lecture.",
    ),
    "lodge_appeal": Transition(
        sources=_CONTESTABLE,
        target=None,
        who=frozenset({"owner"}) | _AGENTS,
        refusal="Un recours se forme contre un refus, un rejet implicite, la fin ou la suspension d’un label, par le "
        "responsable de la structure, ou s’enregistre par un agent.",
    ),
    "answer_appeal": Transition(
        sources=_CONTESTABLE,
        target=None,
        who=_AGENTS,
        refusal="La réponse à un recours se rédige par un agent de l’ARS ou de la préfecture.",
    ),
    "propose_answer": Transition(
        sources=_CONTESTABLE,
        target=None,
        who=_AGENTS,
        refusal="La réponse à un recours se présente à la signature par un agent de l’autorité qui l’a rédigée.",
    ),
    "record_judgment": Transition(
        sources=frozenset(PAST_DRAFT),
        target=None,
        who=_AGENTS,
        refusal="Un jugement s’enregistre par un agent de l’ARS ou de la préfecture.",
    ),
    "return_answer": Transition(
        sources=_CONTESTABLE,
        target=None,
        who=_SYSTEM,
        refusal="La réponse à un recours revient à son autorité quand un signataire ne la signe pas.",
    ),
    "reject_appeal": Transition(
        sources=_CONTESTABLE,
        target=None,
        who=_SYSTEM,
        refusal="Un recours gracieux n’est rejeté que par la dernière signature requise.",
    ),
    "accept_appeal": Transition(
        sources=_CONTESTABLE,
        target=None,
        who=_SYSTEM,
        refusal="Un recours gracieux n’est accueilli que par la dernière signature requise.",
    ),
    "drop_appeal": Transition(
        sources=frozenset(PAST_DRAFT),
        target=None,
        who=_SYSTEM,
        refusal="Un recours perd son objet quand ce qu’il conteste est remplacé.",
    ),
    "reopen": Transition(
        sources=frozenset({State.REFUSED}),
        target=State.UNDER_REVIEW,
        who=_SYSTEM,
        refusal="Seul un refus est rouvert, par un recours accueilli ou un jugement.",
    ),
    "restart": Transition(
        sources=_OPEN,
        target=None,
        who=_SYSTEM,
        refusal="Le délai ne repart qu’après un rejet implicite, par un recours accueilli ou un jugement.",
    ),
    "abandon": Transition(
        sources=frozenset({State.SUBMITTED, State.UNDER_REVIEW, State.DISAGREEMENT}),
        target=State.ABANDONED,
        who=frozenset({"owner"}),
        refusal="Le désistement est possible jusqu’à la mise à la signature, par le responsable de la structure.",
    ),
    "rebase": Transition(
        sources=frozenset({State.SUBMITTED, State.UNDER_REVIEW, State.DISAGREEMENT}),
        target=None,
        who=_SYSTEM,
        refusal="Seule la clause transitoire d’un nouveau cahier des charges déplace un dossier en cours.",
    ),
    "close": Transition(
        sources=frozenset({State.SUBMITTED, State.UNDER_REVIEW}),
        target=State.CLOSED,
        who=_AGENTS,
        refusal="Le classement sans suite est possible pendant l’instruction, par un agent.",
    ),
}

SUPPORT: Mapping[str, Transition] = {
    "ask_again": Transition(
        sources=frozenset({SupportState.OPEN, SupportState.ANSWERED}),
        target=SupportState.OPEN,
        who=_AGENTS,
        refusal="Cette demande est close : ouvrez-en une autre si le besoin revient.",
    ),
    "answer": Transition(
        sources=frozenset({SupportState.OPEN, SupportState.ANSWERED}),
        target=SupportState.ANSWERED,
        who=frozenset({"national"}),
        refusal="L’équipe nationale répond à une demande qui n’est pas close.",
    ),
    "close": Transition(
        sources=frozenset({SupportState.OPEN, SupportState.ANSWERED}),
        target=SupportState.CLOSED,
        who=_AGENTS | {"national"},
        refusal="Cette demande est déjà close.",
    ),
}
"""The rule book of a request for support."""
