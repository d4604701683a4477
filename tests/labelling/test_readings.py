"""The journal of readings: one row per person, file and day; shown to insiders; purged."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from labelling.choices import ApplicationState as State
from labelling.models import FileReading
from labelling.services.readings import record_reading
from labelling.tasks import purge_expired
from territories.choices import AuthorityKind, Role
from tests import factories as make
from tests.plugins.committed import at_once
from tests.plugins.signed_in import signed_in

pytestmark = pytest.mark.usefixtures("today")
NOW = make.NOW


def test_a_day_of_readings_is_one_row_written_in_one_query(db):
    ars, file = make.mandate(AuthorityKind.ARS), make.application(state=State.UNDER_REVIEW)
    with CaptureQueriesContext(connection) as captured:
        record_reading(application=file, mandate=ars, at=NOW)
    assert len(captured) == 1
    record_reading(application=file, mandate=ars, at=NOW + timedelta(hours=2))
    record_reading(application=file, mandate=ars, at=NOW + timedelta(days=1))
    first, second = FileReading.objects.order_by("day")
    assert (first.count, first.first_at, first.last_at) == (2, NOW, NOW + timedelta(hours=2))
    assert (second.count, second.user, second.mandate) == (1, ars.user, ars)


def test_two_tabs_at_once_are_both_counted(committed_db):
    ars, file = make.mandate(AuthorityKind.ARS), make.application(state=State.UNDER_REVIEW)
    outcomes = at_once(*[lambda: record_reading(application=file, mandate=ars, at=NOW)] * 4)
    assert outcomes == [None] * 4
    assert FileReading.objects.get().count == 4


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("reading_once_per_day", {}),
        ("reading_last_after_first", {"day": NOW.date() - timedelta(days=1), "last_at": NOW - timedelta(hours=1)}),
    ],
)
def test_the_database_refuses_an_impossible_row(name, fields):
    ars, file = make.mandate(AuthorityKind.ARS), make.application(state=State.UNDER_REVIEW)
    record_reading(application=file, mandate=ars, at=NOW)
    values = {"user": ars.user, "day": NOW.date(), "first_at": NOW, "last_at": NOW, **fields}
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        FileReading.objects.create(application=file, mandate=ars, **values)


@pytest.mark.django_db
def test_pages_write_it_for_all_but_the_structure_and_show_it_to_insiders():
    file = make.application(state=State.UNDER_REVIEW)
    owner = make.membership(file.structure)
    mandates = [
        make.mandate(AuthorityKind.ARS),
        make.mandate(AuthorityKind.PREFECTURE),
        make.mandate(AuthorityKind.NATIONAL),
        make.mandate(AuthorityKind.CAISSE, role=Role.PARTNER),
    ]
    signed_in(owner.user).get(file.get_absolute_url())
    assert FileReading.objects.count() == 0
    shown = {
        mandate.hat: "Journal et lectures" in signed_in(mandate.user).get(file.get_absolute_url()).text
        for mandate in mandates
    }
    assert shown == {"ars": True, "prefecture": True, "national": True, "partner": False}
    assert set(FileReading.objects.values_list("user", flat=True)) == {mandate.user_id for mandate in mandates}
    page = signed_in(mandates[0].user).get(file.get_absolute_url()).text
    assert all(mandate.user.full_name in page for mandate in mandates)


@pytest.mark.django_db
def test_old_readings_are_purged():
    ars, file = make.mandate(AuthorityKind.ARS), make.application(state=State.UNDER_REVIEW)
    for months in (13, 11):
        record_reading(application=file, mandate=ars, at=NOW - timedelta(days=30.5 * months))
    purge_expired()
    assert FileReading.objects.count() == 1
