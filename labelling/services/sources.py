"""What a signatory may open beside a decision: the file, its answers, the label or the appeal, and the pieces."""

from collections.abc import Sequence

from django.urls import reverse

from francesante.lib.french import short_date
from labelling.models import Appeal, Application, Label
from territories.choices import DecisionKind
from territories.models import Decision
from territories.services.decisions import Source, read_beside


def sources_of_file(decision: Decision) -> Sequence[Source]:
    """Return what a decision on a file rests on."""
    return _of(Application.objects.get(pk=decision.subject_id))


def sources_of_label(decision: Decision) -> Sequence[Source]:
    """Return what the end of a label rests on."""
    label = Label.objects.select_related("application").get(pk=decision.subject_id)
    return [Source(label.get_absolute_url(), f"Le label {label.number}"), *_of(label.application)]


def sources_of_appeal(decision: Decision) -> Sequence[Source]:
    """Return what the answer to an appeal rests on."""
    application = Appeal.objects.select_related("application").get(pk=decision.subject_id).application
    return [Source(reverse("appeals", args=[application.number]), "Le recours et l’acte contesté"), *_of(application)]


def _of(application: Application) -> list[Source]:
    page = application.get_absolute_url()
    pieces = application.evidence.kept().select_related("criterion").order_by("criterion__position", "pk")
    return [
        Source(page, f"Le dossier {application.number}"),
        Source(f"{page}#reponses", "Toutes les réponses de la structure"),
        *(
            Source(
                reverse("evidence-file", args=[application.number, row.pk]) if row.is_readable else "",
                row.name,
                f"{row.criterion.title if row.criterion else 'tout le dossier'}, {short_date(row.document_date)}",
                is_piece=True,
            )
            for row in pieces
        ),
    ]


def register_sources() -> None:
    """Tell the page of a signature what each kind of decision rests on; called once, when the portal starts."""
    for kinds, sources in (
        ((DecisionKind.LABEL_GRANTED, DecisionKind.LABEL_REFUSED), sources_of_file),
        ((DecisionKind.LABEL_ABROGATED, DecisionKind.LABEL_WITHDRAWN), sources_of_label),
        ((DecisionKind.APPEAL_REJECTED, DecisionKind.APPEAL_ACCEPTED), sources_of_appeal),
    ):
        for kind in kinds:
            read_beside(kind, sources)
