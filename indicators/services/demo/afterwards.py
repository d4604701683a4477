"""What follows a label in the demonstration: visits, attestations, suspensions, ends, an appeal; on invented places only."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import cycle

from django.db import transaction

from indicators.services.demo.files import STANDS_AT
from indicators.services.demo.people import Team, account_email
from indicators.services.demo.scenario import HOME
from labelling.choices import AppealKind, ApplicationState, EndingAct, MembershipRole, VisitConclusion, VisitReason
from labelling.models import Appeal, Application, Baseline, EndingGround, Label, Membership
from labelling.models.endings import LabelAct
from labelling.services.additionality import declare_baseline, supply_known
from labelling.services.appeals import lodge_appeal
from labelling.services.attestations import attest, criteria_of, expected
from labelling.services.endings import propose_ending_on_request
from labelling.services.label_acts import read_act
from labelling.services.procedures import open_procedure
from labelling.services.suspension_grounds import enter_ground
from labelling.services.suspensions import Terms, propose_lifting, propose_suspension, suspension_grounds
from labelling.services.visits import Report, Seen, answer_report, plan_visit, send_report, write_report
from territories.choices import AuthorityKind
from territories.models import Departement, Mandate
from territories.services.decisions import sign_decision

DAY = timedelta(days=1)
OLD_ENOUGH = timedelta(days=100)
"""A label is followed once it had time to live."""

SAID = ("", "Le Dr B est parti le 30 septembre 2026 ; un remplaçant assure ses consultations (départ inventé).")
"""What the holders say in turn of the presence of doctors: nothing changed, or something did."""


@dataclass(frozen=True, slots=True)
class Followed:
    """A label of an invented place, its owner, and who acts on it."""

    label: Label
    owner: Membership
    team: Team

    @property
    def agent(self) -> Mandate:
        """Who acts for the ARS."""
        return self.team.agents[AuthorityKind.ARS]


def enter_demo_ground(national: Mandate) -> None:
    """Enter the invented text on which the demonstration suspends a label; entered already, nothing is done."""
    if not suspension_grounds(STANDS_AT.date()).exists():
        enter_ground(
            title="La sécurité des soins n’est plus assurée (motif inventé)",
            source="texte inventé pour la démonstration : aucun texte ne prévoit à ce jour la suspension d’un label",
            articles="son article inventé",
            reason="que, dans cette démonstration, le label peut être suspendu quand la sécurité des soins n’est plus assurée",
            help_text="Pour la démonstration seulement.",
            adversarial=False,
            since=(STANDS_AT - 300 * DAY).date(),
            mandate=national,
            at=STANDS_AT - 300 * DAY,
        )


@transaction.atomic
def follow_labels(departement: Departement, team: Team) -> None:
    """Follow the labels of the invented places of a département; followed already, nothing is done."""
    if Baseline.objects.filter(label__departement=departement).exists():
        return
    rows = _followed(departement, team)
    if not rows:
        return
    everyone = rows[:]
    lives: tuple[Life, ...]
    if departement.pk == HOME:
        shown = next((row for row in rows if row.owner.user.email == account_email("owner_label")), None)
        if shown is not None:
            rows.remove(shown)
            _visited(shown)
        _appeal(departement)
        lives = _AT_HOME
    else:
        # One life by département, in turn with its code: all of them are somewhere.
        lives = (_ELSEWHERE[sum(map(ord, departement.pk)) % len(_ELSEWHERE)],)
    old = [row for row in rows if row.label.valid.lower <= (STANDS_AT - OLD_ENOUGH).date()]
    for life, row in zip(lives, old, strict=False):
        life(row)
    # The acts of each label come in the order of their dates: these are the last.
    _declare(everyone[0])
    for row, said in zip(everyone, cycle(SAID)):
        _attest(row, said)


def _followed(departement: Departement, team: Team) -> list[Followed]:
    labels = (
        Label.objects.in_force(STANDS_AT.date())
        .published()
        .filter(departement=departement, structure__fictional=True)
        .select_related("structure__commune", "departement", "decision", "application__specification")
        .defer("decision__pdf")
        .order_by("valid", "pk")
    )
    owners = Membership.objects.filter(role=MembershipRole.OWNER, ended_at__isnull=True).select_related("user")
    found = {row.structure_id: row for row in owners.filter(structure__in=labels.values("structure"))}
    return [Followed(label, found[label.structure_id], team) for label in labels]


# Said by the holder ---------------------------------------------------------------------------------------------------


def _declare(row: Followed) -> None:
    before: dict[str, Decimal | None] = dict(supply_known(row.label))
    if before["hours"] is not None:
        before["hours"] -= 4
    before["other"] = None
    declare_baseline(label=row.label, membership=row.owner, before=before, at=STANDS_AT - 3 * DAY)


def _attest(row: Followed, change: str) -> None:
    """Attest when the holder may; the shown account does it by itself."""
    at = STANDS_AT - DAY
    due = expected(row.label, on=at.date())
    if due is None or at.date() not in row.label.valid or row.owner.user.email == account_email("owner_label"):
        return
    statements = {criterion.code: "" for criterion in criteria_of(row.label)}
    if change:
        statements["presence-medicale"] = change
    attest(label=row.label, membership=row.owner, statements=statements, supply=supply_known(row.label), due=due, at=at)


# Visits ---------------------------------------------------------------------------------------------------------------


def _visit(row: Followed, at: datetime, *, conclusion: str, correct_before: datetime | None = None) -> None:
    seen = {
        criterion.code: Seen("met", "Constaté sur place (visite inventée).") for criterion in criteria_of(row.label)
    }
    if correct_before is not None:
        seen["cinq-jours-sur-sept"] = Seen("not_met", "Porte close le mercredi après-midi, sans affichage.")
    agents = [row.agent, row.team.agents[AuthorityKind.PREFECTURE]]
    visit = plan_visit(
        label=row.label,
        reason=VisitReason.SAMPLE,
        planned_date=(at + 7 * DAY).date(),
        agents=agents,
        mandate=row.agent,
        at=at,
    )
    report = Report(
        visited_date=(at + 7 * DAY).date(),
        seen=seen,
        conclusion=conclusion,
        correct_before=correct_before.date() if correct_before else None,
    )
    write_report(visit=visit, report=report, mandate=row.agent, version=visit.version, at=at + 8 * DAY)
    send_report(visit=visit, mandate=row.agent, version=visit.version, at=at + 9 * DAY)
    if correct_before is not None:
        answer_report(
            visit=visit,
            membership=row.owner,
            answer="L’accueil du mercredi après-midi reprend le 1er décembre ; l’affichage est corrigé.",
            version=visit.version,
            at=at + 12 * DAY,
        )


def _visited(row: Followed) -> None:
    _visit(row, STANDS_AT - 20 * DAY, conclusion=VisitConclusion.COMPLIANT)


def _to_correct(row: Followed) -> None:
    _visit(row, STANDS_AT - 25 * DAY, conclusion=VisitConclusion.TO_CORRECT, correct_before=STANDS_AT + 10 * DAY)


def _planned(row: Followed) -> None:
    plan_visit(
        label=row.label,
        reason=VisitReason.SAMPLE,
        planned_date=(STANDS_AT + 4 * DAY).date(),
        agents=[row.agent],
        mandate=row.agent,
        at=STANDS_AT - 6 * DAY,
    )


# Acts on the label ----------------------------------------------------------------------------------------------------


def _sign_and_read(row: Followed, act: LabelAct, at: datetime) -> None:
    for rank, mandate in enumerate(row.team.signatories.values()):
        sign_decision(
            decision=act.decision, mandate=mandate, content_hash=act.decision.content_hash, at=at + (rank + 1) * DAY
        )
    act.refresh_from_db()
    read_act(act=act, membership=row.owner, at=at + 4 * DAY)
    row.label.refresh_from_db()


def _suspend(row: Followed, at: datetime) -> None:
    terms = Terms(
        facts="Depuis la panne du 3 octobre 2026, la stérilisation n’est plus assurée (faits inventés)",
        expected="transmettre le rapport de remise en service de la stérilisation",
        effect_date=(at + 6 * DAY).date(),
        review_date=(at + 60 * DAY).date(),
    )
    ground = suspension_grounds(at.date()).first()
    act = propose_suspension(
        label=row.label, ground=ground, terms=terms, mandate=row.agent, version=row.label.version, at=at
    )
    _sign_and_read(row, act, at)


def _suspended(row: Followed) -> None:
    _suspend(row, STANDS_AT - 40 * DAY)


def _lifted(row: Followed) -> None:
    _suspend(row, STANDS_AT - 90 * DAY)
    at = STANDS_AT - 45 * DAY
    act = propose_lifting(
        label=row.label,
        facts="Le rapport de remise en service a été transmis (faits inventés)",
        effect_date=None,
        mandate=row.agent,
        version=row.label.version,
        at=at,
    )
    _sign_and_read(row, act, at)


def _ended(row: Followed) -> None:
    at = STANDS_AT - 60 * DAY
    act = propose_ending_on_request(
        label=row.label,
        ground=EndingGround.objects.get(code="demande-du-titulaire"),
        mandate=row.agent,
        facts="La structure, qui cesse son activité, a demandé la fin de son label (demande inventée)",
        effect_date=(STANDS_AT - 30 * DAY).date(),
        version=row.label.version,
        at=at,
    )
    _sign_and_read(row, act, at)


def _considered(row: Followed) -> None:
    at = STANDS_AT - 5 * DAY
    open_procedure(
        label=row.label,
        ground=EndingGround.objects.get(code="condition-non-remplie", act=EndingAct.ABROGATE),
        facts="Le poste de médecin est vacant depuis le 1er septembre 2026 (faits inventés)",
        effect_date=(STANDS_AT + 60 * DAY).date(),
        deadline=(STANDS_AT + 15 * DAY).date(),
        mandate=row.agent,
        version=row.label.version,
        at=at,
    )


Life = Callable[[Followed], None]
_AT_HOME: tuple[Life, ...] = (_suspended, _to_correct, _considered, _planned)
_ELSEWHERE: tuple[Life, ...] = (_to_correct, _lifted, _considered, _ended, _planned, _suspended)


def _appeal(departement: Departement) -> None:
    """Lodge an appeal against the refusal of an invented place, this morning."""
    refused = Application.objects.filter(
        departement=departement, state=ApplicationState.REFUSED, structure__fictional=True, appeals__isnull=True
    )
    file = refused.select_related("departement", "structure").order_by("pk").first()
    if file is None or Appeal.objects.filter(kind=AppealKind.GRACIEUX, application__departement=departement).exists():
        return
    owner = Membership.objects.select_related("user").get(structure=file.structure_id, role=MembershipRole.OWNER)
    lodge_appeal(
        application=file,
        membership=owner,
        text="Le poste vacant est pourvu depuis le 2 novembre 2026 : le contrat est joint au dossier (recours inventé).",
        version=file.version,
        at=STANDS_AT - timedelta(minutes=20),
    )
