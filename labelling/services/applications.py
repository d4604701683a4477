"""The structure's side of an application: begin, answer, submit, withdraw from the procedure."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, IntegerField, Max
from django.db.models.expressions import Func, Value
from django.db.models.functions import Cast
from django.utils import timezone

from francesante.lib.workflow import RefusedError, StaleError, check
from labelling.choices import ApplicationState, Route
from labelling.models import Application, Criterion, Label, Membership, Specification, Structure, Wave
from labelling.rules.answers import parse, problems
from labelling.rules.clock import local_day, silence_date
from labelling.rules.conditions import exempt
from labelling.rules.steps import unfinished
from labelling.rules.versions import substance
from labelling.services.appeals import leave_without_object
from labelling.services.evidence import discard_evidence
from labelling.services.renewals import followed_label
from labelling.workflow import FINAL, TRANSITIONS
from territories.choices import Subject
from territories.models import Departement, Event, User
from territories.services.events import Actor, lock, perform, record_event, write

KEYS_OF_STEP: Mapping[str, tuple[str, ...]] = {
    "identite": ("identity", "contact"),
    "horaires": ("hours", "sites", "mobile", "stops", "closures"),
    "equipe": ("team",),
    "tarifs": ("fees", "team"),
    "permanence": ("on_call",),
    "engagements": ("commitments",),
}
"""Keys of ``Application.answers`` that each task may write; the task of tariffs writes the doctors' sectors."""


def latest_specification() -> Specification:
    """Return the version of the cahier des charges in force.

    Raises:
        RefusedError: none is published.
    """
    found = Specification.objects.applicable(timezone.localdate()).last()
    if found is None:
        raise RefusedError("Aucun cahier des charges n’est publié : les candidatures ne sont pas encore ouvertes.")
    return found


def start_application(*, membership: Membership, at: datetime) -> Application:
    """Open the draft of a structure, prefilled with what is known of it and with the answers of its last file.

    Commitments and the register's confirmation are asked again: they are worth for one file.

    Raises:
        RefusedError: the access has ended, the structure already has an open file, or it holds a label whose renewal is not
            open yet.
    """
    require_access(membership)
    structure = membership.structure
    _check_start(structure, at=at)
    return open_draft(
        structure=structure,
        answers=known_answers(structure, membership.user),
        created_by=membership.user,
        actor=membership,
        route=Route.CANDIDATURE,
        at=at,
    )


def _check_start(structure: Structure, *, at: datetime) -> None:
    if Label.objects.filter(structure=structure, notified_at__isnull=True, withdrawn_at__isnull=True).exists():
        raise RefusedError("Une décision vous attend : lisez-la avant d’ouvrir une nouvelle candidature.")
    followed_label(structure, on=local_day(at, structure.departement.timezone))


def may_start(structure: Structure, *, at: datetime) -> bool:
    """Tell whether :func:`start_application` would open a draft of this structure: what buttons ask."""
    if Application.objects.filter(structure=structure).exclude(state__in=FINAL).exists():
        return False
    try:
        _check_start(structure, at=at)
    except RefusedError:
        return False
    return True


def open_draft(
    *,
    structure: Structure,
    answers: Mapping[str, Any],
    created_by: User,
    actor: Actor,
    route: Route,
    at: datetime,
) -> Application:
    """Create the draft of a structure, whose opening the caller checked.

    Raises:
        RefusedError: the structure already has an open file.
    """
    departement = structure.departement
    try:
        with transaction.atomic():
            # The row lock of the département gives the numbers one by one; it lets foreign keys to it through.
            Departement.objects.select_for_update(of=("self",), no_key=True).get(pk=departement.pk)
            application = Application.objects.create(
                number=_next_number(departement, year=local_day(at, departement.timezone).year),
                structure=structure,
                departement=departement,
                route=route,
                specification=latest_specification(),
                answers=dict(answers),
                created_at=at,
                created_by=created_by,
            )
            record_event(
                subject_type=Subject.APPLICATION,
                subject_id=application.pk,
                action="start",
                actor=actor,
                at=at,
                to_state=ApplicationState.DRAFT,
            )
    except IntegrityError as error:
        if "application_one_open_per_structure" in str(error):
            raise RefusedError(
                "Cette structure a déjà une candidature en cours : ouvrez-la depuis vos dossiers."
            ) from error
        raise
    return application


def _next_number(departement: Departement, *, year: int) -> str:
    prefix = f"FS-{departement.pk}-{year}-"
    rank = Cast(Func(F("number"), Value("-"), Value(4), function="split_part"), IntegerField())
    last = Application.objects.filter(number__startswith=prefix).aggregate(last=Max(rank))["last"]
    return f"{prefix}{(last or 0) + 1:04d}"


def known_answers(structure: Structure, user: User | None) -> dict[str, Any]:
    """Return what a new draft begins with: the answers of the last file, the main site's hours, who follows it."""
    last = Application.objects.filter(structure=structure).order_by("created_at").last()
    known: dict[str, Any] = dict(last.answers) if last else {}
    for asked_again in ("identity", "commitments"):
        known.pop(asked_again, None)
    site = structure.sites.filter(is_main=True).first()
    if not known.get("hours") and site and site.hours:
        known["hours"] = site.hours
    if user is not None and not known.get("contact"):
        known["contact"] = {"name": user.full_name, "email": user.email, "phone": structure.phone, "role": ""}
    return parse(known).as_json()


def save_step(
    *,
    application: Application,
    membership: Membership,
    step: str,
    answers: Mapping[str, Any],
    version: int,
    at: datetime,
) -> Application:
    """Keep the answers of one task of a draft; other tasks are left alone. The same answers are not written again.

    Raises:
        RefusedError: not a draft, not this structure's account, or an answer cannot be.
        StaleError: the file changed since ``version``; nothing is kept.
    """
    require_access(membership, application.structure)
    kept = {key: answers[key] for key in KEYS_OF_STEP[step] if key in answers}
    merged = parse({**application.answers, **kept})
    if found := [problem.sentence for problem in problems(merged) if problem.step == step]:
        raise RefusedError(" ".join(found))
    with transaction.atomic():
        current = lock(application)
        _require_draft(current)
        if current.version != version:
            raise StaleError
        whole = parse({**current.answers, **kept}).as_json()
        if whole != current.answers or current.saved_at is None:
            write(current, version=version, answers=whole, saved_at=at)
    application.refresh_from_db()
    return application


def changed_criteria(application: Application, specification: Specification) -> list[Criterion]:
    """Return the criteria of a version that are new, or whose text or rule differ, for a draft on an older version."""
    if application.specification_id == specification.pk:
        return []
    known = {row.code: substance(row) for row in application.specification.criteria.all()}
    return [row for row in specification.criteria.order_by("position") if known.get(row.code) != substance(row)]


def withdrawn_criteria(application: Application, specification: Specification) -> list[Criterion]:
    """Return the criteria of the version of a draft that another version no longer has."""
    if application.specification_id == specification.pk:
        return []
    kept = {row.code for row in specification.criteria.all()}
    return [row for row in application.specification.criteria.order_by("position") if row.code not in kept]


def version_asked(application: Application) -> Specification:
    """Return the version whose questions a file answers: of a draft, the one in force, on which it will be judged."""
    if application.state != ApplicationState.DRAFT:
        return application.specification
    return Specification.objects.applicable(timezone.localdate()).last() or application.specification


@transaction.atomic
def submit_application(
    *,
    application: Application,
    membership: Membership,
    specification: Specification,
    consent: bool,
    version: int,
    at: datetime,
) -> Application:
    """Hand the file in: its specification is frozen, its wave is the one open at receipt, the delay of silence runs.

    ``specification`` is the version that the person was shown; ``consent`` accepts notification in the portal.

    Raises:
        RefusedError: already submitted, not the owner, or a task is not finished.
        StaleError: the file changed since ``version``, or a new version of the cahier des charges was published.
    """
    require_access(membership, application.structure)
    current = lock(application)
    if current.state != ApplicationState.DRAFT:
        raise RefusedError(
            f"La candidature {current.number} est déjà déposée : ce second envoi n’a rien changé. L’accusé de réception "
            "est sur sa page."
        )
    check(TRANSITIONS, "submit", state=current.state, hat=membership.hat, row=current)
    if current.version != version:
        raise StaleError
    latest = latest_specification()
    if latest.pk != specification.pk:
        raise StaleError(
            f"Le cahier des charges {latest.version} a été publié pendant que vous relisiez. Rien n’est déposé : voyez "
            "ci-dessous les critères qui changent, puis déposez."
        )
    answers = current.said()
    if missing := unfinished(answers, exempt(latest.criteria.all(), current.structure.kind)):
        names = ", ".join(step.title for step in missing)
        raise RefusedError(f"Il reste à terminer, avant de déposer : {names}.")
    zone = current.departement.timezone
    wave = wave_open_on(local_day(at, zone))
    until = silence_date(at, timezone=zone, months=settings.SILENCE_MONTHS)
    perform(
        application,
        "submit",
        table=TRANSITIONS,
        subject_type=Subject.APPLICATION,
        actor=membership,
        at=at,
        version=version,
        data={
            "specification": latest.version,
            "wave": wave.number if wave else None,
            "silence_date": until.isoformat(),
            "consent": consent,
        },
        specification=latest,
        answers=answers.as_json(),
        wave=wave,
        submitted_at=at,
        silence_date=until,
        notification_consent=consent,
    )
    return application


def wave_open_on(day: date) -> Wave | None:
    """Return the wave whose period includes a day, or nothing between two waves."""
    return Wave.objects.filter(period__contains=day).first()


@transaction.atomic
def abandon_application(*, application: Application, membership: Membership, version: int, at: datetime) -> Application:
    """Record that the structure gives its application up; it may apply again.

    Raises:
        RefusedError: too late, or not the owner.
        StaleError: the file changed since ``version``.
    """
    require_access(membership, application.structure)
    perform(
        application,
        "abandon",
        table=TRANSITIONS,
        subject_type=Subject.APPLICATION,
        actor=membership,
        at=at,
        version=version,
    )
    leave_without_object(application, at=at)
    return application


@transaction.atomic
def discard_draft(*, application: Application, membership: Membership, version: int, at: datetime) -> None:
    """Delete a draft: nothing of it was transmitted. Its events stay.

    Raises:
        RefusedError: not a draft, or not the owner.
        StaleError: the file changed since ``version``.
    """
    require_access(membership, application.structure)
    current = lock(application)
    _require_draft(current)
    check(TRANSITIONS, "submit", state=current.state, hat=membership.hat, row=current)
    if current.version != version:
        raise StaleError
    record_event(
        subject_type=Subject.APPLICATION,
        subject_id=current.pk,
        action="discard",
        actor=membership,
        at=at,
        from_state=current.state,
    )
    discard_evidence(current)
    current.delete()


def membership_for(application: Application, user_id: int | None) -> Membership | None:
    """Return the access of a person to the structure of a file, or nothing."""
    return (
        Membership.objects.filter(structure=application.structure_id, user=user_id, ended_at__isnull=True)
        .select_related("user", "structure__departement")
        .first()
    )


def abandoned_on(application: Application) -> date | None:
    """Return the day of the désistement, in the département's time, or nothing."""
    event = Event.objects.about(Subject.APPLICATION, application.pk).filter(action="abandon").last()
    return local_day(event.at, application.departement.timezone) if event else None


def require_access(membership: Membership, structure: Structure | None = None) -> None:
    """Ask that an access be in force, and be the one of a structure.

    Raises:
        RefusedError: it has ended, or is another structure's.
    """
    if membership.ended_at is not None or (structure is not None and membership.structure_id != structure.pk):
        raise RefusedError("Votre accès à cette structure est terminé : son responsable peut vous inviter à nouveau.")


def _require_draft(application: Application) -> None:
    if application.state != ApplicationState.DRAFT:
        raise RefusedError(
            "Cette candidature est déposée : ses réponses ne changent plus. Les services vous écriront s’il manque quelque "
            "chose."
        )
