"""The people of the demonstration: every authority, one agent and one signatory each, and the accounts that are shown.

Names are invented and look it; the names of places and courts are facts (``fixtures/demo/authorities.csv``: préfecture,
and tribunal administratif of CJA, R. 221-3); telephones are of the range kept for fiction (01 99 00 …).
"""

import csv
import json
from base64 import b32decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from itertools import product
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db.backends.postgresql.psycopg_any import DateRange
from django_otp.plugins.otp_totp.models import TOTPDevice

from territories.choices import AuthorityKind, Role, SigningAs
from territories.models import Authority, Departement, Mandate, Region, User

FIXTURES = settings.BASE_DIR / "fixtures" / "demo"
SINCE = DateRange(date(2025, 10, 1), None)
"""Mandates run since the letter of October 2025."""
_SERVICE = "service de l’accès aux soins (inventé)"
_TITLES = {
    (AuthorityKind.ARS, "M."): "directeur général de l’agence régionale de santé",
    (AuthorityKind.ARS, "Mme"): "directrice générale de l’agence régionale de santé",
    (AuthorityKind.PREFECTURE, "M."): "préfet",
    (AuthorityKind.PREFECTURE, "Mme"): "préfète",
}
_ADDRESS = "1 rue de l’Exemple, 99001 Valfictif (adresse inventée)"


@cache
def cast() -> Mapping[str, Any]:
    """Return what ``fixtures/demo/people.json`` says."""
    people: Mapping[str, Any] = json.loads((FIXTURES / "people.json").read_text())
    return people


@cache
def password_hash() -> str:
    """Return the hash that every account of the demonstration carries: made once, it is slow by design."""
    return make_password(cast()["password"])


def people_are_there() -> bool:
    """Tell whether the people of the demonstration are already in the database."""
    return User.objects.filter(email=cast()["accounts"][0]["email"]).exists()


class Names:
    """Invented names, each used once, then numbered."""

    def __init__(self) -> None:
        names: Mapping[str, list[str]] = cast()["first_names"]
        # A woman, a man, a woman…: each list in turn.
        firsts = [pair for both in zip(*names.values(), strict=True) for pair in zip(names, both, strict=True)]
        self._people = [(*first, last) for last, first in product(cast()["last_names"], firsts)]
        self._used = 0

    def take(self) -> dict[str, str]:
        """Return the civility, first name and name of somebody new."""
        turn, place = divmod(self._used, len(self._people))
        civility, first, last = self._people[place]
        self._used += 1
        suffix = f" {'I' * (turn + 1)}" if turn else ""
        return {"civility": civility, "first_name": first, "last_name": f"{last}{suffix}"}

    @property
    def used(self) -> int:
        """How many people were named."""
        return self._used


@dataclass(frozen=True)
class Team:
    """Who acts on a département: an agent and a signatory of its ARS, an agent and a signatory of its préfecture."""

    agents: Mapping[AuthorityKind, Mandate]
    signatories: Mapping[AuthorityKind, Mandate]


@dataclass
class People:
    """Who acts where: mandates by place, with what their use needs already in memory."""

    national: Mandate
    agents: dict[str, Mandate] = field(default_factory=dict)
    signatories: dict[str, Mandate] = field(default_factory=dict)

    def team(self, departement: Departement) -> Team:
        """Return who acts on a département."""
        places = {kind: _place(kind, departement) for kind in (AuthorityKind.ARS, AuthorityKind.PREFECTURE)}
        return Team(
            agents={kind: self.agents[place] for kind, place in places.items()},
            signatories={kind: self.signatories[place] for kind, place in places.items()},
        )


def _place(kind: AuthorityKind, departement: Departement) -> str:
    return f"ars-{departement.region_id}" if kind == AuthorityKind.ARS else f"prefecture-{departement.pk}"


def create_people() -> None:
    """Create authorities, accounts and mandates."""
    authorities = _create_authorities()
    acting = _create_accounts(authorities)
    _create_others(acting, authorities)


def people_of_demo() -> People:
    """Return the people who act, as :func:`create_people` left them."""
    mandates = Mandate.objects.select_related("user", "authority", "region", "departement__region").order_by("pk")
    people = People(national=mandates.filter(role=Role.NATIONAL)[0])
    for mandate in mandates.filter(role=Role.AGENT):
        place = f"{mandate.authority.kind}-{mandate.region_id or mandate.departement_id}"
        (people.signatories if mandate.can_sign else people.agents)[place] = mandate
    return people


def create_owners(count: int) -> None:
    """Create the accounts of the owners of structures, in bulk, with the password of the demonstration."""
    names = Names()
    User.objects.bulk_create(
        [User(email=owner_email(rank), password=password_hash(), **names.take()) for rank in range(count)],
        batch_size=500,
    )


def owner_email(rank: int) -> str:
    """Return the address of the owner of the structure of one file."""
    return f"responsable.{rank + 1:04}@structure.invalid"


def account_email(key: str) -> str:
    """Return the address of a shown account."""
    email: str = next(account["email"] for account in cast()["accounts"] if account["key"] == key)
    return email


# Authorities ------------------------------------------------------------------------------------------------------


def _create_authorities() -> dict[str, Authority]:
    facts = {row["departement"]: row for row in _read("authorities.csv")}
    rows: dict[str, Authority] = {}
    regions = list(Region.objects.order_by("code"))
    departements = list(Departement.objects.select_related("region").in_order())
    for region in regions:
        rows[f"ars-{region.pk}"] = _authority(len(rows), AuthorityKind.ARS, f"ARS {region.name}", region=region)
    for departement in departements:
        fact = facts[departement.pk]
        rows[f"prefecture-{departement.pk}"] = _authority(
            len(rows),
            AuthorityKind.PREFECTURE,
            f"Préfecture {fact['de']}",
            departement=departement,
            court=f"tribunal administratif {fact['tribunal']}",
        )
        rows[f"caisse-{departement.pk}"] = _authority(
            len(rows),
            AuthorityKind.CAISSE,
            f"Caisse primaire d’assurance maladie {fact['de']}",
            departement=departement,
        )
        rows[f"collectivite-{departement.pk}"] = _authority(
            len(rows), AuthorityKind.COLLECTIVITE, f"Conseil départemental {fact['de']}", departement=departement
        )
    rows["national"] = _authority(len(rows), AuthorityKind.NATIONAL, "Équipe nationale France Santé")
    Authority.objects.bulk_create(rows.values(), batch_size=500)
    return rows


def _authority(rank: int, kind: AuthorityKind, name: str, **fields: Any) -> Authority:
    return Authority(
        kind=kind,
        name=name,
        service=_SERVICE,
        address=_ADDRESS,
        phone=f"01 99 00 {rank // 100:02} {rank % 100:02}",
        email=f"service-{rank + 1}@autorite.invalid",
        **fields,
    )


def _read(name: str) -> list[dict[str, str]]:
    with (FIXTURES / name).open(newline="") as lines:
        return list(csv.DictReader(lines))


# Accounts ---------------------------------------------------------------------------------------------------------


def _create_accounts(authorities: Mapping[str, Authority]) -> set[tuple[str, bool]]:
    """Create the shown accounts; return where they act, and whether they sign there."""
    acting = set()
    for account in cast()["accounts"]:
        user = User.objects.create(
            email=account["email"],
            password=password_hash(),
            civility=account["civility"],
            first_name=account["first_name"],
            last_name=account["last_name"],
        )
        for asked in account.get("mandates", []):
            place = _place_asked(asked)
            mandate = _mandate(user, authorities[place], Role(asked["role"]), title=asked.get("signs", ""))
            mandate.save(force_insert=True)
            if asked["role"] == Role.AGENT:
                acting.add((place, mandate.can_sign))
        if account.get("mandates"):
            _give_second_factor([user])
    return acting


def _place_asked(asked: Mapping[str, str]) -> str:
    return "-".join(filter(None, [asked["kind"], asked.get("region") or asked.get("departement")]))


def _create_others(acting: set[tuple[str, bool]], authorities: Mapping[str, Authority]) -> None:
    """Give each ARS and each préfecture an agent and a signatory, where no shown account is."""
    mandates = []
    names = Names()
    for place, authority in authorities.items():
        if authority.kind not in {AuthorityKind.ARS, AuthorityKind.PREFECTURE}:
            continue
        for signs in (False, True):
            if (place, signs) not in acting:
                name = names.take()
                user = User(
                    email=f"personne.{names.used:03}@{authority.kind}.invalid", password=password_hash(), **name
                )
                title = _TITLES[AuthorityKind(authority.kind), name["civility"]] if signs else ""
                mandates.append(_mandate(user, authority, Role.AGENT, title=title))
    users = User.objects.bulk_create([mandate.user for mandate in mandates], batch_size=500)
    for mandate, user in zip(mandates, users, strict=True):
        mandate.user = user
    Mandate.objects.bulk_create(mandates, batch_size=500)
    _give_second_factor(users)


def _mandate(user: User, authority: Authority, role: Role, *, title: str) -> Mandate:
    """Build a mandate on the territory of its authority, with the right to sign under an invented act."""
    signing: dict[str, Any] = {}
    if title:
        territory = authority.name.removeprefix("Préfecture ").removeprefix("ARS ")
        signing = {
            "signing_as": SigningAs.HOLDER,
            "signing_title": f"{title} {territory}",
            "signing_act": "décret du 3 septembre 2025 (inventé)",
            "signing_act_date": date(2025, 9, 3),
            "signing_published_date": date(2025, 9, 4),
            "signing_publication": "JO du 4 septembre 2025 (inventé)",
        }
    return Mandate(
        user=user,
        authority=authority,
        role=role,
        region=authority.region,
        departement=authority.departement,
        valid=SINCE,
        **signing,
    )


def _give_second_factor(users: list[User]) -> None:
    key = b32decode(cast()["totp_secret"]).hex()
    TOTPDevice.objects.bulk_create(
        [TOTPDevice(user=user, name="démonstration", confirmed=True, key=key) for user in users], batch_size=500
    )


# What `demo_accounts` shows -----------------------------------------------------------------------------------------


def shown_accounts() -> list[dict[str, Any]]:
    """Return the accounts of the demonstration, one per role, with what signs them in."""
    shown = []
    for account in cast()["accounts"]:
        user = User.objects.filter(email=account["email"]).first()
        if user is None:
            continue
        mandates = list(Mandate.objects.of(user))
        structures = [row.structure for row in user.memberships.select_related("structure__departement")]
        shown.append(
            {
                "email": user.email,
                "password": cast()["password"],
                "totp_secret": cast()["totp_secret"] if mandates else "",
                "role": account["key"],
                "authority": " ; ".join(str(row.authority) for row in mandates)
                or " ; ".join(row.name for row in structures),
                "territory": " ; ".join(row.territory_name for row in mandates)
                or " ; ".join(str(row.departement) for row in structures),
                "can_sign": any(row.can_sign for row in mandates),
            }
        )
    return shown
