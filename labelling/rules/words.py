"""Answers in words, task by task: what a structure reads again before it submits, and what agents read."""

from collections.abc import Collection
from typing import Any

from francesante.lib.french import joined, opening_hours, plural, typeset
from francesante.lib.text import sort_key
from labelling.rules.answers import DAYS, PROFESSIONS, SECTORS, WEEKS, Answers, Hours, Member, Stop
from labelling.rules.conditions import is_spared
from labelling.rules.steps import TO_FILL, Step

SPARED = "Non demandé : le cahier des charges en dispense ce type de structure."


def answers_in_words(step: Step, answers: Answers, spared: Collection[str] = ()) -> list[tuple[str, str]]:
    """Return the answers of a task as labels and words, for reading again; ``spared`` as :func:`rules.steps.status_of`."""
    if is_spared(step.slug, spared):
        return [(step.title, typeset(SPARED))]
    rows = _commitments_in_words(answers, spared) if step.slug == "engagements" else _IN_WORDS[step.slug](answers)
    return [(label, typeset(text) if text else "Non renseigné") for label, text in rows]


def all_in_words(answers: Answers, spared: Collection[str] = ()) -> list[tuple[Step, list[tuple[str, str]]]]:
    """Return all the answers of a file, task by task."""
    return [(step, answers_in_words(step, answers, spared)) for step in TO_FILL]


def _identity_in_words(answers: Answers) -> list[tuple[str, str]]:
    contact, identity = answers.contact, answers.identity
    register = {True: "exactes", False: f"à corriger : {identity.correction}", None: ""}[identity.exact]
    return [
        ("Informations du registre", register),
        ("Personne qui suit le dossier", ", ".join(filter(None, [contact.name, contact.role]))),
        ("Pour la joindre", ", ".join(filter(None, [contact.email, contact.phone]))),
    ]


def _hours_in_words(answers: Answers) -> list[tuple[str, str]]:
    if not answers.open_days and not answers.stops:
        return [("Horaires", "")]
    days = [
        (name.capitalize(), opening_hours(answers.hours[day]) if answers.hours.get(day) else "fermé")
        for day, name in DAYS.items()
        if answers.hours
    ]
    sites = [
        (
            f"Autre site : {site.name or site.commune_name}",
            f"{', '.join(filter(None, [site.address, site.commune_name]))} ; {week_in_words(site.hours)}",
        )
        for site in answers.sites
    ]
    stops = [("Tournée", stop_in_words(stop)) for stop in answers.stops]
    if answers.mobile and not stops:
        stops = [("Tournées", "")]
    closures = [
        f"du {closure.start:%d/%m/%Y} au {closure.end:%d/%m/%Y}{' (remplaçant désigné)' if closure.replaced else ''}"
        for closure in answers.closures
    ]
    return [*days, *sites, *stops, ("Fermetures", " ; ".join(closures) or "aucune annoncée")]


def week_in_words(hours: Hours) -> str:
    """Return the hours of a week on one line: ``lundi 8 h 30 – 12 h 30 ; mardi …``."""
    return (
        " ; ".join(f"{name} {opening_hours(hours[day])}" for day, name in DAYS.items() if hours.get(day))
        or "sans horaires"
    )


def stop_in_words(stop: Stop) -> str:
    """Return one stop of a round: when, where, how often."""
    where = ", ".join(filter(None, [stop.place, stop.commune_name]))
    return f"{DAYS[stop.day]} {opening_hours([(stop.start, stop.end)])}, {where}, {WEEKS[stop.weeks]}"


def who_is(member: Member) -> tuple[str, str]:
    """Return the name of a professional and their profession, which is left out when the name says it already."""
    profession = PROFESSIONS[member.profession]
    name = member.name or profession.capitalize()
    return name, "" if sort_key(name).startswith(sort_key(profession)) else profession


def _team_in_words(answers: Answers) -> list[tuple[str, str]]:
    rows = []
    for member in answers.team:
        where = (
            "sur place"
            if member.on_site
            else f"à {member.minutes} min"
            if member.minutes is not None
            else "à proximité"
        )
        count = len(member.half_days)
        half_days = f"{count} demi-journée{plural(count)} par semaine" if count else ""
        name, profession = who_is(member)
        rows.append((name, ", ".join(filter(None, [profession, where, half_days]))))
    return rows or [("Équipe", "")]


def _fees_in_words(answers: Answers) -> list[tuple[str, str]]:
    doctors = answers.of("doctor")
    sectors = [
        (doctor.name or f"Médecin {number}", SECTORS[doctor.sector] if doctor.sector else "")
        for number, doctor in enumerate(doctors, start=1)
    ] or [("Secteur des médecins", SECTORS[answers.fees.sector] if answers.fees.sector else "")]
    fees = answers.fees
    extra = [("Précisions", fees.details)] if fees.details else []
    return [
        *sectors,
        ("Dépassements d’honoraires", _yes_no(fees.overrun)),
        ("Tiers payant", _yes_no(fees.third_party)),
        *extra,
    ]


def _on_call_in_words(answers: Answers) -> list[tuple[str, str]]:
    said = answers.on_call
    sector = [("Secteur de la PDSA", said.pdsa_sector)] if said.pdsa else []
    extra = [("Précisions", said.details)] if said.details else []
    return [
        ("Permanence des soins (PDSA)", _yes_no(said.pdsa)),
        *sector,
        ("Service d’accès aux soins (SAS)", _yes_no(said.sas)),
        *extra,
    ]


_COMMITMENTS = {
    "appointment_48h": "Rendez-vous médical sous 48 heures",
    "support": "Accompagnement dans le parcours de santé",
}


def _commitments_in_words(answers: Answers, spared: Collection[str]) -> list[tuple[str, str]]:
    return [
        (label, "souscrit" if getattr(answers.commitments, name) else "")
        for name, label in _COMMITMENTS.items()
        if name not in spared
    ]


def _yes_no(value: Any) -> str:
    return {True: "oui", False: "non"}.get(value, "")


_IN_WORDS = {
    "identite": _identity_in_words,
    "horaires": _hours_in_words,
    "equipe": _team_in_words,
    "tarifs": _fees_in_words,
    "permanence": _on_call_in_words,
}


def fees_for_patients(answers: Answers) -> list[str]:
    """Return what a place declared of its fees, in sentences for who comes; nothing of what it did not say.

    Nobody is named, and no price is told: the file holds none.
    """
    said = {doctor.sector for doctor in answers.of("doctor")} or {answers.fees.sector}
    sectors = [SECTORS[sector] for sector in SECTORS if sector in said - {""}]
    where = f" (médecins en {joined(sectors)})" if sectors else ""
    sentences = {
        False: f"Consultations sans dépassement d’honoraires{where}.",
        True: f"Des dépassements d’honoraires sont possibles{where} : demandez le tarif avant de venir.",
        None: f"Médecins en {joined(sectors)}." if sectors else "",
    }
    third_party = {
        True: "Tiers payant pratiqué.",
        False: "Sans tiers payant : la consultation se règle sur place, puis l’assurance maladie la rembourse.",
        None: "",
    }
    kept = [sentences[answers.fees.overrun], third_party[answers.fees.third_party]]
    return [typeset(sentence) for sentence in kept if sentence]
