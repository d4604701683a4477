"""One act on several files: who can pass beforehand, then the act itself, a transaction per file, and what became of each.

Each file goes through the service that its own page calls; ``territories.services.runs`` carries out the run.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.models import QuerySet
from django.utils import timezone

from francesante.lib.french import plural, typeset
from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import BulkAction, CriterionKind, FieldKind, Interest
from labelling.models import (
    Application,
    BulkOutcome,
    BulkRun,
    ConsultedBody,
    Criterion,
    InterestDeclaration,
    Label,
    Tag,
)
from labelling.models.applications import REVIEWERS
from labelling.rules.clock import local_day
from labelling.rules.fields import read, written
from labelling.services.assignment import assign, check_assign
from labelling.services.decisions import check_propose, propose_label
from labelling.services.fields import Filling, check_blank, fill_blank, values_held
from labelling.services.interests import declare_interest, has_declared, stood_aside
from labelling.services.opinions import Consulted, Question, ask_question, check_question, consulted, left_to_ask
from labelling.services.quotas import Forecast
from labelling.services.renewals import check_renewable
from labelling.services.reviews import (
    Line,
    check_endorse,
    check_share,
    endorse,
    require_reviewer,
    share_assessment,
    sheet,
)
from labelling.services.tags import carriers, check_put, check_take_off, put_tag, take_off
from territories.choices import DecisionKind
from territories.models import Mandate
from territories.services.runs import carry_out_run, purge

MOST_FILES = 500
"""Files of one run."""
AT_ONCE = 25
"""Files that the page carries out itself; a longer run goes to a worker."""
WITHOUT_DECLARATION = frozenset({BulkAction.ASSIGN, BulkAction.TAG, BulkAction.UNTAG, BulkAction.FILL})
"""Acts that decide nothing of a file: no interest is declared before them."""
STALE = "Ce dossier a changé depuis la page où vous l’avez choisi : rien n’y a été fait. Relisez-le, puis recommencez."


@dataclass(frozen=True, slots=True)
class Candidate:
    """One file of a selection: its criteria, and why the act would be refused, or nothing; who would be asked."""

    application: Application
    lines: list[Line] = field(default_factory=list)
    refusal: str = ""
    asked: list[ConsultedBody] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Terms:
    """What an act needs beside the files, chosen once for all of them; most need nothing."""

    assignee: Mandate | None = None
    question: Question | None = None
    tag: Tag | None = None
    filling: Filling | None = None


# Beforehand ----------------------------------------------------------------------------------------------------------


def candidates(
    files: QuerySet[Application], action: BulkAction, mandate: Mandate, *, terms: Terms, at: datetime
) -> list[Candidate]:
    """Ask of each file if the act could pass now, in a constant number of queries."""
    rows = files.select_related(
        "departement",
        "structure__commune",
        "specification",
        *[f"{field}__user" for field in REVIEWERS.values()],
    ).prefetch_related("assessments", "requests")
    rows = rows.defer("answers", "departement__outline", "departement__inset_outline")
    criteria: dict[int, list[Criterion]] = defaultdict(list)
    for criterion in Criterion.objects.filter(kind=CriterionKind.CRITERION).order_by("specification", "position"):
        criteria[criterion.specification_id].append(criterion)
    applications = list(rows[:MOST_FILES])
    labels = _standing(applications, at) if action == BulkAction.PROPOSE else {}
    keys = [row.pk for row in applications]
    known = _known(action, keys, terms, at)
    aside, check = stood_aside(mandate), _checks(action, mandate, terms, keys=keys, known=known, at=at)
    found = []
    for application in applications:
        lines = sheet(application, application.assessments.all(), criteria[application.specification_id])
        try:
            require_reviewer(application, mandate, at=at, aside=aside)
            check(application, lines)
            if label := labels.get(application.structure_id):
                check_renewable(label, on=local_day(at, application.departement.timezone))
        except RefusedError as refusal:
            found.append(Candidate(application, lines, typeset(str(refusal))))
        else:
            asked = left_to_ask(application, terms.question, known) if terms.question and known else []
            found.append(Candidate(application, lines, asked=asked))
    return found


def _known(action: BulkAction, keys: list[int], terms: Terms, at: datetime) -> Consulted | None:
    if action != BulkAction.ASK:
        return None
    return consulted(keys, _question(terms).bodies, on=timezone.localdate(at))


def _checks(
    action: BulkAction, mandate: Mandate, terms: Terms, *, keys: list[int], known: Consulted | None, at: datetime
) -> Callable[[Application, list[Line]], None]:
    """Return what the service of an act asks of a file, with what many files have in common read once."""
    match action:
        case BulkAction.ASSIGN:
            to = _assignee(terms)
            aside = stood_aside(to)
            return lambda application, _: check_assign(application, mandate, to, aside=aside, at=at)
        case BulkAction.SHARE:
            return lambda application, lines: check_share(application, mandate, lines)
        case BulkAction.ENDORSE:
            return lambda application, lines: check_endorse(application, mandate, lines)
        case BulkAction.PROPOSE:
            return lambda application, lines: check_propose(DecisionKind.LABEL_GRANTED, application, mandate, lines)
        case BulkAction.ASK:
            question = _question(terms)
            return lambda application, _: check_question(application, question, known, at=at)  # type: ignore[arg-type]
        case BulkAction.TAG | BulkAction.UNTAG | BulkAction.FILL:
            return _check_noted(action, mandate, terms, keys)


def _check_noted(
    action: BulkAction, mandate: Mandate, terms: Terms, keys: list[int]
) -> Callable[[Application, list[Line]], None]:
    """Return the same of what is noted on files: tags, internal fields."""
    if action == BulkAction.FILL:
        filling = _filling(terms)
        held = values_held(filling.field, keys)
        return lambda application, _: check_blank(application, filling, mandate, held=held)
    tag = _tag(terms)
    carrying, check_tag = carriers(tag, keys), check_put if action == BulkAction.TAG else check_take_off
    return lambda application, _: check_tag(application, tag, mandate, carrying=carrying)


def undeclared(files: QuerySet[Application], action: BulkAction, mandate: Mandate) -> int:
    """Return in how many structures of these files the person has not declared their interests yet.

    To entrust a file to somebody else, or to find it again by a word, asks for no declaration.
    """
    if action in WITHOUT_DECLARATION:
        return 0
    declared = InterestDeclaration.objects.filter(user=mandate.user_id).values("structure")
    return files.exclude(structure__in=declared).order_by().values("structure").distinct().count()


def _assignee(terms: Terms) -> Mandate:
    if terms.assignee is None:
        raise RefusedError("Dites à quel agent de votre autorité ces dossiers sont affectés. Rien n’a été enregistré.")
    return terms.assignee


def _question(terms: Terms) -> Question:
    if terms.question is None:
        raise RefusedError("Dites à qui la question est posée, laquelle, et pour quand. Rien n’a été envoyé.")
    return terms.question


def _tag(terms: Terms) -> Tag:
    if terms.tag is None:
        raise RefusedError("Choisissez une étiquette de votre autorité. Rien n’a été enregistré.")
    return terms.tag


def _filling(terms: Terms) -> Filling:
    if terms.filling is None:
        raise RefusedError("Choisissez une rubrique de votre autorité, et sa valeur. Rien n’a été enregistré.")
    return terms.filling


def _standing(applications: list[Application], at: datetime) -> Mapping[int, Label]:
    labels = Label.objects.filter(
        structure__in=[row.structure_id for row in applications],
        withdrawn_at__isnull=True,
        valid__overlap=DateRange(timezone.localdate(at), None),
    ).order_by("valid")
    return {label.structure_id: label for label in labels}


def short_places(found: Iterable[Forecast]) -> list[str]:
    """Say under which ceilings labels would enter the waiting list, and how many places are free there."""
    return [_short(one) for one in found if one.waiting]


def _short(one: Forecast) -> str:
    free, wanted, waits = one.free, len(one.presented | one.waiting), len(one.waiting)
    places = f"{free} place{plural(free)} libre{plural(free)}" if free else "aucune place libre"
    older = f" et {one.older} dossier{plural(one.older)} plus ancien{plural(one.older)} en attente" if one.older else ""
    enter = "entreront" if waits > 1 else "entrera"
    who = "tous" if waits == wanted > 1 else "il" if wanted == 1 else str(waits)
    return typeset(
        f"{one.quota.departement}, vague {one.quota.wave.number} : {places} sous le plafond pour {wanted} "
        f"dossier{plural(wanted)}{older}. {who.capitalize()} {enter} en liste d’attente, sans être refusé{plural(waits)}."
    )


# The run -------------------------------------------------------------------------------------------------------------


@transaction.atomic
def start_run(
    *,
    key: UUID,
    action: BulkAction,
    files: QuerySet[Application],
    shown: Mapping[int, int],
    mandate: Mandate,
    terms: Terms,
    declares: bool,
    at: datetime,
) -> BulkRun:
    """Write down a run and its files, at the versions that were shown; nothing is done to them yet.

    ``files`` is what the person may read. ``declares``: they say that no interest ties them to these structures, which
    is recorded with each act. The same ``key`` a second time gives back the first run.

    Raises:
        RefusedError: no file, too many, interests not declared, or the act's terms are not all there.
    """
    if existing := BulkRun.objects.filter(key=key, mandate__user=mandate.user_id).first():
        return existing
    if len(shown) > MOST_FILES:
        raise RefusedError(f"Un lot compte {MOST_FILES} dossiers au plus. Rien n’a été lancé ; réduisez la sélection.")
    chosen = list(files.filter(pk__in=shown).order_by("pk").values_list("pk", flat=True))
    if not chosen:
        raise RefusedError("Aucun dossier de cette sélection n’est à votre portée. Rien n’a été lancé.")
    if not declares and undeclared(files.filter(pk__in=chosen), action, mandate):
        raise RefusedError(
            "Avant d’agir sur ces dossiers, dites si un lien d’intérêt vous attache à l’une des structures. Rien n’a été "
            "lancé."
        )
    run, made = BulkRun.objects.get_or_create(
        key=key,
        defaults={
            "action": action,
            "mandate": mandate,
            "created_at": at,
            **_kept(action, terms),
        },
    )
    if made:
        if action == BulkAction.ASK:
            run.bodies.set(_question(terms).bodies)
        BulkOutcome.objects.bulk_create(BulkOutcome(run=run, application_id=pk, version=shown[pk]) for pk in chosen)
    return run


def _kept(action: BulkAction, terms: Terms) -> dict[str, Any]:
    match action:
        case BulkAction.ASSIGN:
            return {"assignee": _assignee(terms)}
        case BulkAction.ASK:
            question = _question(terms)
            return {"question": question.text, "due_date": question.due_date}
        case BulkAction.TAG | BulkAction.UNTAG:
            return {"tag": _tag(terms)}
        case BulkAction.FILL:
            filling = _filling(terms)
            return {"field": filling.field, "value": written(filling.value)}
    return {}


def terms_of(run: BulkRun) -> Terms:
    """Return what was chosen once for all the files of a run."""
    question = Question(tuple(run.bodies.all()), run.question, run.due_date) if run.due_date else None
    filling = Filling(run.field, read(FieldKind(run.field.kind), run.value)) if run.field else None
    return Terms(run.assignee, question, run.tag, filling)


def carry_out(*, run: BulkRun) -> BulkRun:
    """Do what is left of a run, one transaction per file."""
    rows = BulkRun.objects.select_related(
        "mandate__user",
        "mandate__authority",
        "mandate__departement",
        "assignee__user",
        "assignee__departement",
        "tag__authority",
        "field__authority",
    ).prefetch_related("bodies")
    run = rows.get(pk=run.pk)
    return carry_out_run(run, partial(_act, run))


def carry_out_unfinished() -> None:
    """Take up the runs that nobody finished."""
    for run in BulkRun.objects.unfinished():
        carry_out(run=run)


def _act(run: BulkRun, outcome: BulkOutcome, at: datetime) -> str:
    """Do the act on one file; return why a file kept its place all the same (the waiting list), or nothing."""
    application = Application.objects.select_related("departement", "structure__commune", "specification").get(
        pk=outcome.application_id
    )
    mandate, version = run.mandate, outcome.version
    if run.action not in WITHOUT_DECLARATION and not has_declared(mandate, application):
        declare_interest(application=application, mandate=mandate, interest=Interest.NONE, at=at)
    try:
        match BulkAction(run.action):
            case BulkAction.ASSIGN:
                to = _assignee(terms_of(run))
                assign(application=application, mandate=mandate, to=to, version=version, at=at)
            case BulkAction.SHARE:
                share_assessment(application=application, mandate=mandate, version=version, at=at)
            case BulkAction.ENDORSE:
                endorse(application=application, mandate=mandate, version=version, at=at)
            case BulkAction.PROPOSE:
                return propose_label(application=application, mandate=mandate, version=version, at=at).sentence
            case BulkAction.ASK:
                ask_question(application=application, question=_question(terms_of(run)), mandate=mandate, at=at)
            case BulkAction.TAG | BulkAction.UNTAG | BulkAction.FILL:
                _note(run, application, at)
    except StaleError as stale:
        raise RefusedError(STALE) from stale
    return ""


def _note(run: BulkRun, application: Application, at: datetime) -> None:
    terms = terms_of(run)
    if run.action == BulkAction.FILL:
        fill_blank(application=application, filling=_filling(terms), mandate=run.mandate, at=at)
    else:
        act = put_tag if run.action == BulkAction.TAG else take_off
        act(application=application, tag=_tag(terms), mandate=run.mandate, at=at)


def purge_runs(*, at: datetime) -> int:
    """Forget the runs that are more than 30 days old, with the outcome of each file; return their number."""
    return purge(BulkRun.objects.all(), at=at)
