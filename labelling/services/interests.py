"""Conflicts of interest: an agent says that nothing ties them to a structure, or stands aside from its files.

Who stands aside no longer instructs, signs, nor reads what is not shared. The page asks once; the services refuse those
who stood aside, wherever they come from.
"""

from datetime import datetime
from functools import reduce
from operator import or_

from django.db import transaction
from django.db.models import Q

from francesante.lib.workflow import RefusedError
from labelling.choices import Interest
from labelling.models import Application, InterestDeclaration, Structure
from labelling.models.applications import REVIEWERS
from territories.choices import Role, Subject
from territories.models import Decision, Mandate
from territories.services.events import lock, record_event, write

STANDS_ASIDE = (
    "Vous vous êtes déporté de cette structure : rien n’a été enregistré. Un autre agent de votre service instruit le "
    "dossier. Si c’était une erreur, revenez sur votre déport depuis la page du dossier."
)


def stood_aside(mandate: Mandate) -> set[int]:
    """Return the structures, few or none, from which the person of a mandate stands aside."""
    return set(InterestDeclaration.objects.recused(mandate.user_id).values_list("structure", flat=True))


def declaration_of(mandate: Mandate, structure_id: int) -> InterestDeclaration | None:
    """Return what the person of a mandate last declared of a structure, or nothing."""
    return InterestDeclaration.objects.filter(user=mandate.user_id, structure=structure_id).order_by("pk").last()


def has_declared(mandate: Mandate, application: Application) -> bool:
    """Tell whether the person of a mandate already declared something of the structure of a file."""
    return InterestDeclaration.objects.filter(user=mandate.user_id, structure=application.structure_id).exists()


@transaction.atomic
def declare_interest(*, application: Application, mandate: Mandate, interest: str, at: datetime) -> InterestDeclaration:
    """Record what an agent declares of the structure of a file; the same again changes nothing.

    Standing aside gives the open files of the structure back: whoever they were assigned to is no longer this person.

    Raises:
        RefusedError: the mandate is not one of instruction on this territory, or the declaration is not of the list.
    """
    if mandate.role != Role.AGENT or mandate.capacity is None or not mandate.covers(application.departement):
        raise RefusedError("Seuls les agents qui peuvent instruire ce dossier déclarent leurs liens avec la structure.")
    if not mandate.is_active(at):
        raise RefusedError("Votre habilitation n’est pas en vigueur à ce jour : rien n’a été enregistré.")
    if interest not in Interest.values:
        raise RefusedError("Choisissez l’une des deux déclarations. Rien n’a été enregistré.")
    structure = lock(application.structure)
    last = declaration_of(mandate, structure.pk)
    if last is not None and last.interest == interest:
        return last
    declaration = InterestDeclaration.objects.create(
        user=mandate.user, structure=structure, interest=interest, mandate=mandate, declared_at=at
    )
    record_event(
        subject_type=Subject.STRUCTURE,
        subject_id=structure.pk,
        action="declare_interest",
        actor=mandate,
        at=at,
        data={"declaration": declaration.pk, "interest": str(interest)},
    )
    if interest == Interest.RECUSED:
        _give_back(structure, mandate, at=at)
    return declaration


def _give_back(structure: Structure, mandate: Mandate, *, at: datetime) -> None:
    held = [Q(**{f"{field}__user": mandate.user_id}) for field in REVIEWERS.values()]
    files = Application.objects.open().filter(reduce(or_, held), structure=structure)
    rows = files.select_related(*REVIEWERS.values()).order_by("pk")
    for application in rows.select_for_update(of=("self",)):
        given = [
            field
            for field in REVIEWERS.values()
            if (one := getattr(application, field)) is not None and one.user_id == mandate.user_id
        ]
        write(application, version=None, **dict.fromkeys(given))
        record_event(
            subject_type=Subject.APPLICATION,
            subject_id=application.pk,
            action="give_back",
            actor=mandate,
            at=at,
            from_state=application.state,
            to_state=application.state,
        )


def refuse_who_stands_aside(decision: Decision, mandate: Mandate) -> None:
    """Refuse the signature of a person who stands aside from the structure of a decision on a file, a label or an appeal.

    Raises:
        RefusedError: they do.
    """
    aside = InterestDeclaration.objects.recused(mandate.user_id)
    about = {Subject.LABEL: "structure__labels", Subject.APPEAL: "structure__applications__appeals"}.get(
        Subject(decision.subject_type), "structure__applications"
    )
    if aside.filter(**{about: decision.subject_id}).exists():
        raise RefusedError(
            "Vous vous êtes déporté de cette structure : vous n’avez rien signé. La personne qui a délégation ou suppléance "
            "peut signer à votre place."
        )


def undeclared(application: Application, mandate: Mandate) -> str:
    """Return what an agent is told who has not declared anything of the structure of a file yet, or nothing.

    Asked by the pages before an act; the services refuse those who stand aside, and take nobody's silence for an interest.
    """
    if has_declared(mandate, application):
        return ""
    return "Avant d’agir sur ce dossier, dites si un lien d’intérêt vous attache à la structure. Vous pouvez déjà tout lire."
