"""The places of the demonstration: register lines, real or invented, and their structures with an owner.

Real places are only ever labelled, and only of the categories that the label aims at; whatever else happens in the
demonstration happens to invented places, whose name says so.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from francesante.lib.text import sort_key
from labelling.choices import MembershipRole, Register, StructureKind
from labelling.models import Membership, RegisterLine, Structure
from labelling.services.claims import structure_of
from territories.choices import Subject
from territories.models import CommuneVintage, Departement, Mandate, User
from territories.services.events import record_event

INVENTED = ("(fictive)", "(fictif)")
"""How the name of an invented place ends."""
AS_OF = date(2026, 11, 20)
SMALL_TOWN = (1_200, 9_000)
"""Inhabitants of the communes where invented places stand."""

_NOT_MEDICAL = re.compile(
    r"DENT|INFIRM|SOINS INF|\bCSI\b|OPTI|OPHTAL|VISION|PLANIF|SEXUEL|SSIAD|ETUDIANT|SPORT|ORL\b|PREVENTION"
)
_NOT_LOCAL_CARE = re.compile(
    r"PSY|\bHJ\b|CATTP|\bCMP\b|\bSSR\b|EHPAD|USLD|LONG|ALCOOL|DIALYSE|\bCHS\b|\bHDJ\b|ADDICT|ARRET|PENIT|MEDICO|GERIATR|GERONT"
    r"|RETRAITE|MOYEN|REEDUC|ANNEXE|ENFANT|ADULTE|JOUR|UNITE|SUITE|MATERN|CLINIQUE|MENTALE|SUPPORT|POSTCURE|RADIO|UCSA|MPR"
    r"|\bSMTI\b|SERVICE|PLATEAU|POLE|CSAPA|CAMSP|SMUR|\bHAD\b|UNIVERSIT|\bCHU\b"
)
_HOSPITAL = re.compile(r"\bCH\b|\bCHI\b|HOPITAL|HÔPITAL|CENTRE HOSP|\bHL\b")

_KINDS = (
    (StructureKind.MSP, "Maison de santé {} (fictive)"),
    (StructureKind.CABINET, "Cabinet médical {} (fictif)"),
    (StructureKind.CDS, "Centre de santé {} (fictif)"),
    (StructureKind.MOBILE, "Médicobus {} (fictif)"),
)
_PLACES = (
    "des Trois Étangs,du Lavoir,du Moulin bleu,de la Passerelle,du Pont neuf,des Quatre Chemins,du Pré rond,de l’Horloge,"
    "des Deux Clochers,du Grand Chêne,de la Halle,du Puits couvert,des Alouettes,du Gué,de la Tuilerie,du Vieux Four,"
    "des Tilleuls,de la Fontaine claire,du Verger,de la Croisée"
).split(",")


def is_plausible(line: RegisterLine) -> bool:
    """Tell whether a real line is of a category and of a name that the label aims at (DOMAIN §1.3, §4.2)."""
    name = line.name.upper()
    match line.category:
        case "603":
            return True
        case "124":
            return not _NOT_MEDICAL.search(name)
        case "106" | "355":
            return bool(_HOSPITAL.search(name)) and not _NOT_LOCAL_CARE.search(name)
        case _:
            return False


def is_invented(line: RegisterLine) -> bool:
    """Tell whether a line says that its place is invented."""
    return line.name.endswith(INVENTED)


def lines_by_departement(lines: Iterable[RegisterLine]) -> dict[str, list[RegisterLine]]:
    """Group lines by département, each group in the order of numbers."""
    groups: dict[str, list[RegisterLine]] = defaultdict(list)
    for line in sorted(lines, key=lambda line: line.number):
        groups[line.commune.departement_id].append(line)
    return dict(groups)


class Inventor:
    """Makes invented lines: names, kinds and small towns in turn, never the same number."""

    def __init__(self) -> None:
        self._ranks: dict[str, Iterator[int]] = {}
        self._towns: dict[str, list[CommuneVintage]] = {}
        self.made: list[RegisterLine] = []

    def line(self, departement: Departement) -> RegisterLine:
        """Return a new line, not saved yet."""
        ranks = self._ranks.setdefault(departement.pk, iter(range(1, 10_000)))
        rank = next(ranks)
        towns = self._towns_of(departement)
        commune = towns[(rank * 7) % len(towns)].commune
        kind, named = _KINDS[(rank - 1) % len(_KINDS)]
        name = named.format(_PLACES[(rank * 3 + len(self._ranks)) % len(_PLACES)])
        line = RegisterLine(
            register=Register.LIST,
            number=f"DEMO-{departement.pk}-{rank:04}",
            name=name,
            sort_key=sort_key(name),
            category="",
            category_label="lieu inventé pour la démonstration",
            kind=kind,
            address=f"{rank} rue de l’Exemple",
            commune=commune,
            latitude=commune.latitude,
            longitude=commune.longitude,
            phone=f"01 99 00 {rank % 100:02} {len(self.made) % 100:02}",
            email=f"accueil-{departement.pk.lower()}-{rank}@structure.invalid",
            as_of=AS_OF,
        )
        self.made.append(line)
        return line

    def _towns_of(self, departement: Departement) -> list[CommuneVintage]:
        if departement.pk not in self._towns:
            low, high = SMALL_TOWN
            latest = CommuneVintage.objects.order_by("-year").values_list("year", flat=True)[:1]
            self._towns[departement.pk] = list(
                CommuneVintage.objects.filter(
                    departement=departement,
                    year__in=list(latest),
                    population__range=(low, high),
                    commune__valid_until__isnull=True,
                    commune__latitude__isnull=False,
                )
                .select_related("commune__departement__region")
                .order_by("commune__code")[:40]
            )
        return self._towns[departement.pk]

    def save(self) -> None:
        """Write the lines that were made, but for those that an interrupted load left."""
        numbers = [line.number for line in self.made]
        known = dict(RegisterLine.objects.filter(number__in=numbers).values_list("number", "pk"))
        RegisterLine.objects.bulk_create([line for line in self.made if line.number not in known], batch_size=500)
        for line in self.made:
            line.pk = line.pk or known[line.number]


@dataclass(frozen=True, slots=True)
class Place:
    """A structure of the demonstration and the access of its owner."""

    structure: Structure
    owner: Membership


def open_place(line: RegisterLine, user: User, agent: Mandate, *, at: datetime) -> Place:
    """Create the structure of a line, with an owner recognised by an agent of its ARS."""
    structure = structure_of(line, at=at)
    if is_invented(line):
        structure.fictional = True
        structure.save(update_fields=["fictional"])
    owner = Membership.objects.create(user=user, structure=structure, role=MembershipRole.OWNER, started_at=at)
    record_event(
        subject_type=Subject.STRUCTURE,
        subject_id=structure.pk,
        action="give_access",
        actor=agent,
        at=at,
        data={"membership": owner.pk, "role": str(owner.role)},
    )
    return Place(structure, owner)
