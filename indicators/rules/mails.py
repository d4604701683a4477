"""The mails of the portal, by what they say, and an invented case on which each is previewed. Pure."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

STRUCTURE, SERVICES, SIGNATORIES, OTHERS = "à la structure", "aux services", "aux signataires", "à d’autres personnes"
GROUPS = (STRUCTURE, SERVICES, SIGNATORIES, OTHERS)

MAILS: Mapping[str, tuple[str, str]] = {
    "labelling/draft_reminder": ("Brouillon laissé de côté, vague qui se ferme", STRUCTURE),
    "labelling/draft_deletion": ("Brouillon qui va être supprimé", STRUCTURE),
    "labelling/submitted": ("Accusé de réception", STRUCTURE),
    "labelling/requested": ("Précisions demandées", STRUCTURE),
    "labelling/request_reminder": ("Précisions, rappel avant l’échéance", STRUCTURE),
    "labelling/requested_withdrawn": ("Précision qui n’est plus attendue", STRUCTURE),
    "labelling/corrected": ("Réponses corrigées par un agent", STRUCTURE),
    "labelling/silence": ("Délai écoulé sans décision", STRUCTURE),
    "labelling/available": ("Décision à lire", STRUCTURE),
    "labelling/notified": ("Décision notifiée et recours", STRUCTURE),
    "labelling/closed": ("Dossier classé sans suite", STRUCTURE),
    "labelling/appeal_received": ("Recours reçu", STRUCTURE),
    "labelling/answer_available": ("Réponse à un recours à lire", STRUCTURE),
    "labelling/answer_notified": ("Réponse à un recours notifiée", STRUCTURE),
    "labelling/judged": ("Jugement enregistré", STRUCTURE),
    "labelling/reasons_given": ("Motifs d’un rejet implicite à lire", STRUCTURE),
    "labelling/reasons_presumed": ("Motifs d’un rejet implicite réputés communiqués", STRUCTURE),
    "labelling/put_aside": ("Pièce écartée", STRUCTURE),
    "labelling/prospect_invited": ("Invitation par la voie accélérée", STRUCTURE),
    "labelling/prospect_reminder": ("Invitation par la voie accélérée, rappel", STRUCTURE),
    "labelling/amended": ("Label rectifié", STRUCTURE),
    "labelling/attestation_due": ("Attestation attendue ou en retard", STRUCTURE),
    "labelling/renewal": ("Renouvellement du label", STRUCTURE),
    "labelling/visit_sent": ("Compte rendu d’une visite", STRUCTURE),
    "labelling/ending_considered": ("Fin du label envisagée", STRUCTURE),
    "labelling/ending_not_pursued": ("Fin du label non poursuivie", STRUCTURE),
    "labelling/ending_available": ("Acte sur le label à lire", STRUCTURE),
    "labelling/ending_notified": ("Fin du label notifiée et recours", STRUCTURE),
    "labelling/suspension_over": ("Suspension du label terminée", STRUCTURE),
    "labelling/visit_correction": ("Corrections attendues après une visite", STRUCTURE),
    "labelling/claim_code": ("Code de confirmation d’une structure", STRUCTURE),
    "labelling/claim_confirmed": ("Accès à une structure ouvert", STRUCTURE),
    "labelling/claim_rejected": ("Accès à une structure non confirmé", STRUCTURE),
    "labelling/purge_announced": ("Effacement prochain dans un dossier terminé", STRUCTURE),
    "funding/commit": ("Financement accordé", STRUCTURE),
    "funding/pay": ("Versement enregistré", STRUCTURE),
    "labelling/received": ("Nouveau dossier", SERVICES),
    "labelling/shared": ("Appréciation partagée", SERVICES),
    "labelling/request_answered": ("Réponses reçues", SERVICES),
    "labelling/abandoned": ("Désistement", SERVICES),
    "labelling/place_free": ("Place libre", SERVICES),
    "labelling/closed_service": ("Classement sans suite par l’autre autorité", SERVICES),
    "labelling/silence_alert": ("Rejet implicite proche", SERVICES),
    "labelling/silence_agents": ("Délai dépassé", SERVICES),
    "labelling/declined": ("Signature refusée", SERVICES),
    "labelling/record_concertation": ("Concertation consignée", SERVICES),
    "labelling/confirm_concertation": ("Concertation confirmée", SERVICES),
    "labelling/advise": ("Avis de l’équipe nationale", SERVICES),
    "labelling/lodge_appeal": ("Recours reçu, pour les services", SERVICES),
    "labelling/answer_declined": ("Réponse à un recours non signée", SERVICES),
    "labelling/answer_near": ("Réponse ou motifs bientôt dus", SERVICES),
    "labelling/reasons_asked": ("Motifs d’un rejet implicite demandés", SERVICES),
    "labelling/opinion_given": ("Avis rendu", SERVICES),
    "labelling/claim_asked": ("Structure à confirmer", SERVICES),
    "labelling/attestation_changed": ("Changement déclaré par un lieu labellisé", SERVICES),
    "labelling/visit_answered": ("Réponse à une visite", SERVICES),
    "labelling/suspension_review": ("Suspension d’un label à réexaminer", SERVICES),
    "labelling/ending_answered": ("Observations sur la fin d’un label", SERVICES),
    "labelling/ending_declined": ("Fin de label non signée", SERVICES),
    "labelling/digest": ("Courriel du matin", SERVICES),
    "funding/decline": ("Attribution non signée", SERVICES),
    "labelling/to_sign": ("Décision à signer", SIGNATORIES),
    "labelling/taken_back": ("Décision reprise avant toute signature", SIGNATORIES),
    "labelling/file_paper": ("Original papier à confirmer", SIGNATORIES),
    "labelling/rebased": ("Nouveau cahier des charges", OTHERS),
    "labelling/message": ("Message reçu", OTHERS),
    "labelling/opinion_asked": ("Avis demandé", OTHERS),
    "labelling/opinion_revoked": ("Avis qui n’est plus attendu", OTHERS),
    "labelling/support": ("Demande d’appui", OTHERS),
    "labelling/account_unused": ("Compte qui ne sert plus", OTHERS),
    "labelling/registration": ("Ouverture d’un compte", OTHERS),
    "labelling/registration_known": ("Ouverture d’un compte, adresse connue", OTHERS),
    "territories/invitation": ("Invitation d’une personne", OTHERS),
}
"""Each mail that may be written: its title, and to whom it goes. The password's keeps its text: it protects accounts."""


class _Named(dict[str, Any]):
    """A row as templates read it, that shows by its name."""

    def __str__(self) -> str:
        return str(self["name"])


def _day(month: int, day: int) -> datetime:
    return datetime(2026, month, day, 9, 30, tzinfo=ZoneInfo("Europe/Paris"))


_PORTAL = "https://portail.invalid"
_SERVICE = _Named(
    name="ARS Fictive",
    service="service de l’accès aux soins",
    address="1 rue de l’Exemple, 99001 Valfictif",
    phone="01 99 00 00 00",
    email="acces-aux-soins@ars-fictive.invalid",
)
_COMMUNE = _Named(name="Valfictif")
INVENTED: Mapping[str, Any] = MappingProxyType(
    {
        "portal": _PORTAL,
        **dict.fromkeys(("url", "letter", "act", "link", "reset", "setting", "changes", "mandates"), f"{_PORTAL}/…"),
        "structure": _Named(name="Maison de santé des Trois Étangs (fictive)", commune=_COMMUNE),
        "application": _Named(name="FS-99-2026-0042", number="FS-99-2026-0042", silence_date=_day(12, 4)),
        "label": {"number": "FS-99-L-0042"},
        "line": _Named(name="FINESS 990000001", commune=_COMMUNE),
        "authorities": [_SERVICE, {**_SERVICE, "name": "Préfecture de Valfictie", "email": "sante@valfictie.invalid"}],
        "authority": None,
        "person": "Dr Flore Maquette",
        "amount": "50 000,00 €",
        "grant": {"purpose": "coordination de l’équipe"},
        "decision": {"title": "Label France Santé, Maison de santé des Trois Étangs (fictive)"},
        "appeal": {
            "received_date": _day(11, 20),
            "deadline": _day(12, 20),
            "is_late": False,
            "kind": "gracieux",
            "against": {"label": "le refus du label"},
            "get_kind_display": "recours gracieux",
        },
        "closing": {"get_ground_display": "dossier en double", "text": "Un autre dossier est instruit pour ce lieu."},
        "body": _Named(name="CPAM de Valfictie"),
        "criteria": ["Ouverture cinq jours sur sept", "Présence infirmière"],
        "missing": "la signature de la préfète",
        "amendment": {"get_kind_display": "nouvelle adresse", "reason": "déménagement du 1er novembre 2026"},
        "task": "Horaires",
        "reason": "erreur de saisie signalée par la structure",
        "procedure": {"deadline": _day(12, 22), "opened_at": _day(11, 24)},
        "opinion": {
            "question": "Ce lieu répond-il à un besoin du territoire ?",
            "asked_at": _day(11, 20),
            "due_date": _day(12, 5),
            "asked_by": {"authority": _SERVICE},
        },
        "invitation": {
            "invited_at": _day(11, 10),
            "expires_at": _day(12, 10),
            "email": "flore.maquette@exemple.invalid",
            "invited_by": "Mme Prune Exemplaire",
        },
        "specification": {"version": "1.1", "transitional_clause": "Cette version s’applique aux dossiers en cours."},
        "again": [],
        "answered": 2,
        "asked": 2,
        "deadline": _day(12, 15),
        "court": "tribunal administratif de Valfictif",
        "visit": {"deadline": _day(12, 9), "visited_date": _day(11, 12), "correct_before": _day(12, 31)},
        "suspension": {
            "review_date": _day(12, 20),
            "last_date": _day(12, 31),
            "expected": "dire quand l’infirmière est remplacée.",
        },
        "promise": "agir pour l’autorité « ARS Fictive »",
        "code": "123 456",
        "sections": [
            {
                "authority": "ARS Fictive",
                "territory": "région Imaginaire",
                "to_sign": 2,
                "parapheur": f"{_PORTAL}/…",
                "views": [{"label": "À moi", "count": 7, "url": f"{_PORTAL}/…"}],
            }
        ],
        "until": _day(12, 4),
        "appeal_until": _day(12, 31),
        "received_on": _day(10, 4),
        "last_day": _day(12, 31),
        "read_on": _day(11, 24),
        "court_until": _day(12, 31),
        "contest_until": _day(12, 31),
        "presumed_on": _day(12, 9),
        "communicated_on": _day(12, 9),
        "refusal": "Ce document semble contenir un numéro de sécurité sociale (page 2).",
        "due": _day(12, 1),
        "on": _day(12, 24),
        "since": _day(1, 12),
        "left": 3,
        "ready": 1,
        "revision": 1,
        "wave": {"number": 4},
        **dict.fromkeys(
            (
                "several",
                "late",
                "presumed",
                "withdrawn",
                "granted",
                "from_services",
                "answer_expected",
                "revised",
                "by_link",
                "typed",
                "pieces",
                "required",
                "last_call",
                "reminder",
                "reasons",
                "rejected",
            ),
            True,
        ),
    }
)
"""One invented case, for every mail: « oui » wherever a passage depends on the case."""

_ASKED = {"title": "Convention avec l’hôpital", "departement": "Valfictie", "asked_by": {"authority": _SERVICE}}


def invented(name: str) -> Mapping[str, Any]:
    """Return the invented case on which a mail is previewed."""
    return {**INVENTED, "asked": _ASKED} if name == "labelling/support" else INVENTED
