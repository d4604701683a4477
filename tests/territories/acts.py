"""Decisions for tests of the mechanism: an invented subject, whose effect is an event that can be counted."""

from django.utils import timezone

from territories.choices import AuthorityKind, DecisionKind, Subject
from territories.models import Event
from territories.services import decisions
from territories.services.decisions import propose_decision
from territories.services.events import record_event
from tests import factories as make

SUBJECT_ID = 4242
KIND = DecisionKind.LABEL_GRANTED


def _happened(action):
    def effect(decision, at):
        record_event(
            subject_type=decision.subject_type,
            subject_id=decision.subject_id,
            action=action,
            actor=None,
            at=at,
            data={},
        )

    return effect


def countable_effects(monkeypatch):
    """Replace the effects of every kind, so that none needs a real file."""
    for kind in DecisionKind:
        monkeypatch.setitem(decisions._SIGNED, kind, _happened("effect"))
        monkeypatch.setitem(decisions._DECLINED, kind, _happened("declined"))
        monkeypatch.delitem(decisions._LOCKS, kind, raising=False)
        monkeypatch.delitem(decisions._SOURCES, kind, raising=False)


def effects(subject_id=SUBJECT_ID):
    return list(Event.objects.about(Subject.STRUCTURE, subject_id).values_list("action", flat=True))


def propose(*, kind=KIND, on=None, subject_id=SUBJECT_ID, at=None, **fields):
    return propose_decision(
        kind=kind,
        subject_type=Subject.STRUCTURE,
        subject_id=subject_id,
        departement=on or make.departement(),
        title="Maison de santé du Moulin bleu (fictive)",
        content={
            "title": "Arrêté conjoint d’essai",
            "visas": ["Vu le code de la santé publique ;"],
            "reasons": ["Considérant que les critères sont remplis ;"],
            "criteria": [{"title": "Présence d’un médecin", "verdict": "Rempli", "reason": "Deux médecins."}],
            "articles": ["Le label France Santé est accordé à la structure."],
            **fields.pop("content", {}),
        },
        mandate=None,
        at=at or timezone.now(),
        **fields,
    )


def signatories(on=None):
    """An ARS signatory and a préfet."""
    return (
        make.mandate(AuthorityKind.ARS, on=on, signs=True),
        make.mandate(AuthorityKind.PREFECTURE, on=on, signs=True),
    )
