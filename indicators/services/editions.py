"""Quarterly editions: freeze the inputs, measure them, check, publish (DESIGN §4.14).

Days are those of Paris. An edition counts what was true at the end of its last day: labels in force, notified and not
withdrawn at that instant; nobody learns from an edition what was not notified yet.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from francesante.lib.canonical import sha256_hex
from francesante.lib.workflow import RefusedError
from funding.choices import Origin
from funding.models import Grant
from funding.workflow import COMMITTING
from indicators.choices import EditionState, Level, Status
from indicators.models import Edition, EditionFile, Indicator, Observation
from indicators.rules import measures
from indicators.rules.quarters import quarter_end, quarter_of, quarter_start
from indicators.workflow import TRANSITIONS
from labelling.choices import ApplicationState
from labelling.models import Application, Label, Quota
from labelling.services.labels import suspended
from territories.choices import Subject
from territories.models import Departement, Mandate, Region
from territories.services.events import perform, record_event

_ORIGINS = {Origin.NEW: "nouveaux", Origin.REALLOCATED: "réaffectés"}
_BATCH = 2000
JUMP = 2
"""A territory whose labels are multiplied by more than this between two editions is named by the checks."""


@dataclass(frozen=True, slots=True)
class Computed:
    """Outcome of a computation. ``edition`` is nothing on a dry run; ``changed`` tells whether anything was written."""

    edition: Edition | None
    observations: int
    changed: bool


@dataclass(frozen=True, slots=True)
class Check:
    """One check of an edition. A check that does not ``block`` only draws attention."""

    label: str
    passed: bool
    detail: str
    blocks: bool = True


def compute_edition(
    *, quarter: str, at: datetime, mandate: Mandate | None = None, reason: str = "", dry_run: bool = False
) -> Computed:
    """Freeze the inputs of a quarter and measure them into its draft edition, replacing the draft's content.

    The running quarter is computed at today's date, and its values are provisional. Where an edition is published
    already: nothing to do if its inputs would be the same, else a new version, which needs a reason.

    Raises:
        UnknownQuarterError: the quarter is not written like ``2026T3``.
        RefusedError: the quarter has not begun, or a correction has no reason.
    """
    today = timezone.localdate(at)
    if quarter_start(quarter) > today:
        raise RefusedError(f"Le trimestre {quarter} n’a pas commencé : rien n’est à calculer.")
    as_of = min(quarter_end(quarter), today)
    try:
        with transaction.atomic():
            return _compute(quarter, as_of, at=at, mandate=mandate, reason=reason.strip(), dry_run=dry_run)
    except IntegrityError as error:
        raise RefusedError(
            "Cette édition vient d’être calculée par quelqu’un d’autre : rechargez la page, puis recommencez si besoin."
        ) from error


def _compute(
    quarter: str, as_of: date, *, at: datetime, mandate: Mandate | None, reason: str, dry_run: bool
) -> Computed:
    editions = Edition.objects.filter(quarter=quarter).order_by("-revision")
    latest = editions.select_for_update(of=("self",)).first()
    frozen = latest is not None and latest.state in {EditionState.PUBLISHED, EditionState.SUPERSEDED}
    revision = 1 if latest is None else latest.revision + frozen
    inputs = freeze(quarter, as_of, revision=latest.revision if latest and frozen else revision)
    if latest is not None and _same_inputs(latest, inputs):
        return Computed(latest, latest.observations.count(), changed=False)
    if latest is not None and frozen:
        if not reason:
            raise RefusedError(
                f"L’édition {quarter} est publiée et ses données ont changé depuis. Une correction est une nouvelle version : "
                "indiquez son motif (--reason)."
            )
        inputs = freeze(quarter, as_of, revision=revision)
    observed = measures.measure(inputs)
    if dry_run:
        return Computed(None, len(observed), changed=True)
    if latest is None or frozen:
        edition = Edition.objects.create(
            quarter=quarter, revision=revision, as_of=as_of, computed_at=at, reason=reason if frozen else ""
        )
        record_event(
            subject_type=Subject.EDITION,
            subject_id=edition.pk,
            action="compute",
            actor=mandate,
            at=at,
            to_state=EditionState.DRAFT,
            data={"quarter": quarter, "revision": revision},
        )
    else:
        edition = latest
        edition.observations.all().delete()
        edition.files.all().delete()
        perform(
            edition,
            "compute",
            table=TRANSITIONS,
            subject_type=Subject.EDITION,
            actor=mandate,
            at=at,
            as_of=as_of,
            computed_at=at,
        )
    _store(edition, inputs, observed)
    return Computed(edition, len(observed), changed=True)


def _same_inputs(edition: Edition, inputs: Mapping[str, bytes]) -> bool:
    stored = dict(edition.files.filter(is_input=True).values_list("name", "sha256"))
    return stored == {name: sha256_hex(content) for name, content in inputs.items()}


def _store(edition: Edition, inputs: Mapping[str, bytes], observed: list[measures.Observed]) -> None:
    EditionFile.objects.bulk_create(
        EditionFile(edition=edition, name=name, is_input=is_input, content=content, sha256=sha256_hex(content))
        for files, is_input in ((inputs, True), (measures.outputs(inputs), False))
        for name, content in files.items()
    )
    Observation.objects.bulk_create(
        (
            Observation(
                edition=edition,
                indicator_id=one.indicator,
                level=one.level,
                territory=one.territory,
                numerator=one.measure.numerator,
                denominator=one.measure.denominator,
                value=one.measure.value,
                status=one.measure.status,
            )
            for one in observed
        ),
        batch_size=_BATCH,
    )


# Frozen inputs ---------------------------------------------------------------------------------------------------


def freeze(quarter: str, as_of: date, *, revision: int) -> dict[str, bytes]:
    """Return the input files of an edition as they stand at the end of a day, each in one order and one form."""
    end = timezone.make_aware(datetime.combine(as_of + timedelta(days=1), time.min))
    rows: dict[str, list[tuple[object, ...]]] = {
        measures.EDITION: [(quarter, revision, as_of)],
        measures.INDICATORS: list(Indicator.objects.order_by("position").values_list("code", "name", "unit", "source")),
        measures.TERRITORIES: [
            *((Level.DEPARTEMENT.value, row.code, row.name, row.region_id) for row in Departement.objects.in_order()),
            *((Level.REGION.value, row.code, row.name, row.code) for row in Region.objects.order_by("sort_key")),
            (Level.NATION.value, measures.NATION, "France", ""),
        ],
        measures.QUOTAS: sorted(
            Quota.objects.filter(wave__period__startswith__lte=as_of).values_list(
                "wave__number", "departement", "floor", "target"
            )
        ),
        measures.LABELS: _labels(as_of, end),
        measures.FILES: _files(end),
        measures.GRANTS: _grants(quarter, end),
    }
    return {name: measures.write_csv(columns, rows[name]) for name, columns in measures.INPUTS.items()}


def _labels(as_of: date, end: datetime) -> list[tuple[object, ...]]:
    labels = Label.objects.filter(
        Q(withdrawn_at__isnull=True) | Q(withdrawn_at__gte=end), notified_at__lt=end, valid__startswith__lte=as_of
    )
    labels = labels.exclude(pk__in=suspended(on=as_of, known_at=end).values("label"))
    return sorted(
        (
            number,
            departement,
            valid.lower,
            valid.upper - timedelta(days=1) if valid.upper else "",
            timezone.localdate(notified_at),
        )
        for number, departement, valid, notified_at in labels.values_list(
            "number", "departement", "valid", "notified_at"
        )
    )


def _files(end: datetime) -> list[tuple[object, ...]]:
    """Files received before ``end``: where, when, and the date of their act if it was signed before ``end`` too."""
    files = Application.objects.filter(submitted_at__lt=end).values_list(
        "departement", "submitted_at", "decision__signed_at", "state"
    )
    decided = {ApplicationState.LABELLED, ApplicationState.REFUSED}
    return sorted(
        (
            departement,
            timezone.localdate(received),
            str(timezone.localdate(signed)) if signed and signed < end and state in decided else "",
        )
        for departement, received, signed, state in files
    )


def _grants(quarter: str, end: datetime) -> list[tuple[object, ...]]:
    grants = Grant.objects.filter(
        state__in=COMMITTING, committed_at__lt=end, envelope__year=quarter_start(quarter).year
    ).values_list("label__departement", "envelope__line__origin", "amount")
    return sorted((departement, _ORIGINS[Origin(origin)], amount) for departement, origin, amount in grants)


# Checks and publication ------------------------------------------------------------------------------------------


def checks_of(edition: Edition) -> list[Check]:
    """Return the five checks of an edition, from its stored files and observations alone."""
    files = {file.name: file for file in edition.files.order_by("name")}
    inputs = {name: bytes(file.content) for name, file in files.items() if file.is_input}
    published = {name: bytes(file.content) for name, file in files.items() if not file.is_input}
    altered = [name for name, file in files.items() if sha256_hex(bytes(file.content)) != file.sha256]
    whole = set(inputs) == set(measures.INPUTS)
    observed = (
        {(one.indicator, one.level, one.territory): one.measure for one in measures.measure(inputs)} if whole else {}
    )
    stored = {(row.indicator_id, Level(row.level), row.territory): row for row in edition.observations.order_by("pk")}
    return [
        Check("Empreintes des fichiers", not altered and whole, ", ".join(altered) or f"{len(files)} fichiers intacts"),
        Check(
            "Fichiers publiés recalculés depuis les données figées",
            whole and measures.outputs(inputs) == published,
            "identiques octet pour octet" if whole else "données figées manquantes",
        ),
        Check(
            "Une observation par indicateur et par territoire",
            stored.keys() == observed.keys()
            and all(
                (row.value, row.status) == (observed[key].value, observed[key].status) for key, row in stored.items()
            ),
            f"{len(stored)} observations",
        ),
        _addition_check(stored),
        _jump_check(edition, stored),
    ]


def _addition_check(stored: Mapping[tuple[str, Level, str], Observation]) -> Check:
    wrong = []
    for indicator in sorted(measures.ADDITIVE):
        parts: dict[Level, Decimal] = dict.fromkeys(Level, Decimal(0))
        for (code, level, _), row in stored.items():
            if code == indicator:
                parts[level] += row.value or 0
        if len(set(parts.values())) != 1:
            wrong.append(indicator)
    return Check(
        "Les départements et les régions s’additionnent à la France",
        not wrong,
        ", ".join(wrong) or f"{len(measures.ADDITIVE)} indicateurs additifs",
    )


def _jump_check(edition: Edition, stored: Mapping[tuple[str, Level, str], Observation]) -> Check:
    previous = previous_published(edition)
    if previous is None:
        return Check("Écarts avec l’édition précédente", True, "aucune édition précédente", blocks=False)
    before = {
        row.territory: row.value
        for row in previous.observations.filter(indicator="labels-en-vigueur", level=Level.DEPARTEMENT)
    }
    jumps = [
        territory
        for (indicator, level, territory), row in stored.items()
        if indicator == "labels-en-vigueur"
        and level == Level.DEPARTEMENT
        and row.value is not None
        and (base := before.get(territory))
        and not base / JUMP <= row.value <= base * JUMP
    ]
    return Check(
        "Écarts avec l’édition précédente",
        not jumps,
        f"plus du double ou moins de la moitié : {', '.join(jumps)}" if jumps else "aucun écart du simple au double",
        blocks=False,
    )


def previous_published(edition: Edition) -> Edition | None:
    """Return the published edition of the latest earlier quarter."""
    return (
        Edition.objects.filter(quarter__lt=edition.quarter, state=EditionState.PUBLISHED).order_by("-quarter").first()
    )


def check_edition(
    *, edition: Edition, at: datetime, mandate: Mandate | None = None, version: int | None = None
) -> list[Check]:
    """Check a draft edition; it passes to ``checked`` when every blocking check does.

    Raises:
        RefusedError: a blocking check fails, the edition is not a draft, or the mandate may not.
        StaleError: the edition changed since ``version``.
    """
    checks = checks_of(edition)
    if failed := [check.label for check in checks if check.blocks and not check.passed]:
        raise RefusedError(
            f"L’édition {edition.quarter} ne passe pas ses vérifications ({' ; '.join(failed)}). Recalculez-la ; rien n’est "
            "publié."
        )
    perform(
        edition,
        "check",
        table=TRANSITIONS,
        subject_type=Subject.EDITION,
        actor=mandate,
        at=at,
        version=version,
        data={"checks": len(checks), "warnings": sum(not check.passed for check in checks)},
    )
    return checks


def publish_edition(
    *, edition: Edition, at: datetime, mandate: Mandate | None = None, version: int | None = None
) -> Edition:
    """Publish a checked edition; the version of the quarter that was published becomes superseded.

    Raises:
        RefusedError: the quarter is not over, the edition was computed before its end, was not checked, or the mandate
            may not.
        StaleError: the edition changed since ``version``.
    """
    end = quarter_end(edition.quarter)
    if timezone.localdate(at) <= end:
        raise RefusedError(
            f"Le trimestre {edition.quarter} n’est pas terminé : l’édition ne peut être publiée qu’à partir du lendemain de son "
            "dernier jour."
        )
    if edition.as_of != end:
        raise RefusedError(
            f"Cette édition a été calculée avant la fin du trimestre {edition.quarter} : recalculez-la avant de la publier."
        )
    with transaction.atomic():
        for earlier in Edition.objects.filter(quarter=edition.quarter, state=EditionState.PUBLISHED):
            perform(
                earlier,
                "supersede",
                table=TRANSITIONS,
                subject_type=Subject.EDITION,
                actor=mandate,
                at=at,
                data={"by": edition.pk},
            )
        perform(
            edition,
            "publish",
            table=TRANSITIONS,
            subject_type=Subject.EDITION,
            actor=mandate,
            at=at,
            version=version,
            data={"quarter": edition.quarter, "revision": edition.revision},
            published_at=at,
        )
    return edition


def compute_due(*, at: datetime) -> list[Computed]:
    """Compute the running quarter, and the last one as long as nobody has checked or published it."""
    running = quarter_of(timezone.localdate(at))
    last = quarter_of(quarter_start(running) - timedelta(days=1))
    settled = Edition.objects.filter(quarter=last).exclude(state=EditionState.DRAFT).exists()
    return [compute_edition(quarter=quarter, at=at) for quarter in ([] if settled else [last]) + [running]]


# Reading ---------------------------------------------------------------------------------------------------------


def last_published() -> Edition | None:
    """Return the published edition of the latest quarter."""
    return Edition.objects.filter(state=EditionState.PUBLISHED).order_by("-quarter").first()


@dataclass(frozen=True, slots=True)
class Value:
    """A value of an edition: a number, or the words that say why there is none."""

    value: Decimal | None
    status: str

    @property
    def missing(self) -> str:
        """Words instead of a number: « NS », « ND », « non calculé »; nothing when there is a number."""
        return "" if self.value is not None else measures.STATUS_WORDS[Status(self.status)]


def values_of(edition: Edition) -> dict[str, dict[tuple[str, str], Value]]:
    """Return the values of an edition by indicator, then by (level, territory)."""
    found: dict[str, dict[tuple[str, str], Value]] = {}
    rows = edition.observations.order_by("pk").values_list("indicator", "level", "territory", "value", "status")
    for indicator, level, territory, value, status in rows:
        found.setdefault(indicator, {})[level, territory] = Value(value, status)
    return found
