"""The pre-check of each criterion: what the machine finds in the answers, and the sentence that explains it.

Pure, and one: the structure's form, its file page and the agents' table call the same functions. The machine never
decides: it says « semble », or asks for a person. Sentences say what was read in the answers, what is needed, and
leave out the criterion's name and the finding, which pages show before them (EXPERIENCE §5, 1 to 3).
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from francesante.lib.french import NBSP, plural, typeset
from francesante.lib.text import sort_key
from labelling.choices import Finding, Rule, StructureKind
from labelling.rules.answers import DAYS, SECTORS, Answers, Member
from labelling.rules.parameters import admits

Outcome = tuple[Finding, str]

STILL_OPEN = typeset("Vous pouvez déposer quand même : un agent examinera votre situation.")
"""Ends the sentence of a criterion that seems not to be met, for who has not submitted yet."""
_WORDS = "zéro un deux trois quatre cinq six sept huit neuf dix".split()


@dataclass(frozen=True, slots=True)
class Assessed:
    """A criterion, what the machine finds, and the two texts pages show: the answer, and the explanation."""

    criterion: Any
    finding: Finding
    sentence: str
    answer: str


def assess(
    rule: str,
    parameters: Mapping[str, Any],
    answers: Answers,
    *,
    structure_kind: str = "",
    exempt_kinds: Collection[str] = (),
) -> Outcome:
    """Return what the machine finds of one criterion, and the sentence that says why."""
    if structure_kind and structure_kind in exempt_kinds:
        kind = StructureKind(structure_kind).label
        sentence = f"Le cahier des charges dispense ce type de structure ({kind}) ; un agent le confirmera."
        return Finding.TO_CHECK, typeset(sentence)
    finding, sentence = _RULES[Rule(rule)](parameters, answers)
    return finding, typeset(sentence)


def assess_all(
    criteria: Iterable[Any], answers: Answers, *, structure_kind: str, to_submit: bool = False
) -> list[Assessed]:
    """Assess criteria in their order; each has ``rule``, ``parameters`` and ``exempt_kinds``.

    Only answers that are still ``to_submit`` are told that they may be as they are.
    """
    found = []
    for criterion in criteria:
        finding, sentence = assess(
            criterion.rule,
            criterion.parameters,
            answers,
            structure_kind=structure_kind,
            exempt_kinds=criterion.exempt_kinds,
        )
        if not to_submit:
            sentence = sentence.removesuffix(STILL_OPEN).rstrip()
        answer = answer_in_words(criterion.rule, criterion.parameters, answers)
        found.append(Assessed(criterion, finding, sentence, answer))
    return found


def asks_reason(rule: str, answers: Answers) -> bool:
    """Tell whether holding a criterion for met is a decision to be reasoned: a doctor outside secteur 1 (OPTAM, secteur 2)."""
    sectors = _sectors(answers)
    return Rule(rule) == Rule.NO_OVERRUN and bool(sectors["optam"] or sectors["2"])


def answer_in_words(rule: str, parameters: Mapping[str, Any], answers: Answers) -> str:
    """Return the answer that a criterion looks at, in a few words; nothing when there is none."""
    match Rule(rule):
        case Rule.DOCTOR:
            return _presence(answers.of("doctor"))
        case Rule.NURSE:
            return _nurses(answers.of("nurse"))
        case Rule.OPEN_DAYS:
            places = bool(answers.hours) + len(answers.sites) + len(answers.stops)
            days = f"{_days(len(answers.open_days))} par semaine" if answers.open_days else ""
            return f"{days}, {places}{NBSP}lieux" if days and places > 1 else days
        case Rule.NO_OVERRUN:
            return _sectors_in_words(answers)
        case Rule.ON_CALL:
            return _on_call_in_words(answers)
        case rule:
            taken = rule == Rule.COMMITMENT and getattr(answers.commitments, parameters["answer"])
            return "souscrit" if taken else ""


# Rules -----------------------------------------------------------------------------------------------------------


def _doctor(parameters: Mapping[str, Any], answers: Answers) -> Outcome:
    if not answers.team:
        return Finding.UNANSWERED, "Indiquez les médecins qui reçoivent dans la structure."
    doctors = [member for member in answers.of("doctor") if member.on_site]
    if not doctors:
        return (
            Finding.SEEMS_NOT_MET,
            f"Vous n’indiquez aucun médecin qui reçoive sur place ; il en faut un au moins. {STILL_OPEN}",
        )
    half_days, needed = _half_days(doctors), parameters["min_half_days"]
    if not half_days:
        return Finding.UNANSWERED, "Indiquez les demi-journées de présence de chaque médecin."
    if half_days < needed:
        return (
            Finding.SEEMS_NOT_MET,
            f"{_capital(_presence(doctors))} ; il en faut {needed} par semaine. {STILL_OPEN}",
        )
    return Finding.SEEMS_MET, f"{_capital(_presence(doctors))} par semaine."


def _nurse(parameters: Mapping[str, Any], answers: Answers) -> Outcome:
    if not answers.team:
        return Finding.UNANSWERED, "Indiquez les infirmiers de la structure, ou le cabinet le plus proche."
    nurses = answers.of("nurse")
    if not nurses:
        return (
            Finding.SEEMS_NOT_MET,
            f"Vous n’indiquez aucun infirmier, ni sur place ni à proximité. {STILL_OPEN}",
        )
    here = sum(nurse.on_site for nurse in nurses)
    if here:
        return Finding.SEEMS_MET, f"{_capital(_count(here, 'infirmier'))} sur place."
    return _nurse_nearby(parameters, nurses)


def _nurse_nearby(parameters: Mapping[str, Any], nurses: Iterable[Member]) -> Outcome:
    if not admits(Rule.NURSE, parameters, "nearby"):
        return (
            Finding.SEEMS_NOT_MET,
            f"Vous n’indiquez aucun infirmier sur place ; un cabinet à proximité ne suffit pas. {STILL_OPEN}",
        )
    journeys = [nurse.minutes for nurse in nurses if nurse.minutes is not None]
    if not journeys:
        return Finding.UNANSWERED, "Indiquez le temps de trajet jusqu’au cabinet infirmier."
    nearest, accepted = min(journeys), parameters["max_minutes"]
    distance = f"à {nearest}{NBSP}minute{plural(nearest)}"
    if nearest > accepted:
        return (
            Finding.SEEMS_NOT_MET,
            f"Votre cabinet infirmier est {distance} ; le repère pour « à proximité » est de {accepted}. {STILL_OPEN}",
        )
    near = f"Vous n’en avez pas sur place, mais un cabinet se trouve {distance} ; le cahier des charges admet "
    return Finding.SEEMS_MET, f"{near}« à proximité ». Cette distance sera vérifiée."


def _open_days(parameters: Mapping[str, Any], answers: Answers) -> Outcome:
    opened = answers.open_days
    if not opened and answers.stops:
        return Finding.TO_CHECK, "Vos tournées ne passent pas chaque semaine : les services diront si ce rythme suffit."
    if not opened:
        return Finding.UNANSWERED, "Indiquez vos jours et vos heures d’ouverture."
    closed = [f"le {name}" for day, name in DAYS.items() if day not in opened]
    detail = f"fermé {_listed(closed)}" if closed else "aucun jour de fermeture"
    here, needed = len(answers.main_days), parameters["min_days"]
    if len(opened) < needed:
        return (
            Finding.SEEMS_NOT_MET,
            f"Vous indiquez {_days(len(opened))} ({detail}) ; il en faut {needed}. {STILL_OPEN}",
        )
    if 0 < here < needed:
        whole = f"{_days(len(opened))}, tous lieux comptés : {detail}. Le site principal ouvre {_days(here)}"
        return Finding.TO_CHECK, f"{whole} ; il en faut {needed}, les services diront si cela suffit."
    return Finding.SEEMS_MET, f"{_days(len(opened))} : {detail}."


def _days(count: int) -> str:
    return f"{count}{NBSP}jour{plural(count)}"


def _no_overrun(parameters: Mapping[str, Any], answers: Answers) -> Outcome:
    sectors = _sectors(answers)
    if not sectors or sectors[""]:
        return Finding.UNANSWERED, "Indiquez le secteur conventionnel de chaque médecin."
    words = _capital(_sectors_in_words(answers))
    if sectors["optam"] and not admits(Rule.NO_OVERRUN, parameters, "optam"):
        return Finding.SEEMS_NOT_MET, f"{words} ; l’OPTAM ne suffit pas. {STILL_OPEN}"
    if answers.fees.overrun:
        return (
            Finding.SEEMS_NOT_MET,
            f"Vous indiquez des dépassements d’honoraires ; les consultations doivent en être exemptes. {STILL_OPEN}",
        )
    # Free fees are no overrun by themselves: the structure may say that it charges none.
    if sectors["2"] and answers.fees.overrun is None:
        return (
            Finding.SEEMS_NOT_MET,
            f"{words} : les honoraires y sont libres, et les consultations doivent être sans dépassement. {STILL_OPEN}",
        )
    if sectors["optam"] or sectors["2"]:
        return (
            Finding.TO_CHECK,
            f"{words}. Les services diront, par une appréciation motivée, si cela suffit.",
        )
    return Finding.SEEMS_MET, f"{words}."


def _on_call(parameters: Mapping[str, Any], answers: Answers) -> Outcome:
    pdsa, sas = (admits(Rule.ON_CALL, parameters, way) for way in ("pdsa", "sas"))
    words = _on_call_in_words(answers)
    if words and not ((pdsa and answers.on_call.pdsa) or (sas and answers.on_call.sas)):
        return Finding.SEEMS_NOT_MET, f"Vous participez {words} ; il faut participer {_ON_CALL[sas]}. {STILL_OPEN}"
    if words:
        enough = " L’une des deux participations suffit." if pdsa and sas else ""
        return Finding.SEEMS_MET, f"Vous participez {words}.{enough}"
    if answers.on_call.pdsa is False and answers.on_call.sas is False:
        needed = "il faut l’une des deux" if pdsa and sas else f"il faut participer {_ON_CALL[sas]}"
        return (
            Finding.SEEMS_NOT_MET,
            f"Vous indiquez ne participer ni à la PDSA ni au SAS ; {needed}. {STILL_OPEN}",
        )
    return Finding.UNANSWERED, "Indiquez si vous participez à la permanence des soins ou au service d’accès aux soins."


_ON_CALL = {False: "à la PDSA", True: "au SAS"}


def _person(_parameters: Mapping[str, Any], _answers: Answers) -> Outcome:
    return Finding.TO_CHECK, "Aucune machine ne vérifie ce critère : un agent l’appréciera."


def _commitment(parameters: Mapping[str, Any], answers: Answers) -> Outcome:
    if getattr(answers.commitments, parameters["answer"]):
        return Finding.SEEMS_MET, "Engagement souscrit."
    return Finding.UNANSWERED, "Cet engagement se souscrit avant le dépôt."


_RULES: Mapping[Rule, Callable[[Mapping[str, Any], Answers], Outcome]] = {
    Rule.DOCTOR: _doctor,
    Rule.NURSE: _nurse,
    Rule.OPEN_DAYS: _open_days,
    Rule.NO_OVERRUN: _no_overrun,
    Rule.ON_CALL: _on_call,
    Rule.COMMITMENT: _commitment,
    Rule.PERSON: _person,
}


# Words -----------------------------------------------------------------------------------------------------------


def _half_days(members: Iterable[Member]) -> int:
    return sum(len(member.half_days) for member in members)


def _presence(doctors: Collection[Member]) -> str:
    if not doctors:
        return ""
    half_days = _half_days(doctors)
    return f"{_count(len(doctors), 'médecin')}, {half_days}{NBSP}demi-journée{plural(half_days)}"


def _nurses(nurses: Collection[Member]) -> str:
    here = sum(nurse.on_site for nurse in nurses)
    journeys = [nurse.minutes for nurse in nurses if not nurse.on_site and nurse.minutes is not None]
    if here:
        return f"{_count(here, 'infirmier')} sur place"
    return f"{_count(len(nurses), 'infirmier')}, à {min(journeys)}{NBSP}min" if journeys else ""


def _sectors(answers: Answers) -> Counter[str]:
    """Count the doctors by sector; the structure's own sector stands for one doctor when none is listed."""
    doctors = answers.of("doctor")
    if doctors:
        return Counter(member.sector for member in doctors)
    return Counter([answers.fees.sector] if answers.fees.sector else [])


def _sectors_in_words(answers: Answers) -> str:
    verbs = {"1": ("est en secteur 1", "sont en secteur 1"), "2": ("est en secteur 2", "sont en secteur 2")}
    verbs["optam"] = ("adhère à l’OPTAM", "adhèrent à l’OPTAM")
    if not answers.of("doctor"):
        return f"vos médecins {verbs[answers.fees.sector][1]}" if answers.fees.sector else ""
    sectors = _sectors(answers)
    parts = []
    for sector in SECTORS:
        if sector and (count := sectors[sector]):
            who = _count(count, "médecin") if not parts else _word(count)
            parts.append(f"{who} {verbs[sector][count > 1]}")
    return ", ".join(parts)


def _on_call_in_words(answers: Answers) -> str:
    said = answers.on_call
    sector = f", {_pdsa_sector(said.pdsa_sector)}" if said.pdsa_sector else ""
    pdsa, sas = (f"à la PDSA{sector}" if said.pdsa else ""), ("au SAS" if said.sas else "")
    return (", et " if sector else " et ").join(filter(None, [pdsa, sas]))


def _pdsa_sector(name: str) -> str:
    """« Valfictif » → « secteur de Valfictif »; a number, or what already says « secteur », is left as it was written."""
    if name.lower().startswith("secteur"):
        return name[0].lower() + name[1:]
    if not name[0].isalpha():
        return f"secteur {name}"
    return f"secteur d’{name}" if sort_key(name)[0] in "aeiouy" else f"secteur de {name}"


def _word(count: int) -> str:
    return _WORDS[count] if count < len(_WORDS) else str(count)


def _count(count: int, noun: str) -> str:
    return f"{_word(count)} {noun}{plural(count)}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _listed(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} et {items[-1]}"
