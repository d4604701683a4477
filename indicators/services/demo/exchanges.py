"""What was sent on the first files in hand of one département: pieces drawn here, and the messages about them."""

import io
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction
from PIL import Image, ImageDraw, ImageFont

from francesante.lib.french import opening_hours
from indicators.services.demo.files import STANDS_AT
from indicators.services.demo.people import Team
from indicators.services.demo.scenario import HOME
from labelling.choices import ApplicationState, MembershipRole
from labelling.models import Application, Evidence, Membership
from labelling.rules.answers import DAYS, parse
from labelling.services.evidence import SentFile, add_evidence
from labelling.services.messages import read_messages, send_message
from territories.choices import AuthorityKind, Subject
from territories.models import Departement, Event

FILES = 4
ACTS = 6
"""At most, on one file."""
PAGE = (1240, 877)
"""Half an A4 page at 150 points by inch."""
PLANNING = """Planning des consultations (document fictif)

Lundi        Dr A : 8 h 30 - 18 h 30
Mardi        Dr B : 8 h 30 - 12 h 30
Mercredi     Dr A : 8 h 30 - 12 h 30
Jeudi        Dr A, Dr B : 8 h 30 - 18 h 30
Vendredi     Dr B : 8 h 30 - 12 h 30"""
"""Words without accents: Pillow's own font has none."""


@transaction.atomic
def exchange_on_files(departement: Departement, team: Team) -> None:
    """Give pieces and messages to the first files in hand of the département shown; given already, nothing is done."""
    if departement.pk != HOME or Evidence.objects.exists():
        return
    ars, prefecture = team.agents[AuthorityKind.ARS], team.agents[AuthorityKind.PREFECTURE]
    files = Application.objects.filter(departement=departement, state=ApplicationState.UNDER_REVIEW)
    for rank, file in enumerate(files.select_related("departement").order_by("submitted_at", "pk")[:FILES]):
        owner = Membership.objects.select_related("user").get(
            structure=file.structure_id, role=MembershipRole.OWNER, ended_at__isnull=True
        )
        hours = _until_now(file)
        _add(file, owner, "planning.pdf", PLANNING, "presence-medicale", at=next(hours), days=10 + 60 * rank)
        _add(file, owner, "horaires.jpg", _week(file), "cinq-jours-sur-sept", at=next(hours), days=12)
        if rank == 0:
            text = "Bonjour, le Dr B assure-t-il aussi les consultations du mercredi après-midi ?"
            send_message(application=file, author=ars, text=text, answer_expected=True, at=next(hours))
            read_messages(application=file, author=owner, at=next(hours))
            text = "Bonjour, oui, une semaine sur deux. Le planning à jour est joint."
            at = next(hours)
            sent = _drawn("planning-a-jour.pdf", PLANNING, at=at, days=2)
            send_message(application=file, author=owner, text=text, answer_expected=False, at=at, sent=sent)
        elif rank == 1:
            text = "Bonjour, pouvez-vous nous dire à quelle date arrive l’infirmière que vous annoncez ?"
            send_message(application=file, author=prefecture, text=text, answer_expected=True, at=next(hours))
        elif rank == FILES - 1:
            text = "Bonjour, une visite de vos services est-elle prévue avant la décision ?"
            send_message(application=file, author=owner, text=text, answer_expected=True, at=next(hours))


def _week(file: Application) -> str:
    """Return the hours that the structure declared, as it would have put them on its door."""
    hours = parse(file.answers).hours
    lines = [f"{name.capitalize()}    {opening_hours(hours[day])}" for day, name in DAYS.items() if hours.get(day)]
    text = "\n".join(["Horaires d'ouverture (document fictif)", "", *lines])
    return text.replace("–", "-").replace("\u00a0", " ")


def _until_now(file: Application) -> Iterator[datetime]:
    """Return instants between the last act on a file and today."""
    last = Event.objects.about(Subject.APPLICATION, file.pk).latest("sequence").at
    step = (STANDS_AT - last) / (ACTS + 1)
    return (last + step * rank for rank in range(1, ACTS + 1))


def _add(
    file: Application, owner: Membership, name: str, text: str, criterion: str, *, at: datetime, days: int
) -> None:
    add_evidence(
        application=file,
        author=owner,
        criterion=file.specification.criteria.get(code=criterion),
        sent=_drawn(name, text, at=at, days=days),
        at=at,
    )


def _drawn(name: str, text: str, *, at: datetime, days: int) -> SentFile:
    """Return a page with a text, as an image or as a PDF by its name, made so many days before an instant."""
    page = Image.new("L", PAGE, 255)
    ImageDraw.Draw(page).text((60, 60), text, fill=20, font=ImageFont.load_default(34), spacing=18)
    drawn = io.BytesIO()
    page.save(drawn, "PDF" if name.endswith(".pdf") else "JPEG", resolution=150)
    return SentFile(name, drawn.getvalue(), (at - timedelta(days=days)).date())
