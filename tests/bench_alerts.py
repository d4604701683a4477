"""Speed of the alerts of registers on 5 000 labels in force, of which a few are contradicted; invented, and rolled back."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import cycle
from typing import Any

from django.test import Client
from django.utils import timezone

from francesante.lib.canonical import canonical_json, sha256_hex
from labelling.choices import ApplicationState as State
from labelling.choices import Register
from labelling.models import Application, Label, RegisterLine, Structure
from labelling.rules.answers import parse
from labelling.services.alerts import alerts_in
from territories.choices import DecisionKind, DecisionState, Subject
from territories.models import Decision, Mandate, Signature
from tests.measuring import Measure, measure

LABELS = 5_000
AGREED = {"doctors": 2, "nurses": 1, "open_days": 5, "sector": "1", "pdsa": True}
FACTS: Sequence[Mapping[str, Any]] = [AGREED] * 17 + [
    {**AGREED, "sector": "2"},
    {**AGREED, "nurses": 0},
    {**AGREED, "pdsa": False},
]
"""What registers say, in turn: one label in seven is contradicted."""
ROUNDS = 5


def measure_alerts(files: Sequence[Application], signatories: Mapping[str, Mandate], browser: Client) -> list[Measure]:
    """Label files that are under review, and look for alerts as the pages do, with ``browser`` of the national team."""
    files = [file for file in files if file.state == State.UNDER_REVIEW][:LABELS]
    _labels(files, signatories)
    today = timezone.localdate()
    labels = Label.objects.all()
    running = labels.in_force(today).published()
    detail = f"{running.count()} labels en vigueur, {len(alerts_in(labels, on=today))} alertes"

    def all_answers() -> None:
        for label in running.select_related("application"):
            parse(label.application.answers)

    def page() -> None:
        assert browser.get("/labels/alertes/").status_code == 200

    return [
        measure(
            "Alertes des registres, nation",
            detail,
            {
                "alerts_in": lambda: alerts_in(labels, on=today),
                "lire toutes les réponses, sans rien comparer": all_answers,
            },
            ROUNDS,
        ),
        measure("Page des alertes, nation", detail, {"/labels/alertes/": page}, ROUNDS),
    ]


def _labels(files: Sequence[Application], signatories: Mapping[str, Mandate]) -> None:
    now, today = timezone.now(), timezone.localdate()
    facts = cycle(FACTS)
    lines = RegisterLine.objects.bulk_create(
        RegisterLine(
            register=Register.AMELI,
            number=f"M{number:08}",
            name=file.structure.name,
            sort_key=file.structure.sort_key,
            commune_id=file.structure.commune_id,
            facts=next(facts),
            as_of=today - timedelta(days=30),
        )
        for number, file in enumerate(files)
    )
    for file, line in zip(files, lines, strict=True):
        file.structure.register_line = line
    Structure.objects.bulk_update([file.structure for file in files], ["register_line"], batch_size=1000)
    content = canonical_json({"title": "mesure"})
    decisions = Decision.objects.bulk_create(
        Decision(
            kind=DecisionKind.LABEL_GRANTED,
            subject_type=Subject.APPLICATION,
            subject_id=file.pk,
            departement_id=file.departement_id,
            title="mesure",
            content=content,
            content_hash=sha256_hex(content),
            required=list(signatories),
            proposed_at=now,
        )
        for file in files
    )
    Signature.objects.bulk_create(
        Signature(
            decision=decision,
            capacity=capacity,
            user=mandate.user,
            mandate=mandate,
            content_hash=decision.content_hash,
            signatory_name="mesure",
            signatory_title="mesure",
            signed_at=now,
        )
        for decision in decisions
        for capacity, mandate in signatories.items()
    )
    keys = [decision.pk for decision in decisions]
    Decision.objects.filter(pk__in=keys).update(state=DecisionState.SIGNED, signed_at=now)
    for file, decision in zip(files, decisions, strict=True):
        file.state, file.decision = State.LABELLED, decision
    Application.objects.bulk_update(files, ["state", "decision"], batch_size=1000)
    Label.objects.bulk_create(
        Label(
            number=f"LFS-{file.departement_id}-{90_000 + number}",
            structure=file.structure,
            application=file,
            decision=decision,
            departement_id=file.departement_id,
            valid=(today - timedelta(days=100), today + timedelta(days=900)),
            notified_at=now,
        )
        for number, (file, decision) in enumerate(zip(files, decisions, strict=True))
    )
