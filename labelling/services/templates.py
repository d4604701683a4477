"""The templates of decisions, kept by the national team, and what an authority adds to the text of one file."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction

from francesante.lib.french import NBSP
from francesante.lib.merge_fields import mistake_in
from francesante.lib.workflow import RefusedError, StaleError, check
from labelling.choices import ApplicationState, TemplateKind
from labelling.models import Application, DecisionTemplate, DraftAddition
from labelling.rules.clock import local_day
from labelling.rules.templates import (
    INVENTED,
    LISTS,
    PARTS,
    compose,
    fields_of,
    invented_criteria,
    invented_signatories,
    parts_of,
    sentences_of,
)
from labelling.services.disagreements import declined_decision, refusal_to_sign
from labelling.services.reviews import require_reviewer
from labelling.services.specifications import require_national
from labelling.workflow import TRANSITIONS
from territories.choices import Subject
from territories.models import Mandate
from territories.services.events import lock, perform, record_event

STALE = "Ce brouillon a changé pendant que vous y travailliez. Votre saisie n’a pas été appliquée ; elle est gardée ci-dessous."


def draft_of(kind: str) -> DecisionTemplate | None:
    """Return the draft of a kind of decision, if one is open."""
    return DecisionTemplate.objects.filter(kind=kind, published_at__isnull=True).first()


def mistakes_in(kind: str, parts: Mapping[str, str]) -> dict[str, str]:
    """Return, by part, the sentence that says what is wrong in a template."""
    found = {}
    for part in parts_of(kind):
        text = parts[part]
        sentence = mistake_in(text, fields_of(part, kind)) if text.strip() else "Cette partie ne peut pas être vide."
        if sentence:
            found[part] = sentence
    return found


def preview(kind: str, parts: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the text that a template gives on an invented file, or nothing while a part is wrong."""
    if mistakes_in(kind, parts):
        return None
    text = compose(DecisionTemplate(kind=kind, **parts), INVENTED, invented_criteria(kind))
    return {**text, **invented_signatories(kind)}


def prepare_template(*, kind: TemplateKind, mandate: Mandate, at: datetime) -> DecisionTemplate:
    """Open a draft of a kind of decision, copied from its last version.

    Raises:
        RefusedError: not the national team, or a draft is open already.
    """
    require_national(mandate, at=at)
    last = DecisionTemplate.objects.filter(kind=kind).order_by("version").last()
    if last is None:
        raise RefusedError("Cette décision n’a pas de modèle à copier.")
    try:
        with transaction.atomic():
            draft = DecisionTemplate.objects.create(
                kind=kind,
                version=last.version + 1,
                drafted_by=mandate,
                **{part: getattr(last, part) for part in PARTS},
            )
            _trace(draft, "prepare", mandate, at=at, data={"from": last.pk})
    except IntegrityError as error:
        raise RefusedError("Un brouillon de ce modèle est déjà ouvert : modifiez-le.") from error
    return draft


@transaction.atomic
def save_template(
    *, template: DecisionTemplate, parts: Mapping[str, str], mandate: Mandate, revision: int, at: datetime
) -> DecisionTemplate:
    """Write the sentences of a draft.

    Raises:
        RefusedError: not the national team, published already, a part is empty, or a merge field is unknown: it is named.
        StaleError: the draft changed since ``revision``.
    """
    current = _open(template, mandate, revision=revision, at=at)
    if wrong := mistakes_in(current.kind, parts):
        raise RefusedError(next(iter(wrong.values())))
    tidy = {
        part: "\n".join(sentences_of(parts[part])) if part in LISTS else " ".join(parts[part].split())
        for part in parts_of(current.kind)
    }
    changed = sorted(part for part, text in tidy.items() if getattr(current, part) != text)
    DecisionTemplate.objects.filter(pk=current.pk).update(**tidy, revision=current.revision + 1)
    _trace(current, "save", mandate, at=at, data={"parts": changed})
    current.refresh_from_db()
    return current


@transaction.atomic
def publish_template(
    *, template: DecisionTemplate, valid_from: date, mandate: Mandate, revision: int, at: datetime
) -> DecisionTemplate:
    """Publish a draft: it never changes again, and is the text of the decisions presented from ``valid_from`` on.

    Raises:
        RefusedError: not the national team, published already, or a day in the past or before the last version.
        StaleError: the draft changed since ``revision``: what would be published is not what was read.
    """
    current = _open(template, mandate, revision=revision, at=at)
    if valid_from < local_day(at, "Europe/Paris"):
        raise RefusedError(
            "Un modèle s’applique à partir d’aujourd’hui au plus tôt : les décisions passées gardent le leur."
        )
    last = DecisionTemplate.objects.filter(kind=current.kind, valid_from__gte=valid_from).exists()
    if last:
        raise RefusedError("Une version de ce modèle s’applique déjà à partir de ce jour ou d’un jour suivant.")
    DecisionTemplate.objects.filter(pk=current.pk).update(
        published_at=at, valid_from=valid_from, revision=current.revision + 1
    )
    _trace(current, "publish", mandate, at=at, data={"valid_from": valid_from.isoformat()})
    current.refresh_from_db()
    return current


def _open(template: DecisionTemplate, mandate: Mandate, *, revision: int, at: datetime) -> DecisionTemplate:
    """Lock a draft and return its present content."""
    require_national(mandate, at=at)
    current = lock(template)
    if current.published_at is not None:
        raise RefusedError("Ce modèle est publié : il ne change plus. Préparez une nouvelle version.")
    if current.revision != revision:
        raise StaleError(STALE)
    return current


def _trace(template: DecisionTemplate, action: str, mandate: Mandate, *, at: datetime, data: Mapping[str, Any]) -> None:
    record_event(subject_type=Subject.TEMPLATE, subject_id=template.pk, action=action, actor=mandate, at=at, data=data)


@transaction.atomic
def add_to_draft(
    *,
    application: Application,
    mandate: Mandate,
    visas: str,
    reasons: str,
    articles: str,
    version: int,
    at: datetime,
) -> DraftAddition:
    """Write what the proposing authority adds to the text of a decision, one sentence a line; it will be signed with it.

    During the instruction it is the lead; in a disagreement, the authority that may refuse expressly.

    Raises:
        RefusedError: the mandate may not, another authority presents, or a line that is no visa or no reason.
        StaleError: the file changed since ``version``.
    """
    capacity = require_reviewer(application, mandate, at=at)
    current = lock(application)
    if current.version != version:
        raise StaleError
    check(TRANSITIONS, "add_to_draft", state=current.state, hat=mandate.hat, row=current)
    if capacity != presenting(current):
        raise RefusedError("Le projet se complète par l’autorité qui le présente. Rien n’a été enregistré.")
    parts = {
        "visas": _lines(visas, "Vu ", "visa"),
        "reasons": _lines(reasons, "Considérant ", "motif"),
        "articles": "\n".join(sentences_of(articles)),
    }
    row, _ = DraftAddition.objects.update_or_create(
        application=current, capacity=capacity, defaults={**parts, "mandate": mandate, "written_at": at}
    )
    perform(
        application,
        "add_to_draft",
        table=TRANSITIONS,
        subject_type=Subject.APPLICATION,
        actor=mandate,
        at=at,
        version=version,
        data={name: len(sentences_of(text)) for name, text in parts.items()},
    )
    return row


def presenting(application: Application) -> str:
    """Return the capacity that presents the next decision of a file."""
    if application.state == ApplicationState.DISAGREEMENT and (decision := declined_decision(application)):
        return refusal_to_sign(decision).capacity
    return application.lead


def _lines(text: str, opening: str, what: str) -> str:
    """Return the lines of an addition, each with the punctuation of an act.

    Raises:
        RefusedError: a line does not begin as it must.
    """
    lines = sentences_of(text)
    for line in lines:
        if not line.startswith(opening):
            raise RefusedError(
                f"Un {what} commence par « {opening.strip()} » : « {line[:60]} ». Rien n’a été enregistré."
            )
    return "\n".join(line.rstrip(f" .;{NBSP}") + " ;" for line in lines)
