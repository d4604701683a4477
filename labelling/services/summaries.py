"""What a signatory sees at a glance of the decisions on files and labels, in the parapheur: a constant number of queries."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from francesante.lib.french import plural, short_date
from labelling.choices import Verdict
from labelling.models import Appeal, Application, CriterionAssessment, Label, Quota
from labelling.rules.clock import appeal_silence, days_left, local_day
from labelling.services.clocks import clock_of
from territories.choices import DecisionKind, Subject
from territories.models import Decision
from territories.services.decisions import Summary

_HELD = frozenset({Verdict.MET.label.capitalize(), Verdict.NOT_APPLICABLE.label.capitalize()})
"""Words of the signed content for a criterion that does not stand in the way."""


def summaries(decisions: Sequence[Decision], at: datetime) -> Mapping[int, Summary]:
    """Return the summary of each decision on a file, by its key."""
    rows = Application.objects.select_related("departement", "wave", "structure__commune").prefetch_related("requests")
    files = rows.in_bulk([row.subject_id for row in decisions if row.subject_type == Subject.APPLICATION])
    gaps, quotas = _gaps(files), _quotas(files)
    return {
        row.pk: Summary(
            about=about(file),
            criteria=_criteria(row),
            gaps=gaps[file.pk],
            place=_place(quotas.get(file.pk)) if row.kind == DecisionKind.LABEL_GRANTED else "",
            deadline=(clock := clock_of(file, today=local_day(at, file.departement.timezone))),
            due=file.silence_date if clock else None,
        )
        for row in decisions
        if row.subject_type == Subject.APPLICATION and (file := files.get(row.subject_id))
    }


def label_summaries(decisions: Sequence[Decision], _at: datetime) -> Mapping[int, Summary]:
    """Return the summary of each decision on a label, by its key: which one it is about."""
    rows = Label.objects.select_related("application__structure__commune")
    labels = rows.in_bulk([row.subject_id for row in decisions if row.subject_type == Subject.LABEL])
    return {
        row.pk: Summary(about=about(label.application))
        for row in decisions
        if row.subject_type == Subject.LABEL and (label := labels.get(row.subject_id))
    }


def appeal_summaries(decisions: Sequence[Decision], at: datetime) -> Mapping[int, Summary]:
    """Return the summary of each answer to an appeal, by its key: what is contested, and by when it is answered."""
    rows = Appeal.objects.select_related("application__structure__commune", "application__departement")
    appeals = rows.in_bulk([row.subject_id for row in decisions if row.subject_type == Subject.APPEAL])
    found = {}
    for row in decisions:
        if row.subject_type == Subject.APPEAL and (appeal := appeals.get(row.subject_id)):
            until = appeal_silence(appeal.received_date)
            left = days_left(until, local_day(at, appeal.application.departement.timezone))
            passed = f"J-{left}" if left >= 0 else "Délai dépassé"
            found[row.pk] = Summary(
                about=f"{about(appeal.application)} · contre {appeal.against.label}",
                deadline=f"{passed} · recours réputé rejeté sans réponse le {short_date(until)}",
                due=until,
            )
    return found


def about(application: Application) -> str:
    """Return what tells a file from another of a structure of the same name."""
    return f"{application.structure.commune.name} · dossier {application.number}"


def _quotas(files: Mapping[int, Application]) -> dict[int, Quota]:
    """Return, by file, the quota that it counts in."""
    rows = Quota.objects.select_related("wave").filter(
        wave__in={file.wave_id for file in files.values()},
        departement__in={file.departement_id for file in files.values()},
    )
    found = {(row.wave_id, row.departement_id): row for row in rows}
    return {
        file.pk: found[file.wave_id, file.departement_id]
        for file in files.values()
        if file.wave_id is not None and (file.wave_id, file.departement_id) in found
    }


def _place(quota: Quota | None) -> str:
    if quota is None:
        return ""
    return f"vague {quota.wave.number} : {quota.used} label{plural(quota.used)}, cible {quota.target}"


def _criteria(decision: Decision) -> str:
    said = [row["verdict"] for row in json.loads(decision.content).get("criteria", [])]
    return f"{sum(verdict in _HELD for verdict in said)}/{len(said)}" if said else ""


def _gaps(files: Mapping[int, Application]) -> Counter[int]:
    """Count, by file, the criteria on which the two authorities do not say the same."""
    said: dict[tuple[int, int], set[str]] = {}
    rows = CriterionAssessment.objects.filter(application__in=files).values_list("application", "criterion", "verdict")
    for application, criterion, verdict in rows:
        said.setdefault((application, criterion), set()).add(verdict)
    return Counter(application for (application, _), verdicts in said.items() if len(verdicts) > 1)
