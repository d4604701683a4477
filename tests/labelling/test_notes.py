"""Notes of agents: private to one authority or joint, never read by anybody else, never changed."""

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from francesante.lib.workflow import RefusedError
from labelling.choices import ApplicationState as State
from labelling.choices import MembershipRole
from labelling.models import Note
from labelling.services.notes import readable_notes, write_note
from territories.choices import AuthorityKind, Capacity, Role
from tests import factories as make
from tests.plugins.signed_in import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("today")]
NOW = make.NOW


@pytest.fixture
def file():
    return make.application(state=State.UNDER_REVIEW)


def write(application, mandate, text="Appeler la structure.", *, joint=False, criterion=None):
    return write_note(application=application, criterion=criterion, text=text, joint=joint, mandate=mandate, at=NOW)


def test_who_reads_a_note(file, ars):
    prefecture = make.mandate(AuthorityKind.PREFECTURE)
    write(file, ars, "Seule.")
    write(file, prefecture, "Préfecture seule.")
    write(file, ars, "Commune.", joint=True)

    def texts(mandate):
        return [note.text for note in readable_notes(file, mandate)]

    assert texts(ars) == ["Seule.", "Commune."]
    assert texts(prefecture) == ["Préfecture seule.", "Commune."]
    for reader in (
        make.mandate(AuthorityKind.NATIONAL),
        make.mandate(AuthorityKind.ARS, role=Role.OBSERVER),
        make.mandate(AuthorityKind.CAISSE, role=Role.PARTNER),
    ):
        assert texts(reader) == [], reader.hat
        assert "Commune." not in signed_in(reader.user).get(file.get_absolute_url()).text
    for role in MembershipRole:
        member = make.membership(file.structure, role=role)
        assert "Commune." not in signed_in(member.user).get(file.get_absolute_url()).text


def test_what_is_not_written(file, ars):
    other = file.specification.criteria.order_by("position").first()
    other.specification_id += 1
    for call, sentence in [
        (lambda: write(file, ars, "  "), "note vide"),
        (lambda: write(file, ars, "Patient 1 85 05 78 006 084 91"), "sécurité sociale"),
        (lambda: write(file, ars, criterion=other), "n’est pas de la version"),
        (lambda: write(file, make.mandate(AuthorityKind.ARS, role=Role.OBSERVER)), "non de l’instruire"),
        (lambda: write(file, make.mandate(AuthorityKind.NATIONAL)), "non de l’instruire"),
    ]:
        with pytest.raises(RefusedError, match=sentence):
            call()
    assert Note.objects.count() == 0


def test_notes_are_insert_only_and_say_something(file, ars):
    write(file, ars)
    with pytest.raises(IntegrityError, match="insert-only"), transaction.atomic():
        Note.objects.update(text="autre")
    for name, fields in {"note_says_something": {"text": ""}, "note_capacity_known": {"capacity": "x"}}.items():
        values = {"capacity": Capacity.ARS, "text": "?", **fields}
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            Note.objects.create(application=file, mandate=ars, written_at=NOW, **values)


def test_an_agent_writes_from_the_file(file, ars):
    agent = signed_in(ars.user)
    address = reverse("note", args=[file.number])
    criterion = file.specification.criteria.order_by("position").first()
    posted = {
        "mandate": ars.pk,
        "note-criterion": criterion.pk,
        "note-text": "Horaires douteux.",
        "note-reader": "joint",
    }
    assert agent.post(address, {**posted, "note-text": ""}).status_code == 422
    refused = agent.post(address, {**posted, "note-text": "Patient 1 85 05 78 006 084 91"})
    assert refused.status_code == 422
    assert "1 85 05 78" in refused.text, "the input is kept"
    page = agent.post(address, posted, follow=True)
    assert "Horaires douteux." in page.text
    assert "commune aux deux autorités" in page.text
    note = Note.objects.get()
    assert (note.criterion, note.joint, note.capacity, note.mandate) == (criterion, True, Capacity.ARS, ars)
    reader = signed_in(make.mandate(AuthorityKind.NATIONAL).user)
    assert reader.post(address, {"note-text": "?"}).status_code == 403
