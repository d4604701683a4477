"""The national calendar: waves, quotas and their table; each change is an event, and a ceiling holds."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import ApplicationState as State
from labelling.models import Quota, Wave
from labelling.readers.quota_table import QuotaTableError, decode, read_quota_table
from labelling.services import calendar as service
from labelling.services.shares import pace_of_nation, pace_of_wave, shares
from territories.choices import AuthorityKind, Subject
from territories.models import Event
from territories.services.events import broken_link
from tests import factories as make
from tests.indicators.worlds import label

pytestmark = pytest.mark.django_db
NOW = make.NOW
ACT = "décision d’essai du 1er novembre 2026"


@pytest.fixture
def team():
    return make.mandate(AuthorityKind.NATIONAL)


def fields(**changes):
    base = {
        "number": 9,
        "name": "vague neuve",
        "period": make.DateRange(make.date(2027, 2, 1), make.date(2027, 4, 1)),
        "national_target": 5000,
        "departement_floor": 1,
        "departement_target": 3,
        "legal_source": "essai",
    }
    return base | changes


def actions(subject, pk):
    return list(Event.objects.about(subject, pk).values_list("action", flat=True))


# The letter --------------------------------------------------------------------------------------------------------


def test_the_letter_calendar_is_shipped():
    waves = Wave.objects.order_by("number")
    assert [wave.number for wave in waves] == [1, 2, 3]
    first, _, third = waves
    assert (first.departement_floor, first.departement_target) == (10, 15), "the letter says both: both are kept"
    assert first.period.lower == make.date(2025, 11, 1)
    assert (third.period.upper, third.national_target) == (make.date(2026, 7, 1), 2000)
    assert all("M_ADT/2025-10/32526" in wave.legal_source for wave in waves)
    assert "5 000 en 2027" in third.legal_source


# Waves -------------------------------------------------------------------------------------------------------------


def test_a_wave_is_created_then_changed_with_its_events(team):
    wave = service.create_wave(fields=fields(), mandate=team, at=NOW)
    changed = fields(national_target=4000)
    service.change_wave(wave=wave, fields=changed, mandate=team, version=1, at=NOW)
    wave.refresh_from_db()
    assert (wave.national_target, wave.version) == (4000, 2)
    assert actions(Subject.WAVE, wave.pk) == ["create", "change"]
    assert Event.objects.about(Subject.WAVE, wave.pk).last().data == {
        "fields": ["national_target"],
        "national_target": 4000,
    }
    with pytest.raises(StaleError):
        service.change_wave(wave=wave, fields=fields(name="autre"), mandate=team, version=1, at=NOW)
    wave.refresh_from_db()
    assert wave.name == "vague neuve"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"number": 1}, "numéro est celui"),
        ({"period": make.DateRange(make.date(2026, 5, 1), None)}, "chevauchent"),
        ({"departement_target": 0}, "au moins égale"),
    ],
)
def test_a_wave_that_cannot_be_is_refused(team, changes, sentence):
    before = list(Wave.objects.order_by("pk").values())
    with pytest.raises(RefusedError, match=sentence):
        service.create_wave(fields=fields(**changes), mandate=team, at=NOW)
    assert list(Wave.objects.order_by("pk").values()) == before
    assert not Event.objects.filter(subject_type=Subject.WAVE).exists()
    wave = service.create_wave(fields=fields(), mandate=team, at=NOW)
    with pytest.raises(RefusedError, match=sentence):
        service.change_wave(wave=wave, fields=fields(**changes), mandate=team, version=1, at=NOW)
    assert actions(Subject.WAVE, wave.pk) == ["create"]


@pytest.mark.parametrize("kind", [AuthorityKind.ARS, AuthorityKind.PREFECTURE])
def test_only_the_national_team_writes_the_calendar(kind):
    other, wave, quota = make.mandate(kind), make.wave(), make.quota()
    share = {"floor": 1, "target": 2, "ceiling": None, "ceiling_act": ""}
    for act in (
        lambda: service.create_wave(fields=fields(), mandate=other, at=NOW),
        lambda: service.change_wave(wave=wave, fields=fields(number=4), mandate=other, version=1, at=NOW),
        lambda: service.open_quotas(wave=wave, mandate=other, at=NOW),
        lambda: service.change_quota(quota=quota, fields=share, mandate=other, version=1, at=NOW),
        lambda: service.import_quotas(wave=wave, rows=[], basis="", mandate=other, at=NOW),
    ):
        with pytest.raises(RefusedError, match="équipe nationale"):
            act()
    quota.refresh_from_db()
    assert (quota.floor, quota.version) == (10, 1)


def test_missing_quotas_take_those_of_the_wave(team):
    make.departement("97", "Valfictie", region="R2")
    wave = Wave.objects.get(number=1)
    own = make.quota(make.departement(), in_=wave, floor=2, target=4)
    assert service.open_quotas(wave=wave, mandate=team, at=NOW) == 1
    assert service.open_quotas(wave=wave, mandate=team, at=NOW) == 0
    made = Quota.objects.get(wave=wave, departement="97")
    assert (made.floor, made.target, made.ceiling) == (10, 15, None)
    assert actions(Subject.QUOTA, made.pk) == ["create"]
    own.refresh_from_db()
    assert own.floor == 2


# Quotas ------------------------------------------------------------------------------------------------------------


def test_a_share_changes_with_its_event(team):
    quota = make.quota()
    share = {"floor": 4, "target": 6, "ceiling": 8, "ceiling_act": ACT}
    service.change_quota(quota=quota, fields=share, mandate=team, version=1, at=NOW)
    assert (quota.floor, quota.target, quota.ceiling, quota.version) == (4, 6, 8, 2)
    event = Event.objects.about(Subject.QUOTA, quota.pk).get()
    assert event.data == {"floor": [10, 4], "target": [15, 6], "ceiling": [None, 8]}
    assert broken_link(Subject.QUOTA, quota.pk) is None
    with pytest.raises(StaleError, match="a changé"):
        service.change_quota(quota=quota, fields=share | {"floor": 1}, mandate=team, version=1, at=NOW)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"ceiling": 14, "ceiling_act": ACT}, "15 places sont déjà prises .13 labels, 2 réservées"),
        ({"ceiling": 20}, "cite l’acte"),
        ({"ceiling_act": ACT}, "cite l’acte"),
        ({"floor": 16}, "au moins égale"),
    ],
)
def test_a_share_that_cannot_be_is_refused(team, changes, sentence):
    quota = make.quota(used=13, reserved=2)
    share = {"floor": 10, "target": 15, "ceiling": None, "ceiling_act": ""} | changes
    with pytest.raises(RefusedError, match=sentence):
        service.change_quota(quota=quota, fields=share, mandate=team, version=1, at=NOW)
    quota.refresh_from_db()
    assert (quota.ceiling, quota.floor, quota.version) == (None, 10, 1)
    assert not Event.objects.filter(subject_type=Subject.QUOTA).exists()


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"ceiling": 14, "ceiling_act": ACT}, "quota_ceiling_holds"),
        ({"ceiling": 20}, "quota_ceiling_cites_its_act"),
        ({"floor": 16}, "quota_target_over_floor"),
    ],
)
def test_the_database_holds_the_same_rules(changes, name):
    quota = make.quota(used=13, reserved=2)
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Quota.objects.filter(pk=quota.pk).update(**changes)


def test_the_database_keeps_a_place_announced_to_waiting_files_only():
    file = make.application(state=State.UNDER_REVIEW)
    file.place_free_at = NOW
    with pytest.raises(IntegrityError, match="application_place_free_while_waiting"), transaction.atomic():
        file.save()


def test_the_database_keeps_the_target_of_a_wave_over_its_floor():
    with pytest.raises(IntegrityError, match="wave_target_over_floor"), transaction.atomic():
        Wave.objects.filter(number=1).update(departement_floor=16)


# Table of quotas ---------------------------------------------------------------------------------------------------

HEADER = "code_departement;plancher;cible;plafond;acte_plafond\n"


def test_each_wrong_line_is_told_by_its_number():
    table = read_quota_table(
        f"{HEADER}98;10;15;;\n97;dix;15;;\n1;10;5;;\n02;1;2;3;\n98;1;2;;\n;1;2;;\n03;1;2\n04;-1;2;;\n05;1;99999;;\n\n2a;1;2;3;{ACT}\n"
    )
    assert [(row.line, row.departement) for row in table.rows] == [(2, "98"), (12, "2A")]
    assert [row.line for row in table.refused] == [3, 4, 5, 6, 7, 8, 9, 10]
    for row, part in zip(
        table.refused,
        [
            "« dix »",
            "inférieure au plancher",
            "cite son acte",
            "déjà ligne 2",
            "code du département manque",
            "nombre de champs",
            "« -1 »",
            "« 99999 »",
        ],
        strict=True,
    ):
        assert part in row.reason


@pytest.mark.parametrize(
    ("text", "sentence"), [("", "vide"), ("a;b\n1;2\n", "Colonnes absentes"), ("code_departement,cible\n", "plancher")]
)
def test_what_is_not_a_table_is_refused(text, sentence):
    with pytest.raises(QuotaTableError, match=sentence):
        read_quota_table(text)


def test_a_table_is_utf_8_with_or_without_mark():
    assert decode("\ufeffcode".encode()) == "code"
    with pytest.raises(QuotaTableError, match="UTF-8"):
        decode("préfet".encode("latin-1"))


def test_a_table_without_ceilings_leaves_them(team):
    quota = make.quota(ceiling=12, ceiling_act=ACT, used=9)
    rows = read_quota_table("code_departement,plancher,cible\n98,8,11\n").rows
    basis = service.plan_import(quota.wave, rows).basis
    assert service.import_quotas(wave=quota.wave, rows=rows, basis=basis, mandate=team, at=NOW) == 1
    quota.refresh_from_db()
    assert (quota.floor, quota.target, quota.ceiling) == (8, 11, 12)


def upload(client, team, text, number=4):
    return client.post(
        reverse("quota-import", args=[number]),
        {"mandate": team.pk, "file": SimpleUploadedFile("quotas.csv", text.encode())},
    )


def test_an_import_is_read_first_then_applied_whole(client, team):
    quota = make.quota(used=3)
    make.departement("97", "Valfictie", region="R2")
    client.force_login(team.user)
    text = f"{HEADER}98;8;11;12;{ACT}\n97;1;2;;\n"
    dry = upload(client, team, text)
    assert dry.status_code == 200
    assert "Enregistrer ces 2 changements" in dry.text
    assert "nouveau quota" in dry.text
    quota.refresh_from_db()
    assert (quota.floor, Quota.objects.count()) == (10, 1), "read only"
    post = {"mandate": team.pk, "table": text, "basis": dry.context["plan"].basis}
    assert client.post(reverse("quota-import", args=[4]), post).status_code == 302
    quota.refresh_from_db()
    assert (quota.floor, quota.ceiling, Quota.objects.count()) == (8, 12, 2)
    again = client.post(reverse("quota-import", args=[4]), post)
    assert again.status_code == 409
    assert "a changé depuis votre lecture" in again.text
    assert "Rien" in upload(client, team, text).text


def test_one_wrong_line_keeps_the_whole_table_out(client, team):
    quota = make.quota(used=13, reserved=2)
    client.force_login(team.user)
    text = f"{HEADER}98;8;11;14;{ACT}\n75;1;2;;\n97;x;2;;\n"
    dry = upload(client, team, text)
    for part in (
        "Ligne 2&nbsp;: Le plafond ne peut pas descendre à 14",
        "Ligne 3&nbsp;: le département 75",
        "Ligne 4&nbsp;:",
    ):
        assert part in dry.text
    assert "Enregistrer ce" not in dry.text
    post = {"mandate": team.pk, "table": text, "basis": dry.context["plan"].basis}
    assert client.post(reverse("quota-import", args=[4]), post).status_code == 409
    quota.refresh_from_db()
    assert (quota.version, Quota.objects.count()) == (1, 1)
    for wrong in ("", "autre;colonnes\n"):
        assert upload(client, team, wrong).status_code == 422


# Pages -------------------------------------------------------------------------------------------------------------

WAVE = {
    "number": 9,
    "name": "Vague d’hiver",
    "first_day": "2027-02-01",
    "last_day": "2027-03-31",
    "national_target": "",
    "departement_floor": 0,
    "departement_target": 2,
    "legal_source": "essai",
}


def test_the_national_team_keeps_the_calendar(client, team):
    client.force_login(team.user)
    assert client.get(reverse("wave-new")).status_code == 200
    made = client.post(reverse("wave-new"), {**WAVE, "mandate": team.pk})
    assert made.url == reverse("wave", args=[9])
    wave = Wave.objects.get(number=9)
    assert wave.period.upper == make.date(2027, 4, 1), "the last day is included"
    address = reverse("wave-edit", args=[9])
    assert client.get(address).context["form"]["last_day"].value() == make.date(2027, 3, 31)
    for wrong, sentence in (
        ({"last_day": "2027-01-01"}, "suit le premier"),
        ({"departement_floor": 3}, "au moins égale"),
        ({"first_day": "2026-06-01"}, "chevauchent"),
    ):
        answer = client.post(address, {**WAVE, **wrong, "mandate": team.pk, "version": 1})
        assert (answer.status_code, sentence in answer.text) == (422, True)
    assert client.post(address, {**WAVE, "name": "Autre", "mandate": team.pk, "version": 1}).status_code == 302
    stale = client.post(address, {**WAVE, "name": "Perdu", "mandate": team.pk, "version": 1})
    assert stale.status_code == 409
    assert "Perdu" in stale.text
    assert Wave.objects.get(number=9).name == "Autre"
    make.departement()
    assert client.post(reverse("wave-open", args=[9]), {"mandate": team.pk}).status_code == 302
    assert Quota.objects.get(wave=wave).target == 2


def test_the_page_of_a_quota(client, team):
    make.quota(used=13, reserved=2)
    client.force_login(team.user)
    address = reverse("quota-edit", args=[4, "98"])
    assert "13 labels signés, 2 places réservées" in client.get(address).text
    share = {"floor": 10, "target": 15, "ceiling": 14, "ceiling_act": ACT, "mandate": team.pk, "version": 1}
    refused = client.post(address, share)
    assert refused.status_code == 422
    assert "ne peut pas descendre à 14" in refused.text
    assert client.post(address, share | {"ceiling": 16}).status_code == 302
    assert Quota.objects.get().ceiling == 16
    stale = client.post(address, share | {"ceiling": 18})
    assert (stale.status_code, Quota.objects.get().ceiling) == (409, 16)
    assert client.get(reverse("quota-edit", args=[4, "75"])).status_code == 404


def test_the_public_reads_the_calendar_and_the_rule(client):
    make.quota(ceiling=12, ceiling_act=ACT)
    page = client.get(reverse("calendar")).text
    assert "Première vague de labellisation accélérée" in page
    assert "10 lieux au moins, 15 visés" in page
    assert "jamais un motif de refus" in page
    assert ACT in page
    assert "attend depuis le plus longtemps" in page


def test_agents_see_their_territory_only(client):
    other = make.departement("97", "Valfictie", region="R2")
    make.quota(used=4, reserved=1)
    make.quota(other)
    waiting = make.application(state=State.UNDER_REVIEW, waiting_since=NOW)
    agent = make.mandate(AuthorityKind.PREFECTURE)
    client.force_login(agent.user)
    page = client.get(reverse("wave", args=[4])).text
    assert 'id="dep-98"' in page
    assert 'id="dep-97"' not in page
    assert waiting.number in page
    assert client.get(reverse("wave", args=[4]), {"dep": "97"}).status_code == 404
    assert client.get(reverse("wave", args=[77])).status_code == 404
    partner = make.mandate(AuthorityKind.COLLECTIVITE)
    client.force_login(partner.user)
    page = client.get(reverse("wave", args=[4])).text
    assert 'id="dep-98"' in page
    assert waiting.number not in page, "that a label waits for a place tells the sense of a decision"


def test_the_numbers_of_a_wave(client, team):
    make.quota(used=4, reserved=1)
    make.application(state=State.SUBMITTED)
    make.application(state=State.UNDER_REVIEW)
    make.application(state=State.UNDER_REVIEW, waiting_since=NOW)
    make.application(state=State.DISAGREEMENT)
    make.application(state=State.ABANDONED)
    [share] = shares(make.wave(), [make.departement()], on=NOW.date())
    assert (share.submitted, share.reviewed, share.disagreeing, share.waiting) == (1, 2, 1, 1)
    assert (share.signed, share.quota.reserved, share.lapsed, share.pace) == (4, 1, 0, None)
    client.force_login(team.user)
    page = client.get(reverse("wave", args=[4])).text
    assert "?vue=tous&amp;vague=4&amp;dep=98&amp;etat=under_review" in page


def test_the_number_of_queries_does_not_depend_on_that_of_departements(client, team, django_assert_num_queries):
    def add(first, count):
        for number in range(first, first + count):
            make.quota(make.departement(f"9{number}", f"Valfictie {number}"), used=1)

    address = reverse("wave", args=[4])
    client.force_login(team.user)
    add(0, 2)
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    add(2, 7)
    with django_assert_num_queries(len(few)):
        client.get(address)


def test_the_national_team_reads_who_changed_what(client, team):
    quota = make.quota()
    share = {"floor": 4, "target": 6, "ceiling": 8, "ceiling_act": ACT}
    service.change_quota(quota=quota, fields=share, mandate=team, version=1, at=NOW)
    service.change_quota(quota=quota, fields=share | {"ceiling_act": "autre"}, mandate=team, version=2, at=NOW)
    wave = quota.wave
    values = {name: getattr(wave, name) for name in fields()}
    service.change_wave(wave=wave, fields=values | {"name": "Autre"}, mandate=team, version=1, at=NOW)
    client.force_login(team.user)
    page = client.get(reverse("wave", args=[4])).text
    for part in (
        "Vague modifiée\u00a0: nom",
        "plancher 10 → 4, cible 15 → 6, plafond aucun → 8",
        "acte du plafond modifié",
        team.user.full_name,
    ):
        assert part in page
    agent = make.mandate(AuthorityKind.ARS)
    client.force_login(agent.user)
    assert "Derniers changements" not in client.get(reverse("wave", args=[4])).text


def test_the_pace_of_a_wave_a_departement_and_france(client, team):
    today = timezone.localdate()
    here, there = make.departement(), make.departement("97", "Valfictie", region="R2")
    make.quota(here, target=20, used=9)
    make.quota(there, floor=0, target=5, used=1)
    for rank in range(9):
        label(here, start=today - timedelta(days=5 * rank), wave=make.wave())
    label(there, start=today - timedelta(days=60), wave=make.wave())
    label(there, start=today - timedelta(days=3), wave=make.wave(), withdrawn_at=NOW)
    pace = pace_of_wave(make.wave(), [here, there], on=today)
    assert (pace.done, pace.target, pace.forecast.events) == (10, 25, 9)
    assert [week.total for week in pace.weeks][-1] == 10
    assert pace_of_wave(make.wave(), [there], on=today).forecast is None
    goal, nation = pace_of_nation(on=today)
    assert (goal.national_target, nation.done, nation.target) == (2000, 10, 2000)
    assert nation.weeks[0].monday == make.date(2025, 10, 27), "from the first wave on"
    client.force_login(team.user)
    page = client.get(reverse("wave", args=[4]), {"dep": "98"}).text
    assert "9 labels sur 20" in page
    assert "cible atteinte vers le" in page
    assert "9 labels signés, soit 1,1 par semaine" in page
    assert page.count('<rect class="fs-bar__done"') == len(pace.weeks)
    other = client.get(reverse("wave", args=[4]), {"dep": "97"}).text
    assert "date d’atteinte&nbsp;: non calculée" in other
    index = client.get(reverse("calendar-steering")).text
    assert "10 labels sur 2\u00a0000" in index
    assert "Cible atteinte vers le" in client.get(reverse("steering-departement", args=["98"])).text


def test_the_open_data_of_a_wave_reads_back_without_a_change(client, team):
    make.quota(ceiling=12, ceiling_act=ACT, used=2)
    make.quota(make.departement("97", "Valfictie", region="R2"))
    client.force_login(team.user)
    address = reverse("api-export", kwargs={"slug": "vagues-et-quotas", "format_fichier": "csv"})
    export = client.get(address, {"vague": 4, "dialecte": "excel"})
    content = b"".join(export.streaming_content) if export.streaming else export.content
    file = SimpleUploadedFile("quotas.csv", content)
    dry = client.post(reverse("quota-import", args=[4]), {"mandate": team.pk, "file": file})
    assert (len(dry.context["plan"].lines), dry.context["changing"], dry.context["refused"]) == (2, [], [])
