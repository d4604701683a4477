"""How long what is personal is kept, in words, from the settings: said once, shown on several pages; and the leavers."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from francesante.lib.french import typeset
from territories.choices import Subject
from territories.models import Invitation, User
from territories.models.people import NOWHERE
from territories.services.events import lock, record_event


@dataclass(frozen=True, slots=True)
class Period:
    """How long something is kept: what it is, from when it counts, and what happens then."""

    what: str
    kept: str
    then: str


def periods() -> list[Period]:
    """Return the periods in force, in the words of the pages that say them."""
    notice = f"annoncé {settings.RETENTION_NOTICE_DAYS} jours avant"
    texts = (
        "noms et RPPS des professionnels, contacts, messages, notes, textes des avis, précisions, concertations, procédures, "
        "suspensions, visites, attestations et recours"
    )
    rows = [
        (
            "Brouillon de candidature",
            f"{in_words(settings.RETENTION_DRAFT_MONTHS)} sans rien y écrire",
            f"supprimé ; {notice} à la structure",
        ),
        ("Dossier déposé, encore ouvert", "sans limite", "un dossier en cours n’expire jamais"),
        (
            "Contenu des pièces",
            f"{in_words(settings.RETENTION_EVIDENCE_MONTHS)} après la fin du dossier, ou du label",
            f"effacé ; {notice} à la structure ; leur nature et leur empreinte restent",
        ),
        (
            "Dossier refusé, abandonné ou classé : personnes nommées et textes écrits",
            f"{in_words(settings.RETENTION_FILE_MONTHS)} après sa fin",
            f"effacés, dans toutes les versions : {texts} ; {notice} à la structure ; les états et les dates restent",
        ),
        (
            "Les mêmes, pour un dossier labellisé",
            f"{in_words(settings.RETENTION_LABEL_MONTHS)} après la fin du label",
            f"effacés de la même façon ; {notice} à la structure",
        ),
        (
            "Établissement décrit par une personne, dont la demande a été écartée",
            f"{in_words(settings.RETENTION_FILE_MONTHS)} après la réponse",
            "nom, adresse et SIRET effacés",
        ),
        (
            "Demande d’appui à l’équipe nationale",
            f"{in_words(settings.RETENTION_FILE_MONTHS)} après sa clôture",
            "objet et messages effacés ; les dates restent",
        ),
        (
            "Compte qui ne sert plus",
            f"{in_words(settings.RETENTION_ACCOUNT_MONTHS)} sans connexion, sans habilitation ni dossier ou label en cours",
            f"rendu anonyme ; {notice} à la personne",
        ),
        (
            "Adresse d’une invitation acceptée, annulée ou expirée",
            in_words(settings.RETENTION_INVITATION_MONTHS),
            "effacée",
        ),
        ("Journal des lectures de dossiers par les agents", in_words(settings.READING_MONTHS), "effacé"),
        (
            "Essais de connexion, avec l’adresse internet",
            in_words(settings.RETENTION_ATTEMPT_MONTHS),
            "effacés",
        ),
        (
            "Courriels gardés sur disque, sans serveur de messagerie",
            f"{settings.RETENTION_MAIL_DAYS} jours",
            "effacés",
        ),
        (
            "Décisions signées et journal des actes",
            "sans limite dans le portail",
            "ils suivent les règles des archives publiques ; le journal ne contient ni nom ni texte",
        ),
    ]
    return [Period(*(typeset(text) for text in row)) for row in rows]


def in_words(months: int) -> str:
    """Return a number of months as people say it: whole years in years."""
    if months % 12 == 0:
        years = months // 12
        return f"{years} an{'s' if years > 1 else ''}"
    return f"{months} mois"


def forgotten_address(key: str) -> str:
    """Return the address, of nobody, that takes the place of an erased one."""
    return f"{key}@{NOWHERE}"


@transaction.atomic
def anonymise(*, user: User, at: datetime) -> User:
    """Take away from an account who it was: name, address, password, second factor. Its acts stay, by its number.

    Signed acts keep the name that they print. What gave the person any access is ended by the caller.
    """
    current = lock(user)
    address = forgotten_address(f"compte-{current.pk}")
    Invitation.objects.filter(email=current.email).update(email=address)
    TOTPDevice.objects.filter(user=current).delete()
    StaticDevice.objects.filter(user=current).delete()
    current.email, current.civility, current.first_name, current.last_name = address, "", "", ""
    current.is_active, current.anonymised_at = False, at
    current.set_unusable_password()
    current.save()
    record_event(subject_type=Subject.ACCOUNT, subject_id=current.pk, action="anonymise", actor=None, at=at)
    user.refresh_from_db()
    return user
