"""Labelled places with signed decisions, at the dates that a test needs."""

from datetime import UTC, date, datetime, timedelta
from itertools import count

from django.db.backends.postgresql.psycopg_any import DateRange

from labelling.choices import ApplicationState
from labelling.models import Label
from territories.choices import AuthorityKind, DecisionKind, DecisionState, Subject
from territories.models import Decision, Mandate, Signature
from territories.services.decisions import propose_decision
from tests import factories as make

_numbers = count(1)


def noon(day):
    return datetime(day.year, day.month, day.day, 11, tzinfo=UTC)


def signatories(on):
    """The two mandates that sign for a département, made once."""
    found = []
    for kind in (AuthorityKind.ARS, AuthorityKind.PREFECTURE):
        known = Mandate.objects.filter(authority__kind=kind, signing_as__gt="").select_related("authority", "user")
        mandate = next((one for one in known if one.covers(on)), None)
        found.append(mandate or make.mandate(kind, on=on, signs=True))
    return found


def decided(on, *, state=ApplicationState.LABELLED, received=None, signed=None, place=None, wave=None):
    """A file received and decided on two days."""
    signed = signed or date(2026, 9, 1)
    received = received or signed - timedelta(days=30)
    place = place or make.structure(make.register_line(make.commune(f"{on.code}001"[:5], in_=on)))
    kind = DecisionKind.LABEL_GRANTED if state == ApplicationState.LABELLED else DecisionKind.LABEL_REFUSED
    file = make.application(
        place,
        state=ApplicationState.UNDER_REVIEW,
        submitted_at=noon(received),
        silence_date=received + timedelta(days=61),
        **({"wave": wave} if wave else {}),
    )
    decision = propose_decision(
        kind=kind,
        subject_type=Subject.APPLICATION,
        subject_id=file.pk,
        departement=on,
        title="Essai",
        content={"title": "Essai"},
        mandate=None,
        at=noon(signed),
    )
    for mandate in signatories(on):
        Signature.objects.create(
            decision=decision,
            capacity=mandate.capacity,
            user=mandate.user,
            mandate=mandate,
            content_hash=decision.content_hash,
            signatory_name=mandate.user.full_name,
            signatory_title=mandate.signing_title,
            signed_at=noon(signed),
        )
    Decision.objects.filter(pk=decision.pk).update(state=DecisionState.SIGNED, signed_at=noon(signed))
    file.state, file.decision = state, Decision.objects.get(pk=decision.pk)
    file.save()
    return file


def label(on, *, start=date(2026, 9, 1), end=None, notified=True, place=None, wave=None, received=None, **fields):
    """A label from a day; ``end`` is the first day without it. ``notified``: True is the day it starts."""
    file = decided(on, signed=start, place=place, wave=wave, received=received)
    return Label.objects.create(
        number=f"FS-{on.code}-L{next(_numbers):04d}",
        structure=file.structure,
        application=file,
        decision=file.decision,
        departement=on,
        wave=file.wave,
        valid=DateRange(start, end),
        notified_at=noon(start if notified is True else notified) if notified else None,
        **fields,
    )
