"""The texts that found a suspension, entered by the national team: without one, no label may be suspended."""

from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.models import Max, QuerySet

from francesante.lib.french import long_date
from francesante.lib.workflow import RefusedError
from labelling.choices import EndingAct
from labelling.models import EndingGround
from labelling.rules.clock import local_day
from labelling.services.specifications import require_national
from territories.choices import Subject
from territories.models import Mandate
from territories.services.events import lock, record_event

PARIS = "Europe/Paris"


def all_suspension_grounds() -> QuerySet[EndingGround]:
    """Return every ground ever entered for a suspension, the latest first."""
    return EndingGround.objects.filter(act=EndingAct.SUSPEND).order_by("-valid", "-pk")


@transaction.atomic
def enter_ground(
    *,
    title: str,
    source: str,
    articles: str,
    reason: str,
    help_text: str,
    adversarial: bool,
    since: date,
    mandate: Mandate,
    at: datetime,
) -> EndingGround:
    """Enter a text that founds the suspension of a label, applicable from a day on.

    Raises:
        RefusedError: not the national team, or a part is missing.
    """
    require_national(mandate, at=at)
    said = {"title": title, "source": source, "articles": articles, "reason": reason, "help_text": help_text}
    said = {name: " ".join(text.split()) for name, text in said.items()}
    if not all(said.values()):
        raise RefusedError("Chaque partie est nécessaire : l’acte cite le texte, ses articles et son motif.")
    last = EndingGround.objects.aggregate(rank=Max("position"))["rank"] or 0
    ground = EndingGround.objects.create(
        code=f"suspension-{last + 1}",
        position=last + 1,
        act=EndingAct.SUSPEND,
        adversarial=adversarial,
        valid=DateRange(since, None),
        **{**said, "reason": said["reason"].rstrip(".; ")},
    )
    _record(ground, "create", mandate, at=at, since=since.isoformat(), adversarial=adversarial)
    return ground


@transaction.atomic
def end_ground(*, ground: EndingGround, last_day: date, mandate: Mandate, at: datetime) -> EndingGround:
    """Close a text to new suspensions after a day; those in progress go on.

    Raises:
        RefusedError: not the national team, already closed, or a day before its first one or in the past.
    """
    require_national(mandate, at=at)
    current = lock(ground)
    if current.act != EndingAct.SUSPEND or current.valid.upper is not None:
        raise RefusedError("Ce texte est déjà clos, ou ne fonde pas de suspension.")
    least = max(current.valid.lower, local_day(at, PARIS))
    if last_day < least:
        raise RefusedError(f"Le dernier jour est au plus tôt le {long_date(least)} : ce qui est passé ne change pas.")
    valid = DateRange(current.valid.lower, last_day + timedelta(days=1))
    EndingGround.objects.filter(pk=current.pk).update(valid=valid)
    _record(current, "end", mandate, at=at, last=last_day.isoformat())
    current.refresh_from_db()
    return current


def _record(ground: EndingGround, action: str, mandate: Mandate, *, at: datetime, **data: str | bool) -> None:
    record_event(subject_type=Subject.GROUND, subject_id=ground.pk, action=action, actor=mandate, at=at, data={**data})
