"""The sentences of a decision as data: merge fields from a closed list, and how a text is made of them. Pure.

A template holds one sentence a line. ``{nom_du_champ}`` is replaced by a fact of the file, once: a fact is never read as a
template.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from francesante.lib.french import typeset
from francesante.lib.merge_fields import merge
from labelling.choices import TemplateKind
from labelling.rules.authors import authors
from territories.choices import Capacity

FIELDS: Mapping[str, str] = {
    "structure": "nom de la structure",
    "structure_complete": "nom, adresse et FINESS de la structure",
    "departement": "nom du département",
    "dossier_numero": "numéro du dossier",
    "dossier_recu_le": "date de réception du dossier",
    "loi": "loi qui crée le réseau",
    "cahier_version": "version du cahier des charges",
    "cahier_publication": "« , publié le … », ou rien",
    "criteres_non_remplis": "« 2 critères sur 5 »",
    "ne_sont_pas_remplis": "« n’est pas rempli » ou « ne sont pas remplis », selon leur nombre",
    "duree": "durée du label, en lettres",
    "engagements": "engagements souscrits",
    "juridiction": "« le tribunal administratif de … »",
}
"""Merge fields of every template, with what each says."""

CRITERION_FIELDS: Mapping[str, str] = {
    "critere_numero": "rang du critère",
    "critere_titre": "intitulé du critère",
    "critere_constat": "ce que l’appréciation commune en dit, motif compris",
}
"""Merge fields of the sentence that is said of each criterion."""

ALONE_FIELDS: Mapping[str, str] = {"concertation_le": "date de la concertation"}
"""Merge fields of the refusal of a single authority."""

APPEAL_FIELDS: Mapping[str, str] = {
    "structure": FIELDS["structure"],
    "structure_complete": FIELDS["structure_complete"],
    "departement": FIELDS["departement"],
    "dossier_numero": FIELDS["dossier_numero"],
    "loi": FIELDS["loi"],
    "arrete": "« Arrêté », ou « Arrêté conjoint » à deux signataires",
    "acte_conteste": "« le refus du label France Santé, par arrêté n° … du … », ou le rejet implicite, ou la fin du label",
    "recours_recu_le": "date de réception du recours",
    "reponse": "ce que l’autorité répond aux moyens du recours",
    "suite": "ce que devient l’acte contesté, selon l’issue",
    "voies_de_recours": "devant quel juge et jusqu’à quand, selon l’issue et selon que le recours était dans son délai",
}
"""Merge fields of the answer to an appeal."""

APPEALS = frozenset({TemplateKind.APPEAL_REJECTED, TemplateKind.APPEAL_ACCEPTED})
"""Decisions that answer an appeal: nothing in them is said of each criterion."""

PARTS = ("title", "visas", "criterion_reason", "reasons", "articles", "closing_articles")
LISTS = ("visas", "reasons", "articles", "closing_articles")
"""Parts that hold one sentence a line."""


@dataclass(frozen=True, slots=True)
class Additions:
    """What a proposing authority adds to the text of one file: visas, reasons, articles."""

    visas: Sequence[str] = ()
    reasons: Sequence[str] = ()
    articles: Sequence[str] = ()


def parts_of(kind: str) -> tuple[str, ...]:
    """Return the parts that a kind of decision has."""
    return tuple(part for part in PARTS if part != "criterion_reason" or kind not in APPEALS)


def fields_of(part: str, kind: str) -> Mapping[str, str]:
    """Return the merge fields that a part of a template may use."""
    if kind in APPEALS:
        return APPEAL_FIELDS
    alone = ALONE_FIELDS if kind == TemplateKind.REFUSED_ALONE else {}
    criterion = CRITERION_FIELDS if part == "criterion_reason" else {}
    return {**FIELDS, **alone, **criterion}


def sentences_of(text: str) -> list[str]:
    """Return the sentences of a part, one a line, without the empty ones."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def compose(
    template: Any,
    facts: Mapping[str, str],
    criteria: Iterable[Mapping[str, str]],
    additions: Additions = Additions(),
) -> dict[str, Any]:
    """Return the title, the visas, the reasons and the numbered articles of a decision.

    ``criteria`` gives the facts of each criterion that is said something of. Additions come after the visas and the
    reasons of the template, and before its closing articles.
    """
    said = [merge(template.criterion_reason, {**facts, **one}) for one in criteria]
    parts = {name: [merge(one, facts) for one in sentences_of(getattr(template, name))] for name in LISTS}
    articles = [*parts["articles"], *additions.articles, *parts["closing_articles"]]
    return {
        "title": merge(template.title, facts),
        "visas": [typeset(one) for one in [*parts["visas"], *additions.visas]],
        "reasons": [typeset(one) for one in [*said, *parts["reasons"], *additions.reasons]],
        "articles": [
            typeset(f"Article {'1er' if rank == 1 else rank}. {article}")
            for rank, article in enumerate(articles, start=1)
        ],
    }


INVENTED: Mapping[str, str] = {
    "structure": "Maison de santé des Trois Étangs (fictive)",
    "structure_complete": "Maison de santé des Trois Étangs (fictive), 2 place du Lavoir, 99001 Valfictif (FINESS 990000001)",
    "departement": "Valfictie",
    "dossier_numero": "FS-99-2026-0042",
    "dossier_recu_le": "4 octobre 2026",
    "loi": "loi n° 2025-1403 du 30 décembre 2025",
    "cahier_version": "1.0",
    "cahier_publication": ", publié le 15 novembre 2025",
    "criteres_non_remplis": "1 critère sur 2",
    "ne_sont_pas_remplis": "n’est pas rempli",
    "duree": "trois ans",
    "engagements": "rendez-vous médical sous 48 heures ; accompagnement dans le parcours de santé",
    "juridiction": "le tribunal administratif de Valfictif",
    "concertation_le": "12 novembre 2026",
    "arrete": "Arrêté conjoint",
    "acte_conteste": "le refus du label France Santé, par arrêté n° 12 du 22 novembre 2026",
    "recours_recu_le": "2 décembre 2026",
    "reponse": "le contrat du médecin annoncé n’est pas joint",
    "suite": "Le refus demeure",
    "voies_de_recours": "Dans les deux mois suivant cette notification, le tribunal administratif de Valfictif peut être saisi, "
    "notamment par Télérecours citoyens (www.telerecours.fr).",
}
"""The invented file on which a template is previewed."""

_NAMES: Mapping[str, str] = {Capacity.ARS: "ARS Fictive", Capacity.PREFET: "Préfecture de Valfictie"}

_HELD_AND_NOT: Sequence[Mapping[str, str]] = (
    {
        "critere_numero": "1",
        "critere_titre": "Présence médicale",
        "critere_constat": "est rempli : deux médecins généralistes, neuf demi-journées",
    },
    {
        "critere_numero": "2",
        "critere_titre": "Présence infirmière",
        "critere_constat": "n’est pas rempli. Le texte demande : « Un infirmier est présent ou à proximité ». Poste vacant "
        "depuis le 1er septembre 2026",
    },
)


def invented_signatories(kind: str) -> dict[str, Any]:
    """Return who signs the decision on the invented file, as a content says it."""
    capacities = [Capacity.PREFET] if kind == TemplateKind.REFUSED_ALONE else list(_NAMES)
    return {"authors": authors(capacities, _NAMES), "authorities": [{"name": _NAMES[one]} for one in capacities]}


def invented_criteria(kind: str) -> Sequence[Mapping[str, str]]:
    """Return what the invented file says of its criteria: a label is granted on those that are held."""
    if kind in APPEALS:
        return ()
    return _HELD_AND_NOT[:1] if kind == TemplateKind.GRANTED else _HELD_AND_NOT
