"""Editions: frozen, recomputed byte for byte, checked, published once and for all, corrected by a new version."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.urls import reverse

from francesante.lib.canonical import sha256_hex
from francesante.lib.workflow import RefusedError, StaleError
from funding.choices import GrantState, Origin
from funding.models import BudgetLine, Envelope, Grant
from indicators import tasks
from indicators.choices import EditionState, Level, Status
from indicators.models import Edition, EditionFile, Indicator, Observation
from indicators.rules import measures
from indicators.services import editions
from labelling.choices import ApplicationState
from territories.choices import AuthorityKind, Subject
from territories.models import Event
from tests import factories as make
from tests.indicators.worlds import decided, label, noon
from tests.labelling.worlds import withdraw

pytestmark = pytest.mark.django_db
NOW = make.NOW
QUARTER = "2026T3"


@pytest.fixture
def here():
    found = make.departement("99", "Valfictie")
    first = make.wave(1, make.DateRange(date(2026, 1, 1), date(2026, 9, 1)))
    make.quota(found, in_=first, floor=1, target=2)
    make.quota(found, in_=make.wave(), floor=1, target=2)
    make.quota(found, in_=make.wave(5, make.DateRange(date(2027, 1, 1), None)), floor=50, target=90)
    return found


def compute(**options):
    return editions.compute_edition(**{"quarter": QUARTER, "at": NOW, **options})


def published(**options):
    edition = compute(**options).edition
    editions.check_edition(edition=edition, at=NOW)
    return editions.publish_edition(edition=edition, at=NOW)


def value(edition, indicator, territory="FR"):
    row = edition.observations.get(indicator=indicator, territory=territory, level=LEVELS[territory])
    return row.value if row.value is not None else row.status


LEVELS = {"FR": Level.NATION, "99": Level.DEPARTEMENT, "98": Level.DEPARTEMENT, "R1": Level.REGION}


def edition_events(edition):
    return list(Event.objects.about(Subject.EDITION, edition.pk).values_list("action", "to_state"))


# Counting --------------------------------------------------------------------------------------------------------


def test_counts_what_was_true_at_the_end_of_the_quarter(here):
    label(here, start=date(2026, 9, 30))
    label(here, start=date(2026, 3, 1), end=date(2026, 9, 30))  # ended the day before the last
    label(here, start=date(2026, 9, 1), notified=False)  # nobody was told
    label(here, start=date(2026, 9, 1), notified=date(2026, 10, 1))  # told the day after
    label(here, start=date(2026, 10, 2))
    label(here, start=date(2026, 9, 1), withdrawn_at=noon(date(2026, 9, 20)))
    later = label(here, start=date(2026, 9, 1), withdrawn_at=noon(date(2026, 10, 20)))  # withdrawn since: then valid
    edition = compute().edition
    assert value(edition, "labels-en-vigueur", "99") == 2
    assert value(edition, "labels-en-vigueur") == 2
    assert value(edition, "part-de-la-cible", "99") == 50  # of the 2 + 2 of the waves begun, not of the next
    assert value(edition, "labels-accordes") == 2
    assert value(edition, "candidatures-recues") == 6
    assert later.number in edition.files.get(name="labels.csv").content.tobytes().decode()


def test_acts_and_their_delays_are_those_of_the_quarter(here):
    for day in range(1, 6):
        decided(here, state=ApplicationState.REFUSED, received=date(2026, 6, 1), signed=date(2026, 7, day))
    decided(here, received=date(2026, 6, 1), signed=date(2026, 10, 1))
    make.departement("98", "Essonnie")
    edition = compute().edition
    assert value(edition, "delai-median-decision", "99") == 32
    assert value(edition, "delai-median-decision", "98") == Status.NOT_COMPUTED
    assert value(edition, "candidatures-recues", "99") == 0


def test_grants_of_the_year_by_origin(here):
    line = BudgetLine.objects.filter(origin=Origin.NEW).first() or BudgetLine.objects.create(
        code="essai", name="Essai", payer="ARS", origin=Origin.NEW, capacities=["ars"], legal_source="essai"
    )
    place = label(here)
    for number, (year, amount, committed) in enumerate(
        [(2026, 50_000, date(2026, 9, 30)), (2026, 7, date(2026, 10, 1)), (2025, 9, date(2026, 2, 1))]
    ):
        envelope = (
            Envelope.objects.create(line=line, year=year, ceiling=Decimal(100_000), region=None, departement=None)
            if (year == 2025 or number == 0)
            else Envelope.objects.create(line=line, year=year, ceiling=Decimal(100_000), departement=here)
        )
        Grant.objects.create(
            label=place,
            envelope=envelope,
            amount=Decimal(amount),
            purpose="essai",
            state=GrantState.COMMITTED,
            decision=decided(make.departement("98", "Essonnie")).decision,
            proposed_at=NOW,
            committed_at=noon(committed),
        )
    edition = compute().edition
    assert value(edition, "credits-nouveaux-attribues", "99") == 50_000
    assert value(edition, "credits-reaffectes-attribues", "99") == 0


def test_the_running_quarter_is_computed_at_today_and_is_provisional(here):
    label(here, start=date(2026, 11, 1))
    edition = compute(quarter="2026T4").edition
    assert edition.as_of == date(2026, 11, 22)
    assert edition.observations.get(indicator="labels-en-vigueur", territory="FR").status == Status.PROVISIONAL
    with pytest.raises(RefusedError, match="pas terminé"):
        editions.publish_edition(edition=edition, at=NOW)


def test_a_quarter_to_come_is_refused():
    with pytest.raises(RefusedError, match="pas commencé"):
        compute(quarter="2027T1")
    assert not Edition.objects.exists()


# Proof -----------------------------------------------------------------------------------------------------------


def test_every_file_carries_its_hash_and_the_outputs_are_recomputed_from_the_inputs(here):
    label(here)
    edition = published()
    files = {file.name: bytes(file.content) for file in edition.files.all()}
    inputs = {file.name: bytes(file.content) for file in edition.files.filter(is_input=True)}
    assert all(file.sha256 == sha256_hex(bytes(file.content)) for file in edition.files.all())
    assert set(inputs) == set(measures.INPUTS)
    withdraw()  # the world moves on
    recomputed = measures.outputs(inputs)
    assert len(recomputed) == 2
    assert all(files[name] == content for name, content in recomputed.items())


def test_computing_twice_writes_nothing_the_second_time(here):
    label(here)
    first = compute()
    before = (list(EditionFile.objects.order_by("pk").values("pk", "sha256")), edition_events(first.edition))
    second = compute(at=NOW + timedelta(hours=1))
    assert (first.changed, second.changed) == (True, False)
    assert second.edition == first.edition
    assert (list(EditionFile.objects.order_by("pk").values("pk", "sha256")), edition_events(first.edition)) == before


def test_a_draft_is_replaced_by_what_is_true_now(here):
    edition = compute().edition
    assert value(edition, "labels-en-vigueur") == 0
    editions.check_edition(edition=edition, at=NOW)
    label(here)
    again = compute().edition
    assert again.pk == edition.pk
    assert again.state == EditionState.DRAFT
    assert value(again, "labels-en-vigueur") == 1
    assert edition_events(edition) == [("compute", "draft"), ("check", "checked"), ("compute", "draft")]


@pytest.mark.parametrize(
    "change",
    [
        lambda e: Observation.objects.filter(edition=e).update(value=1),
        lambda e: Observation.objects.filter(edition=e).delete(),
        lambda e: EditionFile.objects.filter(edition=e).update(content=b""),
        lambda e: EditionFile.objects.create(edition=e, name="x.csv", is_input=False, content=b"", sha256=""),
        lambda e: Observation.objects.filter(edition=e).update(edition=other_draft()),
        lambda e: Edition.objects.filter(pk=e.pk).update(as_of=date(2026, 1, 1)),
        lambda e: Edition.objects.filter(pk=e.pk).update(reason="autre"),
        lambda e: Edition.objects.filter(pk=e.pk).update(state="draft", published_at=None),
        lambda e: Edition.objects.filter(pk=e.pk)._raw_delete("default"),
    ],
)
def test_the_database_refuses_any_change_of_a_published_edition(here, change):
    edition = published()
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        change(edition)


def other_draft():
    return Edition.objects.create(quarter="2026T1", as_of=date(2026, 3, 31), computed_at=NOW)


# Checks and publication ------------------------------------------------------------------------------------------


def test_the_five_checks_pass_and_say_what_they_saw(here):
    checks = editions.checks_of(compute().edition)
    assert len(checks) == 5
    assert all(check.passed for check in checks)


def test_an_altered_draft_does_not_pass(here):
    label(here)
    edition = compute().edition
    edition.observations.filter(indicator="labels-en-vigueur", territory="99").update(value=7)
    EditionFile.objects.filter(edition=edition, name="quotas.csv").update(content=b"x")
    failed = [check.label for check in editions.checks_of(edition) if not check.passed]
    assert len(failed) == 4
    with pytest.raises(RefusedError, match="ne passe pas"):
        editions.check_edition(edition=edition, at=NOW)
    edition.refresh_from_db()
    assert edition.state == EditionState.DRAFT


def test_a_jump_is_named_but_does_not_block(here):
    label(here, start=date(2026, 6, 1))
    editions.check_edition(edition=compute(quarter="2026T2").edition, at=NOW)
    editions.publish_edition(edition=Edition.objects.get(), at=NOW)
    for _ in range(2):
        label(here, start=date(2026, 8, 1))
    edition = compute().edition
    jump = editions.checks_of(edition)[-1]
    assert (jump.passed, jump.blocks) == (False, False)
    assert "99" in jump.detail
    editions.check_edition(edition=edition, at=NOW)


def test_publication_is_for_the_national_team_and_is_proved(here):
    national, ars = make.mandate(AuthorityKind.NATIONAL), make.mandate(AuthorityKind.ARS, on=here)
    edition = compute(mandate=national).edition
    with pytest.raises(RefusedError, match="équipe nationale"):
        editions.check_edition(edition=edition, at=NOW, mandate=ars)
    with pytest.raises(RefusedError, match="vérifiée"):
        editions.publish_edition(edition=edition, at=NOW, mandate=national)
    with pytest.raises(StaleError):
        editions.check_edition(edition=edition, at=NOW, mandate=national, version=99)
    editions.check_edition(edition=edition, at=NOW, mandate=national, version=edition.version)
    editions.publish_edition(edition=edition, at=NOW, mandate=national)
    assert edition.published_at == NOW
    assert edition_events(edition) == [("compute", "draft"), ("check", "checked"), ("publish", "published")]
    assert set(Event.objects.about(Subject.EDITION, edition.pk).values_list("actor_id", flat=True)) == {national.pk}


def test_an_edition_computed_before_the_end_is_not_published(here):
    edition = compute(at=datetime(2026, 8, 1, tzinfo=UTC)).edition
    editions.check_edition(edition=edition, at=NOW)
    with pytest.raises(RefusedError, match="avant la fin"):
        editions.publish_edition(edition=edition, at=NOW)


def test_a_correction_is_a_new_version_with_a_reason(here):
    first = published()
    assert compute().changed is False  # nothing changed: nothing to correct
    label(here)
    with pytest.raises(RefusedError, match="motif"):
        compute()
    second = published(reason="un label oublié")
    first.refresh_from_db()
    assert (first.state, second.state, second.revision) == (EditionState.SUPERSEDED, EditionState.PUBLISHED, 2)
    assert second.files.filter(name="indicateurs-2026T3-v2.csv").exists()
    assert value(first, "labels-en-vigueur") == 0
    assert value(second, "labels-en-vigueur") == 1
    assert editions.last_published() == second
    assert edition_events(first)[-1] == ("supersede", "superseded")


def test_a_dry_run_writes_nothing(here):
    computed = compute(dry_run=True)
    assert computed.observations == len(measures.MEASURES) * 3
    assert computed.edition is None
    assert not Edition.objects.exists()
    assert not Event.objects.filter(subject_type=Subject.EDITION).exists()


# Commands and task -----------------------------------------------------------------------------------------------


def run(name, *arguments):
    out = StringIO()
    call_command(name, *arguments, stdout=out)
    return out.getvalue()


def test_the_commands_go_from_nothing_to_a_published_edition_and_may_be_repeated(here, now):
    assert "essai sans écriture" in run("compute_indicators", "--quarter", QUARTER, "--dry-run")
    assert "édition 2026T3 v1 calculée : 21 observations" in run("compute_indicators", "--quarter", QUARTER)
    assert "déjà à jour" in run("compute_indicators", "--quarter", QUARTER)
    assert "serait publiée" in run("publish_edition", "--quarter", QUARTER, "--dry-run")
    assert Edition.objects.get().state == EditionState.DRAFT
    assert "édition 2026T3 v1 publiée" in run("publish_edition", "--quarter", QUARTER)
    assert "déjà publiée" in run("publish_edition", "--quarter", QUARTER)
    assert Edition.objects.get().state == EditionState.PUBLISHED


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("compute_indicators", "--quarter", "2026"), "n’est pas un trimestre"),
        (("compute_indicators", "--quarter", "2030T1"), "pas commencé"),
        (("publish_edition", "--quarter", "2026T1"), "Aucune édition 2026T1"),
    ],
)
def test_a_refused_command_says_why_and_fails(now, arguments, sentence):
    with pytest.raises(CommandError, match=sentence):
        run(*arguments)


def test_the_nightly_task_keeps_drafts_current_and_leaves_settled_editions(here, now):
    tasks.compute_current()
    assert set(Edition.objects.values_list("quarter", "state")) == {("2026T3", "draft"), ("2026T4", "draft")}
    editions.check_edition(edition=Edition.objects.get(quarter="2026T3"), at=NOW)
    label(here, start=date(2026, 9, 1))
    tasks.compute_current()
    assert Edition.objects.get(quarter="2026T3").state == EditionState.CHECKED
    assert value(Edition.objects.get(quarter="2026T4"), "labels-en-vigueur") == 1


# Pages -----------------------------------------------------------------------------------------------------------


def test_the_public_page_shows_the_last_published_edition_only(client, here, now):
    label(here)
    draft = compute(quarter="2026T4").edition
    empty = client.get(reverse("indicators"))
    assert "Aucune édition n’est encore publiée" in empty.content.decode()
    edition = published()
    page = client.get(reverse("indicators")).content.decode()
    assert "T3\u00a02026" in page
    assert "T4\u00a02026" not in page
    assert all(indicator.name in page for indicator in Indicator.objects.all())
    assert client.get(reverse("edition", args=[draft.pk])).status_code == 404
    detail = client.get(reverse("edition", args=[edition.pk])).content.decode()
    assert all(file.sha256 in detail for file in edition.files.all())


def test_public_files_are_given_byte_for_byte_and_inputs_on_files_and_amounts_are_kept(client, here, now):
    edition = published()
    for file in edition.files.all():
        response = client.get(reverse("edition-file", args=[edition.pk, file.name]))
        kept = file.name in {"candidatures.csv", "attributions.csv"}
        assert response.status_code == (404 if kept else 200)
        if not kept:
            assert sha256_hex(response.content) == file.sha256
    assert client.get(reverse("edition-file", args=[edition.pk + 1, "labels.csv"])).status_code == 404


def test_the_national_team_checks_and_publishes_from_the_page(client, here, now):
    edition = compute().edition
    ars, national = make.mandate(AuthorityKind.ARS, on=here), make.mandate(AuthorityKind.NATIONAL)
    act = reverse("edition-act", args=[edition.pk, "check"])
    client.force_login(ars.user)
    assert client.post(act, {"version": edition.version}).status_code == 403
    client.force_login(national.user)
    page = client.get(reverse("edition", args=[edition.pk])).content.decode()
    assert "Vérifier cette édition" in page
    assert page.count('class="fr-btn" type="submit"') == 1
    client.post(act, {"version": edition.version, "mandate": national.pk})
    stale = client.post(act, {"version": edition.version, "mandate": national.pk}, follow=True)
    assert "n’a pas été appliquée" in stale.content.decode() or "brouillon" in stale.content.decode()
    edition.refresh_from_db()
    publish = reverse("edition-act", args=[edition.pk, "publish"])
    client.post(publish, {"version": edition.version, "mandate": national.pk})
    edition.refresh_from_db()
    assert edition.state == EditionState.PUBLISHED
    assert client.get(publish).status_code == 405


def test_differences_with_the_version_before(client, here, now):
    published()
    label(here)
    second = published(reason="un label oublié")
    page = client.get(reverse("edition", args=[second.pk]))
    rows = {row["indicator"].code: row for row in page.context["differences"]}
    assert rows["labels-en-vigueur"]["now"].value == 1
    assert rows["labels-en-vigueur"]["before"].value == 0
    assert rows["labels-en-vigueur"]["changed"] == 1
    assert rows["credits-nouveaux-attribues"]["changed"] == 0
    assert "un label oublié" in page.content.decode()
