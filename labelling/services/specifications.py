"""The cahier des charges in the hands of the national team: prepare a version, edit its draft, publish it.

A draft is edited by several people: each write says which ``revision`` it was made on. Publication is final.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.db.models import Case, F, Max, QuerySet, Value, When
from django.utils import timezone

from francesante.lib.canonical import sha256_hex
from francesante.lib.french import plural, short_date, typeset
from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import ApplicationState, CriterionKind, Rule
from labelling.models import Application, Criterion, EvidenceTemplate, Specification
from labelling.models.evidence import template_name
from labelling.rules.parameters import problems_of
from labelling.rules.uploads import display_name, examine
from labelling.rules.versions import VersionDiff, compare, silent_change
from labelling.services.evidence import limits
from labelling.workflow import TRANSITIONS
from territories.choices import Role, Subject
from territories.models import Mandate
from territories.services.events import lock, record_event

STALE = (
    "Ce brouillon a changé pendant que vous y travailliez : une autre personne l’a enregistré. Votre saisie n’a pas été "
    "appliquée ; elle est gardée ci-dessous. Comparez avec le brouillon à jour, puis reprenez-la."
)
_COPIED_NEVER = {"id", "specification"}


def require_national(mandate: Mandate, *, at: datetime) -> None:
    """Let the national team through.

    Raises:
        RefusedError: the mandate is not one of the national team, or is not in force.
    """
    if mandate.role != Role.NATIONAL or not mandate.is_active(at):
        raise RefusedError(
            "Le cahier des charges et le calendrier sont tenus par l’équipe nationale. Rien n’a été enregistré."
        )


def draft() -> Specification | None:
    """Return the version in preparation, or nothing."""
    return Specification.objects.filter(published_at__isnull=True).first()


def in_force(on: date) -> Specification | None:
    """Return the version in force on a day, or nothing before the first one."""
    return Specification.objects.applicable(on).last()


def criteria_of(specification: Specification) -> list[Criterion]:
    """Return the criteria and commitments of a version, in order, with their models of pieces."""
    return list(specification.criteria.select_related("template").order_by("position"))


def differences(before: Specification, after: Specification) -> VersionDiff:
    """Return what differs between two versions."""
    return compare(before, after, criteria_of(before), criteria_of(after))


def silent_changes(specification: Specification) -> dict[str, str]:
    """Return, by the code of a criterion, the parameters that a draft changes without changing its words.

    A hint for its editors: the text may say an old number, or rightly keep silent.
    """
    last = Specification.objects.published().last()
    before = {row.code: row for row in criteria_of(last)} if last else {}
    found = {row.code: silent_change(before[row.code], row) for row in criteria_of(specification) if row.code in before}
    return {code: words for code, words in found.items() if words}


# Draft -----------------------------------------------------------------------------------------------------------


def prepare_version(*, mandate: Mandate, at: datetime) -> Specification:
    """Open a draft, copied from the last published version.

    Raises:
        RefusedError: not the national team, or a draft is open already.
    """
    require_national(mandate, at=at)
    last = Specification.objects.published().last()
    try:
        with transaction.atomic():
            made = Specification.objects.create(
                version=_next_version(last.version) if last else "1.0",
                title=last.title if last else "Cahier des charges du label France Santé",
                preamble=last.preamble if last else "",
                legal_source=last.legal_source if last else "",
            )
            copied = [field.attname for field in Criterion._meta.concrete_fields if field.name not in _COPIED_NEVER]
            rows = Criterion.objects.filter(specification=last).order_by("position").values(*copied) if last else []
            made_rows = Criterion.objects.bulk_create([Criterion(specification=made, **row) for row in rows])
            _copy_templates(last, made_rows)
            _trace(made, "prepare", mandate, at=at, data={"from": last.pk if last else None})
    except IntegrityError as error:
        if draft() is not None:
            raise RefusedError("Un brouillon est déjà ouvert : modifiez-le, ou supprimez-le d’abord.") from error
        raise
    return made


def _copy_templates(last: Specification | None, rows: list[Criterion]) -> None:
    """Give the criteria of a new draft the models of the former version; the bytes are the same."""
    by_code = {row.code: row for row in rows}
    for template in EvidenceTemplate.objects.filter(criterion__specification=last).select_related("criterion"):
        template.pk, template.criterion = None, by_code[template.criterion.code]
        template.save(force_insert=True)


def _next_version(version: str) -> str:
    major, _, minor = version.partition(".")
    return f"{major}.{int(minor) + 1}" if minor.isdecimal() else f"{version}.1"


@transaction.atomic
def save_draft(
    *, specification: Specification, fields: Mapping[str, Any], mandate: Mandate, revision: int, at: datetime
) -> Specification:
    """Write the general fields of a draft: version, texts, validity, transitional clause.

    Raises:
        RefusedError: not the national team, published already, a number in use, or a clause without its text.
        StaleError: the draft changed since ``revision``.
    """
    current = _open(specification, mandate, revision=revision, at=at)
    if Specification.objects.exclude(pk=current.pk).filter(version=fields["version"]).exists():
        raise RefusedError(f"La version {fields['version']} existe déjà : choisissez un autre numéro.")
    if fields["applies_to_pending"] and not fields["transitional_clause"].strip():
        raise RefusedError(
            "Une version qui s’applique aux dossiers en cours le dit par le texte de sa clause transitoire."
        )
    changed = sorted(name for name, value in fields.items() if getattr(current, name) != value)
    Specification.objects.filter(pk=current.pk).update(**fields)
    return _written(current, mandate, at=at, data={"fields": changed})


@transaction.atomic
def save_criterion(
    *,
    specification: Specification,
    code: str,
    fields: Mapping[str, Any],
    mandate: Mandate,
    revision: int,
    at: datetime,
) -> Criterion:
    """Write one criterion of a draft; with an empty ``code``, add it at the end.

    Raises:
        RefusedError: not the national team, published already, a code in use, or parameters that its rule refuses.
        StaleError: the draft changed since ``revision``.
    """
    current = _open(specification, mandate, revision=revision, at=at)
    others = current.criteria.exclude(code=code) if code else current.criteria.all()
    if others.filter(code=fields["code"]).exists():
        raise RefusedError(f"Le code « {fields['code']} » est déjà celui d’un autre critère : choisissez-en un autre.")
    if wrong := problems_of(fields["rule"], fields["parameters"], kind=fields["kind"]):
        raise RefusedError(f"La règle ne peut pas s’appliquer : {' ; '.join(wrong)}. Rien n’a été enregistré.")
    if code:
        row = current.criteria.get(code=code)
        Criterion.objects.filter(pk=row.pk).update(**fields)
        row.refresh_from_db()
    else:
        last = current.criteria.aggregate(last=Max("position"))["last"] or 0
        row = Criterion.objects.create(specification=current, position=last + 1, **fields)
    _written(current, mandate, at=at, data={"criterion": row.code})
    return row


@transaction.atomic
def attach_template(
    *, specification: Specification, code: str, name: str, content: bytes, mandate: Mandate, revision: int, at: datetime
) -> EvidenceTemplate | None:
    """Attach to a criterion of a draft the model that structures fill in, in the place of the former; without a name, detach it.

    Raises:
        RefusedError: not the national team, published already, or the file is not what a piece must be.
        StaleError: the draft changed since ``revision``.
    """
    current = _open(specification, mandate, revision=revision, at=at)
    row = current.criteria.get(code=code)
    EvidenceTemplate.objects.filter(criterion=row).delete()
    made = None
    if name:
        shown = display_name(name)
        made = EvidenceTemplate(
            criterion=row,
            name=shown,
            content_type=examine(shown, content, limits()),
            size=len(content),
            sha256=sha256_hex(content),
        )
        made.file.name = template_name(made, "")
        if not default_storage.exists(made.file.name):
            default_storage.save(made.file.name, ContentFile(content))
        made.save(force_insert=True)
    _written(current, mandate, at=at, data={"criterion": code, "template": made.sha256 if made else None})
    return made


@transaction.atomic
def remove_criterion(
    *, specification: Specification, code: str, mandate: Mandate, revision: int, at: datetime
) -> Specification:
    """Take one criterion out of a draft; those after it move up.

    Raises:
        RefusedError: not the national team, or published already.
        StaleError: the draft changed since ``revision``.
    """
    current = _open(specification, mandate, revision=revision, at=at)
    row = current.criteria.get(code=code)
    row.delete()
    current.criteria.filter(position__gt=row.position).update(position=F("position") - 1)
    return _written(current, mandate, at=at, data={"criterion": code, "removed": True})


@transaction.atomic
def move_criterion(
    *, specification: Specification, code: str, step: int, mandate: Mandate, revision: int, at: datetime
) -> Specification:
    """Exchange one criterion with the one before (``step`` -1) or after it (+1); at an end, nothing moves.

    Raises:
        RefusedError: not the national team, or published already.
        StaleError: the draft changed since ``revision``.
    """
    current = _open(specification, mandate, revision=revision, at=at)
    rows = criteria_of(current)
    rank = next(rank for rank, row in enumerate(rows) if row.code == code)
    if not 0 <= rank + step < len(rows):
        return current
    one, other = rows[rank], rows[rank + step]
    # One statement: the database checks that positions are unique at its end.
    current.criteria.filter(pk__in=[one.pk, other.pk]).update(
        position=Case(When(pk=one.pk, then=Value(other.position)), default=Value(one.position))
    )
    return _written(current, mandate, at=at, data={"criterion": code, "position": other.position})


@transaction.atomic
def discard_version(*, specification: Specification, mandate: Mandate, revision: int, at: datetime) -> None:
    """Delete a draft: nobody but the national team ever read it. Its events stay.

    Raises:
        RefusedError: not the national team, or published already.
        StaleError: the draft changed since ``revision``.
    """
    current = _open(specification, mandate, revision=revision, at=at)
    _trace(current, "discard", mandate, at=at)
    current.criteria.all().delete()
    current.delete()


def _open(specification: Specification, mandate: Mandate, *, revision: int, at: datetime) -> Specification:
    """Lock a draft and return its present content."""
    require_national(mandate, at=at)
    try:
        current = lock(specification)
    except Specification.DoesNotExist as error:
        raise RefusedError("Ce brouillon a été supprimé par une autre personne. Rien n’a été enregistré.") from error
    if current.published_at is not None:
        raise RefusedError(
            f"La version {current.version} est publiée : elle ne change plus. Préparez une nouvelle version."
        )
    if current.revision != revision:
        raise StaleError(STALE)
    return current


def _written(current: Specification, mandate: Mandate, *, at: datetime, data: Mapping[str, Any]) -> Specification:
    Specification.objects.filter(pk=current.pk).update(revision=F("revision") + 1)
    _trace(current, "edit", mandate, at=at, data=data)
    current.refresh_from_db()
    return current


def _trace(
    row: Specification, action: str, mandate: Mandate, *, at: datetime, data: Mapping[str, Any] | None = None
) -> None:
    record_event(
        subject_type=Subject.SPECIFICATION, subject_id=row.pk, action=action, actor=mandate, at=at, data=data or {}
    )


# Publication -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Check:
    """One condition of publication: what is checked, and what is wrong when it does not hold."""

    label: str
    trouble: str = ""

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.trouble


def pending(specification: Specification) -> QuerySet[Application]:
    """Return the files received under another version that the clause of this one would move now."""
    return Application.objects.filter(state__in=TRANSITIONS["rebase"].sources).exclude(specification=specification)


def at_signature() -> int:
    """Count the files whose decision is being signed: they keep the version that its text cites."""
    return Application.objects.filter(state=ApplicationState.AWAITING_SIGNATURES).count()


def checks_of(specification: Specification, *, on: date) -> list[Check]:
    """Return what must hold before a draft is published, each with what is wrong if anything is."""
    rows = criteria_of(specification)
    last = Specification.objects.published().last()
    begins = specification.applies_from
    return [
        Check(
            "Un critère au moins",
            "" if any(row.kind == CriterionKind.CRITERION for row in rows) else "il n’y en a aucun",
        ),
        Check("Un texte et une source pour chaque critère", _without_text(rows)),
        Check("Une source pour la version", "" if specification.legal_source.strip() else "elle manque"),
        Check("Des paramètres que les règles acceptent", _wrong_rules(rows)),
        Check("Un engagement demandé une seule fois", _twice(rows)),
        Check("Une date d’application à venir, ou celle de la publication", _wrong_date(begins, last, on=on)),
        Check(
            "Une différence avec la version précédente",
            "rien n’a changé" if last and differences(last, specification).is_empty else "",
        ),
    ]


def _without_text(rows: list[Criterion]) -> str:
    empty = [row.title for row in rows if not row.text.strip() or not row.legal_source.strip()]
    return f"il en manque à : {', '.join(empty)}" if empty else ""


def _wrong_rules(rows: list[Criterion]) -> str:
    wrong = [(row.title, problems_of(row.rule, row.parameters, kind=row.kind)) for row in rows]
    return typeset(" ; ".join(f"{title} : {', '.join(problems)}" for title, problems in wrong if problems))


def _twice(rows: list[Criterion]) -> str:
    asked = [row.parameters.get("answer") for row in rows if row.rule == Rule.COMMITMENT]
    return "deux engagements demandent la même réponse" if len(asked) != len(set(asked)) else ""


def _wrong_date(begins: date | None, last: Specification | None, *, on: date) -> str:
    if begins is None:
        waits = last.applies_from if last else None
        return (
            f"la version {last.version} ne s’applique qu’à partir du {short_date(waits)}"
            if last and waits and waits > on
            else ""
        )
    if begins < on:
        return f"le {short_date(begins)} est passé"
    if last and last.applies_from and begins < last.applies_from:
        return f"la version {last.version} s’applique plus tard, à partir du {short_date(last.applies_from)}"
    return ""


@transaction.atomic
def publish_version(*, specification: Specification, mandate: Mandate, revision: int, at: datetime) -> Specification:
    """Publish a draft: it never changes again. Its transitional clause, if it has one, is applied by a task.

    Raises:
        RefusedError: not the national team, published already, or a check does not hold.
        StaleError: the draft changed since ``revision``: what would be published is not what was read.
    """
    current = _open(specification, mandate, revision=revision, at=at)
    wrong = [check for check in checks_of(current, on=timezone.localdate(at)) if not check.holds]
    if wrong:
        raise RefusedError(
            typeset(
                f"La version n’est pas publiée : {len(wrong)} vérification{plural(len(wrong))} à reprendre. "
                + " ".join(f"{check.label} : {check.trouble}." for check in wrong)
            )
        )
    Specification.objects.filter(pk=current.pk).update(published_at=at)
    begins = current.applies_from or timezone.localdate(at)
    _trace(
        current,
        "publish",
        mandate,
        at=at,
        data={"version": current.version, "applies_from": begins.isoformat(), "pending": current.applies_to_pending},
    )
    current.refresh_from_db()
    return current
