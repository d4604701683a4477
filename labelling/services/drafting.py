"""The text of a decision on a file: the template in force, merged with the file, and what its lead adds."""

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from francesante.lib.french import long_date, plural, typeset
from francesante.lib.workflow import RefusedError
from labelling.choices import CriterionKind, TemplateKind, Verdict
from labelling.models import (
    Application,
    Concertation,
    Criterion,
    CriterionAssessment,
    DecisionTemplate,
    DraftAddition,
    Label,
)
from labelling.rules.authors import authors
from labelling.rules.clock import local_day
from labelling.rules.templates import Additions, compose, sentences_of
from labelling.services.opinions import visas_of
from labelling.services.renewals import standing_label
from labelling.services.reviews import Line
from territories.choices import AuthorityKind, Capacity, DecisionKind
from territories.models import Authority, Departement

WORDS = {1: "un an", 2: "deux ans", 3: "trois ans", 4: "quatre ans", 5: "cinq ans"}


LAW = "loi n° 2025-1403 du 30 décembre 2025"


def authorities_of(departement: Departement) -> dict[str, Authority]:
    """Return the ARS and the préfecture of a département, by capacity; one that is not registered is absent."""
    found = Authority.objects.filter(kind=AuthorityKind.ARS, region=departement.region_id) | Authority.objects.filter(
        kind=AuthorityKind.PREFECTURE, departement=departement.pk
    )
    return {str(Capacity.ARS if row.kind == AuthorityKind.ARS else Capacity.PREFET): row for row in found}


def signed_by(capacities: Collection[str], authorities: Mapping[str, Authority]) -> dict[str, Any]:
    """Return what an act says of those who sign it: the line that names its authors, and where to write to them."""
    return {
        "authors": authors(capacities, {capacity: row.name for capacity, row in authorities.items()}),
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
            if capacity in capacities
        ],
    }


def draft_content(
    application: Application,
    kind: DecisionKind,
    lines: list[Line],
    *,
    on: date | None = None,
    alone: Concertation | None = None,
) -> dict[str, Any]:
    """Return the content that a decision on this file would have: what will be shown, hashed and signed.

    Its sentences are those of the template in force ``on`` a day, today by default, and what the proposing authority adds.
    ``alone`` is the concertation without agreement after which a single authority refuses.

    Raises:
        RefusedError: no template is in force.
    """
    structure, specification = application.structure, application.specification
    authorities = authorities_of(application.departement)
    court = next((row.court for row in reversed(authorities.values()) if row.court), "")
    received = local_day(application.submitted_at, application.departement.timezone)  # type: ignore[arg-type]
    place = ", ".join(filter(None, [structure.address, f"{structure.postal_code} {structure.commune.name}".strip()]))
    granted = kind == DecisionKind.LABEL_GRANTED
    followed = standing_label(structure, on=on or timezone.localdate()) if granted else None
    proposing = alone.decision.signature_refusals.get().capacity if alone else application.lead
    signing = {proposing} if alone else set(Capacity)
    template = template_in_force(
        TemplateKind.REFUSED_ALONE if alone else TemplateKind(kind), on=on or timezone.localdate()
    )
    text = compose(
        template,
        _facts(application, lines, place=place, court=court, alone=alone),
        _said_of_criteria(lines),
        after_label(additions_of(application, proposing), followed),
    )
    return {
        "kind": str(kind),
        "template": {"kind": template.kind, "version": template.version},
        **text,
        "departement": {"code": application.departement_id, "name": application.departement.name},
        **signed_by(signing, authorities),
        "application": {"number": application.number, "received_on": received.isoformat()},
        "structure": {
            "name": structure.name,
            "kind": structure.get_kind_display(),
            "finess": structure.finess or "",
            "address": place,
            "commune": structure.commune_id,
        },
        "specification": {"version": specification.version, "title": specification.title},
        "criteria": [
            {
                "code": line.criterion.code,
                "title": line.criterion.title,
                "verdict": capital(line.agreed.get_verdict_display()) if line.agreed else "",
                "reason": line.agreed.reason if line.agreed else "",
            }
            for line in lines
        ],
        "effect": _effect(followed) if granted else {},
        "remedies": {"months": 2, "court": court},
    }


def typeset_all(sentences: list[str]) -> list[str]:
    """Return the sentences of an act with the spaces of French typography."""
    return [typeset(sentence) for sentence in sentences]


def numbered(articles: list[str]) -> list[str]:
    """Return the articles of an act with their numbers."""
    return [
        typeset(f"Article {'1er' if rank == 1 else rank}. {article}") for rank, article in enumerate(articles, start=1)
    ]


def _facts(
    application: Application, lines: list[Line], *, place: str, court: str, alone: Concertation | None
) -> dict[str, str]:
    """Return what the merge fields of a template say of a file (``labelling.rules.templates.FIELDS``)."""
    structure, specification = application.structure, application.specification
    zone = application.departement.timezone
    finess = f" (FINESS {structure.finess})" if structure.finess else ""
    commitments = specification.of_kind(CriterionKind.COMMITMENT)
    missing = sum(1 for line in lines if line.agreed and line.agreed.verdict == Verdict.NOT_MET)
    published = specification.published_at
    return {
        "structure": structure.name,
        "structure_complete": f"{structure.name}, {place}{finess}",
        "departement": application.departement.name,
        "dossier_numero": application.number,
        "dossier_recu_le": long_date(local_day(application.submitted_at, zone)),  # type: ignore[arg-type]
        "loi": LAW,
        "cahier_version": specification.version,
        "cahier_publication": f", publié le {long_date(published)}" if published else "",
        "criteres_non_remplis": f"{missing} critère{plural(missing)} sur {len(lines)}",
        "ne_sont_pas_remplis": "ne sont pas remplis" if missing > 1 else "n’est pas rempli",
        "duree": WORDS.get(settings.LABEL_YEARS, f"{settings.LABEL_YEARS} ans"),
        "engagements": " ; ".join(lowered(row.title) for row in commitments),
        "juridiction": f"le {court}" if court else "le tribunal administratif compétent",
        "concertation_le": long_date(alone.held_date) if alone else "",
    }


def _said_of_criteria(lines: list[Line]) -> list[dict[str, str]]:
    """Return the facts of each criterion that both authorities said the same of."""
    return [
        {
            "critere_numero": str(line.criterion.position),
            "critere_titre": line.criterion.title,
            "critere_constat": _finding(line.criterion, line.agreed),
        }
        for line in lines
        if line.agreed
    ]


def _finding(criterion: Criterion, agreed: CriterionAssessment) -> str:
    reason = agreed.reason.strip().rstrip(".;")
    match agreed.verdict:
        case Verdict.MET:
            return f"est rempli : {lowered(reason)}" if reason else "est rempli"
        case Verdict.NOT_APPLICABLE:
            return f"est sans objet pour cette structure : {lowered(reason)}" if reason else "est sans objet"
        case _:
            return f"n’est pas rempli. Le texte demande : « {criterion.text.rstrip('.')} ». {reason}"


def additions_of(application: Application, capacity: str) -> Additions:
    """Return what an authority adds to the text that it presents on a file, after the opinions that were asked."""
    opinions = visas_of(application)
    row = DraftAddition.objects.filter(application=application, capacity=capacity).first()
    if row is None:
        return Additions(visas=opinions)
    return Additions(
        visas=[*opinions, *sentences_of(row.visas)],
        reasons=sentences_of(row.reasons),
        articles=sentences_of(row.articles),
    )


def after_label(additions: Additions, followed: Label | None) -> Additions:
    """Add to the act that a label follows another without overlap: it begins on the first day without the old one."""
    if followed is None or followed.valid.upper is None:
        return additions
    first = long_date(followed.valid.upper)
    last = long_date(followed.valid.upper - timedelta(days=1))
    return Additions(
        visas=[f"Vu le label France Santé n° {followed.number}, valable jusqu’au {last} ;", *additions.visas],
        reasons=additions.reasons,
        articles=[
            f"Le présent label succède au label n° {followed.number} : il prend effet le {first}.",
            *additions.articles,
        ],
    )


def _effect(followed: Label | None) -> dict[str, Any]:
    starts = followed.valid.upper.isoformat() if followed and followed.valid.upper else "last_signature"
    return {"starts": starts, "years": settings.LABEL_YEARS}


def template_in_force(kind: TemplateKind, *, on: date) -> DecisionTemplate:
    """Return the text in force on a day for a kind of decision.

    Raises:
        RefusedError: none is.
    """
    template = DecisionTemplate.objects.applicable(kind, on).last()
    if template is None:
        raise RefusedError("Aucun modèle de cette décision n’est en vigueur. L’équipe nationale peut en publier un.")
    return template


def capital(text: str) -> str:
    """Return a text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def lowered(text: str) -> str:
    """Return a text with its first letter in lower case, unless it begins an abbreviation or a number."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def last_articles(court: str) -> list[str]:
    """Return the articles that every act on a label ends with: notification, remedies, carrying out.

    An act about one structure is notified to it: it is published nowhere under its name.
    """
    where = f"le {court}" if court else "le tribunal administratif compétent"
    return [
        (
            "Le présent arrêté est notifié à la structure. Dans les deux mois suivant cette notification, il peut faire l’objet "
            f"d’un recours gracieux adressé aux signataires ou d’un recours devant {where}, notamment par Télérecours "
            "citoyens (www.telerecours.fr). Un recours gracieux formé dans ce délai le prolonge."
        ),
        (
            "Les services de l’agence régionale de santé et de la préfecture sont chargés, chacun en ce qui le concerne, de "
            "l’exécution du présent arrêté."
        ),
    ]
