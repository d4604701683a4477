"""The table of agents to invite: a CSV with a header, ``,`` or ``;``, UTF-8 or, as old spreadsheets write it, Windows-1252.

==============================  ==================================================================================
column                          meaning
==============================  ==================================================================================
email                           professional address; required
prenom, nom                     proposed to the person when they open their account
autorite                        name of the authority, as the portal writes it; required
role                            instruction, avis, lecture, pilotage national; required
territoire                      code of a département; empty: the whole territory of the authority
debut, fin                      first and last days of the mandate; empty: from today, without end
signature_en_qualite_de         titulaire, par délégation, par suppléance, par intérim; empty: no right to sign
signature_qualite               what acts print: « directeur général de l’ARS »; required with a signature
signature_acte                  the act that gives the right to sign; required with a signature
signature_date                  date of that act; required with a signature
signature_date_publication      date of its publication; required with a signature
signature_publication           reference of its publication
==============================  ==================================================================================

Accents and capitals of titles and of listed words do not count. Dates are 2027-01-31 or 31/01/2027.
"""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from io import StringIO

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from francesante.lib.text import sort_key
from territories.choices import Role, SigningAs
from territories.rules.signing import SigningRight

REQUIRED = ("email", "autorite", "role")
OPTIONAL = (
    "prenom",
    "nom",
    "territoire",
    "debut",
    "fin",
    "signature_en_qualite_de",
    "signature_qualite",
    "signature_acte",
    "signature_date",
    "signature_date_publication",
    "signature_publication",
)
COLUMNS = ("email", "prenom", "nom", "autorite", "role", *OPTIONAL[2:])
MOST_ROWS = 200
"""Each line may send a mail while the page is waited for."""

ROLES: Mapping[str, Role] = {sort_key(word): role for role in Role for word in (role.label, role.value)}
TITLES: Mapping[str, SigningAs] = {sort_key(word): one for one in SigningAs for word in (one.label, one.value)}
EXAMPLE: tuple[Mapping[str, str], ...] = (
    {
        "email": "prune.exemplaire@ars-fictive.invalid",
        "prenom": "Prune",
        "nom": "Exemplaire",
        "autorite": "ARS Fictive",
        "role": "instruction",
        "debut": "2027-01-01",
        "fin": "2027-12-31",
    },
    {
        "email": "olympe.temoin@valfictie.invalid",
        "prenom": "Olympe",
        "nom": "Témoin",
        "autorite": "Préfecture de Valfictie",
        "role": "instruction",
        "territoire": "99",
        "signature_en_qualite_de": "titulaire",
        "signature_qualite": "préfète de Valfictie",
        "signature_acte": "décret du 3 février 2026",
        "signature_date": "2026-02-03",
        "signature_date_publication": "2026-02-05",
        "signature_publication": "JO du 5 février 2026",
    },
    {
        "email": "come.ebauche@conseil.invalid",
        "prenom": "Côme",
        "nom": "Ébauche",
        "autorite": "Conseil départemental de Valfictie",
        "role": "lecture",
        "territoire": "99",
        "fin": "31/12/2027",
    },
)
"""Invented lines, for the file that people start from."""


class AgentsTableError(Exception):
    """The file is not a table of agents. ``str(error)`` is the French sentence to show."""


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One line that can be read. ``until`` is the day after the last one."""

    line: int
    email: str
    first_name: str
    last_name: str
    authority: str
    role: Role
    departement: str
    start: date | None
    until: date | None
    signing: SigningRight | None


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A line that cannot be read, and why, in French."""

    line: int
    email: str
    reason: str


def decode(content: bytes) -> str:
    """Return the text of an uploaded table, whatever the age of the spreadsheet that wrote it."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def read_agents_table(text: str) -> list[AgentRow | RefusedRow]:
    """Read a table of agents; a line that cannot be read is returned with the reason, and the others are read.

    Raises:
        AgentsTableError: empty, too long, or a required column is absent.
    """
    header = text.partition("\n")[0]
    if not header.strip():
        raise AgentsTableError("Ce fichier est vide : il faut une ligne de titres, puis une ligne par personne.")
    lines = csv.DictReader(StringIO(text, newline=""), delimiter=";" if ";" in header else ",")
    names = [_title(name) for name in lines.fieldnames or []]
    lines.fieldnames = names
    if missing := [name for name in REQUIRED if name not in names]:
        raise AgentsTableError(
            f"Colonnes absentes : {', '.join(missing)}. La première ligne doit les nommer ; partez du fichier d’exemple."
        )
    if unknown := [name for name in names if name and name not in COLUMNS]:
        raise AgentsTableError(
            f"Colonnes inconnues : {', '.join(unknown)}. Corrigez leur titre ou retirez-les : rien n’est deviné."
        )
    read: list[AgentRow | RefusedRow] = []
    seen: dict[tuple[str, str, str], int] = {}
    for row in lines:
        if not any((value or "").strip() for value in row.values() if not isinstance(value, list)):
            continue
        if len(read) >= MOST_ROWS:
            raise AgentsTableError(f"Ce tableau a plus de {MOST_ROWS} lignes : partagez-le en plusieurs fichiers.")
        read.append(_read(lines.line_num, row, seen))
    return read


def _title(name: str) -> str:
    return "_".join(re.findall(r"[a-z0-9]+", sort_key(name)))


def _read(
    line: int, row: Mapping[str | None, str | None], seen: dict[tuple[str, str, str], int]
) -> AgentRow | RefusedRow:
    email = (row.get("email") or "").strip().lower()
    try:
        found = _row(line, row, email)
    except ValueError as error:
        return RefusedRow(line, email, str(error))
    first = seen.setdefault((found.email, sort_key(found.authority), found.departement), line)
    if first != line:
        return RefusedRow(
            line, email, f"la même personne, pour la même autorité et le même territoire, est déjà ligne {first}"
        )
    return found


def _row(line: int, row: Mapping[str | None, str | None], email: str) -> AgentRow:
    if None in row or None in row.values():
        raise ValueError("elle n’a pas le même nombre de champs que la ligne de titres")
    said = {name: " ".join((row.get(name) or "").split()) for name in COLUMNS}
    try:
        validate_email(email)
    except ValidationError as error:
        raise ValueError(f"« {email} » n’est pas une adresse électronique") from error
    if not said["autorite"]:
        raise ValueError("l’autorité manque")
    role = ROLES.get(sort_key(said["role"]))
    if role is None:
        raise ValueError(f"« {said['role']} » n’est pas un rôle : {', '.join(one.label for one in Role)}")
    last = _date(said["fin"], "fin")
    return AgentRow(
        line=line,
        email=email,
        first_name=said["prenom"][:80],
        last_name=said["nom"][:80],
        authority=said["autorite"],
        role=role,
        departement=said["territoire"].upper().zfill(2) if said["territoire"] else "",
        start=_date(said["debut"], "début"),
        until=date.fromordinal(last.toordinal() + 1) if last else None,
        signing=_signing(said),
    )


def _signing(said: Mapping[str, str]) -> SigningRight | None:
    if not any(value for name, value in said.items() if name.startswith("signature_")):
        return None
    signing_as = TITLES.get(sort_key(said["signature_en_qualite_de"]))
    if signing_as is None:
        raise ValueError(
            f"« {said['signature_en_qualite_de']} » ne dit pas en quelle qualité signe la personne : "
            f"{', '.join(one.label for one in SigningAs)}"
        )
    dates = _date(said["signature_date"], "date de l’acte"), _date(said["signature_date_publication"], "publication")
    if not (said["signature_qualite"] and said["signature_acte"] and dates[0] and dates[1]):
        raise ValueError("le droit de signer demande la qualité imprimée, l’acte, sa date et celle de sa publication")
    return SigningRight(
        signing_as,
        said["signature_qualite"][:200],
        said["signature_acte"][:250],
        dates[0],
        dates[1],
        said["signature_publication"][:200],
    )


def _date(text: str, name: str) -> date | None:
    if not text:
        return None
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007  # a day, not an instant
        except ValueError:
            continue
    raise ValueError(f"{name} : « {text} » n’est pas une date ; écrivez 2027-01-31 ou 31/01/2027")
