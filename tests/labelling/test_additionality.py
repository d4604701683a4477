"""What a label adds: measured in the file, against what its holder says the place offered the year before."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from francesante.lib.workflow import RefusedError
from labelling.choices import MembershipRole
from labelling.models import Baseline, Label
from labelling.rules.additionality import MEASURES, Measure, half_days, measures, offered, weekly_hours
from labelling.rules.answers import Answers, parse
from labelling.services.additionality import declare_baseline, series_of, supply_known
from labelling.services.attestations import attest, criteria_of
from territories.choices import AuthorityKind, Subject
from territories.models import Event
from tests import factories as make
from tests.labelling.worlds import make_label, withdraw
from tests.plugins.committed import at_once
from tests.plugins.signed_in import signed_in

pytestmark = pytest.mark.usefixtures("today")
NOW = make.NOW
STOP = {"commune": "98001", "day": "mon", "start": "09:00", "end": "12:00"}
ANSWERS = {
    "hours": {day: [["08:30", "12:00"], ["14:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
    "team": [
        {"profession": "doctor", "half_days": [0, 1, 2]},
        {"profession": "doctor", "half_days": [0]},
        {"profession": "nurse", "half_days": [5]},
        {"profession": "nurse", "half_days": [1, 2], "on_site": False, "minutes": 5},
    ],
}
FILE = parse(ANSWERS)
BEFORE = {"hours": Decimal(30), "doctor": Decimal(4), "nurse": None, "other": Decimal(2)}


# Pure ------------------------------------------------------------------------------------------------------------------


def test_the_hours_of_all_the_places():
    assert weekly_hours(FILE) == Decimal("37.5")
    more = {"sites": [{"commune": "98001", "hours": {"sat": [["09:00", "12:00"]]}}], "stops": [{**STOP, "weeks": 4}]}
    assert weekly_hours(parse({**ANSWERS, **more})) == Decimal("41.3")
    assert weekly_hours(Answers()) is None


def test_the_half_days_on_site():
    assert [half_days(FILE, profession) for profession in ("doctor", "nurse", "other")] == [4, 1, 0]
    assert half_days(Answers(), "doctor") is None
    unknown = parse({"team": [{"profession": "doctor", "half_days": []}, {"profession": "nurse", "half_days": [1]}]})
    assert [half_days(unknown, profession) for profession in ("doctor", "nurse")] == [None, 1]


def test_what_is_new_and_what_was_there():
    rows = {row.key: row for row in measures(offered(FILE), BEFORE)}
    assert (rows["hours"].new, rows["hours"].kept) == (Decimal("7.5"), Decimal(30))
    assert (rows["doctor"].new, rows["doctor"].kept) == (0, 4)
    assert (rows["nurse"].new, rows["nurse"].kept) == (None, None)
    assert (rows["other"].new, rows["other"].kept) == (-2, 0)
    assert Measure("hours", Decimal(0), None).new is None


# Declared -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def label(owner):
    return make_label(owner.structure, owner=owner, answers=ANSWERS)


def declare(label, owner, before=BEFORE):
    return declare_baseline(label=label, membership=owner, before=before, at=NOW)


def refused(label, sentence, call):
    before = (Baseline.objects.count(), Event.objects.about(Subject.LABEL, label.pk).count())
    with pytest.raises(RefusedError, match=sentence):
        call()
    assert (Baseline.objects.count(), Event.objects.about(Subject.LABEL, label.pk).count()) == before


def test_it_is_declared_once(label, owner):
    row = declare(label, owner)
    label.refresh_from_db()
    assert {measure.key: measure.before for measure in series_of(label)[0].measures} == BEFORE
    event = Event.objects.about(Subject.LABEL, label.pk).last()
    assert (event.action, event.data) == ("declare_baseline", {"baseline": row.pk})
    refused(label, "déjà déclarée", lambda: declare(label, owner))


def test_what_is_refused(label, owner):
    refused(label, "responsable", lambda: declare(label, make.membership()))
    editor = make.membership(owner.structure, role=MembershipRole.EDITOR)
    refused(label, "responsable", lambda: declare(label, editor))
    refused(label, "chaque question", lambda: declare(label, owner, {"hours": None}))
    refused(label, "ni moins de zéro", lambda: declare(label, owner, {**BEFORE, "doctor": Decimal(-1)}))
    refused(label, "2 000", lambda: declare(label, owner, {**BEFORE, "hours": Decimal(3000)}))
    withdraw()
    refused(label, "n’est pas en cours", lambda: declare(label, owner))


def test_a_double_click_declares_once(committed_db):
    owner = make.membership()
    label = make_label(owner.structure, owner=owner, answers=ANSWERS)
    outcomes = at_once(lambda: declare(label, owner), lambda: declare(label, owner))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Baseline", "RefusedError"]


def test_the_database_keeps_it(label, owner):
    values = {"label": label, "membership": owner, "declared_at": NOW}
    for name, wrong in (("baseline_hours_not_negative", "hours"), ("baseline_half_days_not_negative", "nurse")):
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            Baseline.objects.create(**values, **{wrong: Decimal(-1)})
    declare(label, owner)
    with pytest.raises(IntegrityError, match="insert-only"), transaction.atomic():
        Baseline.objects.update(hours=1)
    with pytest.raises(IntegrityError, match="label_id"), transaction.atomic():
        Baseline.objects.create(**values)


def test_what_is_attested_makes_a_dated_series_against_the_same_year(label, owner):
    declare(label, owner)
    due, day = date(2027, 11, 22), NOW.replace(year=2027, month=11, day=3)
    statements = {row.code: "" for row in criteria_of(label)}
    now = {"hours": Decimal(40), "doctor": None, "nurse": Decimal(0), "other": Decimal(3)}
    for wrong, sentence in (({"hours": None}, "chaque question"), ({**now, "hours": Decimal(-1)}, "ni moins de zéro")):
        with pytest.raises(RefusedError, match=sentence):
            attest(label=label, membership=owner, statements=statements, supply=wrong, due=due, at=day)
    attest(label=label, membership=owner, statements=statements, supply=now, due=due, at=day)
    label = Label.objects.select_related("application", "departement").get()
    first, second = series_of(label)
    assert [(one.day, one.attested) for one in (first, second)] == [(date(2026, 11, 22), False), (day.date(), True)]
    told = {one.key: (one.before, one.now, one.new) for one in second.measures}
    assert told["hours"] == (30, 40, 10)
    assert told["doctor"] == (4, None, None)  # not told: neither 0 nor lost
    assert told["nurse"] == (None, 0, None)
    assert {one.key: one.new for one in first.measures}["hours"] == Decimal("7.5")
    assert supply_known(label) == {"hours": 40, "doctor": 4, "nurse": 0, "other": 3}


# On screen ------------------------------------------------------------------------------------------------------------


def test_the_holder_declares_and_the_services_read(label, owner):
    client, address = signed_in(owner.user), reverse("label-baseline", args=[label.number])
    assert address in client.get(label.get_absolute_url()).text
    page = client.get(address)
    assert "Identique : 37,5" in page.text.replace("\u00a0", " ")
    assert page.text.count('class="fr-btn"') == 1
    posted = {f"{key}_how": "same" for key in MEASURES}
    half = client.post(address, {**posted, "hours_how": "other"})
    assert (half.status_code, "Indiquez cette valeur" in half.text) == (422, True)
    done = {**posted, "hours_how": "other", "hours_value": "30,5", "nurse_how": "unknown"}
    assert client.post(address, done).url == label.get_absolute_url()
    row = Baseline.objects.get()
    assert (row.hours, row.doctor, row.nurse, row.other) == (Decimal("30.5"), 4, None, 0)
    assert client.post(address, done).status_code == 409
    assert "déjà faite" in client.get(address).text
    assert "Ce que le label ajoute" not in client.get(label.get_absolute_url()).text
    agent = signed_in(make.mandate(AuthorityKind.PREFECTURE).user)
    shown = agent.get(label.get_absolute_url()).text
    assert "Ce que le label ajoute" in shown
    assert "non calculé" in shown
    assert agent.get(address).status_code == 403


def test_the_file_of_the_national_team(label, owner, django_assert_max_num_queries):
    client, address = signed_in(make.mandate(AuthorityKind.NATIONAL).user), reverse("additionality")
    client.get(address)
    with django_assert_max_num_queries(30) as few:
        first = client.get(address).content.decode().splitlines()
    assert first[0].startswith("code_label,nom,code_commune,code_departement,date_debut,heures_avant,heures_label,")
    assert first[1].startswith(f"{label.number},")
    unknown = "non calculé"
    assert first[1].split(",")[5:9] == [unknown, "37.5", unknown, unknown]
    declare(label, owner)
    for _ in range(3):
        make_label(answers=ANSWERS)
    with django_assert_max_num_queries(len(few)):
        rows = client.get(address).content.decode().splitlines()
    assert len(rows) == 5
    told = "30,37.5,30,7.5,4,4,4,0,non calculé,1,non calculé,non calculé,2,0,0,-2"
    assert any(row.endswith(f",{told},2026-11-22,dossier") for row in rows)
    assert signed_in(owner.user).get(address).status_code == 403
