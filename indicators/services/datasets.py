"""The open datasets: one schema object each, from which come the page, the dictionary, the API, and every file.

Live datasets are read as they are now; the edition dataset holds the published quarters, which never change. Only what
was notified is here: publication follows notification.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from django.db.models import (
    Case,
    CharField,
    Count,
    DateField,
    DecimalField,
    Exists,
    F,
    FilteredRelation,
    Func,
    IntegerField,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce, NullIf, TruncDate

from indicators.choices import EditionState, Level
from indicators.models import Edition, Observation
from indicators.rules.measures import STATUS_WORDS
from labelling.choices import Route, StructureKind
from labelling.models import Ending, Label, Lifting, Quota, Suspension
from territories.choices import Subject
from territories.models import Departement, Event, Region

LICENCE = "Licence Ouverte 2.0"
LICENCE_URL = "https://www.etalab.gouv.fr/licence-ouverte-open-licence/"
PUBLISHER = "Réseau France Santé"
SCHEMA_VERSION = "1.1.0"


class Kind(StrEnum):
    """Type of a column, by its name in a Table Schema."""

    TEXT = "string"
    DATE = "date"
    INTEGER = "integer"
    NUMBER = "number"


KIND_WORDS = {Kind.TEXT: "texte", Kind.DATE: "date", Kind.INTEGER: "entier", Kind.NUMBER: "nombre"}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, type and meaning for people, and the expression that reads it."""

    name: str
    kind: Kind
    meaning: str
    example: str
    source: str
    expression: Combinable = field(compare=False)
    values: tuple[str, ...] = ()

    @property
    def kind_words(self) -> str:
        """Its type, in French."""
        return KIND_WORDS[self.kind]


@dataclass(frozen=True, slots=True)
class Dataset:
    """One open dataset. ``key`` names the columns that are unique together: every order ends with them."""

    slug: str
    title: str
    summary: str
    excludes: str
    live: bool
    frequency: str
    keywords: tuple[str, ...]
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    limits: tuple[str, ...]
    base: Callable[[date], QuerySet[Any]] = field(compare=False)
    changed: Callable[[], datetime | None] = field(compare=False)
    longitude: str = ""
    latitude: str = ""

    @property
    def nature(self) -> str:
        """Whether it lives or is published by editions, in French."""
        return "donnée vivante" if self.live else "éditions trimestrielles"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its columns, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def located(self) -> bool:
        """Whether its rows have a point."""
        return bool(self.longitude)

    @property
    def formats(self) -> tuple[str, ...]:
        """Formats of its exports."""
        return ("csv", "json", "jsonl", *(("geojson",) if self.located else ()), "xlsx")

    def column(self, name: str) -> Column | None:
        """Return a column by name, or nothing."""
        return next((column for column in self.columns if column.name == name), None)

    def rows(self, on: date, columns: Iterable[Column] | None = None) -> QuerySet[Any]:
        """Return the rows, unordered, with columns (all of them by default) annotated under their names."""
        chosen = self.columns if columns is None else columns
        return self.base(on).annotate(**{column.name: column.expression for column in chosen})


# Expressions -----------------------------------------------------------------------------------------------------


def _text(expression: str | Combinable) -> Combinable:
    """An empty text is no value: the same in CSV, where both are empty, and in JSON."""
    read = F(expression) if isinstance(expression, str) else expression
    return NullIf(Cast(read, CharField()), Value(""))


def _number(name: str) -> Combinable:
    return Func(F(name), function="trim_scale", output_field=DecimalField(max_digits=16, decimal_places=4))


def _first_day(name: str) -> Combinable:
    return Func(F(name), function="lower", output_field=DateField())


def _last_day(name: str) -> Combinable:
    return Func(F(name), template="(upper(%(expressions)s) - 1)", output_field=DateField())


def _hours(day: str) -> Combinable:
    """Opening hours of a day, as « 08:30-12:30 / 13:30-18:30 »; nothing when closed or unknown."""
    return Func(
        F("main__hours"),
        # The day comes from the seven keys below, never from a reader.
        template=(
            "(SELECT string_agg((slot ->> 0) || '-' || (slot ->> 1), ' / ' ORDER BY place) FROM "  # noqa: S608
            f"jsonb_array_elements(jsonb_path_query_array(%(expressions)s, '$.{day}[*]')) "
            "WITH ORDINALITY AS slots (slot, place))"
        ),
        output_field=CharField(),
    )


# Labelled places -------------------------------------------------------------------------------------------------

REGISTER = "registre (FINESS) ou déclaration de la structure, vérifiée par les services"
POINT = "registre (FINESS, Sirene), Base Adresse Nationale, ou à défaut mairie de la commune"
DECISION = "décision signée par l’ARS et le préfet"
COG = "Insee, code officiel géographique 2026"
STATUSES = ("en vigueur", "à venir", "suspendu", "terminé", "retiré")


def _labels(on: date) -> QuerySet[Label]:
    # The status depends on the day, hence an annotation of its own below the columns.
    return (
        Label.objects.published()
        .annotate(
            main=FilteredRelation("structure__sites", condition=Q(structure__sites__is_main=True)),
            status_on=Case(
                When(withdrawn_at__isnull=False, then=Value("retiré")),
                When(valid__startswith__gt=on, then=Value("à venir")),
                When(valid__endswith__lte=on, then=Value("terminé")),
                When(
                    Exists(Suspension.objects.filter(label=OuterRef("pk"), period__contains=on)), then=Value("suspendu")
                ),
                default=Value("en vigueur"),
            ),
        )
        .order_by()
    )


def _labels_changed() -> datetime | None:
    found = Label.objects.published().aggregate(notified=Max("notified_at"), withdrawn=Max("withdrawn_at"))
    acts = [kind._default_manager.aggregate(at=Max("applied_at"))["at"] for kind in (Ending, Suspension, Lifting)]
    return max(filter(None, [*found.values(), *acts]), default=None)


_KIND_WORDS = tuple(str(label) for label in StructureKind.labels)
_DAYS = {
    "mon": "lundi",
    "tue": "mardi",
    "wed": "mercredi",
    "thu": "jeudi",
    "fri": "vendredi",
    "sat": "samedi",
    "sun": "dimanche",
}

STRUCTURES = Dataset(
    slug="structures-labellisees",
    title="Structures labellisées",
    summary="Une ligne par label depuis le premier jour, y compris les labels terminés.",
    excludes="Ne contient ni personnes, ni dossiers non aboutis, ni labels pas encore notifiés.",
    live=True,
    frequency="en continu",
    keywords=("santé", "accès aux soins", "maisons de santé", "centres de santé", "France Santé"),
    key=("code_label",),
    columns=(
        Column(
            "code_label", Kind.TEXT, "Numéro du label, unique et stable.", "FS-99-L-0042", DECISION, _text("number")
        ),
        Column(
            "nom",
            Kind.TEXT,
            "Nom de la structure.",
            "Maison de santé des Trois Étangs",
            REGISTER,
            _text("structure__name"),
        ),
        Column(
            "type",
            Kind.TEXT,
            "Type de structure.",
            "maison de santé",
            REGISTER,
            Case(*(When(structure__kind=kind, then=Value(str(kind.label))) for kind in StructureKind)),
            _KIND_WORDS,
        ),
        Column(
            "finess",
            Kind.TEXT,
            "Numéro FINESS de l’établissement, s’il en a un.",
            "990000123",
            "FINESS",
            _text("structure__finess"),
        ),
        Column(
            "adresse",
            Kind.TEXT,
            "Adresse du site principal.",
            "2 place du Lavoir",
            REGISTER,
            _text("structure__address"),
        ),
        Column("code_postal", Kind.TEXT, "Code postal.", "01200", REGISTER, _text("structure__postal_code")),
        Column("code_commune", Kind.TEXT, "Code Insee de la commune.", "01033", COG, _text("structure__commune__code")),
        Column(
            "libelle_commune", Kind.TEXT, "Nom de la commune.", "Valserhône", COG, _text("structure__commune__name")
        ),
        Column(
            "code_departement", Kind.TEXT, "Code du département (2A, 2B, 971…).", "01", COG, _text("departement__code")
        ),
        Column("libelle_departement", Kind.TEXT, "Nom du département.", "Ain", COG, _text("departement__name")),
        Column("code_region", Kind.TEXT, "Code de la région.", "84", COG, _text("departement__region__code")),
        Column("latitude", Kind.NUMBER, "Latitude du site principal (WGS 84).", "46.1060", POINT, F("main__latitude")),
        Column(
            "longitude", Kind.NUMBER, "Longitude du site principal (WGS 84).", "5.8260", POINT, F("main__longitude")
        ),
        Column("date_debut", Kind.DATE, "Premier jour du label.", "2026-03-02", DECISION, _first_day("valid")),
        Column(
            "date_fin",
            Kind.DATE,
            "Dernier jour du label ; vide s’il n’a pas de terme.",
            "2031-03-01",
            DECISION,
            _last_day("valid"),
        ),
        Column(
            "statut",
            Kind.TEXT,
            "Statut du label au jour de la lecture ; un label retiré l’est depuis l’origine, un label suspendu garde ses dates.",
            "en vigueur",
            "calculé à la date de la lecture",
            F("status_on"),
            STATUSES,
        ),
        Column(
            "version_cahier_des_charges",
            Kind.TEXT,
            "Version du cahier des charges sur laquelle le dossier a été jugé.",
            "1.0",
            DECISION,
            _text("application__specification__version"),
        ),
        Column(
            "voie",
            Kind.TEXT,
            "Voie du label : la structure a candidaté, ou les autorités l’ont invitée d’après les registres.",
            str(Route.CANDIDATURE.label),
            DECISION,
            Case(*(When(application__route=route, then=Value(str(route.label))) for route in Route)),
            tuple(str(label) for label in Route.labels),
        ),
        *(
            Column(
                f"h_{name}",
                Kind.TEXT,
                f"Horaires du {name}, sur le site principal ; vide si fermé ou non renseigné.",
                "08:30-12:30 / 13:30-18:30",
                "déclaration de la structure",
                _hours(day),
            )
            for day, name in _DAYS.items()
        ),
    ),
    limits=(
        "L’absence du label ne dit rien de la qualité des soins d’un lieu.",
        "Une structure à plusieurs sites compte pour un lieu, à l’adresse de son site principal.",
        "Un site sans position a une géométrie vide dans le GeoJSON : aucune ligne n’est écartée.",
    ),
    base=_labels,
    changed=_labels_changed,
    longitude="longitude",
    latitude="latitude",
)


# Waves and quotas ------------------------------------------------------------------------------------------------

CALENDAR = "calendrier publié par l’équipe nationale"


def _quotas(_on: date) -> QuerySet[Quota]:
    return Quota.objects.order_by()


def _quotas_changed() -> datetime | None:
    decided = Event.objects.filter(subject_type__in=[Subject.WAVE, Subject.QUOTA]).aggregate(at=Max("at"))["at"]
    return max(filter(None, [_labels_changed(), decided]), default=None)


def _notified(**among: str) -> Combinable:
    """Labels of the wave of a quota that were notified and not withdrawn."""
    labels = Label.objects.published().filter(
        wave=OuterRef("wave"), departement=OuterRef("departement"), withdrawn_at__isnull=True, **among
    )
    counted = labels.order_by().values("wave").annotate(count=Count("pk")).values("count")
    return Coalesce(Subquery(counted), 0, output_field=IntegerField())


QUOTAS = Dataset(
    slug="vagues-et-quotas",
    title="Vagues et quotas",
    summary="Une ligne par vague de labellisation et par département : plancher, cible, plafond, labels notifiés.",
    excludes="Ne contient pas les places réservées par des décisions en cours.",
    live=True,
    frequency="en continu",
    keywords=("santé", "accès aux soins", "objectifs", "départements", "France Santé"),
    key=("vague", "code_departement"),
    columns=(
        Column("vague", Kind.INTEGER, "Numéro de la vague.", "3", CALENDAR, F("wave__number")),
        Column("nom_vague", Kind.TEXT, "Nom de la vague.", "automne 2026", CALENDAR, _text("wave__name")),
        Column(
            "date_debut", Kind.DATE, "Premier jour de la vague.", "2026-09-01", CALENDAR, _first_day("wave__period")
        ),
        Column("date_fin", Kind.DATE, "Dernier jour de la vague.", "2026-12-31", CALENDAR, _last_day("wave__period")),
        Column(
            "objectif_national",
            Kind.INTEGER,
            "Objectif national cumulé à la fin de la vague, s’il est fixé.",
            "2000",
            CALENDAR,
            F("wave__national_target"),
        ),
        Column(
            "code_departement", Kind.TEXT, "Code du département (2A, 2B, 971…).", "01", COG, _text("departement__code")
        ),
        Column("libelle_departement", Kind.TEXT, "Nom du département.", "Ain", COG, _text("departement__name")),
        Column("code_region", Kind.TEXT, "Code de la région.", "84", COG, _text("departement__region__code")),
        Column(
            "plancher", Kind.INTEGER, "Nombre minimal de lieux à labelliser dans la vague.", "10", CALENDAR, F("floor")
        ),
        Column("cible", Kind.INTEGER, "Nombre de lieux visé dans la vague.", "15", CALENDAR, F("target")),
        Column(
            "plafond",
            Kind.INTEGER,
            "Nombre maximal de lieux ; vide : aucun plafond. Lui seul oblige.",
            "20",
            CALENDAR,
            F("ceiling"),
        ),
        Column(
            "acte_plafond",
            Kind.TEXT,
            "Acte qui fixe le plafond.",
            "arrêté du 1er septembre 2026",
            CALENDAR,
            _text("ceiling_act"),
        ),
        Column(
            "labels_notifies",
            Kind.INTEGER,
            "Labels de la vague notifiés dans le département et non retirés, terminés compris.",
            "12",
            DECISION,
            _notified(),
        ),
        Column(
            "labels_candidature",
            Kind.INTEGER,
            "Parmi eux, ceux des structures qui ont candidaté.",
            "9",
            DECISION,
            _notified(application__route=Route.CANDIDATURE),
        ),
        Column(
            "labels_acceleres",
            Kind.INTEGER,
            "Parmi eux, ceux de la voie accélérée, comptés à part.",
            "3",
            DECISION,
            _notified(application__route=Route.ACCELERATED),
        ),
    ),
    limits=(
        "Plancher et cible sont des objectifs ; seul un plafond oblige, et il cite son acte.",
        "Les vagues se suivent : la cible d’un département est la somme de ses cibles sur les vagues commencées.",
    ),
    base=_quotas,
    changed=_quotas_changed,
)


# Quarterly indicators --------------------------------------------------------------------------------------------


def _observations(_on: date) -> QuerySet[Observation]:
    return Observation.objects.filter(edition__state=EditionState.PUBLISHED).order_by()


def _editions_changed() -> datetime | None:
    return Edition.objects.filter(state=EditionState.PUBLISHED).aggregate(at=Max("published_at"))["at"]


def _departement_of(name: str) -> Subquery:
    return Subquery(Departement.objects.filter(code=OuterRef("territory")).values(name))


EDITION = "édition trimestrielle figée"
INDICATORS = Dataset(
    slug="indicateurs-trimestriels",
    title="Indicateurs trimestriels",
    summary="Une ligne par trimestre publié, indicateur et territoire : France, régions, départements.",
    excludes="Ne contient ni brouillons, ni versions remplacées : celles-ci restent sur la page des indicateurs.",
    live=False,
    frequency="trimestrielle",
    keywords=("santé", "accès aux soins", "indicateurs", "départements", "France Santé"),
    key=("trimestre", "indicateur", "niveau", "code_territoire"),
    columns=(
        Column("trimestre", Kind.TEXT, "Trimestre observé.", "2026T3", EDITION, _text("edition__quarter")),
        Column(
            "version",
            Kind.INTEGER,
            "Version de l’édition ; une correction en crée une nouvelle.",
            "1",
            EDITION,
            F("edition__revision"),
        ),
        Column("date_observation", Kind.DATE, "Dernier jour observé.", "2026-09-30", EDITION, F("edition__as_of")),
        Column(
            "date_publication",
            Kind.DATE,
            "Jour de la publication, à l’heure de Paris.",
            "2026-10-20",
            EDITION,
            TruncDate("edition__published_at"),
        ),
        Column(
            "niveau",
            Kind.TEXT,
            "Niveau du territoire.",
            "département",
            COG,
            Case(*(When(level=level, then=Value(str(level.label))) for level in Level)),
            tuple(str(label) for label in Level.labels),
        ),
        Column(
            "code_territoire",
            Kind.TEXT,
            "Code du territoire dans son niveau ; FR pour la France.",
            "01",
            COG,
            _text("territory"),
        ),
        Column(
            "code_departement",
            Kind.TEXT,
            "Code du département ; vide aux autres niveaux.",
            "01",
            COG,
            Case(When(level=Level.DEPARTEMENT, then=_text("territory"))),
        ),
        Column(
            "code_region",
            Kind.TEXT,
            "Code de la région ; vide pour la France.",
            "84",
            COG,
            Case(
                When(level=Level.DEPARTEMENT, then=_departement_of("region")),
                When(level=Level.REGION, then=_text("territory")),
                output_field=CharField(),
            ),
        ),
        Column(
            "libelle_territoire",
            Kind.TEXT,
            "Nom du territoire.",
            "Ain",
            COG,
            Case(
                When(level=Level.DEPARTEMENT, then=_departement_of("name")),
                When(
                    level=Level.REGION, then=Subquery(Region.objects.filter(code=OuterRef("territory")).values("name"))
                ),
                default=Value("France"),
                output_field=CharField(),
            ),
        ),
        Column(
            "indicateur", Kind.TEXT, "Code de l’indicateur.", "labels-en-vigueur", EDITION, _text("indicator__code")
        ),
        Column(
            "libelle_indicateur",
            Kind.TEXT,
            "Nom de l’indicateur.",
            "Lieux labellisés",
            EDITION,
            _text("indicator__name"),
        ),
        Column(
            "numerateur",
            Kind.NUMBER,
            "Numérateur, si l’indicateur est un rapport.",
            "12",
            EDITION,
            _number("numerator"),
        ),
        Column("denominateur", Kind.NUMBER, "Dénominateur ou nombre de cas.", "15", EDITION, _number("denominator")),
        Column(
            "valeur",
            Kind.NUMBER,
            "Valeur ; vide quand le statut dit pourquoi. 0 est une valeur.",
            "80",
            EDITION,
            _number("value"),
        ),
        Column("unite", Kind.TEXT, "Unité.", "%", EDITION, _text("indicator__unit")),
        Column(
            "statut",
            Kind.TEXT,
            "Ce qu’est la valeur : NS (secret statistique), ND (non disponible) et « non calculé » n’en ont pas.",
            "definitif",
            EDITION,
            Case(*(When(status=status, then=Value(words)) for status, words in STATUS_WORDS.items())),
            tuple(STATUS_WORDS.values()),
        ),
    ),
    limits=(
        "Les crédits nouveaux et les crédits réaffectés ne s’additionnent pas.",
        "Sous cinq actes, le délai médian est couvert par le secret statistique (NS).",
        "Une édition publiée ne change jamais : une correction est une nouvelle version, avec son motif.",
    ),
    base=_observations,
    changed=_editions_changed,
)

CATALOGUE: Mapping[str, Dataset] = {dataset.slug: dataset for dataset in (STRUCTURES, QUOTAS, INDICATORS)}
"""The datasets that exist. One that is not built yet is not listed."""


# Description -----------------------------------------------------------------------------------------------------


def table_schema(dataset: Dataset) -> dict[str, Any]:
    """Return the Table Schema (Frictionless) of a dataset."""
    return {
        "fields": [
            {
                "name": column.name,
                "type": column.kind.value,
                "description": column.meaning,
                "example": column.example,
                "source": column.source,
                **({"constraints": {"enum": list(column.values)}} if column.values else {}),
            }
            for column in dataset.columns
        ],
        "primaryKey": list(dataset.key),
        "missingValues": [""],
    }
