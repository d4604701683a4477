"""The national calendar: waves, and the share of each département. Each change is an event of its row."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from francesante.lib.canonical import canonical_json, sha256_hex
from francesante.lib.french import plural, typeset
from francesante.lib.workflow import RefusedError, StaleError
from labelling.models import Quota, Wave
from labelling.readers.quota_table import QuotaRow
from labelling.readers.register_rows import RefusedLine
from labelling.services.promotion import promote
from labelling.services.specifications import require_national
from territories.choices import Subject
from territories.models import Departement, Mandate
from territories.services.events import lock, record_event, write

QUOTA_FIELDS = ("floor", "target", "ceiling", "ceiling_act")


# Waves -----------------------------------------------------------------------------------------------------------


def create_wave(*, fields: Mapping[str, Any], mandate: Mandate, at: datetime) -> Wave:
    """Add a wave to the calendar; the quotas of its départements come after.

    Raises:
        RefusedError: not the national team, a number in use, or dates that overlap another wave.
    """
    require_national(mandate, at=at)
    try:
        with transaction.atomic():
            wave = Wave.objects.create(**fields)
            _trace(Subject.WAVE, wave.pk, "create", mandate, at=at, data=_said(fields))
    except IntegrityError as error:
        raise _refusal_of_wave(error) from error
    return wave


def change_wave(*, wave: Wave, fields: Mapping[str, Any], mandate: Mandate, version: int, at: datetime) -> Wave:
    """Change a wave. Files received before keep the wave of their receipt, whatever its new dates.

    Raises:
        RefusedError: not the national team, a number in use, or dates that overlap another wave.
        StaleError: the wave changed since ``version``.
    """
    require_national(mandate, at=at)
    try:
        with transaction.atomic():
            # Without FOR KEY: files and labels go on pointing to the wave meanwhile.
            current = Wave.objects.select_for_update(of=("self",), no_key=True).get(pk=wave.pk)
            changed = {name: value for name, value in fields.items() if getattr(current, name) != value}
            write(wave, version=version, **fields)
            _trace(Subject.WAVE, wave.pk, "change", mandate, at=at, data=_said(changed))
    except IntegrityError as error:
        raise _refusal_of_wave(error) from error
    return wave


def _said(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields as an event may hold them: dates and numbers; texts by their name only."""
    said: dict[str, Any] = {"fields": sorted(fields)}
    if period := fields.get("period"):
        said["period"] = [period.lower.isoformat(), period.upper.isoformat() if period.upper else None]
    numbers = ("number", "national_target", "departement_floor", "departement_target")
    return said | {name: fields[name] for name in numbers if name in fields}


def _refusal_of_wave(error: IntegrityError) -> RefusedError:
    text = str(error)
    if "wave_no_overlap" in text:
        return RefusedError("Ces dates chevauchent celles d’une autre vague. Rien n’a été enregistré ; corrigez-les.")
    if "wave_target_over_floor" in text:
        return RefusedError("La cible par département est au moins égale au plancher. Rien n’a été enregistré.")
    if "number" in text:
        return RefusedError("Ce numéro est celui d’une autre vague. Rien n’a été enregistré ; choisissez-en un autre.")
    raise error


@transaction.atomic
def open_quotas(*, wave: Wave, mandate: Mandate, at: datetime) -> int:
    """Give each département that has none its quota of a wave, with the wave's floor and target; return their number.

    Raises:
        RefusedError: not the national team.
    """
    require_national(mandate, at=at)
    current = Wave.objects.select_for_update(of=("self",), no_key=True).get(pk=wave.pk)
    there = set(Quota.objects.filter(wave=current).values_list("departement", flat=True))
    codes = [code for code in Departement.objects.in_order().values_list("pk", flat=True) if code not in there]
    for code in codes:
        fields = {"floor": current.departement_floor, "target": current.departement_target}
        _create(current, code, fields, mandate, at=at)
    return len(codes)


# Quotas ----------------------------------------------------------------------------------------------------------


def change_quota(*, quota: Quota, fields: Mapping[str, Any], mandate: Mandate, version: int, at: datetime) -> Quota:
    """Change the share of a département; a ceiling raised tells at once the files that waited for a place.

    Raises:
        RefusedError: not the national team, a target under its floor, or a ceiling under what is taken or without its act.
        StaleError: the quota changed since ``version``.
    """
    require_national(mandate, at=at)
    with transaction.atomic():
        current = lock(quota)
        if current.version != version:
            raise StaleError(
                "Ce quota a changé pendant que vous y travailliez : une autre personne l’a enregistré. Votre saisie n’a pas "
                "été appliquée ; elle est gardée ci-dessous."
            )
        if sentence := trouble_with(fields, current):
            raise RefusedError(f"{sentence} Rien n’a été enregistré.")
        _apply(current, fields, mandate, at=at)
    quota.refresh_from_db()
    return quota


def trouble_with(fields: Mapping[str, Any], quota: Quota | None) -> str:
    """Return the sentence that says why a share cannot be, or nothing. The database holds the same rules."""
    ceiling, act = fields.get("ceiling"), fields.get("ceiling_act", "")
    if fields["target"] < fields["floor"]:
        return "La cible est au moins égale au plancher."
    if (ceiling is None) != (not act):
        return "Un plafond cite l’acte qui le fixe, et un acte va avec un plafond."
    if ceiling is not None and quota is not None and ceiling < quota.reserved + quota.used:
        taken = quota.reserved + quota.used
        s, are = plural(taken), "sont" if taken > 1 else "est"
        return typeset(
            f"Le plafond ne peut pas descendre à {ceiling} : {taken} place{s} {are} déjà prise{s} ({quota.used} "
            f"label{plural(quota.used)}, {quota.reserved} réservée{plural(quota.reserved)})."
        )
    return ""


def _apply(current: Quota, fields: Mapping[str, Any], mandate: Mandate, *, at: datetime) -> None:
    """Write a share on a row that the caller has locked, and tell the files that wait."""
    before = {name: getattr(current, name) for name in QUOTA_FIELDS}
    Quota.objects.filter(pk=current.pk).update(version=F("version") + 1, **fields)
    numbers = {name: [before[name], fields[name]] for name in QUOTA_FIELDS[:3] if name in fields}
    _trace(Subject.QUOTA, current.pk, "change", mandate, at=at, data=numbers)
    promote(quota_id=current.pk, at=at)


def _create(wave: Wave, code: str, fields: Mapping[str, Any], mandate: Mandate, *, at: datetime) -> None:
    quota = Quota.objects.create(wave=wave, departement_id=code, **fields)
    numbers = {name: [None, fields.get(name)] for name in QUOTA_FIELDS[:3]}
    _trace(Subject.QUOTA, quota.pk, "create", mandate, at=at, data=numbers)


def _trace(subject: str, pk: int, action: str, mandate: Mandate, *, at: datetime, data: Mapping[str, Any]) -> None:
    record_event(subject_type=subject, subject_id=pk, action=action, actor=mandate, at=at, data=data)


# Import of a table -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Planned:
    """What a line of a table would do: the département, its share now (if any) and the one asked."""

    line: int
    departement: Departement
    before: Quota | None
    fields: dict[str, Any]

    @property
    def is_new(self) -> bool:
        """Whether the département had no quota in this wave."""
        return self.before is None

    @property
    def changes(self) -> bool:
        """Whether anything would change."""
        return self.before is None or any(getattr(self.before, name) != value for name, value in self.fields.items())


@dataclass(frozen=True, slots=True)
class Plan:
    """What an import would do, the lines that forbid it, and the state it was computed on."""

    lines: list[Planned]
    refused: list[RefusedLine]
    basis: str

    @property
    def changing(self) -> list[Planned]:
        """The lines that would change something."""
        return [line for line in self.lines if line.changes]


def plan_import(wave: Wave, rows: Iterable[QuotaRow]) -> Plan:
    """Return what a table of quotas would do to a wave; nothing is written."""
    quotas = {row.departement_id: row for row in Quota.objects.filter(wave=wave)}
    return _plan(rows, quotas)


def _plan(rows: Iterable[QuotaRow], quotas: Mapping[str, Quota]) -> Plan:
    departements = Departement.objects.in_bulk()
    lines: list[Planned] = []
    refused: list[RefusedLine] = []
    for row in rows:
        departement, before = departements.get(row.departement), quotas.get(row.departement)
        if departement is None:
            refused.append(RefusedLine(row.line, f"le département {row.departement} n’existe pas"))
            continue
        fields: dict[str, Any] = {"floor": row.floor, "target": row.target}
        if not row.keeps_ceiling:
            fields |= {"ceiling": row.ceiling, "ceiling_act": row.ceiling_act}
        whole = fields if not row.keeps_ceiling else fields | _ceiling_of(before)
        if sentence := trouble_with(whole, before):
            refused.append(RefusedLine(row.line, sentence))
            continue
        lines.append(Planned(row.line, departement, before, fields))
    versions = sorted((code, quota.version) for code, quota in quotas.items())
    return Plan(lines, refused, sha256_hex(canonical_json([list(pair) for pair in versions])))


def _ceiling_of(quota: Quota | None) -> dict[str, Any]:
    return {"ceiling": quota.ceiling, "ceiling_act": quota.ceiling_act} if quota else {}


@transaction.atomic
def import_quotas(*, wave: Wave, rows: Iterable[QuotaRow], basis: str, mandate: Mandate, at: datetime) -> int:
    """Apply a table of quotas, whole or not at all, and return how many shares changed.

    ``basis`` is that of the plan that was read: nobody applies a table to other quotas than those it was compared with.

    Raises:
        RefusedError: not the national team, or a line is refused.
        StaleError: a quota of the wave changed since the plan was read.
    """
    require_national(mandate, at=at)
    current = Wave.objects.select_for_update(of=("self",), no_key=True).get(pk=wave.pk)
    locked = Quota.objects.filter(wave=current).order_by("pk").select_for_update(of=("self",))
    plan = _plan(rows, {row.departement_id: row for row in locked})
    if plan.basis != basis:
        raise StaleError(
            "Un quota de cette vague a changé depuis votre lecture. Rien n’a été enregistré ; relisez ci-dessous ce que le "
            "tableau ferait maintenant."
        )
    if plan.refused:
        raise RefusedError("Des lignes du tableau sont à corriger : rien n’a été enregistré.")
    for line in plan.changing:
        if line.before is None:
            _create(current, line.departement.pk, line.fields, mandate, at=at)
        else:
            _apply(line.before, line.fields, mandate, at=at)
    return len(plan.changing)
