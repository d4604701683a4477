"""A label signed by hand by both authorities: the date of the act, the label, what the act prints, who is told."""

from datetime import date, timedelta
from io import BytesIO

import pypdf
import pytest

from labelling.models import Label
from labelling.notifications import messages_of
from labelling.services.acts import store_act
from labelling.services.decisions import propose_label
from territories.choices import AuthorityKind, Subject
from territories.models import Event
from territories.services.paper import confirm_original, file_original
from tests import factories as make
from tests.labelling.test_decisions import ready

pytestmark = pytest.mark.django_db
NOW = make.NOW
LATER = NOW + timedelta(days=10)


def by_hand(decision, kind, day):
    signatory, files, confirms = make.mandate(kind, signs=True), make.mandate(kind), make.mandate(kind)
    original = file_original(
        decision=decision,
        mandate=files,
        signatory=signatory,
        signed_date=day,
        name="original.pdf",
        scan=make.blank_pdf(),
        at=LATER,
    )
    original.decision = decision
    content_hash = decision.content_hash
    return confirm_original(
        original=original, mandate=confirms, content_hash=content_hash, printed=content_hash[-8:], at=LATER
    )


def test_the_label_starts_on_the_day_of_the_last_signature(monkeypatch):
    ars = make.mandate(AuthorityKind.ARS)
    application = ready(ars)
    decision = propose_label(application=application, mandate=ars, version=1, at=NOW).decision
    by_hand(decision, AuthorityKind.PREFECTURE, date(2026, 11, 26))
    monkeypatch.setattr("django.utils.timezone.now", lambda: LATER)
    filed = Event.objects.about(Subject.DECISION, decision.pk).filter(action="file_paper").last()
    (mail,) = messages_of(filed)
    assert "un original papier à confirmer" in mail.subject
    signed = by_hand(decision, AuthorityKind.ARS, date(2026, 11, 24))
    label = Label.objects.get()
    assert (label.valid.lower, label.valid.upper) == (date(2026, 11, 26), date(2029, 11, 26))
    act = store_act(decision=signed)
    words = " ".join("".join(page.extract_text() for page in pypdf.PdfReader(BytesIO(bytes(act.pdf))).pages).split())
    assert "Acte du 26 novembre 2026" in words
    assert words.count("Signé à la main le") == 2
