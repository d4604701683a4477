"""The decision on a file: its text, its way to the signatories, and what the last signature does.

Rows are locked in one order: quota, application, decision, label (DESIGN §4.9).
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.models import F

from francesante.lib.canonical import sha256_hex
from francesante.lib.french import long_date, plural, typeset
from francesante.lib.workflow import RefusedError, StaleError, check
from labelling.choices import ApplicationState, CriterionKind, MembershipRole, Verdict
from labelling.documents.decision import render_act
from labelling.models import Application, Label, Membership, Quota
from labelling.rules.clock import local_day
from labelling.services.labels import create_label, publish_notified
from labelling.services.reviews import SHORT_NAMES, Line, other_capacity, require_reviewer, sheet
from labelling.workflow import TRANSITIONS
from territories.choices import AuthorityKind, Capacity, DecisionKind, DecisionState, NotificationChannel, Subject
from territories.models import Authority, Decision, Departement, Event, Mandate, Notification, User
from territories.services.decisions import effect, propose_decision
from territories.services.events import lock, perform, record_event, write
from territories.services.notifications import make_available, mark_read

WORDS = {1: "un an", 2: "deux ans", 3: "trois ans", 4: "quatre ans", 5: "cinq ans"}
LAW = "loi n° 2025-1403 du 30 décembre 2025"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What came of presenting a label: a decision, or a place on the waiting list and the sentence that says so."""

    decision: Decision | None
    sentence: str = ""


# Text -----------------------------------------------------------------------------------------------------------------


def authorities_of(departement: Departement) -> dict[str, Authority]:
    """Return the ARS and the préfecture of a département, by capacity; one that is not registered is absent."""
    found = Authority.objects.filter(kind=AuthorityKind.ARS, region=departement.region_id) | Authority.objects.filter(
        kind=AuthorityKind.PREFECTURE, departement=departement.pk
    )
    return {str(Capacity.ARS if row.kind == AuthorityKind.ARS else Capacity.PREFET): row for row in found}


def draft_content(application: Application, kind: DecisionKind, lines: list[Line]) -> dict[str, Any]:
    """Return the content that a decision on this file would have: what will be shown, hashed and signed."""
    structure, specification = application.structure, application.specification
    granted = kind == DecisionKind.LABEL_GRANTED
    authorities = authorities_of(application.departement)
    court = next((row.court for row in reversed(authorities.values()) if row.court), "")
    received = local_day(application.submitted_at, application.departement.timezone)  # type: ignore[arg-type]
    commitments = specification.criteria.filter(kind=CriterionKind.COMMITMENT).order_by("position")
    place = ", ".join(filter(None, [structure.address, f"{structure.postal_code} {structure.commune.name}".strip()]))
    sense = "portant attribution" if granted else "portant refus"
    return {
        "kind": str(kind),
        "title": f"Arrêté conjoint {sense} du label France Santé : {structure.name}",
        "departement": {"code": application.departement_id, "name": application.departement.name},
        "authorities": [
            {
                "capacity": capacity,
                "name": row.name,
                "service": row.service,
                "address": row.address,
                "phone": row.phone,
                "court": row.court,
            }
            for capacity, row in sorted(authorities.items())
        ],
        "application": {"number": application.number, "received_on": received.isoformat()},
        "structure": {
            "name": structure.name,
            "kind": structure.get_kind_display(),
            "finess": structure.finess or "",
            "address": place,
            "commune": structure.commune_id,
        },
        "specification": {"version": specification.version, "title": specification.title},
        "visas": _typeset(_visas(application, received)),
        "reasons": _typeset(_reasons(application, kind, lines)),
        "articles": _numbered(
            _granted_articles(application, place, [row.title for row in commitments], court)
            if granted
            else _refused_articles(application, place, court)
        ),
        "criteria": [
            {
                "code": line.criterion.code,
                "title": line.criterion.title,
                "verdict": _capital(line.agreed.get_verdict_display()) if line.agreed else "",
                "reason": line.agreed.reason if line.agreed else "",
            }
            for line in lines
        ],
        "effect": {"starts": "last_signature", "years": settings.LABEL_YEARS} if granted else {},
        "remedies": {"months": 2, "court": court},
    }


def _typeset(sentences: list[str]) -> list[str]:
    return [typeset(sentence) for sentence in sentences]


def _numbered(articles: list[str]) -> list[str]:
    return [
        typeset(f"Article {'1er' if rank == 1 else rank}. {article}") for rank, article in enumerate(articles, start=1)
    ]


def _visas(application: Application, received: date) -> list[str]:
    specification = application.specification
    published = f", publié le {long_date(specification.published_at)}" if specification.published_at else ""
    return [
        "Vu le code de la santé publique ;",
        "Vu le code des relations entre le public et l’administration, notamment ses articles L. 211-2 et L. 212-1 ;",
        f"Vu la {LAW}, notamment son article 63 ;",
        f"Vu le cahier des charges du label France Santé, version {specification.version}{published} ;",
        (
            f"Vu la demande n° {application.number} présentée pour {application.structure.name}, reçue le "
            f"{long_date(received)} ;"
        ),
    ]


def _reasons(application: Application, kind: DecisionKind, lines: list[Line]) -> list[str]:
    version = application.specification.version
    sentences = []
    for line in lines:
        if line.agreed is None:
            continue
        title, reason = line.criterion.title, line.agreed.reason.strip().rstrip(".;")
        match line.agreed.verdict:
            case Verdict.MET:
                said = f"est rempli : {_lower(reason)}" if reason else "est rempli"
            case Verdict.NOT_APPLICABLE:
                said = f"est sans objet pour cette structure : {_lower(reason)}" if reason else "est sans objet"
            case _:
                said = f"n’est pas rempli. Le texte demande : « {line.criterion.text.rstrip('.')} ». {reason}"
        sentences.append(f"Considérant que le critère {line.criterion.position} (« {title} ») {said} ;")
    if kind == DecisionKind.LABEL_GRANTED:
        sentences.append(
            f"Considérant que la structure remplit ainsi les critères du cahier des charges {version} et a souscrit ses "
            "engagements ;"
        )
    else:
        missing = sum(1 for line in lines if line.agreed and line.agreed.verdict == Verdict.NOT_MET)
        sentences.append(
            f"Considérant que {missing} critère{plural(missing)} sur {len(lines)} du cahier des charges {version} "
            f"{'ne sont pas remplis' if missing > 1 else 'n’est pas rempli'} à ce jour ;"
        )
    return sentences


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def _named(application: Application, place: str) -> str:
    finess = f" (FINESS {application.structure.finess})" if application.structure.finess else ""
    return f"{application.structure.name}, {place}{finess}"


def _granted_articles(application: Application, place: str, commitments: list[str], court: str) -> list[str]:
    held = " ; ".join(_lower(title) for title in commitments)
    return [
        f"Le label France Santé est accordé à {_named(application, place)}.",
        (
            "Il prend effet à la date du présent arrêté, qui est celle de la dernière signature, pour une durée de "
            f"{WORDS.get(settings.LABEL_YEARS, f'{settings.LABEL_YEARS} ans')}."
        ),
        (
            f"La structure tient les engagements qu’elle a souscrits : {held}. Elle signale sans délai tout changement qui "
            "touche un critère."
        ),
        *_last_articles(court),
    ]


def _refused_articles(application: Application, place: str, court: str) -> list[str]:
    return [
        f"Le label France Santé n’est pas accordé à {_named(application, place)}.",
        (
            "Cette décision porte sur un socle de services à une date donnée, non sur la qualité des soins. Une nouvelle "
            "demande peut être présentée à tout moment."
        ),
        *_last_articles(court),
    ]


def _last_articles(court: str) -> list[str]:
    where = f"le {court}" if court else "le tribunal administratif compétent"
    return [
        (
            "Le présent arrêté est notifié à la structure. Dans les deux mois suivant cette notification, il peut faire l’objet "
            f"d’un recours gracieux adressé aux signataires ou d’un recours devant {where}, notamment par Télérecours "
            "citoyens (www.telerecours.fr). Un recours gracieux formé dans ce délai le prolonge."
        ),
        (
            "Les services de l’agence régionale de santé et de la préfecture sont chargés, chacun en ce qui le concerne, de "
            "l’exécution du présent arrêté, qui est publié au recueil des actes administratifs."
        ),
    ]


# Proposal -------------------------------------------------------------------------------------------------------------


def sense_of(lines: list[Line]) -> DecisionKind | None:
    """Return the sense that the agreed assessment leads to, or nothing while it is not whole."""
    verdicts = [line.agreed.verdict if line.agreed else None for line in lines]
    if any(verdict is None or verdict == Verdict.TO_CLARIFY for verdict in verdicts):
        return None
    return DecisionKind.LABEL_REFUSED if Verdict.NOT_MET in verdicts else DecisionKind.LABEL_GRANTED


def propose_label(*, application: Application, mandate: Mandate, version: int, at: datetime) -> Proposal:
    """Offer a label to signature and reserve its place; when the ceiling is full, the file goes to the waiting list.

    Raises:
        RefusedError: not the lead, not endorsed, the authorities differ, a criterion is not met, or a label is in force.
        StaleError: the file changed since ``version``.
    """
    return _propose(DecisionKind.LABEL_GRANTED, application, mandate, version=version, at=at)


def propose_refusal(*, application: Application, mandate: Mandate, version: int, at: datetime) -> Proposal:
    """Offer a reasoned refusal to signature.

    Raises:
        RefusedError: not the lead, not endorsed, the authorities differ, or every criterion is met (a full ceiling is
            never a ground).
        StaleError: the file changed since ``version``.
    """
    return _propose(DecisionKind.LABEL_REFUSED, application, mandate, version=version, at=at)


@transaction.atomic
def _propose(kind: DecisionKind, application: Application, mandate: Mandate, *, version: int, at: datetime) -> Proposal:
    capacity = require_reviewer(application, mandate, at=at)
    quota = _locked_quota(application)
    current = lock(application)
    if current.version != version:
        raise StaleError
    check(TRANSITIONS, "propose", state=current.state, hat=mandate.hat, row=current)
    if capacity != current.lead:
        raise RefusedError("Le projet de décision est présenté par l’autorité chef de file.")
    lines = sheet(current)
    _require_sense(kind, lines, current)
    if kind == DecisionKind.LABEL_GRANTED:
        _require_no_label(current, at=at)
        if quota and (sentence := _full(quota, current)):
            _wait(application, mandate, version=version, at=at)
            return Proposal(None, sentence or "")
    decision = propose_decision(
        kind=kind,
        subject_type=Subject.APPLICATION,
        subject_id=current.pk,
        departement=current.departement,
        title=f"{'Labellisation' if kind == DecisionKind.LABEL_GRANTED else 'Refus du label'} : {current.structure.name}",
        content=draft_content(current, kind, lines),
        mandate=mandate,
        at=at,
    )
    reserves = quota if kind == DecisionKind.LABEL_GRANTED else None
    if reserves:
        Quota.objects.filter(pk=reserves.pk).update(reserved=F("reserved") + 1)
    perform(
        application,
        "propose",
        table=TRANSITIONS,
        subject_type=Subject.APPLICATION,
        actor=mandate,
        at=at,
        version=version,
        data={"decision": decision.pk, "kind": str(kind), "quota": reserves.pk if reserves else None},
        decision=decision,
        waiting_since=None,
    )
    return Proposal(decision)


def _require_sense(kind: DecisionKind, lines: list[Line], application: Application) -> None:
    if different := [line for line in lines if line.differs]:
        line = different[0]
        lead, other = SHORT_NAMES[Capacity(application.lead)], SHORT_NAMES[other_capacity(application)]
        raise RefusedError(
            typeset(
                f"Les deux autorités diffèrent sur le critère {line.criterion.position}, {line.criterion.title} "
                f"({lead} : {_verdict(line.lead)} ; {other} : {_verdict(line.other)}). Accordez-vous, puis présentez "
                "la décision."
            )
        )
    sense = sense_of(lines)
    if sense is None:
        raise RefusedError("Chaque critère doit être apprécié, et aucun rester à préciser, avant de décider.")
    if sense == kind:
        return
    if kind == DecisionKind.LABEL_GRANTED:
        raise RefusedError("Un critère au moins n’est pas rempli : le label ne peut pas être présenté à la signature.")
    raise RefusedError(
        "Un refus demande un motif : aucun critère n’est apprécié comme non rempli. Un plafond atteint n’est pas un motif."
    )


def _verdict(assessment: Any) -> str:
    return str(assessment.get_verdict_display())


def _require_no_label(application: Application, *, at: datetime) -> None:
    day = local_day(at, application.departement.timezone)
    labels = Label.objects.filter(structure=application.structure_id, withdrawn_at__isnull=True)
    if standing := labels.filter(valid__overlap=DateRange(day, None)).first():
        raise RefusedError(
            f"Cette structure porte déjà le label {standing.number}. Deux labels ne peuvent pas être valides à la fois."
        )


# Places ---------------------------------------------------------------------------------------------------------------


def quota_of(application: Application) -> Quota | None:
    """Return the quota that a file counts in: its wave's in its département."""
    return Quota.objects.filter(wave=application.wave_id, departement=application.departement_id).first()


def rank(application: Application) -> int:
    """Return the rank of a file on the waiting list of its wave and département; for one not on it, its rank to come."""
    return _ahead(application) + 1


def _waiting(application: Application) -> Any:
    return Application.objects.filter(
        wave=application.wave_id,
        departement=application.departement_id,
        waiting_since__isnull=False,
        state=ApplicationState.UNDER_REVIEW,
    ).exclude(pk=application.pk)


def _ahead(application: Application) -> int:
    waiting = _waiting(application)
    if application.waiting_since is not None:
        waiting = waiting.filter(waiting_since__lt=application.waiting_since)
    return int(waiting.count())


def _locked_quota(application: Application) -> Quota | None:
    """Lock the quota of a file: the first lock of every act that moves a place."""
    return (
        Quota.objects.select_for_update(of=("self",))
        .filter(wave=application.wave_id, departement=application.departement_id)
        .first()
    )


def _full(quota: Quota, application: Application) -> str | None:
    """Return the sentence that says why no place is left for this file, or nothing.

    A place that comes free goes to the file that has waited longest: a newcomer passes only if more places are free
    than files wait.
    """
    if quota.ceiling is None:
        return None
    taken = quota.reserved + quota.used
    free, ahead = quota.ceiling - taken, _ahead(application)
    if free > ahead:
        return None
    s = plural(quota.used)
    if free <= 0:
        first = (
            f"Plafond atteint : {taken} places sur {quota.ceiling} ({quota.used} label{s}, {quota.reserved} "
            f"réservée{plural(quota.reserved)})."
        )
    else:
        first = f"Il reste {free} place{plural(free)}, attendue{plural(free)} par {ahead} dossier{plural(ahead)} plus anciens."
    return typeset(
        f"{first} Ce n’est pas un motif de refus : le dossier entre en liste d’attente, rang {ahead + 1}. L’équipe "
        "nationale peut relever ce plafond par un acte motivé."
    )


def _wait(application: Application, mandate: Mandate, *, version: int, at: datetime) -> None:
    if application.waiting_since is not None:
        return
    write(application, version=version, waiting_since=at)
    record_event(
        subject_type=Subject.APPLICATION,
        subject_id=application.pk,
        action="wait",
        actor=mandate,
        at=at,
        from_state=application.state,
        to_state=application.state,
    )


def _reservation(application: Application) -> int | None:
    """Return the quota on which the proposal in progress reserved a place, as its event says."""
    proposed = Event.objects.about(Subject.APPLICATION, application.pk).filter(action="propose").last()
    return proposed.data.get("quota") if proposed else None


def _release(application: Application, *, used: int) -> None:
    if quota := _reservation(application):
        Quota.objects.filter(pk=quota).update(reserved=F("reserved") - 1, used=F("used") + used)


# Effects --------------------------------------------------------------------------------------------------------------


def _subject(decision: Decision) -> Application:
    return Application.objects.get(pk=decision.subject_id)


def _lock_rows(decision: Decision) -> None:
    application = _subject(decision)
    _locked_quota(application)
    lock(application)


def _granted(decision: Decision, at: datetime) -> None:
    application = _subject(decision)
    _release(application, used=1)
    create_label(application=application, decision=decision, at=at)
    _conclude(application, "grant", decision, at=at)
    _offer(application, decision, at=at)


def _refused(decision: Decision, at: datetime) -> None:
    application = _subject(decision)
    _release(application, used=0)
    _conclude(application, "refuse", decision, at=at)
    _offer(application, decision, at=at)


def _declined(decision: Decision, at: datetime) -> None:
    application = _subject(decision)
    _release(application, used=0)
    _conclude(application, "disagree", None, at=at)


def _conclude(application: Application, action: str, decision: Decision | None, *, at: datetime) -> None:
    perform(
        application,
        action,
        table=TRANSITIONS,
        subject_type=Subject.APPLICATION,
        actor=None,
        at=at,
        data={"decision": decision.pk if decision else None},
        decision=decision,
    )


def register_effects() -> None:
    """Tell the joint decision what a label granted or refused does to its file; called once, when the portal starts."""
    effect(DecisionKind.LABEL_GRANTED, signed=_granted, declined=_declined, locks=_lock_rows)
    effect(DecisionKind.LABEL_REFUSED, signed=_refused, declined=_declined, locks=_lock_rows)


# Notification ---------------------------------------------------------------------------------------------------------


def _offer(application: Application, decision: Decision, *, at: datetime) -> None:
    """Put a signed decision at the disposal of the structure's owners, who accepted to be notified in the portal."""
    if application.notification_consent:
        for user in owners(application):
            make_available(decision=decision, recipient=user, channel=NotificationChannel.PORTAL, at=at)


def owners(application: Application) -> list[User]:
    """Return the people who answer for the structure of a file."""
    members = Membership.objects.filter(
        structure=application.structure_id, role=MembershipRole.OWNER, ended_at__isnull=True, user__is_active=True
    )
    return [member.user for member in members.select_related("user").order_by("pk")]


@transaction.atomic
def read_decision(*, application: Application, membership: Membership, at: datetime) -> Notification:
    """Record that an owner reads the decision: this is its notification, and the label may be published.

    Raises:
        RefusedError: the reader is not an owner of the structure, or no decision was put at their disposal.
    """
    if membership.structure_id != application.structure_id or membership.role != MembershipRole.OWNER:
        raise RefusedError(
            "La décision est notifiée au responsable de la structure : dès qu’il l’aura lue, vous pourrez la lire aussi."
        )
    decision = application.decision
    if decision is None or decision.state != DecisionState.SIGNED or not application.notification_consent:
        raise RefusedError("Aucune décision n’est à lire ici pour ce dossier.")
    # An owner who joined since then reads it too: their own notification is dated of their own reading.
    notification = make_available(
        decision=decision, recipient=membership.user, channel=NotificationChannel.PORTAL, at=at, actor=membership
    )
    notification = mark_read(notification=notification, at=at, actor=membership)
    publish_notified(at=at, decision=decision)
    return notification


@transaction.atomic
def record_letter(
    *, application: Application, mandate: Mandate, received_on: date, version: int, at: datetime
) -> Application:
    """Record the day on which the registered letter with the decision was received: its notification.

    Raises:
        RefusedError: the mandate may not, no signed decision, or a day before the act or still to come.
        StaleError: the file changed since ``version``.
    """
    require_reviewer(application, mandate, at=at)
    current = lock(application)
    if current.version != version:
        raise StaleError
    decision = current.decision
    if decision is None or decision.signed_at is None:
        raise RefusedError("Aucune décision signée n’est à notifier pour ce dossier.")
    zone = current.departement.timezone
    if not local_day(decision.signed_at, zone) <= received_on <= local_day(at, zone):
        raise RefusedError(
            "La date de réception se situe entre celle de l’acte et aujourd’hui. Rien n’a été enregistré ; vérifiez "
            "l’avis de réception."
        )
    noon = datetime(received_on.year, received_on.month, received_on.day, 12, tzinfo=ZoneInfo(zone))
    received_at = min(at, max(decision.signed_at, noon))
    notification = make_available(
        decision=decision, recipient=None, channel=NotificationChannel.LETTER, at=received_at, actor=mandate
    )
    mark_read(notification=notification, at=received_at, actor=mandate)
    write(application, version=version)
    publish_notified(at=at, decision=decision)
    return application


# Paper ----------------------------------------------------------------------------------------------------------------


def render_missing_acts(*, batch: int = 50) -> int:
    """Render the acts that were signed and have no PDF yet, and return their number."""
    signed = Decision.objects.filter(state=DecisionState.SIGNED, pdf__isnull=True).order_by("pk")
    rendered = 0
    for decision in signed.defer("pdf")[:batch]:
        store_act(decision=decision)
        rendered += 1
    return rendered


def store_act(*, decision: Decision) -> Decision:
    """Render a signed decision as PDF and keep its bytes with their own SHA-256; done twice, the first one stays.

    Raises:
        RefusedError: the decision is not signed by everyone.
    """
    if decision.signed_at is None:
        raise RefusedError("Seule une décision signée par toutes les autorités a un acte en PDF.")
    signatures = decision.signatures.select_related("mandate__authority", "mandate__departement").order_by("signed_at")
    pdf = render_act(decision, list(signatures))
    Decision.objects.filter(pk=decision.pk, pdf__isnull=True).update(pdf=pdf, pdf_hash=sha256_hex(pdf))
    decision.refresh_from_db()
    return decision
