"""The places that registers hold to be probably eligible: listed with the reasons, set aside, put back."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from francesante.lib.french import short_date
from francesante.lib.text import sort_key
from francesante.lib.workflow import RefusedError
from labelling.choices import ApplicationState, DismissalReason, Register
from labelling.models import Application, Dismissal, Label, ProspectInvitation, RegisterLine
from labelling.models.registers import RegisterLineQuerySet
from labelling.rules.prospects import Weighed, weigh
from labelling.services.register_search import IDENTITY
from territories.choices import Role, Subject
from territories.models import Mandate
from territories.services.events import lock, record_event

UNFINISHED = [
    ApplicationState.DRAFT,
    ApplicationState.SUBMITTED,
    ApplicationState.UNDER_REVIEW,
    ApplicationState.AWAITING_SIGNATURES,
    ApplicationState.DISAGREEMENT,
]


@dataclass(frozen=True, slots=True)
class Prospect:
    """A place that may be invited, and what the registers say of it."""

    line: RegisterLine
    weighed: Weighed


def may_invite(mandate: Mandate | None) -> bool:
    """Tell whether a mandate is one of an ARS or a préfecture that instructs: those who invite."""
    return mandate is not None and mandate.role == Role.AGENT and mandate.capacity is not None


def require_inviter(line: RegisterLine, mandate: Mandate, *, at: datetime) -> None:
    """Ask that a mandate may invite a place, or set it aside.

    Raises:
        RefusedError: it is not one of instruction, has ended, or covers another territory.
    """
    if not may_invite(mandate) or not mandate.is_active(at):
        raise RefusedError(
            "Votre habilitation ne permet pas d’inviter une structure. Rien n’a été enregistré ; un agent de l’ARS ou de "
            "la préfecture peut le faire."
        )
    if not mandate.covers(line.commune.departement):
        raise RefusedError(
            f"Cette structure n’est pas dans votre territoire ({line.commune.departement}). Rien n’a été enregistré."
        )


# Lists ---------------------------------------------------------------------------------------------------------------


def lines_within(mandate: Mandate) -> RegisterLineQuerySet:
    """Return the places of the registers on the territory of a mandate, with what names them."""
    lines = RegisterLine.objects.filter(register__in=IDENTITY).select_related("commune__departement")
    if mandate.departement_id:
        return lines.filter(commune__departement=mandate.departement_id)
    if mandate.region_id:
        return lines.filter(commune__departement__region=mandate.region_id)
    return lines


def to_invite(
    lines: RegisterLineQuerySet, *, on: date, departement: str = "", kind: str = "", text: str = ""
) -> list[Prospect]:
    """Return the places to invite among some lines, the likeliest first, in a constant number of queries.

    Those whose name speaks of a single kind of care are among them: a list may leave them out.

    Left out: a category that the label does not aim at, a place closed or gone from its register, with a label in force
    or a file not finished, or set aside.
    """
    found = lines.standing().exclude(kind="").exclude(_has_label(on)).exclude(_has_file()).exclude(_is_dismissed())
    if departement:
        found = found.filter(commune__departement=departement)
    if kind:
        found = found.filter(kind=kind)
    for word in sort_key(text).split():
        found = found.filter(
            Q(sort_key__contains=word) | Q(commune__sort_key__contains=word) | Q(number__startswith=word.upper())
        )
    before = ProspectInvitation.objects.filter(line=OuterRef("pk"), ended_at__isnull=False)
    rows = list(found.annotate(invited_before=Exists(before)).order_by("sort_key", "pk"))
    return sorted(_weighed(rows, on), key=lambda prospect: prospect.weighed.rank)


def is_to_invite(line: RegisterLine, *, on: date) -> bool:
    """Tell whether a place may still be invited; a category that the label does not aim at may be."""
    lines = RegisterLine.objects.standing().filter(pk=line.pk)
    return lines.exclude(_has_label(on)).exclude(_has_file()).exclude(_is_dismissed()).exists()


def weighed(line: RegisterLine, *, on: date) -> Weighed:
    """Return what the registers say of one place."""
    return _weighed([line], on)[0].weighed


def registers_of(line: RegisterLine) -> list[RegisterLine]:
    """Return the lines of all the registers that know one place, its own first."""
    return [line, *_other_registers([line])[line.pk]]


def dismissed(lines: RegisterLineQuerySet) -> QuerySet[Dismissal]:
    """Return the places set aside among some lines, the latest first."""
    rows = Dismissal.objects.filter(restored_at__isnull=True, line__in=lines.values("pk"))
    return rows.select_related("line__commune__departement", "mandate__user", "mandate__authority").order_by(
        "-dismissed_at", "-pk"
    )


def _of_structure(prefix: str = "structure") -> Q:
    """Match the structure of a line: the one that points to it, or that has its FINESS number."""
    return Q(**{f"{prefix}__register_line": OuterRef("pk")}) | Q(**{f"{prefix}__finess": OuterRef("number")})


def _has_label(on: date) -> Exists:
    return Exists(Label.objects.held(on).filter(_of_structure()))


def _has_file() -> Exists:
    return Exists(Application.objects.filter(_of_structure(), state__in=UNFINISHED))


def _is_dismissed() -> Exists:
    return Exists(Dismissal.objects.filter(line=OuterRef("pk"), restored_at__isnull=True))


def _weighed(lines: Sequence[RegisterLine], on: date) -> list[Prospect]:
    others = _other_registers(lines)
    siblings = _labelled_siblings(lines, on)
    found = []
    for line in lines:
        known = [line, *others[line.pk]]
        weight = weigh(
            name=line.name,
            category=line.category_label or line.get_kind_display(),
            said=[(f"{one.get_register_display()}, {short_date(one.as_of)}", one.facts) for one in known],
            has_address=bool(line.email),
            labelled_siblings=siblings[line.legal_number] if line.legal_number else 0,
            former_invitation=bool(getattr(line, "invited_before", False)),
        )
        found.append(Prospect(line, weight))
    return found


def _other_registers(lines: Iterable[RegisterLine]) -> dict[int, list[RegisterLine]]:
    """Return, by line, what the registers without places of their own say of it: same number, or same SIRET."""
    by_number = {line.number: line.pk for line in lines}
    by_siret = {line.siret: line.pk for line in lines if line.siret}
    found: dict[int, list[RegisterLine]] = defaultdict(list)
    rows = RegisterLine.objects.standing().exclude(register__in=(*IDENTITY, Register.DECLARED))
    for row in rows.filter(Q(number__in=by_number) | Q(siret__in=by_siret)).order_by("register", "pk"):
        key = by_number.get(row.number) or by_siret.get(row.siret)
        if key is not None:
            found[key].append(row)
    return found


def _labelled_siblings(lines: Iterable[RegisterLine], on: date) -> Counter[str]:
    legal = {line.legal_number for line in lines} - {""}
    labels = Label.objects.held(on).filter(structure__register_line__legal_number__in=legal)
    return Counter(labels.values_list("structure__register_line__legal_number", flat=True))


# Acts ----------------------------------------------------------------------------------------------------------------


@transaction.atomic
def dismiss(*, line: RegisterLine, mandate: Mandate, reason: str, note: str, at: datetime) -> Dismissal:
    """Set a place aside from the prospects, with the reason.

    Raises:
        RefusedError: the mandate may not, the place is set aside or invited already, or another reason is not explained.
    """
    line = lock(line)
    require_inviter(line, mandate, at=at)
    if reason == DismissalReason.OTHER and not note.strip():
        raise RefusedError("Un autre motif demande une précision : écrivez-la en quelques mots.")
    if not is_to_invite(line, on=timezone.localdate(at)):
        raise RefusedError(
            "Cette structure n’est plus à inviter : elle est déjà écartée, invitée, candidate ou labellisée. Rien n’a été "
            "enregistré."
        )
    row = Dismissal.objects.create(line=line, reason=reason, note=note.strip(), mandate=mandate, dismissed_at=at)
    _record(line, "dismiss", mandate, at=at, data={"dismissal": row.pk, "reason": str(reason)})
    return row


@transaction.atomic
def restore(*, line: RegisterLine, mandate: Mandate, at: datetime) -> None:
    """Put a place that was set aside back into the prospects.

    Raises:
        RefusedError: the mandate may not, or the place is not set aside.
    """
    line = lock(line)
    require_inviter(line, mandate, at=at)
    row = Dismissal.objects.filter(line=line, restored_at__isnull=True).first()
    if row is None:
        raise RefusedError("Cette structure n’est pas écartée : rien n’a changé.")
    Dismissal.objects.filter(pk=row.pk).update(restored_at=at)
    _record(line, "restore", mandate, at=at, data={"dismissal": row.pk})


def _record(line: RegisterLine, action: str, mandate: Mandate, *, at: datetime, data: dict[str, object]) -> None:
    record_event(subject_type=Subject.REGISTER_LINE, subject_id=line.pk, action=action, actor=mandate, at=at, data=data)
