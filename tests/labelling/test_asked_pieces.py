"""What a criterion asks for: its pieces, their age, the model to fill in; and the blank form made of it all."""

import io
from datetime import date

import pypdf
import pytest
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.urls import reverse

from francesante.lib.workflow import RefusedError
from labelling.models import EvidenceTemplate, Specification
from labelling.rules.asked_pieces import AskedPiece, accepted_months, asked_pieces, is_stale, too_old
from labelling.services import specifications as service
from labelling.services.evidence import sweep_files
from territories.choices import AuthorityKind, Subject
from territories.models import Event
from tests import factories as make
from tests import samples
from tests.plugins.signed_in import PortalClient, signed_in

NOW = make.NOW
CODE = "presence-medicale"


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("", []),
        ("Aucune : le secteur est connu.", []),
        ("Planning de moins de trois mois.", [("Planning de moins de trois mois.", 3)]),
        ("- Planning de moins de 6 mois\n\n- Convention", [("Planning de moins de 6 mois", 6), ("Convention", 0)]),
        ("Attestation de moins d’un an", [("Attestation de moins d’un an", 0)]),
        ("Attestation de moins de deux ans", [("Attestation de moins de deux ans", 24)]),
    ],
)
def test_what_is_asked_is_a_list_with_ages(text, asked):
    assert asked_pieces(text) == [AskedPiece(*pair) for pair in asked]


def test_the_age_that_is_accepted():
    planning, convention = asked_pieces("Planning de moins de trois mois\nConvention")
    assert [accepted_months(rows) for rows in ([], [planning], [planning, convention])] == [0, 3, 0]
    today = date(2026, 11, 22)
    assert [is_stale(day, today, 3) for day in (date(2026, 8, 22), date(2026, 8, 23))] == [True, False]
    assert [too_old(months).replace("\u00a0", " ") for months in (0, 3, 24)] == [
        "ancienne",
        "ancienne : il en faut une de moins de 3 mois",
        "ancienne : il en faut une de moins de 2 ans",
    ]


# The model of a piece -------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def team(db, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    return make.mandate(AuthorityKind.NATIONAL)


@pytest.fixture
def version(team):
    return service.prepare_version(mandate=team, at=NOW)


def attach(version, team, name="planning.pdf", content=None):
    version.refresh_from_db()
    return service.attach_template(
        specification=version,
        code=CODE,
        name=name,
        content=samples.pdf("modele") if content is None else content,
        mandate=team,
        revision=version.revision,
        at=NOW,
    )


def test_attached_then_published_it_is_downloaded_and_never_changes(version, team):
    made = attach(version, team)
    event = Event.objects.about(Subject.SPECIFICATION, version.pk).last()
    assert event.data == {"criterion": CODE, "template": made.sha256}
    address = reverse("evidence-template", args=[version.version, CODE])
    assert PortalClient().get(address).status_code == 404
    version.refresh_from_db()
    before = Specification.objects.published().last()
    (change,) = service.differences(before, version).criteria
    assert [field.label for field in change.fields] == ["Modèle de pièce"]
    assert not change.to_assess
    service.publish_version(specification=version, mandate=team, revision=version.revision, at=NOW)
    given = PortalClient().get(address)
    assert b"".join(given.streaming_content) == samples.pdf("modele")
    assert given["Content-Disposition"] == 'attachment; filename="planning.pdf"'
    assert given["X-Content-Type-Options"] == "nosniff"
    for moved in (made.delete, lambda: EvidenceTemplate.objects.filter(pk=made.pk).update(name="autre.pdf")):
        with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
            moved()
    file = make.application(specification=version)
    page = signed_in(make.membership(file.structure).user).get(
        reverse("application-step", args=[file.number, "equipe"])
    )
    assert f'href="{address}"' in page.text
    following = service.prepare_version(mandate=team, at=NOW)
    assert EvidenceTemplate.objects.get(criterion__specification=following).file.name == made.file.name
    service.discard_version(specification=following, mandate=team, revision=following.revision, at=NOW)
    assert sweep_files(at=NOW) == 0
    assert default_storage.exists(made.file.name)


def test_it_is_checked_as_a_piece_is(version, team):
    with pytest.raises(RefusedError, match="document Word"):
        attach(version, team, "planning.docx", samples.archive("word/document.xml"))
    with pytest.raises(RefusedError, match="programme"):
        attach(version, team, "planning.pdf", samples.pdf_with_action("/JavaScript", JS="app.alert(1)"))
    assert not EvidenceTemplate.objects.exists()


def test_the_editor_attaches_replaces_and_detaches(version, team):
    client, page = signed_in(team.user), reverse("criterion-edit", args=[version.pk, CODE])
    address = reverse("criterion-template", args=[version.pk, CODE])

    def post(**fields):
        version.refresh_from_db()
        return client.post(address, {"mandate": team.pk, "revision": version.revision, **fields})

    assert post().status_code == 422
    assert post(template=samples.sent("a.pdf", samples.pdf("a"))).url == page
    assert post(template=samples.sent("b.pdf", samples.pdf("b"))).url == page
    assert EvidenceTemplate.objects.get().name == "b.pdf"
    assert "b.pdf" in client.get(page).text
    refused = post(template=samples.sent("c.pdf", samples.archive()))
    assert refused.status_code == 409
    assert "archive ZIP renommée" in refused.text
    assert EvidenceTemplate.objects.get().name == "b.pdf"
    assert post(act="detach").url == page
    assert not EvidenceTemplate.objects.exists()
    assert signed_in(make.mandate().user).post(address, {}).status_code == 403


# The blank form -------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_blank_form_asks_what_the_screens_ask(team):
    address = reverse("blank-form")
    assert address in PortalClient().get(reverse("apply")).text
    given = PortalClient().get(address)
    assert given["Content-Type"] == "application/pdf"
    reader = pypdf.PdfReader(io.BytesIO(given.content))
    assert "/StructTreeRoot" in reader.trailer["/Root"]
    assert reader.metadata.title == "Formulaire vierge de candidature au label France Santé"
    words = " ".join(" ".join(page.extract_text() for page in reader.pages).split())
    for asked in (
        "Ces informations sont-elles exactes",
        "Dimanche",
        "Recevez-vous aussi lors de tournées",
        "RPPS",
        "Trajet en minutes",
        "Secteur 2 avec OPTAM",
        "service d’accès aux soins (SAS)",
        "Rendez-vous médical sous 48",
        "Planning de présence de moins de trois mois",
    ):
        assert asked in words, asked
    assert PortalClient().get(address).content == given.content
