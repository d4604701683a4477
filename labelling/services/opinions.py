"""Opinions of third parties on a file: asked by either authority, reminded, given, revised, cited by the decision.

No text asks for these opinions: they prepare a decision, and are not given out before it (CRPA, L. 311-2). Once the
decision is notified the structure reads those that their author did not keep for the services; the others may still be
asked for (CRPA, L. 311-1 and L. 311-6), which the form says to whoever answers.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.db.models import Count, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from francesante.lib.french import long_date
from francesante.lib.identifiers import NIR_REFUSED, holds_nir
from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import OpinionPart, OpinionSense
from labelling.models import Application, ConsultedBody, Evidence, ExpertGroup, Opinion, OpinionAnswer
from labelling.models.opinions import CONSULTING, OpinionQuerySet
from labelling.rules.clock import local_day
from labelling.services.reviews import require_reviewer
from labelling.workflow import ELSEWHERE
from territories.choices import Role, Subject
from territories.models import Departement, Mandate, Notification, User
from territories.services.events import Actor, lock, record_event

REMINDED_BEFORE = timedelta(days=3)
SALT = "labelling.opinion"
QUESTION = (
    "À votre connaissance, ce lieu de soins répond-il aux critères du cahier des charges, et sa labellisation "
    "appelle-t-elle une réserve de votre part ?"
)
"""What is asked when the agent types nothing else: a group is asked in one click."""
TOO_LATE = "La décision sur ce dossier est présentée ou prise : il n’attend plus d’avis. Rien n’a été enregistré."


# Asking -----------------------------------------------------------------------------------------------------------


def default_due(departement: Departement, *, at: datetime) -> date:
    """Return the day by which an opinion is expected when nothing else is said: ``OPINION_DAYS`` days later."""
    return local_day(at, departement.timezone) + timedelta(days=settings.OPINION_DAYS)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked at once on several files, by when, and of whom: each file asks those of its own territory."""

    bodies: tuple[ConsultedBody, ...]
    text: str
    due_date: date


@dataclass(frozen=True, slots=True)
class Consulted:
    """What is known of bodies that may be asked on some files, read once for all: what was asked, and who may answer.

    ``asked`` and ``waiting`` hold pairs (file, body); ``correspondents`` the mandates that answer in the portal.
    """

    asked: frozenset[tuple[int, int]]
    waiting: frozenset[tuple[int, int]]
    correspondents: tuple[Mandate, ...]


def consulted(applications: Collection[int], bodies: Collection[ConsultedBody], *, on: date) -> Consulted:
    """Return what is known, on a day, of bodies that may be asked on these files."""
    rows = Opinion.objects.asked().filter(application__in=applications, body__in=bodies)
    requests = list(rows.values_list("application", "body", "answered_at"))
    authorities = {body.authority_id for body in bodies if body.authority_id}
    mandates = Mandate.objects.active(on).filter(authority__in=authorities, role=Role.PARTNER, user__is_active=True)
    # A file past its consultation waits for nobody, but is refused before this is read.
    waiting = frozenset((file, body) for file, body, answered_at in requests if answered_at is None)
    return Consulted(frozenset((file, body) for file, body, _ in requests), waiting, tuple(mandates))


def left_to_ask(application: Application, question: Question, known: Consulted) -> list[ConsultedBody]:
    """Return those who are asked on a file: they serve its département, and were not asked about it yet."""
    bodies = [body for body in question.bodies if body.serves(application.departement)]
    return [body for body in bodies if (application.pk, body.pk) not in known.asked]


def check_ask(
    application: Application, bodies: Collection[ConsultedBody], *, due_date: date, known: Consulted, at: datetime
) -> None:
    """Ask if a reviewer may ask these bodies about a file: the act does, under its lock; a selection, beforehand.

    Raises:
        RefusedError: why not.
    """
    _require_consulting(application)
    departement = application.departement
    if due_date <= local_day(at, departement.timezone):
        raise RefusedError("La date attendue est à venir : choisissez un jour à partir de demain. Rien n’a été envoyé.")
    if not bodies:
        raise RefusedError("Choisissez au moins un organisme. Rien n’a été envoyé.")
    for body in bodies:
        if not body.serves(departement):
            raise RefusedError(f"{_capital(body.name)} n’est pas consulté dans ce département. Rien n’a été envoyé.")
        if (application.pk, body.pk) in known.waiting:
            raise RefusedError(f"L’avis {de(body.name)} est déjà demandé et attendu. Rien n’a été envoyé.")
        here = [row for row in known.correspondents if row.departement_id or row.region_id]
        if body.authority_id and not any(
            row.authority_id == body.authority_id and row.covers(departement) for row in here
        ):
            raise RefusedError(
                f"Personne n’a encore d’habilitation pour répondre au nom {de(body.name)}. Rien n’a été envoyé ; l’équipe "
                "nationale peut inviter un correspondant, ou donnez une adresse électronique à cet organisme."
            )


def check_question(application: Application, question: Question, known: Consulted, *, at: datetime) -> None:
    """Ask if a question may be asked about a file of those of its territory: as :func:`check_ask`.

    Raises:
        RefusedError: why not.
    """
    if not any(body.serves(application.departement) for body in question.bodies):
        raise RefusedError(
            f"Aucun des organismes choisis n’est consulté dans le département {application.departement}."
        )
    bodies = left_to_ask(application, question, known)
    if not bodies and application.state in CONSULTING:
        raise RefusedError("Les organismes choisis ont déjà été consultés sur ce dossier.")
    check_ask(application, bodies or question.bodies, due_date=question.due_date, known=known, at=at)


@transaction.atomic
def ask_question(*, application: Application, question: Question, mandate: Mandate, at: datetime) -> list[Opinion]:
    """Ask, about one file of a selection, those of its territory who were not asked yet; they read every answer.

    Raises:
        RefusedError: as :func:`ask_opinions`, or nobody is left to ask.
    """
    require_reviewer(application, mandate, at=at)
    current = lock(application)
    known = consulted([current.pk], question.bodies, on=local_day(at, application.departement.timezone))
    check_question(current, question, known, at=at)
    return ask_opinions(
        application=application,
        bodies=left_to_ask(current, question, known),
        question=question.text,
        parts=OpinionPart.values,
        due_date=question.due_date,
        mandate=mandate,
        at=at,
    )


@transaction.atomic
def ask_opinions(
    *,
    application: Application,
    bodies: Iterable[ConsultedBody],
    question: str,
    parts: Collection[str],
    pieces: Iterable[Evidence] = (),
    due_date: date,
    mandate: Mandate,
    at: datetime,
) -> list[Opinion]:
    """Ask one question of several bodies: all of them, or none.

    Raises:
        RefusedError: the mandate may not instruct the file, it waits for no opinion, the deadline is not to come, nobody
            is named, or a body serves another territory, was already asked, or has nobody to answer.
    """
    require_reviewer(application, mandate, at=at)
    question = question.strip()
    if not question:
        raise RefusedError("Écrivez la question posée. Rien n’a été envoyé.")
    _refuse_nir(question)
    current = lock(application)
    asked, shown = list(bodies), list(pieces)
    known = consulted([current.pk], asked, on=local_day(at, application.departement.timezone))
    check_ask(current, asked, due_date=due_date, known=known, at=at)
    if any(piece.application_id != current.pk for piece in shown):
        raise RefusedError("Une pièce choisie n’est pas de ce dossier. Rien n’a été envoyé.")
    found = []
    for body in asked:
        opinion = Opinion.objects.create(
            application=current,
            body=body,
            email=body.email,
            question=question,
            parts=sorted(parts),
            asked_by=mandate,
            asked_at=at,
            due_date=due_date,
        )
        opinion.pieces.set(shown)
        _record(opinion, "ask_opinion", mandate, at=at, due=due_date.isoformat())
        found.append(opinion)
    return found


def groups_to_ask(application: Application) -> list[tuple[ExpertGroup, list[ConsultedBody]]]:
    """Return the groups of experts of a département, each with its bodies that were not asked about a file yet."""
    serving = ConsultedBody.objects.serving(application.departement)
    left = set(serving.exclude(pk__in=application.opinions.asked().values("body")).values_list("pk", flat=True))
    groups = ExpertGroup.objects.filter(departement=application.departement_id).prefetch_related("bodies")
    found = [
        (group, [body for body in group.bodies.all() if body.pk in left]) for group in groups.order_by("name", "pk")
    ]
    return [(group, bodies) for group, bodies in found if bodies]


@transaction.atomic
def revoke_opinion(*, opinion: Opinion, mandate: Mandate, at: datetime) -> Opinion:
    """Cancel a request that nobody answered; either authority may.

    Raises:
        RefusedError: the mandate may not instruct the file, or the request is answered or cancelled already.
    """
    require_reviewer(opinion.application, mandate, at=at)
    lock(opinion.application)
    current = lock(opinion)
    if current.answered_at is not None:
        raise RefusedError("Cet avis est rendu : il reste au dossier, et sa demande ne s’annule plus.")
    if current.revoked_at is not None:
        raise RefusedError("Cette demande d’avis est déjà annulée.")
    current.revoked_at = at
    current.save(update_fields=["revoked_at"])
    _record(current, "revoke_opinion", mandate, at=at)
    return current


def answerers(body: ConsultedBody, departement: Departement, *, on: date) -> list[User]:
    """Return the people who may answer for a body of the portal in a département."""
    mandates = Mandate.objects.active(on).filter(
        Q(departement=departement) | Q(departement__isnull=True, region=departement.region_id),
        authority=body.authority_id,
        role=Role.PARTNER,
        user__is_active=True,
    )
    people = {mandate.user_id: mandate.user for mandate in mandates.select_related("user").order_by("pk")}
    return list(people.values())


# Answering --------------------------------------------------------------------------------------------------------


def link_of(opinion: Opinion) -> str:
    """Return the secret of the link by which a body outside the portal gives its next answer, and only that one.

    It is signed, not kept: it names the request, whose address never changes, and the rank of the answer it gives.
    """
    return signing.dumps([opinion.pk, opinion.answers.count()], salt=SALT)


def opinion_of_link(token: str) -> tuple[Opinion, int] | None:
    """Return the request that a link names and the rank of the answer that it may give, or nothing."""
    try:
        pk, rank = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        return None
    opinion = with_answers(Opinion.objects.exclude(email="")).filter(pk=pk).first()
    return (opinion, int(rank)) if opinion else None


def why_closed(opinion: Opinion, *, at: datetime) -> str:
    """Return why an opinion may no longer be given or revised, or nothing. Late is not too late."""
    if opinion.revoked_at is not None:
        return "Cette demande d’avis a été annulée par le service qui l’avait faite."
    if opinion.application.state not in CONSULTING:
        return TOO_LATE
    today = local_day(at, opinion.application.departement.timezone)
    if opinion.answered_at is not None and today > opinion.due_date:
        return f"Un avis rendu se revoit jusqu’à la date attendue, le {long_date(opinion.due_date)}."
    return ""


@transaction.atomic
def give_opinion(
    *,
    opinion: Opinion,
    rank: int,
    sense: str,
    text: str,
    confidential: bool,
    mandate: Mandate | None,
    at: datetime,
) -> OpinionAnswer:
    """Record the answer of a body, or a new one that takes the place of the last; the former ones stay.

    ``rank`` is the number of answers that the person was shown, or that the link is for. ``mandate`` is that of a
    partner, or nothing for the bearer of the link, whom the caller recognised.

    Raises:
        RefusedError: not this body's mandate, the request is cancelled, the decision presented, the deadline to revise
            passed, or a reserve or an unfavourable opinion without its reasons.
        StaleError: another answer came since.
    """
    text = text.strip()
    application = lock(opinion.application)
    current = Opinion.objects.select_for_update(of=("self",)).select_related("body").get(pk=opinion.pk)
    current.application = application
    if mandate is not None:
        _require_body(current, mandate, at=at)
    elif not current.email:
        raise RefusedError("Cet organisme répond dans le portail, avec son habilitation. Rien n’a été enregistré.")
    if sentence := why_closed(current, at=at):
        raise RefusedError(sentence)
    if sense in {OpinionSense.UNFAVOURABLE, OpinionSense.RESERVED} and not text:
        raise RefusedError("Un avis défavorable ou réservé demande ses motifs. Rien n’a été enregistré.")
    _refuse_nir(text)
    given = current.answers.count()
    if given != rank:
        raise StaleError(
            "Un avis a déjà été enregistré pour cette demande depuis l’ouverture de cette page. Le vôtre ne l’est pas ; relisez "
            "le dernier avis, puis recommencez s’il le faut."
        )
    answer = OpinionAnswer.objects.create(
        opinion=current,
        rank=given,
        sense=sense,
        text=text,
        confidential=confidential,
        mandate=mandate,
        answered_at=at,
    )
    current.answered_at = at
    current.save(update_fields=["answered_at"])
    _record(current, "revise_opinion" if given else "give_opinion", mandate, at=at, answer=answer.pk)
    return answer


def _require_body(opinion: Opinion, mandate: Mandate, *, at: datetime) -> None:
    if mandate.role != Role.PARTNER or mandate.authority_id != opinion.body.authority_id:
        raise RefusedError("Cet avis est demandé à un autre organisme que celui de votre habilitation.")
    if not mandate.covers(opinion.application.departement) or not mandate.is_active(at):
        raise RefusedError("Votre habilitation ne couvre pas ce dossier à ce jour. Rien n’a été enregistré.")


# Reminding --------------------------------------------------------------------------------------------------------


def remind_opinions(*, at: datetime) -> int:
    """Write an event, which a mail follows, three days before the deadline and on it; return how many.

    Each request is reminded once of each date, even when the portal was stopped on that day.
    """
    horizon = at.date() + REMINDED_BEFORE + timedelta(days=1)
    waiting = Opinion.objects.waiting().filter(due_date__lte=horizon).select_related("application__departement")
    reminded = 0
    for candidate in waiting.order_by("pk"):
        today = local_day(at, candidate.application.departement.timezone)
        if _reminder_due(candidate, today):
            reminded += _remind(candidate, today, at=at)
    return reminded


@transaction.atomic
def _remind(candidate: Opinion, today: date, *, at: datetime) -> int:
    lock(candidate.application)
    opinion = lock(candidate)
    if opinion.answered_at is not None or opinion.revoked_at is not None or not _reminder_due(opinion, today):
        return 0
    opinion.reminded_date = today
    opinion.save(update_fields=["reminded_date"])
    _record(opinion, "remind_opinion", None, at=at)
    return 1


def _reminder_due(opinion: Opinion, today: date) -> bool:
    due, last = opinion.due_date, opinion.reminded_date
    if today >= due:
        return last is None or last < due
    soon = due - REMINDED_BEFORE
    asked_before = local_day(opinion.asked_at, opinion.application.departement.timezone) < soon
    return soon <= today and last is None and asked_before


# Reading ----------------------------------------------------------------------------------------------------------


def with_answers(opinions: OpinionQuerySet) -> OpinionQuerySet:
    """Load with each request what showing it needs; its answers, the last one first."""
    answers = OpinionAnswer.objects.select_related("mandate__user").order_by("-rank")
    rows = opinions.select_related(
        "body", "application__structure__commune", "application__departement", "asked_by__user", "asked_by__authority"
    )
    outlines = ("application__departement__outline", "application__departement__inset_outline")
    return rows.defer(*outlines).prefetch_related(Prefetch("answers", queryset=answers))


def opinions_of(application: Application) -> list[Opinion]:
    """Return the requests made on a file, in the order they were made."""
    return list(with_answers(application.opinions.all()).order_by("asked_at", "pk"))


def told_to_structure(application: Application) -> list[tuple[Opinion, OpinionAnswer]]:
    """Return what the structure may read: opinions not kept for the services, once the decision is notified."""
    decision = application.decision_id
    if decision is None or not Notification.objects.filter(decision=decision, notified_at__isnull=False).exists():
        return []
    given = [(row, row.answers.all()[0]) for row in opinions_of(application) if row.answered_at]
    return [(row, answer) for row, answer in given if not answer.confidential]


def visas_of(application: Application) -> list[str]:
    """Return the visas of a decision that cite the opinions given on its file; their sense is not told."""
    given = application.opinions.filter(answered_at__isnull=False).select_related("body").order_by("answered_at", "pk")
    return [f"Vu l’avis {de(row.body.name)} du {long_date(row.answered_at)} ;" for row in given]


def de(name: str) -> str:
    """Put « de » before a name that may begin with its article: « du conseil départemental », « de la CPAM »."""
    for article, contracted in {"le ": "du ", "les ": "des "}.items():
        if name.lower().startswith(article):
            return f"{contracted}{name[len(article) :]}"
    bare = not name.lower().startswith(("la ", "l’"))
    return f"d’{name}" if bare and name[:1].lower() in "aeiouyéèêâî" else f"de {name}"


def with_opinion_counts(files: QuerySet[Application]) -> QuerySet[Application]:
    """Annotate files with the opinions asked and given: « Avis 1/3 » in the work list."""
    asked = Opinion.objects.asked().filter(application=OuterRef("pk"))
    return files.annotate(opinions_asked=_count(asked), opinions_given=_count(asked.filter(answered_at__isnull=False)))


def late_opinions(on: date) -> Q:
    """Return the filter of the files that wait for an opinion past its deadline."""
    return Q(pk__in=Opinion.objects.waiting().filter(due_date__lt=on).values("application"))


def _count(opinions: QuerySet[Opinion]) -> Coalesce:
    return Coalesce(Subquery(opinions.order_by().values("application").annotate(n=Count("pk")).values("n")), 0)


# Shared -----------------------------------------------------------------------------------------------------------


def _require_consulting(application: Application) -> None:
    if application.state not in CONSULTING:
        raise RefusedError(
            f"{ELSEWHERE[application.state]} Un avis se demande pendant l’instruction, avant que la décision soit présentée à "
            "la signature. Rien n’a été envoyé."
        )


def _refuse_nir(text: str) -> None:
    if holds_nir(text):
        raise RefusedError(NIR_REFUSED)


def _record(opinion: Opinion, action: str, actor: Actor | None, *, at: datetime, **data: int | str) -> None:
    state = opinion.application.state
    record_event(
        subject_type=Subject.APPLICATION,
        subject_id=opinion.application_id,
        action=action,
        actor=actor,
        at=at,
        from_state=state,
        to_state=state,
        data={"opinion": opinion.pk, "body": opinion.body_id, **data},
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
