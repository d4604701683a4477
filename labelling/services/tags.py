"""Tags: the vocabulary of an authority, and the files that carry it.

Like working notes they never leave the two authorities, nor their own authority unless they are joint; they change
nothing of a file, make no page stale, and are no event.
"""

from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Prefetch, Q, QuerySet

from francesante.lib.french import plural
from francesante.lib.identifiers import NIR_REFUSED, holds_nir
from francesante.lib.workflow import RefusedError
from labelling.models import Application, FileTag, InterestDeclaration, Tag
from labelling.services.reviews import require_reviewer
from territories.choices import Role
from territories.models import Mandate

MOST_TAGS = 30
"""Tags of an authority: a vocabulary that nobody can read is no vocabulary."""


# Reading -------------------------------------------------------------------------------------------------------------


def readable_tags(mandate: Mandate) -> QuerySet[FileTag]:
    """Return the tags on files that a mandate may read: agents, those of their authority and the joint ones.

    Nobody else, and nobody on the files of a structure from which they stand aside.
    """
    return readable(FileTag.objects.all(), mandate, word="tag")


def readable(rows: QuerySet[Any], mandate: Mandate, *, word: str) -> QuerySet[Any]:
    """Return those of some rows on files that a mandate may read; ``word`` names what says whose word each of them is."""
    if mandate.role != Role.AGENT or mandate.capacity is None:
        return rows.none()
    aside = InterestDeclaration.objects.recused(mandate.user_id).values("structure")
    own = Q(**{f"{word}__authority": mandate.authority_id})
    return rows.filter(own | Q(**{f"{word}__joint": True})).exclude(application__structure__in=aside)


def with_tags(files: QuerySet[Application], mandate: Mandate) -> QuerySet[Application]:
    """Add ``shown_tags``, the tags that a mandate may read on each file, in the order of their names."""
    rows = readable_tags(mandate).select_related("tag").order_by("tag__name", "pk")
    return files.prefetch_related(Prefetch("tags", queryset=rows, to_attr="shown_tags"))


def tagged(tag: str, mandate: Mandate) -> Q:
    """Return the filter of the files that carry a tag, by its key, as far as a mandate may read it."""
    return Q(pk__in=readable_tags(mandate).filter(tag=int(tag)).values("application"))


def offered_tag(mandate: Mandate, pk: int) -> Tag:
    """Return a tag that a mandate may use, by the key that a form posts.

    Raises:
        RefusedError: it may use none of that key.
    """
    found: Tag | None = Tag.objects.offered_to(mandate).filter(pk=pk).first()
    if found is None:
        raise RefusedError("Choisissez une étiquette de la liste. Rien n’a été enregistré.")
    return found


def vocabulary(mandate: Mandate) -> QuerySet[Tag]:
    """Return the tags of the mandate's authority with ``used``, the number of files that carry each."""
    rows = Tag.objects.filter(authority=mandate.authority_id, retired_at__isnull=True)
    return rows.annotate(used=Count("files")).order_by("name", "pk")


# The vocabulary ------------------------------------------------------------------------------------------------------


@transaction.atomic
def make_tag(*, mandate: Mandate, name: str, note: str, joint: bool, at: datetime) -> Tag:
    """Add a tag to the vocabulary of the mandate's authority.

    Raises:
        RefusedError: the mandate is not one of instruction, the name is taken, or there are as many tags as people read.
    """
    require_keeper(mandate, "étiquettes", at=at)
    name, note = " ".join(name.split()), " ".join(note.split())
    if holds_nir(name) or holds_nir(note):
        raise RefusedError(NIR_REFUSED)
    if not name:
        raise RefusedError("Donnez un nom à l’étiquette. Rien n’a été enregistré.")
    if vocabulary(mandate).count() >= MOST_TAGS:
        raise RefusedError(
            f"Votre autorité a déjà {MOST_TAGS} étiquettes : rien n’a été enregistré. Retirez-en une qui ne sert plus."
        )
    try:
        with transaction.atomic():
            return Tag.objects.create(
                authority_id=mandate.authority_id, name=name, note=note, joint=joint, made_by=mandate, made_at=at
            )
    except IntegrityError as error:
        raise RefusedError(f"Votre autorité a déjà une étiquette « {name} ». Rien n’a été enregistré.") from error


@transaction.atomic
def retire_tag(*, tag: Tag, mandate: Mandate, at: datetime) -> Tag:
    """Retire a tag of the mandate's authority that no file carries any more.

    Raises:
        RefusedError: it is another authority's, or files carry it.
    """
    require_keeper(mandate, "étiquettes", at=at)
    current = Tag.objects.select_for_update(of=("self",)).get(pk=tag.pk)
    if current.authority_id != mandate.authority_id:
        raise RefusedError("Cette étiquette est celle d’une autre autorité : elle seule peut la retirer.")
    if used := FileTag.objects.filter(tag=current).count():
        raise RefusedError(
            f"{used} dossier{plural(used)} porte{'nt' if used > 1 else ''} encore l’étiquette « {current.name} » : "
            "retirez-la d’abord de la liste des dossiers, en lot."
        )
    current.retired_at = current.retired_at or at
    current.save(update_fields=["retired_at"])
    return current


def require_keeper(mandate: Mandate, what: str, *, at: datetime) -> None:
    """Ask that a mandate be one of those who keep the words of their authority; ``what`` says which, in French.

    Raises:
        RefusedError: it is not one of instruction, or has ended.
    """
    if mandate.role != Role.AGENT or mandate.capacity is None or not mandate.is_active(at):
        raise RefusedError(f"Les {what} sont tenues par les agents qui instruisent. Rien n’a été enregistré.")


# On files ------------------------------------------------------------------------------------------------------------


@transaction.atomic
def put_tag(*, application: Application, tag: Tag, mandate: Mandate, at: datetime) -> FileTag:
    """Put a tag on a file.

    Raises:
        RefusedError: the mandate may not instruct the file, the tag is not one of its own, or the file carries it.
    """
    require_reviewer(application, mandate, at=at)
    # Its row is locked against being retired meanwhile.
    current = Tag.objects.select_related("authority").select_for_update(of=("self",)).get(pk=tag.pk)
    check_put(application, current, mandate, carrying=carriers(current, [application.pk]))
    return FileTag.objects.create(application=application, tag=current, mandate=mandate, put_at=at)


@transaction.atomic
def take_off(*, application: Application, tag: Tag, mandate: Mandate, at: datetime) -> None:
    """Take a tag off a file.

    Raises:
        RefusedError: as :func:`put_tag`, or the file does not carry it.
    """
    require_reviewer(application, mandate, at=at)
    check_take_off(application, tag, mandate, carrying=carriers(tag, [application.pk]))
    FileTag.objects.filter(application=application, tag=tag).delete()


def carriers(tag: Tag, applications: list[int]) -> frozenset[int]:
    """Return those of some files that carry a tag."""
    rows = FileTag.objects.filter(tag=tag, application__in=applications)
    return frozenset(rows.values_list("application", flat=True))


def check_put(application: Application, tag: Tag, mandate: Mandate, *, carrying: AbstractSet[int]) -> None:
    """Ask if a reviewer may put a tag on a file; ``carrying`` holds the files that carry it.

    Raises:
        RefusedError: why not.
    """
    _require_own(application, tag, mandate)
    if application.pk in carrying:
        raise RefusedError(f"Ce dossier porte déjà l’étiquette « {tag.name} ».")


def check_take_off(application: Application, tag: Tag, mandate: Mandate, *, carrying: AbstractSet[int]) -> None:
    """Ask if a reviewer may take a tag off a file: as :func:`check_put`.

    Raises:
        RefusedError: why not.
    """
    _require_own(application, tag, mandate)
    if application.pk not in carrying:
        raise RefusedError(f"Ce dossier ne porte pas l’étiquette « {tag.name} ».")


def _require_own(application: Application, tag: Tag, mandate: Mandate) -> None:
    usable = tag.joint or tag.authority_id == mandate.authority_id
    if tag.retired_at is not None or not usable or not tag.fits(application.departement):
        raise RefusedError("Cette étiquette n’est pas, ou n’est plus, une étiquette de ce dossier.")
