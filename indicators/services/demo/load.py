"""The demonstration, whole: people, places, calendar, files, money, editions.

Invented people act through the real services, at dates of the past year: events, signatures and ledgers are what the
same acts would have left. It exists only where ``DEMO`` is on.

Everything is drawn from one seed, each file by itself, so that a load that was cut short goes on where it stopped: what
is there is passed over. Départements share no row that files write, so several processes play them at once.
"""

import ctypes
import gc
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import get_context
from multiprocessing.pool import Pool
from pathlib import Path
from random import Random

from django.conf import settings
from django.db import connection, connections, transaction

from francesante.lib.workflow import RefusedError
from funding import notifications as funding_mail
from funding.models import Envelope, Grant
from indicators.choices import EditionState
from indicators.models import Edition
from indicators.services.demo.afterwards import enter_demo_ground, follow_labels
from indicators.services.demo.calendar import create_calendar
from indicators.services.demo.exchanges import exchange_on_files
from indicators.services.demo.fields import note_demo_fields
from indicators.services.demo.files import PARIS, STANDS_AT, Plan, Player
from indicators.services.demo.money import create_envelopes, give_grants
from indicators.services.demo.network import surround
from indicators.services.demo.opinions import ask_demo_opinions
from indicators.services.demo.people import (
    FIXTURES,
    Team,
    create_owners,
    create_people,
    people_are_there,
    people_of_demo,
)
from indicators.services.demo.places import open_place
from indicators.services.demo.questions import ask_demo_questions
from indicators.services.demo.scenario import Scenario, big_scenario, small_scenario
from indicators.services.editions import check_edition, compute_edition, publish_edition
from labelling import notifications as labelling_mail
from labelling.models import Application, Label, Membership, RegisterLine
from labelling.services.applications import latest_specification
from labelling.services.register_search import IDENTITY
from labelling.services.registers import import_register
from territories.choices import AuthorityKind, Subject
from territories.models import Delivery, Departement, Event, Mandate, User

SEED = "20261122"
EDITIONS = {
    "2026T1": datetime(2026, 4, 20, 9, 0, tzinfo=PARIS),
    "2026T2": datetime(2026, 7, 20, 9, 0, tzinfo=PARIS),
    "2026T3": datetime(2026, 10, 20, 9, 0, tzinfo=PARIS),
}
"""Published editions and when they were: the last one is that of the quarter before the demonstration."""
CONSUMERS = {labelling_mail.CONSUMER: labelling_mail.SUBJECTS, funding_mail.CONSUMER: (Subject.GRANT,)}
"""Who would write to people about events, and about which."""
EXTRACT = "structures_finess.csv.gz"
OWN_REGISTER = FIXTURES / "registre.csv"
OWN_FACTS = FIXTURES / "ameli.csv"
MAX_PROCESSES = 4
GC_THRESHOLD = 100_000
"""The players make millions of small objects that die at once: the collector need not look so often."""
_LOCK = 0x7E22DE30
"""Advisory lock: two loads at once would trip over each other."""
_DIE_WITH_PARENT = 1
"""``PR_SET_PDEATHSIG``, of ``prctl``."""

Progress = Callable[[str], None]
Work = tuple[list[Plan], Team]


@dataclass(frozen=True, slots=True)
class Loaded:
    """Outcome of a load. ``counts`` is empty when the demonstration was already there."""

    created: bool
    counts: dict[str, int]


def load_demo(*, data: Path | None, processes: int, progress: Progress = lambda _step: None) -> Loaded:
    """Create the demonstration: on the real places of ``data``, else on the project's own invented register.

    With ``processes`` 1, everything happens on the caller's connection, as a test wants it.

    Raises:
        RefusedError: ``DEMO`` is off, the territories are not loaded, ``data`` has no extract, or a load is running.
        RegisterFileError: the register is missing or damaged; nothing changed.
    """
    if not settings.DEMO:
        raise RefusedError("La démonstration n’existe qu’avec DEMO=1 : rien n’a été créé.")
    if data is not None and not (data / EXTRACT).is_file():
        raise RefusedError(f"Le dossier {data} ne contient pas {EXTRACT} : rien n’a été créé.")
    if Departement._meta.db_table not in connection.introspection.table_names():
        raise RefusedError("La base n’a pas encore ses tables : lancez d’abord migrate, puis load_territories.")
    with _players(processes) as pool, _alone():
        if not Departement.objects.exists():
            raise RefusedError("Les territoires ne sont pas chargés : lancez d’abord load_territories.")
        if _is_whole():
            return Loaded(created=False, counts={})
        scenario = _prepare(data, progress)
        _play(scenario, pool, progress)
        progress("éditions trimestrielles")
        _publish_editions()
    return Loaded(created=True, counts=_counts())


def _is_whole() -> bool:
    return Edition.objects.filter(quarter=max(EDITIONS), state=EditionState.PUBLISHED).exists()


@contextmanager
def _alone() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            raise RefusedError("Un autre chargement de la démonstration est en cours : attendez qu’il finisse.")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


# Before the files ---------------------------------------------------------------------------------------------------


@transaction.atomic
def _prepare(data: Path | None, progress: Progress) -> Scenario:
    """Import the register, draw the scenario, and create once all that the files need."""
    progress("registre")
    import_register(path=data / EXTRACT if data else OWN_REGISTER, at=STANDS_AT)
    if not data:
        import_register(path=OWN_FACTS, at=STANDS_AT)
    rng = Random(SEED)  # noqa: S311  # invented data, the same at each load
    places = RegisterLine.objects.filter(register__in=IDENTITY)
    lines = places.select_related("commune__departement__region").defer(
        "commune__departement__outline", "commune__departement__inset_outline"
    )
    scenario = big_scenario(lines, rng) if data else small_scenario(lines, rng)
    if not people_are_there():
        progress("personnes, calendrier, enveloppes")
        create_people()
        create_owners(len(scenario.plans))
        create_calendar(scenario.ceilings)
        enter_demo_ground(people_of_demo().national)
        create_envelopes(people_of_demo(), scenario.labels())
    return scenario


# Files and grants, by département ------------------------------------------------------------------------------------


@contextmanager
def _players(processes: int) -> Iterator[Pool | None]:
    """Start the processes that play files, before this one opens any connection; none for a single one."""
    if processes <= 1:
        yield None
        return
    connections.close_all()
    with get_context("fork").Pool(min(processes, MAX_PROCESSES), initializer=_begin_player) as pool:
        yield pool


def _begin_player() -> None:
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)


def _play(scenario: Scenario, pool: Pool | None, progress: Progress) -> None:
    people = people_of_demo()
    work: list[Work] = [(plans, people.team(plans[0].line.commune.departement)) for plans in scenario.by_departement()]
    progress(f"{len(scenario.plans)} dossiers dans {len(work)} départements")
    done = 0
    for count in pool.imap_unordered(_play_departement, work) if pool else map(_play_departement, work):
        done += count
        progress(f"{done} dossiers sur {len(scenario.plans)}")


def _play_departement(work: Work) -> int:
    """Play the files of a département that are not there yet, then give its grants; return how many files it has."""
    plans, team = work
    with connection.cursor() as cursor:
        # A crash may lose the last files: the next load plays them again.
        cursor.execute("SET synchronous_commit = off")
    player = Player(team, latest_specification())
    owners = User.objects.in_bulk([plan.owner for plan in plans], field_name="email")
    there = set(
        Application.objects.filter(structure__register_line__in=[plan.line.pk for plan in plans]).values_list(
            "structure__register_line_id", flat=True
        )
    )
    for plan in plans:
        if plan.line.pk not in there:
            with transaction.atomic():
                place = open_place(plan.line, owners[plan.owner], team.agents[AuthorityKind.ARS], at=plan.began_at)
                player.play(plan, place, Random(f"{SEED}:{plan.line.number}"))  # noqa: S311  # invented data
    give_grants(plans[0].line.commune.departement, team, seed=SEED)
    exchange_on_files(plans[0].line.commune.departement, team)
    ask_demo_opinions(plans[0].line.commune.departement, team)
    ask_demo_questions(plans[0].line.commune.departement, team)
    note_demo_fields(plans[0].line.commune.departement, team)
    surround(plans[0].line.commune.departement, team)
    follow_labels(plans[0].line.commune.departement, team)
    return len(plans)


# After ----------------------------------------------------------------------------------------------------------------


@transaction.atomic
def _publish_editions() -> None:
    national = people_of_demo().national
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        for consumer, subjects in CONSUMERS.items():
            # Nobody is written to about the past.
            cursor.execute(
                "INSERT INTO territories_delivery (event_id, consumer, attempts, delivered_at, error) "
                "SELECT id, %s, 0, %s, '' FROM territories_event WHERE subject_type = ANY (%s) ON CONFLICT DO NOTHING",
                [consumer, STANDS_AT, [str(subject) for subject in subjects]],
            )
    for quarter, at in EDITIONS.items():
        edition = compute_edition(quarter=quarter, at=at, mandate=national).edition
        if edition is None:
            raise RefusedError(f"L’édition {quarter} n’a pas pu être calculée.")
        check_edition(edition=edition, at=at, mandate=national)
        publish_edition(edition=edition, at=at, mandate=national)


def _counts() -> dict[str, int]:
    return {
        "comptes": User.objects.count(),
        "habilitations": Mandate.objects.count(),
        "lignes de registre": RegisterLine.objects.filter(register__in=IDENTITY).count(),
        "comptes de structure": Membership.objects.count(),
        "candidatures": Application.objects.count(),
        "labels": Label.objects.count(),
        "départements avec un label": Label.objects.values("departement").distinct().count(),
        "enveloppes": Envelope.objects.count(),
        "attributions": Grant.objects.count(),
        "événements": Event.objects.count(),
        "remises": Delivery.objects.count(),
    }


def processes_here() -> int:
    """Return how many processes this machine can give to a load."""
    return min(os.cpu_count() or 1, MAX_PROCESSES)
