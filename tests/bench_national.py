"""Speeds of the label's pages on a synthetic nation: 8 000 files, 40 000 events, 1 500 agents in the 101 départements.

Everything is invented, and rolled back. The rows are written in bulk; the acts measured (autosave, signatures, papers)
are the portal's own services.
"""

from collections.abc import Iterator
from datetime import timedelta
from itertools import cycle, islice
from typing import Any
from uuid import uuid4

from django.db import connection
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.plugins.otp_totp.models import TOTPDevice

from francesante.lib.text import sort_key
from labelling.choices import ApplicationState as State
from labelling.choices import CriterionKind, DocumentKind, MembershipRole, StructureKind, Verdict
from labelling.documents.receipt import render_receipt
from labelling.models import Application, CriterionAssessment, Label, Membership, Site, Specification, Structure, Wave
from labelling.services.acts import store_act
from labelling.services.applications import start_application
from labelling.services.decisions import propose_label
from labelling.services.documents import store_label_document
from labelling.services.drafting import authorities_of
from territories.choices import ActorKind, AuthorityKind, Capacity, Role, SigningAs, Subject
from territories.models import Authority, Commune, Decision, Departement, Event, Mandate, User
from territories.services.decisions import sign_decision
from territories.services.events import event_hash
from territories.services.runs import progress_of
from territories.services.selections import carry_out_selection, start_selection
from tests.bench_alerts import measure_alerts
from tests.measuring import Measure, measure, once

FILES, EVENTS_PER_FILE, AGENTS, SIGNED = 8_000, 5, 1_500, 200
ROUNDS = 40
PASSWORD = "!"  # nobody signs in with it
NAMES = ("Vieux Four", "Lavoir", "Trois Étangs", "Moulin bleu", "Pont neuf", "Grand Chêne", "Verger", "Prieuré")
ANSWERS = {
    "hours": {day: [["08:30", "12:30"], ["13:30", "18:30"]] for day in ("mon", "tue", "wed", "thu", "fri")},
    "team": [
        {"profession": "doctor", "name": "Dr Maquette", "sector": "1", "half_days": list(range(9)), "on_site": True},
        {"profession": "nurse", "name": "Mme Exemplaire", "half_days": [0, 2], "on_site": True},
    ],
    "fees": {"overrun": False, "third_party": True, "sector": "", "details": ""},
    "on_call": {"pdsa": True, "sas": None, "details": ""},
    "commitments": {"appointment_48h": True, "support": True},
}


def measure_national() -> list[Measure]:
    """Build the nation, and measure on it."""
    agents = _agents()
    files = _files()
    _events(files)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as autovacuum does soon after: the plans are those of a database in use
    agent = next(one for one in agents if one.authority.kind == AuthorityKind.ARS and one.region_id == "11")
    with override_settings(ALLOWED_HOSTS=["localhost"], SECURE_SSL_REDIRECT=False):
        return [*_pages(agent), _autosave(), *_signatures(), *_alerts()]


# The nation -------------------------------------------------------------------------------------------------------


def _agents() -> list[Mandate]:
    """Agents spread over the ARS and the préfectures, two signatories in Paris."""
    today = timezone.localdate()
    departements = list(Departement.objects.select_related("region").order_by("pk"))
    services: dict[tuple[str, str], Authority] = {}
    for place in departements:
        for kind, fields in (
            (AuthorityKind.ARS, {"region": place.region}),
            (AuthorityKind.PREFECTURE, {"departement": place}),
        ):
            known = Authority.objects.filter(kind=kind, **fields).first()
            services[kind, place.pk] = known or Authority.objects.create(
                kind=kind, name=f"{kind.label} de mesure, {place}", service="mesures", **fields
            )
    people = User.objects.bulk_create(
        User(
            email=f"mesure{number}@autorite.invalid", first_name="Ada", last_name=f"Mesure {number}", password=PASSWORD
        )
        for number in range(AGENTS)
    )
    rows = []
    for number, (person, place) in enumerate(zip(people, cycle(departements), strict=False)):
        kind = AuthorityKind.ARS if number % 2 else AuthorityKind.PREFECTURE
        scope: dict[str, Any] = {"region": place.region} if kind == AuthorityKind.ARS else {"departement": place}
        signs = {
            "signing_as": SigningAs.HOLDER,
            "signing_title": "signataire de mesure",
            "signing_act": "acte de mesure",
            "signing_act_date": today - timedelta(days=400),
            "signing_published_date": today - timedelta(days=399),
            "signing_publication": "recueil de mesure",
        }
        rows.append(
            Mandate(
                user=person,
                authority=services[kind, place.pk],
                role=Role.AGENT,
                valid=(today - timedelta(days=500), None),
                **scope,
                **(signs if place.pk == "75" else {}),
            )
        )
    Mandate.objects.bulk_create(rows)
    keys = [row.pk for row in rows]
    return list(Mandate.objects.filter(pk__in=keys).select_related("user", "authority", "region").order_by("pk"))


def _files() -> list[Application]:
    """Files of invented structures, under review in all their stages."""
    now, today = timezone.now(), timezone.localdate()
    specification = Specification.objects.published().last()
    wave = Wave.objects.filter(period__contains=today).first()
    places: list[Commune] = [
        commune
        for departement in Departement.objects.order_by("pk")
        for commune in Commune.objects.filter(departement=departement, valid_until__isnull=True).order_by("pk")[:20]
    ]
    names = cycle(NAMES)
    structures = Structure.objects.bulk_create(
        Structure(
            kind=StructureKind.MSP,
            name=(name := f"Maison de santé du {next(names)} {number} (fictive)"),
            sort_key=sort_key(name),
            commune=place,
            departement_id=place.departement_id,
            fictional=True,
        )
        for number, place in enumerate(islice(cycle(places), FILES))
    )
    Site.objects.bulk_create(Site(structure=row, is_main=True, commune=row.commune) for row in structures)
    states = cycle([State.SUBMITTED, *[State.UNDER_REVIEW] * 5, State.ABANDONED, State.DISAGREEMENT])
    owner = User.objects.create(
        email="mesure@structure.invalid", first_name="Ida", last_name="Mesure", password=PASSWORD
    )
    files = []
    for number, (row, state) in enumerate(zip(structures, states, strict=False)):
        received = now - timedelta(days=number % 55 + 1)
        shared = state == State.UNDER_REVIEW and number % 3 == 0
        files.append(
            Application(
                number=f"FS-{row.departement_id}-2026-{90_000 + number}",
                structure=row,
                departement_id=row.departement_id,
                state=state,
                specification=specification,
                answers=ANSWERS,
                wave=wave,
                created_at=received,
                created_by=owner,
                submitted_at=received,
                silence_date=received.date() + timedelta(days=61),
                notification_consent=True,
                shared_at=received if shared else None,
                endorsed_at=received if shared and number % 2 else None,
            )
        )
    return list(Application.objects.bulk_create(files, batch_size=1000))


def _events(files: list[Application]) -> None:
    """A chain of five events for each file."""

    def chains() -> Iterator[Event]:
        for file in files:
            previous = ""
            for sequence, action in enumerate(("start", "submit", "take_up", "assess", "assess"), start=1):
                event = Event(
                    subject_type=Subject.APPLICATION,
                    subject_id=file.pk,
                    sequence=sequence,
                    action=action,
                    from_state="",
                    to_state="",
                    actor_type=ActorKind.SYSTEM,
                    at=file.created_at,
                    data={},
                    previous_hash=previous,
                )
                previous = event.hash = event_hash(event)
                yield event

    Event.objects.bulk_create(chains(), batch_size=2000)


# Measures ---------------------------------------------------------------------------------------------------------


def _client(mandate: Mandate) -> Client:
    browser = Client(headers={"host": "localhost"})
    browser.force_login(mandate.user, "django.contrib.auth.backends.ModelBackend")
    device = TOTPDevice.objects.create(user=mandate.user, name="mesure", confirmed=True)
    session = browser.session
    session[DEVICE_ID_SESSION_KEY] = device.persistent_id
    session["mandate"] = mandate.pk
    session.save()
    return browser


def _get(browser: Client, address: str) -> bytes:
    response = browser.get(address)
    assert response.status_code == 200, (address, response.status_code)
    return bytes(response.content)


def _pages(agent: Mandate) -> list[Measure]:
    browser = _client(agent)
    seen = Application.objects.for_user(agent.user)
    detail = f"{FILES} dossiers, {FILES * EVENTS_PER_FILE} événements, {AGENTS} agents ; {seen.count()} visibles"
    file = seen.filter(state=State.UNDER_REVIEW).order_by("pk").first()
    assert file is not None
    return [
        measure("Liste de travail, nation", detail, {"/dossiers/": lambda: _get(browser, "/dossiers/")}, ROUNDS),
        measure(
            "Recherche dans la liste, nation",
            "deux mots, une faute de frappe",
            {
                "trois etangs": lambda: _get(browser, "/dossiers/?q=trois+etangs"),
                "moulim bleu": lambda: _get(browser, "/dossiers/?q=moulim+bleu"),
            },
            ROUNDS,
        ),
        measure(
            "Page d’un dossier, nation",
            file.number,
            {"/dossiers/<n>/": lambda: _get(browser, f"/dossiers/{file.number}/")},
            ROUNDS,
        ),
    ]


def _autosave() -> Measure:
    """A task of a draft posted as it is typed; each time another hour."""
    structure = (
        Structure.objects.exclude(applications__state=State.UNDER_REVIEW)
        .order_by("pk")
        .filter(applications__state=State.ABANDONED)
        .first()
    )
    assert structure is not None
    person = User.objects.create(
        email="brouillon@structure.invalid", first_name="Ida", last_name="Brouillon", password=PASSWORD
    )
    membership = Membership.objects.create(
        user=person, structure=structure, role=MembershipRole.OWNER, started_at=timezone.now()
    )
    draft = start_application(membership=membership, at=timezone.now())
    browser = Client(headers={"host": "localhost"})
    browser.force_login(person, "django.contrib.auth.backends.ModelBackend")
    address = reverse("application-autosave", args=[draft.number, "horaires"])
    minutes = cycle(range(60))

    def save() -> None:
        draft.refresh_from_db()
        posted = {"version": draft.version, "mon_0_start": f"8h{next(minutes):02}", "mon_0_end": "12h"}
        response = browser.post(address, posted)
        assert response.headers["HX-Trigger"] == "kept", response.status_code

    return measure("Enregistrement automatique", "une étape de 42 heures", {"/brouillon/": save}, ROUNDS)


def _signatures() -> list[Measure]:
    """Two hundred labels of Paris signed in one selection by each authority, then their papers."""
    now = timezone.now()
    ars, prefet = _signatories()
    decisions = [_proposed(file, ars) for file in _ready()]
    shown = {decision.pk: decision.content_hash for decision in decisions}
    half = dict(islice(shown.items(), len(shown) // 2))
    rest = {key: content_hash for key, content_hash in shown.items() if key not in half}

    def one_by_one() -> None:
        for key, content_hash in rest.items():
            decision = Decision.objects.get(pk=key)
            sign_decision(decision=decision, mandate=prefet, content_hash=content_hash, at=timezone.now())

    whole = once(
        "Signature d’une sélection, ARS", f"{len(shown)} décisions", lambda: _sign(shown, ars), "issue par issue"
    )
    last = once(
        "Signature d’une sélection, préfet",
        f"{len(half)} labels créés de chaque façon",
        lambda: _sign(half, prefet),
        "issue par issue",
    )
    last.seconds |= once("", "", one_by_one, "sign_decision en boucle, sans issue gardée").seconds
    label = Label.objects.filter(decision__in=shown).select_related("application").order_by("pk").first()
    assert label is not None
    Label.objects.filter(pk=label.pk).update(notified_at=now)
    label.refresh_from_db()
    file = label.application
    authorities = list(authorities_of(file.departement).values())
    papers = [
        measure(
            "Accusé de réception en PDF", file.number, {"render_receipt": lambda: render_receipt(file, authorities)}, 3
        ),
        once(
            "Arrêté en PDF",
            f"{len(label.decision.content)} octets de contenu",
            lambda: store_act(decision=Decision.objects.get(pk=label.decision_id)),
        ),
        *(
            once(
                str(kind.label).capitalize() + " en PDF",
                label.number,
                lambda kind=kind: store_label_document(label=label, kind=kind, at=now),
            )
            for kind in (DocumentKind.CERTIFICATE, DocumentKind.PLAQUE)
        ),
    ]
    return [whole, last, *papers]


def _alerts() -> list[Measure]:
    """Registers against the files that are left, labelled for the purpose."""
    ars, prefet = _signatories()
    files = Application.objects.filter(state=State.UNDER_REVIEW, number__contains="-2026-9").select_related("structure")
    national = Mandate.objects.filter(role=Role.NATIONAL).select_related("user").order_by("pk")[0]
    signatories = {str(Capacity.ARS): ars, str(Capacity.PREFET): prefet}
    return measure_alerts(files.order_by("pk"), signatories, _client(national))


def _signatories() -> tuple[Mandate, Mandate]:
    """An ARS signatory and a préfet, of Paris."""
    mandates = Mandate.objects.exclude(signing_as="").select_related("user", "authority", "departement", "region")
    ars = mandates.filter(authority__kind=AuthorityKind.ARS, region="11").first()
    prefet = mandates.filter(authority__kind=AuthorityKind.PREFECTURE, departement="75").first()
    assert ars is not None
    assert prefet is not None
    return ars, prefet


def _sign(shown: dict[int, str], mandate: Mandate) -> None:
    run = start_selection(key=uuid4(), shown=shown, mandate=mandate, at=timezone.now())
    carry_out_selection(run=run)
    assert progress_of(run).done == len(shown)


def _ready() -> list[Application]:
    """Files of Paris, assessed, shared and endorsed."""
    files = list(
        Application.objects.filter(departement="75", state=State.UNDER_REVIEW, number__contains="-2026-9").order_by(
            "pk"
        )[:SIGNED]
    )
    missing = SIGNED - len(files)
    if missing > 0:
        more = Application.objects.filter(state=State.UNDER_REVIEW, number__contains="-2026-9").exclude(
            departement="75"
        )
        moved = list(more.order_by("pk")[:missing])
        keys = [row.pk for row in moved]
        Application.objects.filter(pk__in=keys).update(departement="75")
        files += moved
    keys = [row.pk for row in files]
    agent = Mandate.objects.filter(authority__kind=AuthorityKind.ARS, region="11").first()
    now = timezone.now()
    Application.objects.filter(pk__in=keys).update(shared_at=now, endorsed_at=now, wave=None)
    criteria = list(files[0].specification.criteria.filter(kind=CriterionKind.CRITERION))
    CriterionAssessment.objects.bulk_create(
        CriterionAssessment(
            application_id=key,
            criterion=criterion,
            capacity=Capacity.ARS,
            verdict=Verdict.MET,
            mandate=agent,
            assessed_at=now,
        )
        for key in keys
        for criterion in criteria
    )
    return list(
        Application.objects.filter(pk__in=keys).select_related(
            "structure__commune", "departement__region", "specification"
        )
    )


def _proposed(file: Application, mandate: Mandate) -> Decision:
    proposal = propose_label(application=file, mandate=mandate, version=file.version, at=timezone.now())
    assert proposal.decision is not None, proposal.sentence
    return proposal.decision
