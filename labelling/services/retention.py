"""What is kept for a time, then erased: what is due, what is announced first, and the erasure with its trace.

A file that is over loses what names people, in one transaction and by one path: it is marked, and the triggers then let
exactly that redaction through, in the rows that nothing else may change (``personal``). An erasure that
concerns people is announced first, and waits ``RETENTION_NOTICE_DAYS`` after the announcement: a portal that was stopped
for long erases nothing by surprise.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.db import transaction
from django.db.models import (
    Case,
    CharField,
    DateField,
    DateTimeField,
    Exists,
    F,
    Func,
    JSONField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, TruncDate
from django.utils import timezone

from labelling.choices import ApplicationState, ClaimState, Register, Retained, SupportState
from labelling.models import (
    AnswerDraft,
    Appeal,
    Application,
    Claim,
    Digest,
    Evidence,
    FieldValue,
    FileReading,
    Label,
    Membership,
    ProspectInvitation,
    Purge,
    RegisterLine,
    SavedView,
    Structure,
    SupportMessage,
    SupportRequest,
)
from labelling.rules.clock import add_months
from labelling.services.evidence import discard_bytes, discard_evidence
from labelling.services.personal import ERASED, erase_texts, redacted
from labelling.workflow import FINAL
from territories.choices import Subject
from territories.models import Event, Invitation, Mandate, User
from territories.models.people import NOWHERE
from territories.services.events import record_event
from territories.services.retention import anonymise

ANNOUNCED = (Retained.DRAFT, Retained.EVIDENCE, Retained.FILE, Retained.ACCOUNT)
"""What is announced to who it concerns before it is erased."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a run announced and erased, by category; with ``dry_run``, what it would."""

    announced: Mapping[Retained, int]
    erased: Mapping[Retained, int]


class Erasure(Protocol):
    """Erases what is due of a category on a day, and returns how much; with ``dry_run``, how much it would."""

    def __call__(self, today: date, *, at: datetime, dry_run: bool) -> int: ...


# What is due ---------------------------------------------------------------------------------------------------------


def due_drafts(on: date) -> QuerySet[Application]:
    """Return the drafts that nobody wrote in for too long, on a day; ``since`` is the last writing."""
    limit = add_months(on, -settings.RETENTION_DRAFT_MONTHS)
    rows = Application.objects.filter(state=ApplicationState.DRAFT)
    return rows.annotate(since=Coalesce("saved_at", "created_at")).filter(since__date__lt=limit).order_by("pk")


def over_files() -> QuerySet[Application]:
    """Return the files that are over and contested nowhere, with ``over_on``: the day they ended, or their label did.

    A label that has no end yet has no such day.
    """
    reached = Event.objects.filter(
        subject_type=Subject.APPLICATION, subject_id=OuterRef("pk"), to_state=OuterRef("state")
    ).order_by("-sequence")
    label = Label.objects.filter(application=OuterRef("pk"))
    pending = Appeal.objects.filter(application=OuterRef("pk"), settled_at__isnull=True)
    return (
        Application.objects.filter(~Exists(pending), state__in=FINAL)
        .annotate(
            over_on=Case(
                When(
                    state=ApplicationState.LABELLED,
                    then=Coalesce(
                        TruncDate(Subquery(label.values("withdrawn_at")[:1])),
                        Subquery(label.values("valid__endswith")[:1], output_field=DateField()),
                    ),
                ),
                default=TruncDate(Subquery(reached.values("at")[:1], output_field=DateTimeField())),
            )
        )
        .order_by("pk")
    )


def due_files(on: date) -> QuerySet[Application]:
    """Return the files that are over for so long that the people they name are to be erased."""
    ended = add_months(on, -settings.RETENTION_FILE_MONTHS)
    label_ended = add_months(on, -settings.RETENTION_LABEL_MONTHS)
    labelled = Q(state=ApplicationState.LABELLED)
    return over_files().filter(
        (~labelled & Q(over_on__lt=ended)) | (labelled & Q(over_on__lt=label_ended)), purged_at__isnull=True
    )


def due_evidence(on: date) -> QuerySet[Application]:
    """Return the files that are over for so long that the bytes of their pieces are to be erased."""
    limit = add_months(on, -settings.RETENTION_EVIDENCE_MONTHS)
    kept = Evidence.objects.kept().filter(application=OuterRef("pk"))
    return over_files().filter(Exists(kept), over_on__lt=limit)  # type: ignore[misc]  # an annotation


def due_accounts(on: date) -> QuerySet[User]:
    """Return the accounts that do not serve any more: no sign-in, and nothing in force that needs them.

    A person keeps their account as long as a mandate is in force, or a structure that they act for has a file in progress
    or a label in force.
    """
    limit = add_months(on, -settings.RETENTION_ACCOUNT_MONTHS)
    return _unused(limit).filter(~Exists(_mandates_on(on)), ~Exists(_structures_on(on))).order_by("pk")


def unused_with_mandate(on: date) -> QuerySet[User]:
    """Return the accounts not used for as long whose mandate is still in force: their service is to say if they left."""
    return _unused(add_months(on, -settings.RETENTION_ACCOUNT_MONTHS)).filter(Exists(_mandates_on(on))).order_by("pk")


def _unused(limit: date) -> QuerySet[User]:
    rows = User.objects.filter(anonymised_at__isnull=True, is_staff=False, is_superuser=False)
    return rows.annotate(since=Coalesce("last_login", "joined_at")).filter(since__date__lt=limit)


def _mandates_on(on: date) -> QuerySet[Mandate]:
    return Mandate.objects.filter(user=OuterRef("pk")).exclude(valid__fully_lt=(on, on + timedelta(days=1)))


def _structures_on(on: date) -> QuerySet[Membership]:
    in_progress = Application.objects.filter(structure=OuterRef("structure")).exclude(state__in=FINAL)
    labelled = Label.objects.in_force(on).filter(structure=OuterRef("structure"))
    return Membership.objects.filter(Exists(in_progress) | Exists(labelled), user=OuterRef("pk"), ended_at__isnull=True)


def due_invitations(on: date) -> QuerySet[Invitation]:
    """Return the invitations that served or ended long ago, whose address is still kept."""
    limit = add_months(on, -settings.RETENTION_INVITATION_MONTHS)
    rows = Invitation.objects.annotate(since=Coalesce("accepted_at", "cancelled_at", "expires_at"))
    return rows.filter(since__date__lt=limit).exclude(email__endswith=f"@{NOWHERE}").order_by("pk")


def due_prospects(on: date) -> QuerySet[ProspectInvitation]:
    """Return the invitations of structures that ended long ago, whose address is still kept."""
    limit = add_months(on, -settings.RETENTION_INVITATION_MONTHS)
    rows = ProspectInvitation.objects.annotate(since=Coalesce("ended_at", "expires_at")).filter(since__date__lt=limit)
    return rows.exclude(Q(email="") | Q(email__endswith=f"@{NOWHERE}")).order_by("pk")


def due_attempts(on: date) -> list[QuerySet[Any]]:
    """Return the old traces of sign-ins, by table."""
    limit = add_months(on, -settings.RETENTION_ATTEMPT_MONTHS)
    tables: list[Any] = [AccessAttempt, AccessFailureLog, AccessLog]
    return [table.objects.filter(attempt_time__date__lt=limit) for table in tables]


def due_mails(on: date) -> list[Path]:
    """Return the mails kept on disk for too long: there are some only where no mail server is configured."""
    folder = Path(getattr(settings, "EMAIL_FILE_PATH", "") or "/nonexistent")
    oldest = on - timedelta(days=settings.RETENTION_MAIL_DAYS)
    found = folder.iterdir() if folder.is_dir() else iter(())
    zone = timezone.get_default_timezone()
    return sorted(path for path in found if datetime.fromtimestamp(path.stat().st_mtime, tz=zone).date() < oldest)


def due_readings(on: date) -> QuerySet[FileReading]:
    """Return the readings of files that are no longer kept."""
    return FileReading.objects.filter(day__lt=add_months(on, -settings.READING_MONTHS))


def due_claims(on: date) -> QuerySet[RegisterLine]:
    """Return the establishments that somebody described, that are nobody's structure, and whose claims were rejected long ago."""
    limit = add_months(on, -settings.RETENTION_FILE_MONTHS)
    claims = Claim.objects.filter(line=OuterRef("pk"))
    recent = claims.exclude(state=ClaimState.REJECTED, settled_at__date__lt=limit)
    used = Structure.objects.filter(register_line=OuterRef("pk"))
    described = RegisterLine.objects.filter(register=Register.DECLARED).exclude(name=ERASED)
    return described.filter(Exists(claims), ~Exists(recent), ~Exists(used)).order_by("pk")


def due_support(on: date) -> QuerySet[SupportRequest]:
    """Return the requests for support closed for so long that what was written in them is to be erased."""
    closed = Event.objects.filter(subject_type=Subject.SUPPORT, subject_id=OuterRef("pk"), to_state=SupportState.CLOSED)
    rows = SupportRequest.objects.filter(state=SupportState.CLOSED, purged_at__isnull=True)
    rows = rows.annotate(closed_on=TruncDate(Subquery(closed.order_by("-sequence").values("at")[:1])))
    limit = add_months(on, -settings.RETENTION_FILE_MONTHS)
    return rows.filter(closed_on__lt=limit).order_by("pk")  # type: ignore[misc]  # an annotation


def counts(on: date) -> dict[Retained, int]:
    """Return how much of each category has reached its term by a day, announced or not."""
    return {
        Retained.DRAFT: due_drafts(on).count(),
        Retained.EVIDENCE: due_evidence(on).count(),
        Retained.FILE: due_files(on).count(),
        Retained.CLAIM: due_claims(on).count(),
        Retained.SUPPORT: due_support(on).count(),
        Retained.ACCOUNT: due_accounts(on).count(),
        Retained.INVITATION: due_invitations(on).count() + due_prospects(on).count(),
        Retained.ATTEMPT: sum(rows.count() for rows in due_attempts(on)),
        Retained.MAIL: len(due_mails(on)),
        Retained.READING: due_readings(on).count(),
    }


# The run -------------------------------------------------------------------------------------------------------------


def purge(*, at: datetime, dry_run: bool = False) -> Report:
    """Announce what is to be erased, and erase what is due and was announced long enough ago.

    One transaction by file and by account; what changed meanwhile is left alone. Run twice, it does nothing more.
    """
    today = timezone.localdate(at)
    soon = today + timedelta(days=settings.RETENTION_NOTICE_DAYS)
    announced = {category: _announce(category, soon, at=at, dry_run=dry_run) for category in ANNOUNCED}
    erased = {category: erase(today, at=at, dry_run=dry_run) for category, erase in _ERASE.items()}
    if not dry_run:
        Purge.objects.bulk_create(
            [Purge(category=category, count=count, purged_at=at) for category, count in erased.items() if count]
        )
    return Report(announced, erased)


_DUE: Mapping[Retained, Callable[[date], QuerySet[Any]]] = {
    Retained.DRAFT: due_drafts,
    Retained.EVIDENCE: due_evidence,
    Retained.FILE: due_files,
    Retained.ACCOUNT: due_accounts,
}


def _subject_of(category: Retained) -> Subject:
    return Subject.ACCOUNT if category == Retained.ACCOUNT else Subject.APPLICATION


def _notices(category: Retained) -> QuerySet[Event]:
    """Return the announcements of a category about the row of an outer query that are still worth something.

    A draft that was written in since, an account that signed in, a file that was reopened, were announced for nothing.
    """
    rows = Event.objects.filter(
        subject_type=_subject_of(category), subject_id=OuterRef("pk"), action="announce_purge", data__what=category
    )
    if category in {Retained.DRAFT, Retained.ACCOUNT}:
        return rows.filter(at__gt=OuterRef("since"))
    return rows.filter(at__date__gte=OuterRef("over_on"))


def _announce(category: Retained, soon: date, *, at: datetime, dry_run: bool) -> int:
    rows = _DUE[category](soon).filter(~Exists(_notices(category)))
    if dry_run:
        return int(rows.count())
    announced = 0
    for pk in list(rows.values_list("pk", flat=True)):
        with transaction.atomic():
            row = _still(rows, pk)
            if row is not None:
                record_event(
                    subject_type=_subject_of(category),
                    subject_id=row.pk,
                    action="announce_purge",
                    actor=None,
                    at=at,
                    data={"what": category, "on": soon.isoformat()},
                )
                announced += 1
    return announced


def announced_rows(category: Retained, on: date, *, at: datetime) -> QuerySet[Any]:
    """Return what is due on a day and was announced at least ``RETENTION_NOTICE_DAYS`` before an instant."""
    before = at - timedelta(days=settings.RETENTION_NOTICE_DAYS)
    return _DUE[category](on).filter(Exists(_notices(category).filter(at__lte=before)))


def _still(rows: QuerySet[Any], pk: int) -> Any:
    """Lock a row and return it if it is still one of those, or nothing."""
    model: Any = rows.model
    model.objects.select_for_update(of=("self",)).filter(pk=pk).first()
    return rows.filter(pk=pk).first()


def _each(category: Retained, erase: Callable[[Any, datetime], None]) -> Erasure:
    """Return the erasure of a category that is announced: row by row, each still due under its lock."""

    def run(today: date, *, at: datetime, dry_run: bool) -> int:
        rows = announced_rows(category, today, at=at)
        if dry_run:
            return int(rows.count())
        erased = 0
        for pk in list(rows.values_list("pk", flat=True)):
            with transaction.atomic():
                row = _still(rows, pk)
                if row is not None:
                    erase(row, at)
                    erased += 1
        return erased

    return run


def _erase_draft(draft: Application, at: datetime) -> None:
    _trace(draft, Retained.DRAFT, at=at, from_state=draft.state)
    discard_evidence(draft)
    Application.objects.get(pk=draft.pk).delete()


def _erase_evidence(application: Application, at: datetime) -> None:
    rows = list(Evidence.objects.kept().filter(application=application).select_for_update(of=("self",)).order_by("pk"))
    discard_bytes(rows)
    Evidence.objects.filter(pk__in=[row.pk for row in rows]).update(removed_at=at, file="", next_scan_at=None)
    _trace(application, Retained.EVIDENCE, at=at, count=len(rows))


def _erase_people(application: Application, at: datetime) -> None:
    """Erase from a file what names people: first the mark, then exactly what the triggers let through."""
    if Evidence.objects.kept().filter(application=application).exists():
        _erase_evidence(application, at)
    Application.objects.filter(pk=application.pk).update(
        purged_at=at, answers=redacted("answers"), version=F("version") + 1
    )
    AnswerDraft.objects.filter(application=application).delete()
    erase_texts(application)
    FieldValue.objects.filter(application=application).delete()
    _trace(application, Retained.FILE, at=at)


def _trace(application: Application, what: Retained, *, at: datetime, from_state: str = "", **data: int) -> None:
    record_event(
        subject_type=Subject.APPLICATION,
        subject_id=application.pk,
        action="purge",
        actor=None,
        at=at,
        from_state=from_state,
        data={"what": what, **data},
    )


def _erase_account(user: User, at: datetime) -> None:
    Membership.objects.filter(user=user, ended_at__isnull=True).update(ended_at=at)
    SavedView.objects.filter(user=user).delete()
    Digest.objects.filter(user=user).delete()
    anonymise(user=user, at=at)


def _erase_invitations(today: date, *, at: datetime, dry_run: bool) -> int:  # noqa: ARG001  # an erasure
    invitations, prospects = due_invitations(today), due_prospects(today)
    if dry_run:
        return invitations.count() + prospects.count()
    # What was promised stays, for the acts that came of it: the address and the names alone were somebody's.
    unnamed = Func(
        F("mandate_fields"), template="%(expressions)s - 'first_name' - 'last_name'", output_field=JSONField()
    )
    done = Invitation.objects.filter(pk__in=invitations.values("pk")).update(email=_nobody(), mandate_fields=unnamed)
    return done + ProspectInvitation.objects.filter(pk__in=prospects.values("pk")).update(email=_nobody())


def _nobody() -> Func:
    return Func(
        Value("invitation-"), Cast("pk", CharField()), Value(f"@{NOWHERE}"), function="CONCAT", output_field=CharField()
    )


def _erase_claims(today: date, *, at: datetime, dry_run: bool) -> int:  # noqa: ARG001  # an erasure
    rows = due_claims(today)
    if dry_run:
        return rows.count()
    return RegisterLine.objects.filter(pk__in=list(rows.values_list("pk", flat=True))).update(
        name=ERASED,
        sort_key="",
        number=Func(Value("efface-"), Cast("pk", CharField()), function="CONCAT", output_field=CharField()),
        siret="",
        legal_number="",
        address="",
        postal_code="",
        latitude=None,
        longitude=None,
        phone="",
        email="",
        facts={},
    )


def _erase_support(today: date, *, at: datetime, dry_run: bool) -> int:
    rows = due_support(today)
    if dry_run:
        return rows.count()
    erased = 0
    for pk in list(rows.values_list("pk", flat=True)):
        with transaction.atomic():
            request = _still(rows, pk)
            if request is not None:
                # First the mark: the trigger then lets exactly this through.
                SupportRequest.objects.filter(pk=pk).update(title=ERASED, purged_at=at, version=F("version") + 1)
                SupportMessage.objects.filter(request=pk).update(text=ERASED)
                record_event(
                    subject_type=Subject.SUPPORT,
                    subject_id=pk,
                    action="purge",
                    actor=None,
                    at=at,
                    from_state=request.state,
                    to_state=request.state,
                    data={"what": Retained.SUPPORT},
                )
                erased += 1
    return erased


def _erase_attempts(today: date, *, at: datetime, dry_run: bool) -> int:  # noqa: ARG001  # an erasure
    tables = due_attempts(today)
    return sum(rows.count() if dry_run else rows.delete()[0] for rows in tables)


def _erase_mails(today: date, *, at: datetime, dry_run: bool) -> int:  # noqa: ARG001  # an erasure
    paths = due_mails(today)
    for path in () if dry_run else paths:
        path.unlink(missing_ok=True)
    return len(paths)


def _erase_readings(today: date, *, at: datetime, dry_run: bool) -> int:  # noqa: ARG001  # an erasure
    rows = due_readings(today)
    return rows.count() if dry_run else rows.delete()[0]


_ERASE: Mapping[Retained, Erasure] = {
    Retained.DRAFT: _each(Retained.DRAFT, _erase_draft),
    Retained.EVIDENCE: _each(Retained.EVIDENCE, _erase_evidence),
    Retained.FILE: _each(Retained.FILE, _erase_people),
    Retained.CLAIM: _erase_claims,
    Retained.SUPPORT: _erase_support,
    Retained.ACCOUNT: _each(Retained.ACCOUNT, _erase_account),
    Retained.INVITATION: _erase_invitations,
    Retained.ATTEMPT: _erase_attempts,
    Retained.MAIL: _erase_mails,
    Retained.READING: _erase_readings,
}
