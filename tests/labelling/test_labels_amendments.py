"""What a label says of its place is put right: who may, what each kind touches, and what follows."""

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.urls import reverse

from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import AmendmentKind, DocumentKind
from labelling.models import Amendment, Label, Structure
from labelling.services import documents
from labelling.services.amendments import amend_label, written
from labelling.tasks import deliver_mail
from territories.choices import AuthorityKind, Subject
from territories.models import Event
from tests import factories as make
from tests.labelling.worlds import make_label, withdraw
from tests.plugins.signed_in import PortalClient

pytestmark = pytest.mark.usefixtures("today")
NOW = make.NOW


@pytest.fixture
def label(owner):
    return make_label(owner.structure, owner=owner)


@pytest.fixture
def ars(label):
    return make.mandate(AuthorityKind.ARS)


def amend(
    label, mandate, kind=AmendmentKind.MISTAKE, *, version=None, reason="Coquille dans l’arrêté.", at=NOW, **fields
):
    label.refresh_from_db()
    label.structure.refresh_from_db()
    return amend_label(
        label=label,
        kind=kind,
        now_written={**written(label.structure), **fields},
        reason=reason,
        mandate=mandate,
        version=label.version if version is None else version,
        at=at,
    )


def refused(label, sentence, call):
    def picture():
        chain = Event.objects.about(Subject.LABEL, label.pk).count()
        row = Label.objects.values().get(pk=label.pk)
        return Structure.objects.values().get(pk=label.structure_id), row, Amendment.objects.count(), chain

    before = picture()
    with pytest.raises(RefusedError, match=sentence):
        call()
    assert picture() == before


def test_a_slip_of_the_pen(label, ars):
    name = label.structure.name
    amendment = amend(label, ars, name="Maison de santé des Quatre Étangs (fictive)")
    assert amendment.before == {"name": name}
    assert amendment.after == {"name": "Maison de santé des Quatre Étangs (fictive)"}
    structure = Structure.objects.get(pk=label.structure_id)
    assert (structure.name, structure.sort_key) == (
        amendment.after["name"],
        "maison de sante des quatre etangs fictive",
    )
    event = Event.objects.about(Subject.LABEL, label.pk).last()
    assert (event.action, event.data) == (
        "amend",
        {"amendment": amendment.pk, "kind": "mistake", "fields": ["name"]},
    )
    assert label.decision.content == type(label.decision).objects.get(pk=label.decision_id).content


def test_a_new_holder_and_a_new_address(label, ars):
    finess = make.luhn_finess(98_777_777)
    amend(label, ars, AmendmentKind.HOLDER, name="Association du Lavoir (fictive)", finess=finess)
    other = make.commune("98002", "Ébauche")
    amend(label, ars, AmendmentKind.ADDRESS, address="1 rue Neuve", postal_code="98002", commune=other.pk)
    structure = Structure.objects.get(pk=label.structure_id)
    site = structure.sites.get(is_main=True)
    assert (structure.finess, structure.commune, structure.address) == (finess, other, "1 rue Neuve")
    assert (site.address, site.commune, site.latitude) == ("1 rue Neuve", other, None)


def test_a_typing_error_in_an_address_does_not_move_the_place(label, ars):
    amend(label, ars, address="2 place du Lavoir, bâtiment B")
    site = label.structure.sites.get(is_main=True)
    assert (site.address, site.latitude) == ("2 place du Lavoir, bâtiment B", 46.5)


def test_the_papers_follow(label, ars):
    documents.render_missing_documents(at=NOW)
    amend(label, ars, name="Autre nom (fictif)")
    label.refresh_from_db()
    assert documents.label_document(label, DocumentKind.CERTIFICATE) is None
    assert documents.render_missing_documents(at=NOW) == 2


@pytest.mark.parametrize(
    ("kind", "changes", "sentence"),
    [
        ("mistake", {}, "Rien ne change"),
        ("mistake", {"name": " "}, "a un nom"),
        ("mistake", {"name": "x", "reason": " "}, "Dites pourquoi"),
        ("mistake", {"commune": "00000"}, "Aucune commune"),
        ("mistake", {"finess": "12"}, "mal formé"),
        ("holder", {"address": "ailleurs"}, "ne touche pas : adresse"),
        ("address", {"name": "x"}, "ne touche pas : nom"),
    ],
)
def test_what_is_refused(label, ars, kind, changes, sentence):
    refused(label, sentence, lambda: amend(label, ars, AmendmentKind(kind), **changes))


def test_a_place_that_leaves_its_departement_asks_for_a_new_label(label, ars):
    away = make.commune("97001", "Ailleurs", in_=make.departement("97", "Valfictie", region="R2"))
    refused(label, "autre département", lambda: amend(label, ars, AmendmentKind.ADDRESS, commune=away.pk))


def test_a_finess_of_another_structure_is_refused(label, ars):
    taken = make.structure().finess
    refused(label, "une autre structure le porte déjà", lambda: amend(label, ars, finess=taken))


def test_who_may_and_when(label, ars):
    elsewhere = make.mandate(AuthorityKind.ARS, on=make.departement("97", "Valfictie", region="R2"))
    refused(label, "ne couvre pas", lambda: amend(label, elsewhere, name="x"))
    refused(label, "de lire ce dossier", lambda: amend(label, make.mandate(AuthorityKind.NATIONAL), name="x"))
    with pytest.raises(StaleError):
        amend(label, ars, name="x", version=99)
    ended = NOW.replace(year=2029, day=23)
    late = make.mandate(AuthorityKind.ARS)
    refused(label, "a pris fin", lambda: amend(label, late, name="x", at=ended))
    withdraw()
    refused(label, "n’est pas en cours", lambda: amend(label, ars, name="x"))


def test_the_database_keeps_them(label, ars):
    values = {
        "label": label,
        "mandate": ars,
        "amended_at": NOW,
        "kind": "mistake",
        "reason": "x",
        "before": {},
        "after": {"a": 1},
    }

    def fails(name, **changes):
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            Amendment.objects.create(**{**values, **changes})

    fails("amendment_kind_known", kind="poem")
    fails("amendment_reasoned", reason="")
    fails("amendment_changes_something", after={})
    amendment = Amendment.objects.create(**values)
    with pytest.raises(IntegrityError, match="insert-only"), transaction.atomic():
        Amendment.objects.filter(pk=amendment.pk).update(reason="y")


def test_the_page_the_mail_and_the_structure(label, ars, owner):
    agent, address = PortalClient(), reverse("label-amend", args=[label.number])
    agent.force_login(ars.user)
    assert address in agent.get(label.get_absolute_url()).text
    form = agent.get(address)
    assert label.structure.address in form.text
    posted = {
        **written(label.structure),
        "mandate": ars.pk,
        "version": label.version,
        "kind": "address",
        "reason": "Déménagement.",
    }
    wrong = agent.post(address, {**posted, "postal_code": "98", "kind": ""})
    assert wrong.status_code == 422
    assert "cinq chiffres, par exemple" in wrong.text
    same = agent.post(address, posted)
    assert (same.status_code, "Rien ne change" in same.text) == (409, True)
    bad = agent.post(address, {**posted, "kind": "mistake", "finess": "980000001"})
    assert "clé de contrôle" in bad.text
    done = agent.post(address, {**posted, "address": "1 rue Neuve"})
    assert done.url == label.get_absolute_url()
    deliver_mail()
    told = [message for message in mail.outbox if message.to == [owner.user.email]][-1]
    assert "Déménagement." in told.body
    reader = PortalClient()
    reader.force_login(owner.user)
    page = reader.get(label.get_absolute_url()).text
    assert "1 rue Neuve" in page
    assert "2 place du Lavoir" in page
    assert address not in page
    assert reader.get(address).status_code == 403
