"""Who changed the calendar and the cahier des charges, and what: their events in French, for the national team."""

from collections.abc import Iterable, Mapping
from datetime import date

from django.db.models import Q

from francesante.lib.french import short_date, typeset
from labelling.models import Quota, Specification, Wave
from labelling.views.journal import Entry, names_of
from territories.choices import Subject
from territories.models import Event

SHOWN = 30
_SHARE = {"floor": "plancher", "target": "cible", "ceiling": "plafond"}
_WAVE = {
    "number": "numéro",
    "name": "nom",
    "period": "dates",
    "national_target": "objectif national",
    "departement_floor": "plancher par département",
    "departement_target": "cible par département",
    "legal_source": "source",
}
_VERSION = {
    "version": "numéro",
    "title": "titre",
    "preamble": "préambule",
    "legal_source": "source",
    "applies_from": "date d’application",
    "applies_to_pending": "application aux dossiers en cours",
    "transitional_clause": "clause transitoire",
}


def chronicle_of_wave(wave: Wave) -> list[Entry]:
    """Return the last changes of a wave and of its quotas, the latest first."""
    departements = {
        row.pk: str(row.departement) for row in Quota.objects.filter(wave=wave).select_related("departement")
    }
    events = Event.objects.filter(
        Q(subject_type=Subject.WAVE, subject_id=wave.pk)
        | Q(subject_type=Subject.QUOTA, subject_id__in=list(departements))
    )
    shown = list(events.order_by("-at", "-pk")[:SHOWN])
    return _entries((event, _of_calendar(event, departements)) for event in shown)


def _of_calendar(event: Event, departements: Mapping[int, str]) -> str:
    if event.subject_type == Subject.WAVE:
        names = [_WAVE[name] for name in event.data.get("fields", ()) if name in _WAVE]
        return "Vague ajoutée au calendrier" if event.action == "create" else f"Vague modifiée : {', '.join(names)}"
    changes = [
        f"{word} {_value(event.data[name][0])} → {_value(event.data[name][1])}"
        for name, word in _SHARE.items()
        if name in event.data and event.data[name][0] != event.data[name][1]
    ]
    where = departements[event.subject_id]
    return f"{where} : {', '.join(changes)}" if changes else f"{where} : acte du plafond modifié"


def _value(number: int | None) -> str:
    return "aucun" if number is None else str(number)


def chronicle_of_version(specification: Specification) -> list[Entry]:
    """Return the last changes of a version of the cahier des charges, the latest first."""
    events = Event.objects.about(Subject.SPECIFICATION, specification.pk)
    shown = list(events.order_by("-sequence")[:SHOWN])
    titles = dict(specification.criteria.values_list("code", "title"))
    return _entries((event, _of_version(event, titles)) for event in shown)


def _of_version(event: Event, titles: Mapping[str, str]) -> str:
    code = event.data.get("criterion", "")
    match event.action:
        case "prepare":
            return "Brouillon ouvert"
        case "publish":
            return (
                f"Version publiée, applicable à partir du {short_date(date.fromisoformat(event.data['applies_from']))}"
            )
        case _ if code:
            verb = "retiré" if event.data.get("removed") else "déplacé" if "position" in event.data else "enregistré"
            return f"« {titles.get(code, code)} » {verb}"
        case _:
            names = [_VERSION[name] for name in event.data.get("fields", ()) if name in _VERSION]
            return f"Brouillon enregistré : {', '.join(names)}" if names else "Brouillon enregistré, sans changement"


def _entries(told: Iterable[tuple[Event, str]]) -> list[Entry]:
    rows = list(told)
    names = names_of([event for event, _ in rows])
    return [
        Entry(event.at, typeset(sentence), names.get((event.actor_type, event.actor_id), "Portail"))
        for event, sentence in rows
    ]
