"""The questions of the demonstration: one answered, one that stops the clock, one not read yet, one still to be sent."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from indicators.services.demo.files import STANDS_AT
from indicators.services.demo.people import Team
from indicators.services.demo.scenario import HOME
from labelling.choices import ApplicationState, MembershipRole
from labelling.models import Application, InformationRequest, Membership
from labelling.services.replies import read_questions, save_reply, send_answers
from labelling.services.requests import prepare_question, send_questions
from territories.choices import AuthorityKind, Subject
from territories.models import Departement, Event, Mandate

HOURS, NURSES = "cinq-jours-sur-sept", "presence-infirmiere"
SATURDAY = "Ouvrez-vous aussi le samedi matin, comme l’indique votre affiche ?"
NURSE = "Combien de demi-journées l’infirmière est-elle présente chaque semaine ?"


@transaction.atomic
def ask_demo_questions(departement: Departement, team: Team) -> None:
    """Ask questions on the last files in hand of the département shown; asked already, nothing is done."""
    if departement.pk != HOME or InformationRequest.objects.exists():
        return
    ars, prefecture = team.agents[AuthorityKind.ARS], team.agents[AuthorityKind.PREFECTURE]
    files = Application.objects.filter(
        departement=departement,
        state=ApplicationState.UNDER_REVIEW,
        shared_at__isnull=True,
        silence_date__gt=STANDS_AT.date(),
    )
    for rank, file in enumerate(files.select_related("departement").order_by("-submitted_at", "pk")[:3]):
        match rank:
            case 0:
                _answered(file, ars)
            case 1:
                _ask(file, ars, NURSES, NURSE, _when(file, 1), required=True)
                read_questions(application=file, membership=_owner(file), at=_when(file, 2))
            case _:
                _ask(file, prefecture, HOURS, SATURDAY, _when(file, 1), required=True)
                _prepare(file, ars, NURSES, NURSE, _when(file, 2), required=False)


def _answered(file: Application, ars: Mandate) -> None:
    """Play a question whose answer changed the hours, for the agent to read."""
    _ask(file, ars, HOURS, SATURDAY, _when(file, 1), required=True)
    owner = _owner(file)
    (question,) = read_questions(application=file, membership=owner, at=_when(file, 2))
    file.refresh_from_db()
    hours = {**file.answers["hours"], "sat": [["09:00", "12:00"]]}
    at = _when(file, 3)
    save_reply(
        question=question,
        membership=owner,
        answers={"hours": hours},
        reply="Oui, depuis le mois de septembre : la réponse est corrigée.",
        version=0,
        at=at,
    )
    send_answers(application=file, membership=owner, version=1, at=at + timedelta(minutes=5))


def _ask(file: Application, mandate: Mandate, code: str, question: str, at: datetime, *, required: bool) -> None:
    _prepare(file, mandate, code, question, at, required=required)
    deadline = (STANDS_AT + timedelta(days=settings.INFORMATION_REQUEST_DAYS)).date()
    send_questions(application=file, mandate=mandate, deadline=deadline, version=file.version, at=at)


def _prepare(file: Application, mandate: Mandate, code: str, question: str, at: datetime, *, required: bool) -> None:
    criterion = file.specification.criteria.get(code=code)
    prepare_question(
        application=file, criterion=criterion, question=question, required=required, mandate=mandate, at=at
    )
    file.refresh_from_db()


def _owner(file: Application) -> Membership:
    return Membership.objects.select_related("user").get(
        structure=file.structure_id, role=MembershipRole.OWNER, ended_at__isnull=True
    )


def _when(file: Application, rank: int) -> datetime:
    """Return the instant of an act, from the first to the third, after what the file already knew and before today."""
    earlier = Event.objects.about(Subject.APPLICATION, file.pk).exclude(action__in=["ask", "read_request"])
    return max(
        earlier.latest("sequence").at + timedelta(minutes=7 * rank), STANDS_AT - timedelta(days=4 - rank, minutes=11)
    )
