"""PDFs rendered once, kept as bytes: the receipt of a file, the certificate and the plaque of a label."""

from datetime import timedelta
from functools import partial

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.urls import reverse

from francesante.lib.canonical import sha256_hex
from labelling.choices import ApplicationState as State
from labelling.choices import DocumentKind
from labelling.models import Document, Label
from labelling.services import documents
from labelling.tasks import deliver_mail, render_documents
from territories.choices import AuthorityKind, Subject
from territories.services.events import record_event
from tests import factories as make
from tests.labelling.worlds import make_label, withdraw
from tests.plugins.committed import at_once

pytestmark = pytest.mark.usefixtures("today")
NOW = make.NOW
PAPERS = [DocumentKind.CERTIFICATE, DocumentKind.PLAQUE]


@pytest.fixture
def label(db):
    return make_label()


def kept(**filters):
    return sorted(Document.objects.filter(**filters).values_list("kind", flat=True))


# Rendering --------------------------------------------------------------------------------------------------------


def test_what_is_missing_is_rendered_once(label):
    received = make.application(state=State.SUBMITTED)
    make.application()
    assert documents.render_missing_documents(at=NOW) == 4
    assert kept() == ["certificate", "plaque", "receipt", "receipt"]
    before = list(Document.objects.order_by("pk").values())
    assert documents.render_missing_documents(at=NOW + timedelta(days=1)) == 0
    assert list(Document.objects.order_by("pk").values()) == before
    receipt = documents.receipt_of(received)
    content = bytes(receipt.content)
    assert content.startswith(b"%PDF")
    assert receipt.sha256 == sha256_hex(content)
    assert (receipt.rendered_at, receipt.source_version) == (NOW, 1)


def test_a_run_goes_on_until_nothing_is_missing(db, monkeypatch):
    for _ in range(3):
        make.application(state=State.SUBMITTED)
    one_by_one = partial(documents.render_missing_documents, batch=1)
    monkeypatch.setattr("labelling.tasks.render_missing_documents", one_by_one)
    render_documents()
    assert kept() == ["receipt"] * 3


def test_a_batch_leaves_the_rest_to_the_next_one(db):
    for days in range(3):
        make.application(state=State.SUBMITTED, submitted_at=NOW - timedelta(days=days))
    assert documents.render_missing_documents(at=NOW, batch=2) == 2
    oldest = Document.objects.filter(application__submitted_at=NOW - timedelta(days=2))
    assert not oldest.exists()
    assert documents.render_missing_documents(at=NOW, batch=2) == 1
    assert oldest.exists()


def test_the_papers_follow_the_label_and_the_receipt_does_not_change(label):
    documents.render_missing_documents(at=NOW)
    type(label.structure).objects.filter(pk=label.structure_id).update(name="Un autre nom (fictif)")
    Label.objects.filter(pk=label.pk).update(version=label.version + 1)
    label = Label.objects.get()
    type(label.application).objects.filter(pk=label.application_id).update(version=9)
    assert [documents.label_document(label, kind) for kind in PAPERS] == [None, None]
    assert documents.render_missing_documents(at=NOW) == 2
    assert kept(label=label) == ["certificate", "certificate", "plaque", "plaque"]
    first, second = Document.objects.filter(label=label, kind=DocumentKind.CERTIFICATE).order_by("source_version")
    assert first.sha256 != second.sha256
    assert documents.label_document(label, DocumentKind.CERTIFICATE) == second


def test_a_label_not_notified_or_ended_has_no_papers(label, settings):
    Label.objects.update(notified_at=None)
    settings.LABEL_YEARS = 1
    withdrawn, ended = make_label(), make_label(at=NOW.replace(year=2025))
    withdraw(withdrawn)
    documents.render_missing_documents(at=NOW)
    for row in (label, withdrawn, ended):
        assert kept(label=row) == []


def test_the_certificate_and_the_plaque_are_tagged_pdfs_and_always_the_same_bytes(label):
    for kind in PAPERS:
        document = documents.store_label_document(label=label, kind=kind, at=NOW)
        content = bytes(document.content)
        assert b"pdfuaid" in content
        assert b"/Lang" in content
        Document.objects.filter(pk=document.pk).delete()
        assert bytes(documents.store_label_document(label=label, kind=kind, at=NOW).content) == content


def test_two_workers_keep_one_receipt(committed_db):
    application = make.application(state=State.SUBMITTED)
    row = type(application).objects.select_related("structure__commune", "departement", "specification").get()
    later = NOW + timedelta(seconds=1)
    one, two = at_once(
        lambda: documents.store_receipt(application=row, at=NOW),
        lambda: documents.store_receipt(application=row, at=later),
    )
    assert one.pk == two.pk
    assert one.rendered_at == two.rendered_at
    assert Document.objects.count() == 1


def test_the_mail_carries_the_receipt_that_the_page_gives(client, db):
    owner = make.membership()
    application = make.application(owner.structure, state=State.SUBMITTED)
    record_event(subject_type=Subject.APPLICATION, subject_id=application.pk, action="submit", actor=owner, at=NOW)
    deliver_mail()
    render_documents()
    attached = next(message for message in mail.outbox if message.to == [owner.user.email]).attachments[0]
    client.force_login(owner.user)
    response = client.get(reverse("application-receipt", args=[application.number]))
    assert response.content == attached[1] == bytes(Document.objects.get().content)


# Constraints ------------------------------------------------------------------------------------------------------


def refused(name, **fields):
    content = b"%PDF"
    values = {"content": content, "sha256": sha256_hex(content), "rendered_at": NOW, **fields}
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Document.objects.create(**values)


def test_the_database_refuses_what_is_not_a_document(label):
    application = label.application
    refused("document_about_what_its_kind_says", kind="poem", label=label)
    refused("document_about_what_its_kind_says", kind=DocumentKind.RECEIPT, label=label)
    refused("document_about_what_its_kind_says", kind=DocumentKind.RECEIPT, application=application, source_version=2)
    refused("document_about_what_its_kind_says", kind=DocumentKind.PLAQUE, application=application)
    refused("document_hash_is_of_content", kind=DocumentKind.PLAQUE, label=label, sha256="0" * 64)
    documents.render_missing_documents(at=NOW)
    refused("document_once_per_file", kind=DocumentKind.RECEIPT, application=application)
    refused("document_once_per_label", kind=DocumentKind.PLAQUE, label=label, source_version=label.version)


# Pages --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["label-certificate", "label-plaque"])
def test_a_paper_not_rendered_yet_says_so_then_is_given(client, label, name):
    client.force_login(make.membership(label.structure).user)
    address = reverse(name, args=[label.number])
    waiting = client.get(address)
    assert waiting.status_code == 202
    assert "en préparation, quelques instants" in waiting.text
    assert f'href="{address}"' in waiting.text
    documents.render_missing_documents(at=NOW)
    response = client.get(address)
    assert (response.status_code, response["Content-Type"]) == (200, "application/pdf")
    assert response.content.startswith(b"%PDF")


def test_a_receipt_not_rendered_yet_says_so(client, db):
    application = make.application(state=State.SUBMITTED)
    client.force_login(make.membership(application.structure).user)
    waiting = client.get(reverse("application-receipt", args=[application.number]))
    assert waiting.status_code == 202
    assert "Votre accusé de réception" in waiting.text


def test_a_label_that_ended_gives_no_paper(client, label):
    documents.render_missing_documents(at=NOW)
    withdraw(label)
    client.force_login(make.membership(label.structure).user)
    response = client.get(reverse("label-certificate", args=[label.number]), follow=True)
    assert response.redirect_chain == [(label.get_absolute_url(), 302)]
    assert "il n’a plus ni certificat ni plaque" in response.text


def test_the_page_of_a_label(client, label):
    client.force_login(make.membership(label.structure).user)
    page = client.get(label.get_absolute_url()).text
    for address in (
        reverse("label-certificate", args=[label.number]),
        reverse("label-plaque", args=[label.number]),
        reverse("place", args=[label.number]),
        reverse("verify-label", args=[label.number]),
        reverse("decision-letter", args=[label.application.number]),
    ):
        assert f'href="{address}"' in page
    assert "Du 22\u00a0novembre\u00a02026 au 21\u00a0novembre\u00a02029 inclus." in page
    assert label.get_absolute_url() in client.get("/compte/").text
    client.force_login(make.mandate(AuthorityKind.PREFECTURE).user)
    assert client.get(label.get_absolute_url()).status_code == 200


def test_nobody_opens_a_label_before_its_notification(client, label):
    Label.objects.filter(pk=label.pk).update(notified_at=None)
    for person in (make.membership(label.structure).user, make.mandate(AuthorityKind.ARS).user):
        client.force_login(person)
        assert client.get(label.get_absolute_url()).status_code == 404
