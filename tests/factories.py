"""Small worlds for tests: invented territories, people and files. Everything has a sensible default."""

from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from itertools import count
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils import timezone
from pypdf import PdfWriter

from francesante.lib.text import sort_key
from labelling.choices import ApplicationState, MembershipRole, Register, StructureKind
from labelling.models import Application, Membership, Quota, RegisterLine, Site, Specification, Structure, Wave
from territories.choices import AuthorityKind, Role, SigningAs
from territories.models import (
    Authority,
    Commune,
    CommuneVintage,
    Decision,
    Departement,
    Mandate,
    PaperOriginal,
    Region,
    User,
)
from territories.services.paper import file_original

PASSWORD = "un-mot-de-passe-inventé"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ALWAYS = DateRange(date(2025, 10, 1), None)
_numbers = count(1)


def departement(code: str = "98", name: str = "Essonnie", region: str = "R1") -> Departement:
    """An invented département, in an invented région."""
    owner, _ = Region.objects.get_or_create(
        code=region, defaults={"name": f"Région Imaginaire {region}", "sort_key": f"region imaginaire {region.lower()}"}
    )
    row, _ = Departement.objects.get_or_create(
        code=code,
        defaults={"name": name, "region": owner, "timezone": "Europe/Paris", "sort_key": code.lower()},
    )
    return row


def commune(code: str = "98001", name: str = "Valfictif", in_: Departement | None = None) -> Commune:
    """An invented commune with a point and a population of 2 400."""
    owner = in_ or departement()
    row, made = Commune.objects.get_or_create(
        code=code,
        defaults={
            "name": name,
            "sort_key": sort_key(name),
            "departement": owner,
            "latitude": 46.5,
            "longitude": 2.5,
        },
    )
    if made:
        CommuneVintage.objects.create(commune=row, year=2026, departement=owner, population=2400, population_year=2023)
    return row


def user(email: str = "", **fields: Any) -> User:
    """An account whose password is ``PASSWORD``."""
    number = next(_numbers)
    defaults = {"civility": "Mme", "first_name": "Prune", "last_name": f"Exemplaire {number}"}
    return User.objects.create_user(email or f"personne{number}@exemple.invalid", PASSWORD, **{**defaults, **fields})


def authority(kind: AuthorityKind, territory: Departement | None = None) -> Authority:
    """The ARS of a département's région, its préfecture, or another body."""
    territory = territory or departement()
    by_kind: dict[AuthorityKind, dict[str, Any]] = {
        AuthorityKind.ARS: {"name": f"ARS {territory.region}", "region": territory.region},
        AuthorityKind.PREFECTURE: {"name": f"Préfecture de {territory.name}", "departement": territory},
        AuthorityKind.NATIONAL: {"name": "Équipe nationale France Santé"},
        AuthorityKind.CAISSE: {"name": f"Caisse de {territory.name}", "departement": territory},
        AuthorityKind.COLLECTIVITE: {"name": f"Conseil départemental de {territory.name}", "departement": territory},
    }
    fields = by_kind[kind]
    row, _ = Authority.objects.get_or_create(
        name=fields.pop("name"),
        defaults={
            **fields,
            "kind": kind,
            "service": "service de l’accès aux soins",
            "address": "1 rue de l’Exemple, 98001 Valfictif",
            "phone": "01 99 00 00 00",
            "email": "service@exemple.invalid",
            "court": "tribunal administratif de Valfictif",
        },
    )
    return row


def mandate(
    kind: AuthorityKind = AuthorityKind.ARS,
    *,
    person: User | None = None,
    role: Role = Role.AGENT,
    on: Departement | None = None,
    signs: bool = False,
    valid: DateRange = ALWAYS,
    **fields: Any,
) -> Mandate:
    """A mandate on a département's region (ARS), on the département, or on the nation (national team)."""
    territory = on or departement()
    if kind == AuthorityKind.NATIONAL:
        role, scope = Role.NATIONAL, {}
    elif kind == AuthorityKind.ARS:
        scope = {"region": territory.region}
    else:
        scope = {"departement": territory}
    signing = (
        {
            "signing_as": SigningAs.HOLDER,
            "signing_title": "directeur général de l’ARS" if kind == AuthorityKind.ARS else "préfète de département",
            "signing_act": "décret du 1er septembre 2025",
            "signing_act_date": date(2025, 9, 1),
            "signing_published_date": date(2025, 9, 2),
            "signing_publication": "JO du 2 septembre 2025",
        }
        if signs
        else {}
    )
    return Mandate.objects.create(
        user=person or user(),
        authority=authority(kind, territory),
        role=role,
        valid=valid,
        **{**scope, **signing, **fields},
    )


def register_line(in_: Commune | None = None, **fields: Any) -> RegisterLine:
    """A FINESS line of an invented maison de santé, with a contact address."""
    number = next(_numbers)
    place = in_ or commune()
    defaults = {
        "register": Register.FINESS,
        "number": luhn_finess(98_000_000 + number),
        "name": f"Maison de santé des Trois Étangs {number} (fictive)",
        "category": "603",
        "category_label": "Maison de santé (L.6223-3)",
        "kind": StructureKind.MSP,
        "address": "2 place du Lavoir",
        "postal_code": "98001",
        "commune": place,
        "latitude": place.latitude,
        "longitude": place.longitude,
        "phone": "0199000001",
        "email": f"accueil{number}@structure.invalid",
        "as_of": date(2026, 11, 20),
    }
    values = {**defaults, **fields}
    return RegisterLine.objects.create(sort_key=sort_key(values["name"]), **values)


def luhn_finess(stem: int) -> str:
    """The FINESS number of nine digits that begins with eight given ones."""
    digits = [int(d) for d in f"{stem:08d}"]
    total = sum((2 * d - 9 if 2 * d > 9 else 2 * d) if i % 2 == 0 else d for i, d in enumerate(reversed(digits)))
    return f"{stem:08d}{(10 - total % 10) % 10}"


def structure(line: RegisterLine | None = None, **fields: Any) -> Structure:
    """The structure of a register line, with its main site."""
    line = line or register_line()
    values = {
        "kind": line.kind,
        "name": line.name,
        "sort_key": line.sort_key,
        "finess": line.number,
        "commune": line.commune,
        "departement": line.commune.departement,
        "address": line.address,
        "postal_code": line.postal_code,
        "email": line.email,
        "register_line": line,
        "fictional": True,
        **fields,
    }
    row = Structure.objects.create(**values)
    Site.objects.create(
        structure=row,
        is_main=True,
        address=row.address,
        postal_code=row.postal_code,
        commune=row.commune,
        latitude=line.latitude,
        longitude=line.longitude,
    )
    return row


def membership(
    of: Structure | None = None, person: User | None = None, role: MembershipRole = MembershipRole.OWNER
) -> Membership:
    """The access of a person to a structure."""
    return Membership.objects.create(
        structure=of or structure(), user=person or user(), role=role, started_at=NOW - timedelta(days=30)
    )


def wave(number: int = 4, period: DateRange | None = None) -> Wave:
    """A wave open at ``NOW``."""
    row, _ = Wave.objects.get_or_create(
        number=number,
        defaults={
            "name": "vague d’essai",
            "period": period or DateRange(date(2026, 9, 1), date(2027, 1, 1)),
            "legal_source": "essai",
        },
    )
    return row


def quota(on: Departement | None = None, *, in_: Wave | None = None, **fields: Any) -> Quota:
    """The quota of a wave in a département: floor 10, target 15, no ceiling."""
    return Quota.objects.create(
        wave=in_ or wave(), departement=on or departement(), **{"floor": 10, "target": 15, **fields}
    )


def specification() -> Specification:
    """The shipped cahier des charges."""
    return Specification.objects.get(version="1.0")


def application(
    of: Structure | None = None, *, state: ApplicationState = ApplicationState.DRAFT, **fields: Any
) -> Application:
    """A file; past draft it was received ten days before ``NOW`` in the open wave."""
    owner = of or structure()
    values: dict[str, Any] = {
        "number": f"FS-{owner.departement.code}-2026-{next(_numbers):04d}",
        "structure": owner,
        "departement": owner.departement,
        "state": state,
        "specification": specification(),
        "answers": {},
        "created_at": NOW - timedelta(days=20),
        "created_by": fields.pop("created_by", None) or user(),
    }
    if state != ApplicationState.DRAFT:
        values |= {
            "submitted_at": NOW - timedelta(days=10),
            "silence_date": date(2027, 1, 12),
            "wave": wave(),
            "notification_consent": True,
        }
    return Application.objects.create(**{**values, **fields})


def blank_pdf() -> bytes:
    """A PDF of one empty page."""
    writer = PdfWriter()
    writer.add_blank_page(210, 297)
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def paper_original(of: Decision, agent: Mandate, signatory: Mandate) -> PaperOriginal:
    """The scan that an agent filed today of a decision signed by hand."""
    now = timezone.now()
    return file_original(
        decision=of,
        mandate=agent,
        signatory=signatory,
        signed_date=timezone.localdate(now),
        name="original.pdf",
        scan=blank_pdf(),
        at=now,
    )


def anonymous() -> AnonymousUser:
    """Nobody."""
    return AnonymousUser()
