"""What a label says of its place is put right after its decision: a slip of the pen, a new holder, a new address.

The decision stays as it was signed; the certificate, the plaque and the public page follow at once.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from francesante.lib.text import sort_key
from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import AmendmentKind
from labelling.models import Amendment, Label, Structure
from labelling.rules.clock import local_day
from labelling.services.reviews import require_reviewer
from territories.choices import Subject
from territories.models import Commune, Mandate
from territories.services.events import lock, record_event, write

IDENTITY = ("name", "finess", "siret")
PLACE = ("address", "postal_code", "commune")
FIELDS: Mapping[str, tuple[str, ...]] = {
    AmendmentKind.MISTAKE: (*IDENTITY, *PLACE),
    AmendmentKind.HOLDER: IDENTITY,
    AmendmentKind.ADDRESS: PLACE,
}
"""What each kind of correction may touch."""
_NOWHERE: Mapping[str, Any] = {"latitude": None, "longitude": None, "point_source": "", "point_score": None}
NAMES: Mapping[str, str] = {
    "name": "nom",
    "finess": "FINESS",
    "siret": "SIRET",
    "address": "adresse",
    "postal_code": "code postal",
    "commune": "commune",
}


def written(structure: Structure) -> dict[str, str]:
    """Return what a label says of its place, by field; the commune by its code."""
    return {
        "name": structure.name,
        "finess": structure.finess or "",
        "siret": structure.siret,
        "address": structure.address,
        "postal_code": structure.postal_code,
        "commune": structure.commune_id,
    }


@transaction.atomic
def amend_label(
    *,
    label: Label,
    kind: AmendmentKind,
    now_written: Mapping[str, str],
    reason: str,
    mandate: Mandate,
    version: int,
    at: datetime,
) -> Amendment:
    """Correct what a label says of its place; ``now_written`` gives the fields of :func:`written` as they must read.

    Raises:
        RefusedError: the mandate may not, the label has ended, no reason, nothing changes, a field is not of this kind, an
            empty name, a FINESS that another structure bears, or a commune that is unknown or of another département.
        StaleError: the label changed since ``version``.
    """
    require_reviewer(label.application, mandate, at=at)
    current = lock(label)
    if current.version != version:
        raise StaleError
    _require_alive(current, at=at)
    if not reason.strip():
        raise RefusedError("Dites pourquoi : la structure le lira.")
    structure = lock(current.structure)
    before = written(structure)
    changed = {name: value.strip() for name, value in now_written.items() if value.strip() != before[name]}
    if not changed:
        raise RefusedError("Rien ne change : corrigez au moins un champ.")
    if beyond := [NAMES[name] for name in changed if name not in FIELDS[kind]]:
        raise RefusedError(
            f"Un {kind.label} ne touche pas : {', '.join(beyond)}. Rien n’a été enregistré ; faites-en deux rectifications."
        )
    _change(structure, changed, current, moved=kind == AmendmentKind.ADDRESS or "commune" in changed, at=at)
    amendment = Amendment.objects.create(
        label=current,
        kind=kind,
        before={name: before[name] for name in changed},
        after=changed,
        reason=reason.strip(),
        mandate=mandate,
        amended_at=at,
    )
    write(label, version=version)
    record_event(
        subject_type=Subject.LABEL,
        subject_id=current.pk,
        action="amend",
        actor=mandate,
        at=at,
        data={"amendment": amendment.pk, "kind": str(kind), "fields": sorted(changed)},
    )
    return amendment


def _require_alive(label: Label, *, at: datetime) -> None:
    today = local_day(at, label.departement.timezone)
    if label.notified_at is None or label.withdrawn_at is not None:
        raise RefusedError("Ce label n’est pas en cours : il ne se rectifie pas.")
    if label.valid.upper is not None and today >= label.valid.upper:
        raise RefusedError("Ce label a pris fin : il ne se rectifie plus.")


def _change(structure: Structure, changed: Mapping[str, str], label: Label, *, moved: bool, at: datetime) -> None:
    fields: dict[str, Any] = {
        name: value for name, value in changed.items() if name in {"siret", "address", "postal_code"}
    }
    if "name" in changed:
        if not changed["name"]:
            raise RefusedError("Une structure a un nom.")
        fields |= {"name": changed["name"], "sort_key": sort_key(changed["name"])}
    if "finess" in changed:
        fields["finess"] = changed["finess"] or None
    if "commune" in changed:
        commune = Commune.objects.filter(pk=changed["commune"], successor__isnull=True).first()
        if commune is None:
            raise RefusedError(f"Aucune commune ne porte le code {changed['commune']}.")
        if commune.departement_id != label.departement_id:
            raise RefusedError(
                f"{commune.name} est dans un autre département : la place du label n’y est pas. Une nouvelle candidature est "
                "nécessaire."
            )
        fields["commune"] = commune
    try:
        with transaction.atomic():
            Structure.objects.filter(pk=structure.pk).update(**fields)
    except IntegrityError as error:
        if "finess" in str(error):
            raise RefusedError("Ce FINESS est mal formé, ou une autre structure le porte déjà.") from error
        raise
    place = {name: fields[name] for name in PLACE if name in fields}
    if place:
        # A place that moved is no longer at its former point: until its address is located, it stands at its commune.
        point = {**_NOWHERE, "locate_at": at} if moved else {}
        structure.sites.filter(is_main=True).update(**place, **point)
