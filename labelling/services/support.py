"""Support asked of the national team: ask, exchange, close. Whose turn it is follows from who wrote last."""

from datetime import datetime

from django.db import transaction

from francesante.lib.workflow import RefusedError
from labelling.choices import SupportState
from labelling.models import SupportMessage, SupportRequest
from labelling.workflow import SUPPORT
from territories.choices import Role, Subject
from territories.models import Departement, Mandate
from territories.services.events import perform, record_event


@transaction.atomic
def ask_support(
    *, departement: Departement, kind: str, title: str, text: str, mandate: Mandate, at: datetime
) -> SupportRequest:
    """Ask the national team for support in a département.

    Raises:
        RefusedError: the mandate does not instruct this département, has ended, or nothing is asked.
    """
    _require_agent(mandate, departement, at=at)
    request = SupportRequest.objects.create(
        departement=departement, kind=kind, title=_said(title), asked_by=mandate, asked_at=at
    )
    SupportMessage.objects.create(request=request, text=_said(text), mandate=mandate, written_at=at)
    record_event(
        subject_type=Subject.SUPPORT,
        subject_id=request.pk,
        action="ask",
        actor=mandate,
        at=at,
        to_state=SupportState.OPEN,
    )
    return request


@transaction.atomic
def write_support(
    *, request: SupportRequest, text: str, mandate: Mandate, version: int, at: datetime
) -> SupportMessage:
    """Write in the exchange: the national team answers, the others ask again.

    Raises:
        RefusedError: the request is closed, the mandate may not write in it, or nothing is written.
        StaleError: the request changed since ``version``.
    """
    _require_party(request, mandate, at=at)
    answers = mandate.role == Role.NATIONAL
    perform(
        request,
        "answer" if answers else "ask_again",
        table=SUPPORT,
        subject_type=Subject.SUPPORT,
        actor=mandate,
        at=at,
        version=version,
    )
    return SupportMessage.objects.create(request=request, text=_said(text), mandate=mandate, written_at=at)


def close_support(*, request: SupportRequest, mandate: Mandate, version: int, at: datetime) -> SupportRequest:
    """Close a request: nothing more is awaited of anybody.

    Raises:
        RefusedError: already closed, or the mandate is not a party to it.
        StaleError: the request changed since ``version``.
    """
    _require_party(request, mandate, at=at)
    perform(request, "close", table=SUPPORT, subject_type=Subject.SUPPORT, actor=mandate, at=at, version=version)
    return request


def _require_party(request: SupportRequest, mandate: Mandate, *, at: datetime) -> None:
    if mandate.role == Role.NATIONAL:
        _require_active(mandate, at=at)
    else:
        _require_agent(mandate, request.departement, at=at)


def _require_agent(mandate: Mandate, departement: Departement, *, at: datetime) -> None:
    if mandate.role != Role.AGENT or mandate.capacity is None or not mandate.covers(departement):
        raise RefusedError(
            f"Un appui se demande par un agent de l’ARS ou de la préfecture, pour son territoire : votre habilitation ne "
            f"couvre pas {departement}. Rien n’a été enregistré."
        )
    _require_active(mandate, at=at)


def _require_active(mandate: Mandate, *, at: datetime) -> None:
    if not mandate.is_active(at):
        raise RefusedError("Votre habilitation n’est pas en vigueur à ce jour : rien n’a été enregistré.")


def _said(text: str) -> str:
    said = text.strip()
    if not said:
        raise RefusedError("Écrivez votre demande : un objet et quelques phrases suffisent. Rien n’a été enregistré.")
    return said
