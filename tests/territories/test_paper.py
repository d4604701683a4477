"""A decision signed by hand: one agent files the scan, another confirms it, and it is a signature like a click."""

from datetime import date, timedelta
from io import BytesIO

import pypdf
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from francesante.lib.canonical import sha256_hex
from francesante.lib.french import hash_groups
from francesante.lib.workflow import RefusedError, StaleError
from territories.choices import AuthorityKind, DecisionState, Role, SignatureMeans, Subject
from territories.documents.original import render_original
from territories.models import Decision, Event, PaperOriginal, Signature
from territories.services.decisions import sign_decision
from territories.services.paper import confirm_original, file_original, reject_original, signatories
from tests import factories as make
from tests.plugins.committed import at_once
from tests.plugins.signed_in import PortalClient
from tests.territories.acts import countable_effects, effects, propose
from tests.territories.test_second_factor import code_of

NOW = make.NOW
LATER = NOW + timedelta(days=3)
DAY = date(2026, 11, 24)


@pytest.fixture(autouse=True)
def effects_that_count(monkeypatch):
    countable_effects(monkeypatch)


class World:
    """A decision, and in each authority a signatory and two agents."""

    def __init__(self, at=NOW):
        self.decision = propose(at=at)
        self.ars, self.prefet = (
            make.mandate(kind, signs=True) for kind in (AuthorityKind.ARS, AuthorityKind.PREFECTURE)
        )
        self.files, self.confirms = make.mandate(AuthorityKind.ARS), make.mandate(AuthorityKind.ARS)
        self.clerk, self.chief = make.mandate(AuthorityKind.PREFECTURE), make.mandate(AuthorityKind.PREFECTURE)


@pytest.fixture
def w(db):
    return World()


def file(w, mandate=None, signatory=None, **fields):
    values = {"signed_date": DAY, "name": "original.pdf", "scan": make.blank_pdf(), "at": LATER, **fields}
    return file_original(decision=w.decision, mandate=mandate or w.files, signatory=signatory or w.ars, **values)


def printed(decision):
    return hash_groups(decision.content_hash)[-9:]


def confirm(original, mandate, **fields):
    decision = Decision.objects.get(pk=original.decision_id)
    values = {"content_hash": decision.content_hash, "printed": printed(decision), "at": LATER, **fields}
    return confirm_original(original=PaperOriginal.objects.get(pk=original.pk), mandate=mandate, **values)


def click(decision, mandate, at=LATER):
    decision = Decision.objects.get(pk=decision.pk)
    return sign_decision(decision=decision, mandate=mandate, content_hash=decision.content_hash, at=at)


def refused(call, sentence, kind=RefusedError):
    before = (
        list(PaperOriginal.objects.order_by("pk").values_list("pk", "confirmed_at", "rejected_at")),
        Signature.objects.count(),
        Event.objects.count(),
    )
    with pytest.raises(kind, match=sentence):
        call()
    assert (
        list(PaperOriginal.objects.order_by("pk").values_list("pk", "confirmed_at", "rejected_at")),
        Signature.objects.count(),
        Event.objects.count(),
    ) == before


def test_a_confirmed_original_is_a_signature(w):
    original = file(w)
    assert not Signature.objects.exists()
    assert original.scan_hash == sha256_hex(bytes(original.scan))
    confirm(original, w.confirms)
    signature = Signature.objects.get()
    assert (signature.means, signature.user, signature.mandate) == (SignatureMeans.PAPER, w.ars.user, w.ars)
    assert signature.signatory_title == "directeur général de l’ARS"
    assert signature.signed_at.isoformat() == "2026-11-24T11:00:00+00:00"
    signed = click(w.decision, w.prefet)
    assert (signed.state, signed.signed_at, effects()) == (DecisionState.SIGNED, LATER, ["effect"])
    chain = Event.objects.about(Subject.DECISION, w.decision.pk).values_list("action", flat=True)
    assert list(chain) == ["propose", "file_paper", "sign", "confirm_paper", "sign", "complete"]


def test_both_capacities_may_be_paper_and_the_act_has_the_last_date(w):
    first, second = file(w, signed_date=date(2026, 11, 23)), file(w, w.clerk, w.prefet)
    confirm(second, w.chief)
    signed = confirm(first, w.confirms)
    assert signed.state == DecisionState.SIGNED
    assert signed.signed_at.date() == DAY, "the date of the act is the last signature's, whatever came in first"
    assert effects() == ["effect"]


def test_the_one_who_filed_does_not_confirm(w):
    original = file(w)
    refused(lambda: confirm(original, w.files), "un autre agent de votre autorité")
    twice = make.mandate(AuthorityKind.ARS, person=w.files.user, region=None, departement=make.departement())
    with pytest.raises(IntegrityError, match="another person of the same authority"), transaction.atomic():
        PaperOriginal.objects.filter(pk=original.pk).update(confirmed_by=twice, confirmed_at=LATER)


def test_another_authority_neither_confirms_nor_sets_aside(w):
    original = file(w)
    refused(lambda: confirm(original, w.chief), "d’une autre autorité")
    refused(
        lambda: reject_original(original=original, mandate=w.chief, reason="x", at=LATER),
        "c’est à ses agents de l’écarter",
    )
    with pytest.raises(IntegrityError, match="another person of the same authority"), transaction.atomic():
        PaperOriginal.objects.filter(pk=original.pk).update(confirmed_by=w.chief, confirmed_at=LATER)


def test_other_digits_or_another_content_are_refused(w):
    original = file(w)
    refused(lambda: confirm(original, w.confirms, printed="0000 0000"), "ne sont pas ceux de l’empreinte")
    refused(lambda: confirm(original, w.confirms, printed=""), "ne sont pas ceux de l’empreinte")
    refused(
        lambda: confirm(original, w.confirms, content_hash="0" * 64), "n’est pas celui que l’original porte", StaleError
    )
    replacement = propose(at=LATER, replaces=w.decision, content={"visas": ["Vu autre chose ;"]})
    assert replacement.content_hash != w.decision.content_hash
    refused(lambda: confirm(original, w.confirms), "remplacée", StaleError)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"signed_date": date(2026, 11, 21)}, "entre la présentation de la décision"),
        ({"signed_date": date(2026, 11, 26)}, "et aujourd’hui"),
        ({"scan": b""}, "est vide"),
        ({"scan": b"PK\x03\x04 archive"}, "n’est pas un PDF, quel que soit son nom"),
        ({"scan": b"%PDF-1.7 rien"}, "ne s’ouvre pas"),
        ({"scan": b"%PDF-" + b"0" * (21 * 1024 * 1024)}, "trop lourd"),
    ],
)
def test_what_is_not_a_signed_original_is_refused(w, fields, sentence):
    refused(lambda: file(w, **fields), sentence)


def test_the_signatory_is_judged_on_the_day_of_the_signature(w):
    ended = make.mandate(AuthorityKind.ARS, signs=True, valid=make.DateRange(date(2025, 1, 1), date(2026, 11, 24)))
    late = make.mandate(AuthorityKind.ARS, signs=True, signing_published_date=date(2026, 11, 25))
    assert {w.ars, ended, late} == set(signatories(w.decision, w.files, at=LATER))
    refused(lambda: file(w, signatory=ended), "n’avait pas le droit de signer")
    refused(lambda: file(w, signatory=late), "n’était pas encore publié")
    refused(lambda: file(w, signatory=w.prefet), "n’est pas de votre autorité")
    refused(lambda: file(w, signatory=w.confirms), "n’avait pas le droit de signer")
    confirm(file(w, signatory=ended, signed_date=date(2026, 11, 23)), w.confirms)
    assert Signature.objects.get().user == ended.user


def test_only_agents_of_a_signing_authority_file(w):
    for mandate in (
        make.mandate(AuthorityKind.ARS, role=Role.OBSERVER),
        make.mandate(AuthorityKind.NATIONAL),
        make.mandate(AuthorityKind.COLLECTIVITE),
        make.mandate(AuthorityKind.PREFECTURE, on=make.departement("97", "Ailleurs", region="R2")),
    ):
        refused(lambda mandate=mandate: file(w, mandate), r"\w")


def test_a_capacity_signs_once_by_hand_or_by_a_click(w):
    original = file(w)
    refused(lambda: file(w), "attend déjà sa confirmation")
    click(w.decision, w.ars)
    refused(lambda: confirm(original, w.confirms), "déjà signée en qualité")
    reject_original(original=original, mandate=w.files, reason="Signée dans le portail.", at=LATER)
    refused(lambda: file(w), "déjà signée en qualité")
    refused(lambda: confirm(original, w.confirms), "n’attend plus", StaleError)
    click(w.decision, w.prefet)
    refused(lambda: file(w, w.clerk, w.prefet), "n’attend plus de signature")


def test_nobody_signs_in_two_capacities_on_paper_either(w):
    both = make.mandate(AuthorityKind.PREFECTURE, person=w.ars.user, signs=True)
    confirm(file(w), w.confirms)
    second = file(w, w.clerk, both)
    refused(lambda: confirm(second, w.chief), "personne ne signe en deux qualités")


def test_an_original_set_aside_leaves_room_for_another(w):
    original = file(w)
    refused(lambda: reject_original(original=original, mandate=w.confirms, reason=" ", at=LATER), "Dites pourquoi")
    reject_original(original=original, mandate=w.confirms, reason="Page manquante.", at=LATER)
    confirm(file(w), w.confirms)
    assert Signature.objects.count() == 1


def test_the_database_keeps_originals_as_filed(w):
    original = file(w)
    rows = PaperOriginal.objects.filter(pk=original.pk)
    for change, name in [
        ({"scan": b"autre"}, "stays as it was filed"),
        ({"signed_date": date(2026, 11, 23)}, "stays as it was filed"),
        ({"confirmed_at": LATER, "confirmed_by": None}, "another person of the same authority"),
        ({"rejected_at": LATER}, "paper_original_rejection_reasoned"),
        ({"rejected_at": LATER, "rejected_by": w.confirms}, "paper_original_rejection_reasoned"),
        ({"confirmed_by": w.confirms}, "paper_original_confirmed_by_someone"),
        (
            {
                "confirmed_by": w.confirms,
                "confirmed_at": LATER,
                "rejected_by": w.confirms,
                "rejected_at": LATER,
                "rejection_reason": "x",
            },
            "paper_original_confirmed_or_rejected",
        ),
    ]:
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            rows.update(**change)
    with pytest.raises(IntegrityError, match="stays as it was filed"), transaction.atomic():
        rows.delete()
    names = (
        "decision signatory signatory_name signatory_title signed_date content_hash scan scan_hash filed_by filed_at"
    )
    base = {name: getattr(original, name) for name in names.split()} | {"capacity": "prefet"}
    for change, name in [
        ({"capacity": "x"}, "paper_original_capacity_known"),
        ({"scan_hash": "0" * 64}, "paper_original_hash_is_of_scan"),
        ({"capacity": "ars"}, "paper_original_one_per_capacity"),
    ]:
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            PaperOriginal.objects.create(**{**base, **change})


def test_a_click_and_a_confirmation_at_the_same_instant(committed_db):
    w = World()
    original = file(w)
    results = at_once(lambda: confirm(original, w.confirms), lambda: click(w.decision, w.ars))
    assert sorted(isinstance(result, RefusedError) for result in results) == [False, True], results
    assert Signature.objects.count() == 1
    original.refresh_from_db()
    assert (original.confirmed_at is not None) == (Signature.objects.get().means == SignatureMeans.PAPER)


def test_the_last_paper_and_the_last_click_make_one_act(committed_db):
    w = World()
    original = file(w)
    results = at_once(lambda: confirm(original, w.confirms), lambda: click(w.decision, w.prefet))
    assert all(isinstance(result, Decision) for result in results), results
    w.decision.refresh_from_db()
    assert (w.decision.state, effects()) == (DecisionState.SIGNED, ["effect"])


def test_two_confirmations_at_the_same_instant(committed_db):
    w = World()
    original, third = file(w), make.mandate(AuthorityKind.ARS)
    results = at_once(lambda: confirm(original, w.confirms), lambda: confirm(original, third))
    assert sorted(isinstance(result, RefusedError) for result in results) == [False, True], results
    assert Signature.objects.count() == 1


def test_the_printable_carries_the_content_and_its_hash(w):
    printable = render_original(w.decision)
    assert printable == render_original(w.decision)
    words = "".join(page.extract_text() for page in pypdf.PdfReader(BytesIO(printable)).pages)
    compact = "".join(words.split())
    assert w.decision.content_hash in compact
    assert "Vulecodedelasantépublique" in compact
    assert "directeurgénéraldel’ARS" in compact


# Pages ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def w_today(db):
    """The same world three days ago: a code is that of the present instant."""
    return World(at=timezone.now() - timedelta(days=3))


def yesterday():
    return timezone.localdate() - timedelta(days=1)


@pytest.fixture
def opened():
    def client_of(mandate):
        client = PortalClient()
        client.force_login(mandate.user)
        return client

    return client_of


def test_the_whole_way_through_the_pages(w_today, opened):
    w = w_today
    clerk, colleague = opened(w.files), opened(w.confirms)
    page = reverse("paper", args=[w.decision.pk])
    assert hash_groups(w.decision.content_hash) in clerk.get(page).content.decode()
    assert clerk.get(reverse("paper-printable", args=[w.decision.pk]))["Content-Type"] == "application/pdf"
    scan = make.blank_pdf()
    sent = {"mandate": w.files.pk, "signatory": w.ars.pk, "signed_date": yesterday().isoformat()}
    wrong = clerk.post(page, {**sent, "scan": SimpleUploadedFile("original.pdf", b"PK zip")})
    assert "n’est pas un PDF" in wrong.content.decode()
    assert "Joignez l’original" in clerk.post(page, sent).content.decode()
    assert clerk.post(page, {**sent, "scan": SimpleUploadedFile("original.pdf", scan)}).status_code == 302
    original = PaperOriginal.objects.get()
    waiting = opened(w.ars).get(reverse("decision", args=[w.decision.pk])).content.decode()
    assert f"{w.files.user.full_name} l’a déposé" in waiting
    assert "<summary>Signer ici, sans attendre l’original" in waiting
    for address in (reverse("parapheur"), f"{reverse('parapheur-selection')}?tout=1"):
        assert "Un original papier attend" in opened(w.ars).get(address).content.decode()
        assert "Un original papier attend" not in opened(w.prefet).get(address).content.decode()
    address = reverse("paper-original", args=[w.decision.pk, original.pk])
    assert address in colleague.get(page).content.decode()
    assert colleague.get(reverse("paper-scan", args=[w.decision.pk, original.pk])).content == scan
    assert 'name="printed"' not in clerk.get(address).content.decode(), "the one who filed has nothing to confirm"
    device = TOTPDevice.objects.get(user=w.confirms.user, confirmed=True)
    said = {"mandate": w.confirms.pk, "content_hash": w.decision.content_hash, "code": code_of(device)}
    shown = colleague.post(address, {**said, "printed": "dead beef"})
    assert "ne sont pas ceux de l’empreinte" in shown.content.decode()
    assert not Signature.objects.exists()
    assert colleague.post(address, {**said, "printed": printed(w.decision)}).status_code == 302
    assert Signature.objects.get().means == SignatureMeans.PAPER
    signatory = opened(w.prefet).get(reverse("decision", args=[w.decision.pk])).content.decode()
    assert "sur un original papier" in signatory


def test_without_the_code_nothing_is_confirmed(w_today, opened):
    w = w_today
    original = file(w, signed_date=yesterday(), at=timezone.now())
    address = reverse("paper-original", args=[w.decision.pk, original.pk])
    said = {"mandate": w.confirms.pk, "content_hash": w.decision.content_hash, "printed": printed(w.decision)}
    assert "Ce code n’est pas le bon" in opened(w.confirms).post(address, {**said, "code": "000000"}).content.decode()
    assert not Signature.objects.exists()


def test_an_original_is_set_aside_from_its_page(w_today, opened):
    w = w_today
    original = file(w, signed_date=yesterday(), at=timezone.now())
    client = opened(w.confirms)
    address = reverse("paper-reject", args=[w.decision.pk, original.pk])
    assert client.post(address, {"mandate": w.confirms.pk, "reason": ""}).status_code == 302
    assert PaperOriginal.objects.get().is_pending
    client.post(address, {"mandate": w.confirms.pk, "reason": "Page manquante."})
    assert "Page manquante." in client.get(reverse("paper", args=[w.decision.pk])).content.decode()


def test_the_scan_of_one_authority_is_not_read_by_the_other(w_today, opened):
    w = w_today
    original = file(w, signed_date=yesterday(), at=timezone.now())
    for name in ("paper-scan", "paper-original"):
        assert opened(w.chief).get(reverse(name, args=[w.decision.pk, original.pk])).status_code == 404
