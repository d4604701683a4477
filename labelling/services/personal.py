"""What a file says of people, table by table: erased with it, or kept and why.

Every text of every table that hangs on a file is in one list or the other: a test asks it of each new one. Tables that
nothing may change let exactly these erasures through (migration ``0011_whole_retention``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from django.db.models import Case, Expression, F, Func, JSONField, Model, Value, When

from labelling.models import (
    AdversarialProcedure,
    AlertSettlement,
    Amendment,
    AnswerRevision,
    Appeal,
    Application,
    Attestation,
    Closing,
    Concertation,
    CriterionAssessment,
    DraftAddition,
    Evidence,
    InformationRequest,
    Message,
    NationalAdvice,
    Note,
    Opinion,
    OpinionAnswer,
    ReasonsRequest,
    Suspension,
    Visit,
    VisitFinding,
)

ERASED = "[effacé]"
"""What takes the place of an erased text: a text that was there is not an empty one."""


def erased(field: str) -> Case:
    """Return what a text becomes."""
    return Case(When(**{field: ""}, then=Value("")), default=Value(ERASED))


def redacted(field: str) -> Func:
    """Return what answers become: without whom they name, and without what was written freely."""
    return Func(F(field), function="labelling_redacted", output_field=JSONField())


def erased_values(field: str) -> Func:
    """Return what an object of texts becomes, its keys kept."""
    return Func(F(field), function="labelling_erased_values", output_field=JSONField())


@dataclass(frozen=True, slots=True)
class Erased:
    """The fields of a table that are erased with a file, each with what it becomes; ``file`` leads from a row to its file."""

    model: type[Model]
    file: str
    fields: Mapping[str, Expression | Case | Func | str]


def _texts(model: type[Model], file: str, *fields: str) -> Erased:
    return Erased(model, file, {field: erased(field) for field in fields})


WITH_FILE = (
    Erased(AnswerRevision, "application", {"answers": redacted("answers"), "reason": erased("reason")}),
    _texts(InformationRequest, "application", "question", "reply"),
    _texts(Message, "application", "text"),
    _texts(Note, "application", "text"),
    _texts(CriterionAssessment, "application", "reason"),
    Erased(Opinion, "application", {"email": "", "question": ERASED}),
    _texts(OpinionAnswer, "opinion__application", "text"),
    _texts(Evidence, "application", "name"),
    _texts(Concertation, "application", "participants", "text"),
    _texts(NationalAdvice, "application", "text"),
    _texts(DraftAddition, "application", "visas", "reasons", "articles"),
    _texts(Closing, "application", "text"),
    _texts(Appeal, "application", "text", "answer"),
    _texts(ReasonsRequest, "application", "reasons"),
    _texts(AdversarialProcedure, "label__application", "facts", "letter", "answer"),
    _texts(Suspension, "label__application", "expected"),
    _texts(Visit, "label__application", "notes", "answer"),
    _texts(VisitFinding, "visit__label__application", "observed"),
    Erased(Attestation, "label__application", {"statements": erased_values("statements")}),
    Erased(
        AlertSettlement,
        "label__application",
        {"said": erased_values("said"), "sentence": erased("sentence"), "note": erased("note")},
    ),
    _texts(Amendment, "label__application", "reason"),
)
"""What is erased with a file, after its own answers. The acts that quote it are kept, as public archives are."""

KEPT: Mapping[str, str] = MappingProxyType(
    {
        "labelling.Application.number": "numéro du dossier",
        "labelling.Application.answers": "expurgées avec la marque de l’effacement",
        "labelling.AnswerDraft.answers": "la ligne est supprimée",
        "labelling.FieldValue.text": "la ligne est supprimée",
        "labelling.Label.number": "numéro public",
        "labelling.Amendment.before": "ce que le public lisait du lieu",
        "labelling.Amendment.after": "ce que le public lit du lieu",
        "labelling.Appeal.court": "juridiction",
        "labelling.Appeal.docket": "numéro public d’une affaire",
        "labelling.Evidence.sha256": "empreinte",
        "labelling.Document.sha256": "empreinte",
        "labelling.ProspectInvitation.email": "effacée plus tôt, avec les invitations",
        "labelling.BulkOutcome.sentence": "phrase du portail, oubliée après 30 jours",
        "funding.Grant.purpose": "objet que l’acte imprime",
        "funding.Payment.reference": "référence comptable",
    }
)
"""What stays of a file once it is purged, and why: by table and field."""


def erase_texts(application: Application) -> None:
    """Erase what the tables of a file say of people, set aside or not; the caller has marked the file as purged."""
    for one in WITH_FILE:
        rows = one.model._base_manager.filter(**{one.file: application})  # noqa: SLF001  # whatever a manager leaves out
        rows.update(**one.fields)
