"""The text of a decision on a file: visas, reasons criterion by criterion, articles, remedies."""

from datetime import date
from typing import Any

from django.conf import settings

from francesante.lib.french import long_date, plural, typeset
from labelling.choices import CriterionKind, Verdict
from labelling.models import Application
from labelling.rules.clock import local_day
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
                "verdict": capital(line.agreed.get_verdict_display()) if line.agreed else "",
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


def capital(text: str) -> str:
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
