"""A labelled place with its signed decision, and envelopes to fund it: for tests of money."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from types import SimpleNamespace

from django.db.backends.postgresql.psycopg_any import DateRange
from django.test import Client
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.plugins.otp_totp.models import TOTPDevice

from funding.models import BudgetLine
from funding.services.envelopes import open_envelope
from labelling.choices import ApplicationState
from labelling.models import Label
from territories.choices import AuthorityKind, DecisionKind, DecisionState, Role, Subject
from territories.models import Decision, Signature
from territories.services.decisions import propose_decision
from tests import factories as make

_numbers = count(1)
SIGNED_AT = make.NOW - timedelta(days=5)


def signed_label(on, *, by, notified=True):
    """A label of an invented place, whose decision every required mandate signed."""
    place = make.structure(make.register_line(make.commune(f"{on.code}001", in_=on)))
    file = make.application(place, state=ApplicationState.UNDER_REVIEW)
    decision = propose_decision(
        kind=DecisionKind.LABEL_GRANTED,
        subject_type=Subject.APPLICATION,
        subject_id=file.pk,
        departement=on,
        title="Labellisation",
        content={"title": "Labellisation"},
        mandate=None,
        at=SIGNED_AT,
    )
    for mandate in by:
        Signature.objects.create(
            decision=decision,
            capacity=mandate.capacity,
            user=mandate.user,
            mandate=mandate,
            content_hash=decision.content_hash,
            signatory_name=mandate.user.full_name,
            signatory_title=mandate.signing_title,
            signed_at=SIGNED_AT,
        )
    Decision.objects.filter(pk=decision.pk).update(state=DecisionState.SIGNED, signed_at=SIGNED_AT)
    file.state, file.decision = ApplicationState.LABELLED, decision
    file.save()
    return Label.objects.create(
        number=f"FS-{on.code}-L{next(_numbers):04d}",
        structure=place,
        application=file,
        decision=Decision.objects.get(pk=decision.pk),
        departement=on,
        valid=DateRange(date(2026, 11, 1), date(2029, 11, 1)),
        notified_at=SIGNED_AT if notified else None,
    )


def line(code="fir"):
    return BudgetLine.objects.get(code=code)


def envelope(ceiling=600_000, *, by, code="fir", **where):
    return open_envelope(line=line(code), year=2026, ceiling=Decimal(ceiling), mandate=by, at=make.NOW, **where)


def world():
    """Valfictie (99): its agents, its signatories, one label without a grant, a FIR envelope of 600 000 €."""
    here = make.departement("99", "Valfictie")
    dg = make.mandate(AuthorityKind.ARS, on=here, signs=True)
    prefete = make.mandate(AuthorityKind.PREFECTURE, on=here, signs=True)
    national = make.mandate(AuthorityKind.NATIONAL)
    return SimpleNamespace(
        here=here,
        ars=make.mandate(AuthorityKind.ARS, on=here),
        prefecture=make.mandate(AuthorityKind.PREFECTURE, on=here),
        observer=make.mandate(AuthorityKind.CAISSE, on=here, role=Role.OBSERVER),
        elsewhere=make.mandate(AuthorityKind.PREFECTURE, on=make.departement("98", "Essonnie", region="R2")),
        national=national,
        dg=dg,
        prefete=prefete,
        label=signed_label(here, by=[dg, prefete]),
        envelope=envelope(departement=here, by=national),
    )


def signed_in(user):
    """A client of this person, with the second factor of those who have a mandate."""
    client = Client()
    client.force_login(user)
    if user.mandates.exists():
        device = TOTPDevice.objects.create(user=user, confirmed=True)
        session = client.session
        session[DEVICE_ID_SESSION_KEY] = device.persistent_id
        session.save()
    return client
