"""Closing a file without a decision: a ground of the list, an explanation that the structure reads."""

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from francesante.lib.workflow import StaleError
from labelling.choices import ApplicationState as State
from labelling.choices import ClosingGround
from labelling.models import Closing
from labelling.notifications import messages_of
from labelling.services.closing import close_application
from territories.choices import AuthorityKind, Role, Subject
from territories.models import Event
from tests import factories as make
from tests.labelling.test_decisions import refused
from tests.plugins.signed_in import PortalClient

pytestmark = pytest.mark.django_db
NOW = make.NOW
TEXT = "La maison de santé a fermé le 1er novembre."


def close(application, mandate, **fields):
    values = {
        "ground": ClosingGround.STRUCTURE_CLOSED,
        "text": TEXT,
        "version": application.version,
        "at": NOW,
        **fields,
    }
    return close_application(application=application, mandate=mandate, **values)


@pytest.mark.parametrize("state", [State.SUBMITTED, State.UNDER_REVIEW])
def test_a_file_is_closed_with_its_ground(ars, state):
    application = make.application(state=state)
    closing = close(application, ars)
    assert (application.state, application.closing, closing.mandate) == (State.CLOSED, closing, ars)
    event = Event.objects.about(Subject.APPLICATION, application.pk).last()
    assert (event.action, event.data) == ("close", {"ground": "structure_closed"})
    assert make.application(application.structure).state == State.DRAFT, "the structure may apply again"


def test_what_is_refused(ars):
    application = make.application(state=State.UNDER_REVIEW)
    refused(lambda: close(application, ars, text=" "), "la structure le lira", application)
    refused(lambda: close(application, make.mandate(role=Role.OBSERVER)), "non de l’instruire", application)
    for state in (State.DISAGREEMENT, State.ABANDONED):
        other = make.application(state=state)
        refused(lambda other=other: close(other, ars), "pendant l’instruction", other)
    with pytest.raises(StaleError):
        close(application, ars, version=7)
    assert not Closing.objects.exists()


def test_the_database_keeps_the_ground(ars):
    application = make.application(state=State.UNDER_REVIEW)
    close(application, ars)
    with pytest.raises(IntegrityError, match="insert-only"), transaction.atomic():
        Closing.objects.update(text="autre")
    other = make.application(state=State.UNDER_REVIEW)
    for change, name in [({"text": ""}, "closing_explained"), ({"ground": "x"}, "closing_ground_known")]:
        values = {"ground": ClosingGround.DUPLICATE, "text": TEXT, "mandate": ars, "closed_at": NOW, **change}
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            Closing.objects.create(application=other, **values)


def test_the_page_then_what_the_structure_reads(ars, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    application = make.application(state=State.UNDER_REVIEW)
    owner = make.membership(application.structure)
    prefecture = make.authority(AuthorityKind.PREFECTURE)
    client, structure = PortalClient(), PortalClient()
    client.force_login(ars.user)
    structure.force_login(owner.user)
    url = reverse("application-close", args=[application.number])
    assert structure.get(url).status_code == 403
    assert url in client.get(application.get_absolute_url()).content.decode()
    page = client.get(url).content.decode()
    assert "Ce n’est pas un refus" in page
    posted = {"mandate": ars.pk, "version": application.version, "ground": "structure_closed", "text": TEXT}
    refused_page = client.post(url, {**posted, "ground": ""})
    assert refused_page.status_code == 422
    assert TEXT in refused_page.content.decode(), "the input is kept"
    assert client.post(url, {**posted, "version": 99}).status_code == 409
    assert client.post(url, posted).status_code == 302
    page = structure.get(application.get_absolute_url()).content.decode()
    assert TEXT in page
    assert "la structure a fermé" in page
    assert "ne se classe pas" in client.get(url).content.decode()
    to_owner, to_service = messages_of(Event.objects.about(Subject.APPLICATION, application.pk).last())
    assert to_owner.to == [owner.user.email]
    assert TEXT in to_owner.body
    assert "n’est pas un refus" in to_owner.body
    assert to_service.to == [prefecture.email]
