"""The accelerated route, after the submission: the lead says once what it holds of all the criteria.

The same acts as for any file, in one transaction: taken up, assessed, shared. The endorsement stays an act of the other
authority, and the presentation to the signature one of its own.
"""

from datetime import datetime

from django.db import transaction

from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import ApplicationState, Finding, Route, Verdict
from labelling.models import Application
from labelling.rules.answers import parse
from labelling.rules.criteria import assess_all
from labelling.services.reviews import Line, assess, require_reviewer, share_assessment, sheet, take_up
from territories.models import Mandate
from territories.services.events import lock

HELD = frozenset({Verdict.MET, Verdict.NOT_APPLICABLE})
STATES = frozenset({ApplicationState.SUBMITTED, ApplicationState.UNDER_REVIEW})


def refusal_of_all_met(application: Application, capacity: str | None, lines: list[Line]) -> str:
    """Say why an authority may not hold all the criteria for met in one act, or nothing.

    The machine must find that each criterion seems met, but for those that an agent assessed one by one: what it asks
    a person to look at is never passed over in a batch.
    """
    if application.route != Route.ACCELERATED or application.state not in STATES or application.shared_at is not None:
        return "Cet acte est celui d’un dossier accéléré dont l’appréciation n’est pas encore partagée."
    if capacity != application.lead:
        return "Cet acte revient à l’autorité chef de file."
    found = assess_all(
        [line.criterion for line in lines], parse(application.answers), structure_kind=application.structure.kind
    )
    against = [line.criterion.position for line in lines if line.lead and line.lead.verdict not in HELD]
    if against:
        return f"Le critère {against[0]} n’est pas apprécié comme rempli : partagez l’appréciation critère par critère."
    to_look = [
        line.criterion.position
        for line, one in zip(lines, found, strict=True)
        if line.lead is None and one.finding != Finding.SEEMS_MET
    ]
    if to_look:
        return f"Le constat automatique demande votre regard sur le critère {to_look[0]} : appréciez-le d’abord."
    return ""


@transaction.atomic
def hold_all_met(*, application: Application, mandate: Mandate, version: int, at: datetime) -> Application:
    """Take up, assess as met every criterion not assessed yet, and share: the lead's one act on an accelerated file.

    Raises:
        RefusedError: the mandate may not, or :func:`refusal_of_all_met` says why not.
        StaleError: the file changed since ``version``.
    """
    require_reviewer(application, mandate, at=at)
    current = lock(application)
    if current.version != version:
        raise StaleError
    lines = sheet(current)
    if sentence := refusal_of_all_met(current, mandate.capacity, lines):
        raise RefusedError(sentence)
    if current.state == ApplicationState.SUBMITTED:
        take_up(application=current, mandate=mandate, version=current.version, at=at)
    for line in lines:
        if line.lead is None:
            assess(
                application=current,
                criterion=line.criterion,
                verdict=Verdict.MET,
                reason="",
                mandate=mandate,
                version=current.version,
                at=at,
            )
    return share_assessment(application=current, mandate=mandate, version=current.version, at=at)
