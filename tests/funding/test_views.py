import re
from datetime import date
from decimal import Decimal
from html import unescape

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from funding.choices import GrantState
from funding.models import EnvelopeMovement, Grant, Payment
from funding.services.envelopes import delegate_envelope
from funding.services.grants import present_grant, propose_grant, record_payment
from funding.tasks import deliver_mail
from territories.models import Delivery, Event
from territories.services.decisions import decline_decision, sign_decision
from tests import factories as make
from tests.funding.worlds import envelope, signed_in, signed_label
from tests.labelling.worlds import lift, suspend

pytestmark = pytest.mark.usefixtures("now")
ACTS = ("ars", "prefecture", "dg", "prefete")
READS = ("observer", "national")


def proposed(world, amount=50_000):
    return propose_grant(
        label=world.label,
        envelope=world.envelope,
        amount=Decimal(amount),
        purpose="Secrétariat médical",
        mandate=world.ars,
        at=make.NOW,
    )


def committed(world, amount=50_000):
    grant = proposed(world, amount)
    decision = present_grant(grant=grant, mandate=world.ars, at=make.NOW)
    sign_decision(decision=decision, mandate=world.dg, content_hash=decision.content_hash, at=make.NOW)
    grant.refresh_from_db()
    return grant


def read(client, url, status=200):
    answer = client.get(url)
    assert answer.status_code == status
    return re.sub(r"\s+", " ", unescape(answer.content.decode()).replace("\u00a0", " "))


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def post(client, grant, action, mandate, **fields):
    return client.post(
        grant.get_absolute_url(),
        {"action": action, "version": grant.version, "mandate": mandate.pk, **fields},
        follow=True,
    )


# Who may open what --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ACTS + READS)
def test_readers_of_the_territory_open_every_page(valfictie, who):
    client = signed_in(getattr(valfictie, who).user)
    grant = committed(valfictie)
    for url in (reverse("funding"), valfictie.envelope.get_absolute_url(), grant.get_absolute_url()):
        assert "fr-container" in read(client, url) or "fs-wide" in read(client, url)


def test_out_of_the_territory_there_is_nothing(valfictie):
    client = signed_in(valfictie.elsewhere.user)
    grant = committed(valfictie)
    for url in (
        valfictie.envelope.get_absolute_url(),
        grant.get_absolute_url(),
        reverse("grant-new", args=[valfictie.label.number]),
    ):
        read(client, url, status=404)
    assert client.post(grant.get_absolute_url(), {"action": "present"}).status_code == 404


@pytest.mark.parametrize("who", READS)
def test_those_who_read_do_not_act(valfictie, who):
    client = signed_in(getattr(valfictie, who).user)
    grant = proposed(valfictie)
    read(client, reverse("grant-new", args=[valfictie.label.number]), status=403)
    for action in ("present", "cancel", "pay"):
        answer = client.post(grant.get_absolute_url(), {"action": action, "version": grant.version})
        assert answer.status_code == 403
    grant.refresh_from_db()
    assert grant.state == GrantState.PROPOSED
    assert EnvelopeMovement.objects.count() == 1
    page = read(client, grant.get_absolute_url())
    assert 'fr-btn"' not in page.split('<main id="contenu"')[1].split("</main>")[0]


def test_nobody_reads_anonymously(client, valfictie):
    for url in (
        reverse("funding"),
        valfictie.envelope.get_absolute_url(),
        reverse("grant-new", args=[valfictie.label.number]),
    ):
        assert client.get(url).status_code == 302


# Pages --------------------------------------------------------------------------------------------------------------


def test_the_equation_is_exact_to_the_cent(valfictie):
    committed(valfictie, "430000.10")
    page = read(signed_in(valfictie.ars.user), valfictie.envelope.get_absolute_url())
    assert (
        "Plafond 600 000,00 € = égale délégué 0,00 € + plus réservé 0,00 € + plus attribué 430 000,10 € + plus reste 169 999,90 €"
        in text_of(page)
    )
    assert "FIR 2026 · Valfictie (99) · crédits nouveaux" in page


def test_origins_are_never_added_together(valfictie):
    envelope("90000.50", by=valfictie.national, code="credits-reaffectes", departement=valfictie.here)
    text = text_of(read(signed_in(valfictie.national.user), reverse("funding")))
    new, reallocated = text.index("Crédits nouveaux 2026"), text.index("Crédits réaffectés 2026")
    assert new < reallocated
    assert "Plafond 600 000,00 €" in text[new:reallocated]
    assert "Plafond 90 000,50 €" in text[reallocated:]
    assert "690 000" not in text


def test_totals_count_each_euro_once_and_only_ones_own(valfictie):
    nation = envelope(1_000_000, by=valfictie.national, code="accord-conventionnel")
    region = delegate_envelope(
        parent=nation, region=valfictie.here.region, amount=Decimal(400_000), mandate=valfictie.national, at=make.NOW
    )
    delegate_envelope(
        parent=region, departement=valfictie.here, amount=Decimal(100_000), mandate=valfictie.ars, at=make.NOW
    )
    total = "Plafond {} = égale délégué {} + plus réservé 0,00 € + plus attribué 0,00 € + plus reste {}"
    seen = {
        who: text_of(read(signed_in(getattr(valfictie, who).user), reverse("funding")))
        for who in ("national", "ars", "prefecture")
    }
    assert total.format("1 600 000,00 €", "0,00 €", "1 600 000,00 €") in seen["national"]
    assert total.format("1 000 000,00 €", "0,00 €", "1 000 000,00 €") in seen["ars"]
    assert total.format("700 000,00 €", "0,00 €", "700 000,00 €") in seen["prefecture"]


def test_a_label_without_a_grant_is_one_link_from_its_proposal(valfictie):
    client = signed_in(valfictie.prefecture.user)
    page = read(client, reverse("funding"))
    assert reverse("grant-new", args=[valfictie.label.number]) in page
    answer = client.post(
        reverse("grant-new", args=[valfictie.label.number]),
        {
            "mandate": valfictie.prefecture.pk,
            "envelope": valfictie.envelope.pk,
            "amount": "48 000,50 €",
            "purpose": "Locaux",
        },
    )
    grant = Grant.objects.get()
    assert answer.url == grant.get_absolute_url()
    assert (grant.amount, grant.proposed_by) == (Decimal("48000.50"), valfictie.prefecture)
    assert reverse("grant-new", args=[valfictie.label.number]) not in read(client, reverse("funding"))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"amount": "beaucoup"}, "Écrivez un montant en euros"),
        ({"amount": "-5"}, 'href="#id_amount">Montant&nbsp;: Indiquez un montant supérieur à zéro'),
        ({"amount": "600 000,01"}, 'href="#id_amount">Montant&nbsp;: Il reste'),
        ({"amount": ""}, "Indiquez un montant"),
        ({"purpose": ""}, "Indiquez l’objet"),
        ({"envelope": "0"}, "Sélectionnez un choix valide"),
    ],
)
def test_a_wrong_proposal_keeps_what_was_typed(valfictie, fields, sentence):
    posted = {
        "mandate": valfictie.ars.pk,
        "envelope": valfictie.envelope.pk,
        "amount": "48 000",
        "purpose": "Locaux neufs",
        **fields,
    }
    answer = signed_in(valfictie.ars.user).post(reverse("grant-new", args=[valfictie.label.number]), posted)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert sentence in page
    assert not Grant.objects.exists()
    if posted["purpose"]:
        assert "Locaux neufs" in page


def test_envelopes_of_other_places_or_years_are_not_offered(valfictie):
    envelope(by=valfictie.national, departement=make.departement("98", "Essonnie", region="R2"))
    page = read(signed_in(valfictie.ars.user), reverse("grant-new", args=[valfictie.label.number]))
    assert "FIR 2026 · Valfictie (99)" in page
    assert "Essonnie" not in page
    assert "Repère national : 50 000 €" in page


def test_presented_signed_then_paid_through_the_pages(valfictie):
    client = signed_in(valfictie.ars.user)
    grant = proposed(valfictie)
    assert "Présenter à la signature" in read(client, grant.get_absolute_url())
    assert "réservé sur l’enveloppe" in post(client, grant, "present", valfictie.ars).content.decode()
    grant.refresh_from_db()
    page = read(client, grant.get_absolute_url())
    assert "Signature attendue : directeur général de l’ARS. Crédits réservés." in page
    assert "Présenter à la signature" not in page
    assert reverse("decision", args=[grant.decision.pk]) in read(signed_in(valfictie.dg.user), grant.get_absolute_url())
    sign_decision(decision=grant.decision, mandate=valfictie.dg, content_hash=grant.decision.content_hash, at=make.NOW)
    grant.refresh_from_db()
    fields = {"amount": "20 000,00", "reference": "OP-1", "paid_date": "2026-11-20"}
    post(client, grant, "pay", valfictie.ars, **fields)
    assert Payment.objects.get().amount == 20_000
    assert "Versé 20 000,00 € sur 50 000,00 € ; reste à verser 30 000,00 €." in read(client, grant.get_absolute_url())
    grant.refresh_from_db()
    answer = post(client, grant, "pay", valfictie.ars, amount="30 000,01", reference="OP-2", paid_date="2026-11-20")
    assert answer.status_code == 422
    assert "Il reste 30 000,00 € à verser" in answer.content.decode().replace("\u00a0", " ")
    assert "OP-2" in answer.content.decode()


def test_the_page_of_a_grant_says_why_it_is_not_paid_and_what_to_do(valfictie):
    client = signed_in(valfictie.ars.user)
    grant = committed(valfictie)
    since = timezone.localdate()
    suspension = suspend(valfictie.label, since=since)
    page = read(client, grant.get_absolute_url())
    assert "aucun versement ne se fait pendant la suspension. Les versements reprennent dès qu’elle est levée." in page
    assert "Enregistrer un versement fait avant le" in page
    fields = {"amount": "10,00", "reference": "OP-1", "paid_date": since.isoformat()}
    answer = post(client, grant, "pay", valfictie.ars, **fields)
    assert (answer.status_code, Payment.objects.count()) == (422, 0)
    assert "Rien n’a été enregistré. Les versements reprennent" in answer.content.decode()
    assert "Gelée" in read(client, reverse("funding"))
    assert "Gelée" in read(client, reverse("funding") + "?vue=attributions&etat=suspended")
    owner = signed_in(make.membership(valfictie.label.structure).user)
    assert "Versement gelé" in read(owner, reverse("funding"))
    lift(suspension, back=since)
    assert "Versement gelé" not in read(owner, reverse("funding"))
    assert post(client, grant, "pay", valfictie.ars, **fields).status_code == 200
    assert Payment.objects.get().amount == 10


def test_a_stale_page_loses_with_a_message(valfictie):
    client, grant = signed_in(valfictie.ars.user), proposed(valfictie)
    grant.version = 9
    answer = post(client, grant, "present", valfictie.ars)
    assert "Ce dossier a changé pendant que vous y travailliez" in answer.content.decode()
    assert Grant.objects.get().state == GrantState.PROPOSED


def test_an_unknown_act_is_refused(valfictie):
    grant = proposed(valfictie)
    assert post(signed_in(valfictie.ars.user), grant, "burn", valfictie.ars).status_code == 400


def test_why_it_was_not_signed_is_read_on_the_grant(valfictie):
    grant = proposed(valfictie)
    decision = present_grant(grant=grant, mandate=valfictie.ars, at=make.NOW)
    decline_decision(decision=decision, mandate=valfictie.dg, reason="Le montant est à revoir", at=make.NOW)
    page = read(signed_in(valfictie.ars.user), grant.get_absolute_url())
    assert "« Le montant est à revoir »" in page
    assert "Présenter à la signature" in page


def test_a_structure_reads_its_money_once_committed(valfictie):
    client = signed_in(make.membership(valfictie.label.structure).user)
    assert "ouvre la possibilité d’un financement" in read(client, reverse("funding"))
    grant = proposed(valfictie)
    present_grant(grant=grant, mandate=valfictie.ars, at=make.NOW)
    assert "50 000" not in read(client, reverse("funding"))
    read(client, grant.get_absolute_url(), status=404)
    grant.refresh_from_db()
    sign_decision(decision=grant.decision, mandate=valfictie.dg, content_hash=grant.decision.content_hash, at=make.NOW)
    assert "50 000 €" in read(client, reverse("funding"))
    page = read(client, grant.get_absolute_url())
    assert "50 000,00 € accordés, 0,00 € versés à ce jour." in page
    assert reverse("decision", args=[grant.decision.pk]) not in page
    read(client, valfictie.envelope.get_absolute_url(), status=404)
    read(client, reverse("grant-new", args=[valfictie.label.number]), status=403)


def test_a_structure_learns_nothing_before_its_notification(valfictie):
    label = signed_label(valfictie.here, by=[valfictie.dg, valfictie.prefete], notified=False)
    page = read(signed_in(make.membership(label.structure).user), reverse("funding"))
    assert label.number not in page


def test_lists_cost_the_same_whatever_their_length(valfictie, django_assert_max_num_queries):
    client = signed_in(valfictie.ars.user)
    client.get(reverse("funding"))
    for _ in range(2):
        committed_label = signed_label(valfictie.here, by=[valfictie.dg, valfictie.prefete])
        valfictie.label = committed_label
        committed(valfictie, 10_000)
        with django_assert_max_num_queries(26):
            client.get(reverse("funding"))
        with django_assert_max_num_queries(26):
            client.get(valfictie.envelope.get_absolute_url())


def test_one_primary_button_per_page(valfictie):
    client = signed_in(valfictie.ars.user)
    urls = [reverse("grant-new", args=[valfictie.label.number])]
    grant = proposed(valfictie)
    urls += [grant.get_absolute_url()]
    for url in urls:
        main = read(client, url).split('<main id="contenu"')[1].split("</main>")[0]
        assert len(re.findall(r'class="fr-btn"', main)) == 1
        assert len(re.findall(r"<h1[ >]", main)) == 1


# Mails --------------------------------------------------------------------------------------------------------------


def test_the_structure_is_told_of_its_money_and_once(valfictie):
    owner = make.membership(valfictie.label.structure).user
    grant = committed(valfictie)
    record_payment(
        grant=grant,
        amount=Decimal(10),
        reference="OP-1",
        paid_date=date(2026, 11, 20),
        mandate=valfictie.ars,
        at=make.NOW,
    )
    deliver_mail()
    deliver_mail()
    assert [(message.to, message.subject) for message in mail.outbox] == [
        ([owner.email], "France Santé – un financement vous est accordé"),
        ([owner.email], "France Santé – un versement est enregistré"),
    ]
    assert "50\u00a0000,00\u00a0€" in mail.outbox[0].body
    assert f"http://testserver{grant.get_absolute_url()}" in mail.outbox[0].body
    assert (
        Delivery.objects.filter(consumer="funding.mail", delivered_at__isnull=False).count()
        == Event.objects.filter(subject_type="grant").count()
    )


def test_the_proposer_is_told_of_a_refusal_to_sign(valfictie):
    make.membership(valfictie.label.structure)
    grant = proposed(valfictie)
    decision = present_grant(grant=grant, mandate=valfictie.ars, at=make.NOW)
    decline_decision(decision=decision, mandate=valfictie.dg, reason="Le montant est à revoir", at=make.NOW)
    deliver_mail()
    assert [message.to for message in mail.outbox] == [[valfictie.ars.user.email]]
    assert "Le montant est à revoir" not in mail.outbox[0].body
