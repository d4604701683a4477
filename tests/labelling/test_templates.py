"""The sentences of a decision as data: today's text byte for byte, closed merge fields, versions, and additions."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from francesante.lib.merge_fields import mistake_in
from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import ApplicationState as State
from labelling.choices import CriterionKind, TemplateKind, Verdict
from labelling.models import CriterionAssessment, DecisionTemplate, DraftAddition
from labelling.rules import templates as rules
from labelling.services import templates
from labelling.services.drafting import draft_content
from labelling.services.reviews import sheet
from territories.choices import AuthorityKind, Capacity, DecisionKind
from tests import factories as make
from tests.labelling.test_decisions import actions, propose, ready, refused
from tests.plugins.signed_in import PortalClient

pytestmark = pytest.mark.django_db
NOW = make.NOW
FIRST = date(2025, 12, 1)
"""A day on which the first version of each text is the one in force."""
TEXTS = json.loads(Path(__file__).with_name("decision_texts.json").read_text())
MET, NOT_MET, NOT_APPLICABLE = Verdict.MET, Verdict.NOT_MET, Verdict.NOT_APPLICABLE


@pytest.fixture
def national():
    return make.mandate(AuthorityKind.NATIONAL)


@pytest.fixture
def ars():
    return make.mandate(AuthorityKind.ARS, signs=True)


def known_file(verdicts, reasons, *, finess=True):
    """The file whose decisions are written in ``decision_texts.json``."""
    mandate = make.mandate(AuthorityKind.ARS)
    make.authority(AuthorityKind.PREFECTURE)
    structure = make.structure(make.register_line(name="Maison de santé du Lavoir (fictive)", number="980000001"))
    if not finess:
        structure.finess = None
        structure.save()
    application = make.application(
        structure, state=State.UNDER_REVIEW, shared_at=NOW, endorsed_at=NOW, number="FS-98-2026-9000"
    )
    criteria = application.specification.criteria.filter(kind=CriterionKind.CRITERION).order_by("position")
    for criterion, verdict, reason in zip(criteria, verdicts, reasons, strict=True):
        CriterionAssessment.objects.create(
            application=application,
            criterion=criterion,
            capacity=Capacity.ARS,
            verdict=verdict,
            reason=reason,
            mandate=mandate,
            assessed_at=NOW,
        )
    return application


@pytest.mark.parametrize(
    ("name", "kind", "verdicts", "reasons", "finess"),
    [
        (
            "granted",
            DecisionKind.LABEL_GRANTED,
            [MET, MET, NOT_APPLICABLE, MET, NOT_APPLICABLE],
            ["Deux médecins.", "", "Médicobus ;", "PDSA", "Aucune astreinte."],
            True,
        ),
        (
            "refused",
            DecisionKind.LABEL_REFUSED,
            [NOT_MET, MET, NOT_MET, MET, MET],
            ["Poste vacant depuis le 1er septembre 2026.", "", "Fermé : mercredi.;", "", ""],
            False,
        ),
        (
            "refused1",
            DecisionKind.LABEL_REFUSED,
            [NOT_MET, MET, MET, MET, MET],
            ["Poste vacant.", "", "", "", ""],
            True,
        ),
    ],
)
def test_the_shipped_templates_give_the_first_texts_byte_for_byte(name, kind, verdicts, reasons, finess):
    application = known_file(verdicts, reasons, finess=finess)
    content = draft_content(application, kind, sheet(application), on=FIRST)
    assert {key: content[key] for key in TEXTS[name]} == TEXTS[name]
    assert content["template"] == {"kind": kind, "version": 1}


def test_a_refusal_is_notified_and_no_longer_published():
    application = known_file([NOT_MET, MET, MET, MET, MET], ["Poste vacant.", "", "", "", ""])
    first, today = (
        draft_content(application, DecisionKind.LABEL_REFUSED, sheet(application), on=day)
        for day in (FIRST, NOW.date())
    )
    assert today["template"] == {"kind": "label_refused", "version": 2}
    assert today["articles"][:-1] == first["articles"][:-1]
    published = ", qui est publié au recueil des actes administratifs"
    assert today["articles"][-1] == first["articles"][-1].replace(published, "") != first["articles"][-1]
    alone = DecisionTemplate.objects.applicable(TemplateKind.REFUSED_ALONE, NOW.date()).last()
    assert (alone.version, "recueil" in alone.closing_articles) == (2, False)
    granted = DecisionTemplate.objects.applicable(TemplateKind.GRANTED, NOW.date()).last()
    assert published in granted.closing_articles


# Merge fields -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Vu {structure} ;", ""),
        ("Vu la demande ;", ""),
        ("Vu {ministre} ;", "« {ministre} » n’existe pas ici"),
        ("Vu {} ;", "« {} » n’existe pas ici"),
        ("Vu {structure ;", "Une accolade est seule"),
        ("Vu structure} ;", "Une accolade est seule"),
        ("Vu {concertation_le} ;", "« {concertation_le} » n’existe pas ici"),
    ],
)
def test_an_unknown_merge_field_is_named(text, sentence):
    said = mistake_in(text, rules.fields_of("visas", TemplateKind.GRANTED)).replace("\u00a0", " ")
    assert sentence in said
    assert bool(said) == bool(sentence)


def test_some_fields_belong_to_one_part_or_one_decision():
    assert "critere_titre" in rules.fields_of("criterion_reason", TemplateKind.GRANTED)
    assert "critere_titre" not in rules.fields_of("reasons", TemplateKind.GRANTED)
    assert "concertation_le" in rules.fields_of("visas", TemplateKind.REFUSED_ALONE)


def test_a_fact_is_never_read_as_a_template():
    assert rules.merge("Vu {structure} ;", {"structure": "Maison {loi}", "loi": "x"}) == "Vu Maison {loi} ;"


def test_every_field_has_a_fact_and_an_example():
    names = {*rules.FIELDS, *rules.ALONE_FIELDS, *rules.APPEAL_FIELDS}
    assert names == set(rules.INVENTED)
    refusal = rules.invented_criteria(TemplateKind.REFUSED)
    assert all(set(one) == set(rules.CRITERION_FIELDS) for one in refusal)
    missing = sum("n’est pas rempli" in one["critere_constat"] for one in refusal)
    assert rules.INVENTED["criteres_non_remplis"] == f"{missing} critère sur {len(refusal)}", (
        "the preview agrees with itself"
    )
    assert len(rules.invented_criteria(TemplateKind.GRANTED)) < len(refusal), "a label is granted on criteria held"
    application = known_file([MET] * 5, [""] * 5)
    template = " ".join(f"{{{name}}}" for name in rules.FIELDS)
    row = DecisionTemplate.objects.get(kind="label_granted")
    DecisionTemplate.objects.create(
        **{part: getattr(row, part) for part in rules.PARTS} | {"visas": template},
        kind="label_granted",
        version=2,
        valid_from=date(2026, 1, 1),
        published_at=NOW,
    )
    content = draft_content(application, DecisionKind.LABEL_GRANTED, sheet(application), on=NOW.date())
    assert "{" not in content["visas"][0]
    assert content["template"]["version"] == 2


# Versions ---------------------------------------------------------------------------------------------------------


def parts_of(row, **changes):
    return {part: getattr(row, part) for part in rules.PARTS} | changes


def draft(national, kind=TemplateKind.GRANTED):
    return templates.prepare_template(kind=kind, mandate=national, at=NOW)


def save(row, national, revision=None, **changes):
    return templates.save_template(
        template=row, parts=parts_of(row, **changes), mandate=national, revision=revision or row.revision, at=NOW
    )


TODAY = NOW.date()


def publish(row, national, day=TODAY, revision=None):
    return templates.publish_template(
        template=row, valid_from=day, mandate=national, revision=revision or row.revision, at=NOW
    )


def test_a_new_version_is_the_text_of_later_decisions(national, ars):
    row = save(draft(national), national, visas="Vu la {loi} ;\n\n  Vu autre chose ;")
    assert row.visas == "Vu la {loi} ;\nVu autre chose ;"
    publish(row, national, NOW.date() + timedelta(days=1))
    application = known_file([MET] * 5, [""] * 5)
    today = draft_content(application, DecisionKind.LABEL_GRANTED, sheet(application), on=NOW.date())
    assert today["template"]["version"] == 1
    later = draft_content(
        application, DecisionKind.LABEL_GRANTED, sheet(application), on=NOW.date() + timedelta(days=1)
    )
    assert (later["template"]["version"], later["visas"][1]) == (2, "Vu autre chose\u00a0;")


def test_what_the_editor_refuses(national, ars):
    with pytest.raises(RefusedError, match="équipe nationale"):
        draft(ars)
    row = draft(national)
    with pytest.raises(RefusedError, match="déjà ouvert"):
        draft(national)
    with pytest.raises(RefusedError, match=r"{ministre}"):
        save(row, national, articles="Le {ministre} est chargé.")
    with pytest.raises(RefusedError, match="ne peut pas être vide"):
        save(row, national, reasons=" ")
    with pytest.raises(StaleError):
        save(row, national, revision=9)
    with pytest.raises(StaleError):
        publish(row, national, revision=9)
    with pytest.raises(RefusedError, match="au plus tôt"):
        publish(row, national, NOW.date() - timedelta(days=1))
    publish(row, national, NOW.date() + timedelta(days=2))
    row.refresh_from_db()
    with pytest.raises(RefusedError, match="ne change plus"):
        save(row, national)
    again = draft(national)
    with pytest.raises(RefusedError, match="déjà à partir de ce jour"):
        publish(again, national, NOW.date() + timedelta(days=1))


def test_the_database_keeps_published_templates(national):
    shipped = DecisionTemplate.objects.filter(kind="label_granted", version=1)
    with pytest.raises(IntegrityError, match="a published template never changes"), transaction.atomic():
        shipped.update(title="autre")
    with pytest.raises(IntegrityError, match="a published template never changes"), transaction.atomic():
        shipped.delete()
    base = parts_of(shipped.get()) | {"kind": "label_granted", "version": 7}
    DecisionTemplate.objects.create(**base)
    for change, name in [
        ({"kind": "x"}, "decision_template_kind_known"),
        ({"version": 1, "published_at": NOW, "valid_from": date(2030, 1, 1)}, "decision_template_version_unique"),
        ({"version": 8}, "decision_template_one_draft"),
        ({"version": 8, "published_at": NOW, "valid_from": date(2025, 10, 1)}, "decision_template_one_start"),
        ({"version": 8, "published_at": NOW}, "decision_template_published_with_a_start"),
        ({"kind": "label_refused", "articles": ""}, "decision_template_whole"),
    ]:
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            DecisionTemplate.objects.create(**{**base, **change})


# One file ---------------------------------------------------------------------------------------------------------


def add(application, mandate, **fields):
    values = {"visas": "", "reasons": "", "articles": "", "version": application.version, "at": NOW, **fields}
    return templates.add_to_draft(application=application, mandate=mandate, **values)


def test_what_the_lead_adds_is_signed_with_the_rest(ars):
    application = ready(ars)
    add(
        application,
        ars,
        visas="Vu le contrat local de santé",
        reasons="Considérant que le lieu est seul dans sa commune.",
        articles="Le lieu participe au réseau de garde.\nIl informe la commune.",
    )
    assert actions(application) == ["add_to_draft"]
    content = json.loads(propose(application, ars).decision.content)
    assert content["visas"][-1] == "Vu le contrat local de santé\u00a0;"
    assert content["reasons"][-1] == "Considérant que le lieu est seul dans sa commune\u00a0;"
    assert content["articles"][3:5] == [
        "Article 4. Le lieu participe au réseau de garde.",
        "Article 5. Il informe la commune.",
    ]
    assert content["articles"][5].startswith("Article 6. Le présent arrêté est notifié")
    refused(lambda: add(application, ars), "pendant l’instruction", application)


def test_what_may_not_be_added(ars):
    application = ready(ars)
    prefecture = make.mandate(AuthorityKind.PREFECTURE)
    refused(lambda: add(application, prefecture), "l’autorité qui le présente", application)
    refused(lambda: add(application, ars, visas="Le code"), "Un visa commence par", application)
    refused(lambda: add(application, ars, reasons="Vu que"), "Un motif commence par", application)
    with pytest.raises(StaleError):
        add(application, ars, version=9)
    assert not DraftAddition.objects.exists()
    for change, name in [
        ({"capacity": "x"}, "draft_addition_capacity_known"),
        ({}, "draft_addition_one_per_authority"),
    ]:
        base = {"application": application, "capacity": "ars", "mandate": ars, "written_at": NOW}
        DraftAddition.objects.get_or_create(application=application, capacity="ars", defaults=base)
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            DraftAddition.objects.create(**{**base, **change})


# Pages ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def opened(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)

    def client_of(mandate):
        client = PortalClient()
        client.force_login(mandate.user)
        return client

    return client_of


def test_the_editor_previews_saves_and_publishes(national, opened):
    client = opened(national)
    page = client.get(reverse("templates")).content.decode()
    assert page.count("en vigueur") == 5
    posted = {"mandate": national.pk, "kind": "label_granted"}
    address = client.post(reverse("templates"), posted)["Location"]
    row = DecisionTemplate.objects.get(published_at__isnull=True)
    page = client.get(address).content.decode()
    assert "Maison de santé des Trois Étangs (fictive)" in page
    assert "{structure_complete}" in page.replace("&#123;", "{").replace("&#125;", "}")
    data = {"mandate": national.pk, "revision": row.revision, **parts_of(row)}
    wrong = client.post(address, {**data, "action": "save", "visas": "Vu {ministre} ;"})
    assert wrong.status_code == 422
    assert "{ministre}" in wrong.content.decode()
    assert "Le directeur général de l’ARS Fictive et le préfet de Valfictie," in page
    shown = client.post(address, {**data, "action": "preview", "visas": "Vu le préambule ;"}).content.decode()
    assert "Vu le préambule" in shown
    row.refresh_from_db()
    assert row.revision == 1, "a preview saves nothing"
    live = reverse("template-preview", args=[row.pk])
    assert "Vu le préambule" in client.post(live, {**data, "visas": "Vu le préambule ;"}).content.decode()
    assert "n’existe pas ici" in client.post(live, {**data, "visas": "Vu {ministre} ;"}).content.decode()
    assert client.post(address, {**data, "action": "save", "visas": "Vu le préambule ;"}).status_code == 302
    stale = client.post(address, {**data, "action": "save"})
    assert stale.status_code == 409
    published = {"mandate": national.pk, "revision": 2, "action": "publish", "valid_from": "2026-11-22"}
    assert client.post(address, {**published, "valid_from": ""}).status_code == 422
    assert client.post(address, published).status_code == 302
    row.refresh_from_db()
    assert row.published_at == NOW
    assert "ne change plus" in client.get(address).content.decode()


def test_the_lead_completes_the_project_and_reads_it(ars, opened):
    application = ready(ars)
    client = opened(ars)
    address = reverse("draft-additions", args=[application.number])
    assert address in client.get(application.get_absolute_url()).content.decode()
    data = {"mandate": ars.pk, "version": application.version}
    wrong = client.post(address, {**data, "visas": "Le code"})
    assert wrong.status_code == 409
    assert "Un visa commence par" in wrong.content.decode()
    assert client.post(address, {**data, "visas": "Vu le contrat local de santé"}).status_code == 302
    page = client.get(address).content.decode()
    assert "Vu le contrat local de santé\u00a0;" in page
    other = opened(make.mandate(AuthorityKind.PREFECTURE)).get(address).content.decode()
    assert "par l’autorité qui le présente" in other
