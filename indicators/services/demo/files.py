"""The files of the demonstration, played through the real services at the dates they would have had."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from indicators.services.demo.calendar import OPEN_WAVE, PlannedWave
from indicators.services.demo.people import Team
from indicators.services.demo.places import Place
from labelling.choices import CriterionKind, Interest, StructureKind, Verdict
from labelling.models import Application, Criterion, RegisterLine, Specification
from labelling.services.acts import read_decision
from labelling.services.applications import abandon_application, start_application, submit_application
from labelling.services.assignment import assign
from labelling.services.decisions import propose_label, propose_refusal
from labelling.services.interests import declare_interest
from labelling.services.reviews import assess, endorse, share_assessment, take_up
from territories.choices import AuthorityKind
from territories.models import Decision
from territories.services.decisions import decline_decision, sign_decision
from territories.services.events import write

PARIS = ZoneInfo("Europe/Paris")
STANDS_AT = datetime(2026, 11, 22, 9, 0, tzinfo=PARIS)
"""The instant that the demonstration shows."""
SPECIFICATION_OUT = datetime(2025, 11, 17, 9, 0, tzinfo=PARIS)


class Fate(StrEnum):
    """What has become of a file when the demonstration begins."""

    LABELLED = "labelled"
    UNREAD = "unread"
    DRAFT = "draft"
    SUBMITTED = "submitted"
    STARTED = "started"
    SHARED = "shared"
    ENDORSED = "endorsed"
    AWAITING_BOTH = "awaiting_both"
    AWAITING_PREFET = "awaiting_prefet"
    AWAITING_ARS = "awaiting_ars"
    DISAGREEMENT = "disagreement"
    WAITING = "waiting"
    REFUSED = "refused"
    ABANDONED = "abandoned"


RESERVING = frozenset({Fate.UNREAD, Fate.AWAITING_BOTH, Fate.AWAITING_PREFET, Fate.AWAITING_ARS})
"""Fates that hold a place of the open wave, beside its labels."""


@dataclass(slots=True)
class Plan:
    """One file to play: its place, what becomes of it, its wave, when it began, and the address of the owner."""

    line: RegisterLine
    fate: Fate
    wave: PlannedWave
    began_at: datetime
    owner: str = ""

    @property
    def departement(self) -> str:
        """Code of the département of the place."""
        return self.line.commune.departement_id


# Dates --------------------------------------------------------------------------------------------------------------


def working(instant: datetime, rng: Random) -> datetime:
    """Return a moment of office hours, the same day or the next working one."""
    day = instant.astimezone(PARIS)
    while day.weekday() >= 5:  # noqa: PLR2004  # Saturday
        day += timedelta(days=1)
    return datetime.combine(day.date(), time(rng.randrange(9, 18), rng.randrange(60)), PARIS)


def plan(line: RegisterLine, fate: Fate, wave: PlannedWave, rng: Random) -> Plan:
    """Return a plan whose file begins early enough in its wave for its fate to be plausible today."""
    first = max(datetime.combine(wave.since, time(9), PARIS), SPECIFICATION_OUT)
    last = datetime.combine(wave.until, time(9), PARIS) - timedelta(days=14)
    if wave is OPEN_WAVE:
        low, high = _DAYS_AGO[fate]
        first, last = STANDS_AT - timedelta(days=high), STANDS_AT - timedelta(days=low)
    span = max((last - first).days, 1)
    return Plan(line, fate, wave, working(first + timedelta(days=rng.randrange(span)), rng))


_DAYS_AGO: Mapping[Fate, tuple[int, int]] = {
    Fate.LABELLED: (60, 80),
    Fate.UNREAD: (50, 62),
    Fate.DRAFT: (2, 40),
    Fate.SUBMITTED: (5, 20),
    Fate.STARTED: (15, 55),
    Fate.SHARED: (20, 50),
    Fate.ENDORSED: (25, 50),
    Fate.AWAITING_BOTH: (28, 56),
    Fate.AWAITING_PREFET: (32, 64),
    Fate.AWAITING_ARS: (32, 64),
    Fate.DISAGREEMENT: (35, 56),
    Fate.WAITING: (38, 45),
    Fate.REFUSED: (45, 70),
    Fate.ABANDONED: (20, 60),
}


class Clock:
    """The time of one file: each act some days after the one before, never later than the demonstration."""

    def __init__(self, start: datetime, rng: Random) -> None:
        self.now = start
        self._rng = rng

    def after(self, low: int, high: int) -> datetime:
        """Return a moment between ``low`` and ``high`` days later, in office hours when there is time for it."""
        before = self.now
        moment = working(before + timedelta(days=self._rng.randint(low, high)), self._rng)
        self.now = min(max(moment, before + timedelta(minutes=7)), STANDS_AT - timedelta(minutes=30))
        return self.now

    def either(self, *kinds: AuthorityKind) -> list[AuthorityKind]:
        """Return these authorities in one order or another."""
        return self._rng.sample(kinds, len(kinds))

    def pick(self, count: int) -> int:
        """Return a whole number below ``count``."""
        return self._rng.randrange(count)

    def soon(self) -> datetime:
        """Return a moment a few minutes later."""
        self.now += timedelta(minutes=self._rng.randint(2, 12))
        return self.now


# Answers ------------------------------------------------------------------------------------------------------------


def answers(plan: Plan, place: Place, rng: Random) -> dict[str, Any]:
    """Return the answers of a file: plausible, varied, and short of a criterion where the file will be refused."""
    refused = plan.fate == Fate.REFUSED
    doctors = _doctors(place.structure.kind, rng)
    if refused and rng.random() < 0.5:  # noqa: PLR2004  # one refusal in two for want of a doctor
        doctors, sector = [], "1"
    else:
        sector = ""
    full: dict[str, Any] = {
        "identity": {"exact": True, "correction": ""},
        "contact": {
            "name": str(place.owner.user),
            "role": rng.choice(["Coordination", "Gérance", "Direction", "Médecin"]),
            "phone": place.structure.phone or "01 99 00 00 00",
            "email": place.owner.user.email,
        },
        "hours": _hours(rng, days=4 if refused and doctors else 5 + (rng.random() < 0.4)),  # noqa: PLR2004  # Saturdays
        "closures": [],
        "team": [*doctors, *_nurses(rng)],
        "fees": {"overrun": False, "third_party": rng.random() < 0.8, "sector": sector, "details": ""},  # noqa: PLR2004
        "on_call": rng.choice(_ON_CALL),
        "commitments": {"appointment_48h": True, "support": True},
    }
    if plan.fate == Fate.DRAFT:
        kept = rng.choice([("identity", "contact"), ("identity", "contact", "hours"), ("contact", "hours", "team")])
        return {key: full[key] for key in kept}
    return full


_ON_CALL = (
    {"pdsa": True, "pdsa_sector": "Valfictif", "sas": True, "details": ""},
    {"pdsa": False, "sas": True, "details": ""},
    {"pdsa": True, "pdsa_sector": "Valfictif", "sas": False, "details": "Tableau de garde du secteur."},
    {"pdsa": True, "pdsa_sector": "Amont", "sas": True, "details": "Deux plages de soins non programmés par jour."},
)
_OPENINGS = (
    [["08:30", "12:30"], ["13:30", "18:30"]],
    [["08:00", "12:00"], ["14:00", "19:00"]],
    [["09:00", "12:30"], ["14:00", "18:00"]],
    [["08:00", "20:00"]],
)
_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat")


def _hours(rng: Random, *, days: int) -> dict[str, list[list[str]]]:
    opening = rng.choice(_OPENINGS)
    hours = dict.fromkeys(_WEEK[:days], opening)
    if "sat" in hours:
        hours["sat"] = [["09:00", "12:00"]]
    return hours


def _doctors(kind: str, rng: Random) -> list[dict[str, Any]]:
    most = {StructureKind.HOSPITAL: 6, StructureKind.MSP: 5, StructureKind.CDS: 4}.get(StructureKind(kind), 2)
    return [
        {
            "profession": "doctor",
            "name": f"Médecin {rank + 1}",
            "sector": "1",
            "half_days": sorted(rng.sample(range(10), rng.randint(4, 9))),
            "on_site": True,
            "minutes": None,
        }
        for rank in range(rng.randint(1, most))
    ]


def _nurses(rng: Random) -> list[dict[str, Any]]:
    on_site = rng.random() < 0.75  # noqa: PLR2004  # one place in four relies on a practice nearby
    return [
        {
            "profession": "nurse",
            "name": f"Infirmier {rank + 1}",
            "sector": "",
            "half_days": sorted(rng.sample(range(10), rng.randint(5, 10))),
            "on_site": on_site,
            "minutes": None if on_site else rng.choice([3, 5, 6, 8, 10, 12]),
        }
        for rank in range(rng.randint(1, 3))
    ]


# Lives --------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Story:
    """A file being played: the row, its place, its time."""

    file: Application
    place: Place
    clock: Clock


class Player:
    """Plays the files of one département: who acts, on which version, and in which order, as the services want it."""

    def __init__(self, team: Team, specification: Specification) -> None:
        self.team = team
        self.specification = specification
        self.criteria: list[Criterion] = list(
            specification.criteria.filter(kind=CriterionKind.CRITERION)
            .select_related("specification")
            .order_by("position")
        )

    def play(self, plan: Plan, place: Place, rng: Random) -> Application:
        """Play a file to its fate and return it."""
        clock = Clock(plan.began_at, rng)
        file = start_application(membership=place.owner, at=clock.now)
        write(file, version=file.version, answers=answers(plan, place, rng))
        if plan.fate == Fate.DRAFT:
            return file
        submit_application(
            application=file,
            membership=place.owner,
            specification=self.specification,
            consent=True,
            version=file.version,
            at=clock.after(1, 6),
        )
        _LIVES[plan.fate](self, Story(file, place, clock))
        return file

    def start(self, story: Story, *, count: int | None = None, unmet: str = "") -> None:
        """Take the file up and assess its first ``count`` criteria (all by default); ``unmet`` names one not met."""
        file, clock, ars = story.file, story.clock, self.team.agents[AuthorityKind.ARS]
        declare_interest(application=file, mandate=ars, interest=Interest.NONE, at=clock.now)
        take_up(application=file, mandate=ars, version=file.version, at=clock.after(1, 6))
        clock.after(1, 5)
        for criterion in self.criteria[:count]:
            missing = criterion.code == unmet
            assess(
                application=file,
                criterion=criterion,
                verdict=Verdict.NOT_MET if missing else Verdict.MET,
                reason=_REASONS[unmet] if missing else "",
                mandate=ars,
                version=file.version,
                at=clock.soon(),
            )

    def share(self, story: Story) -> None:
        """Share the assessment with the préfecture, whose agent takes the file in hand."""
        share_assessment(
            application=story.file,
            mandate=self.team.agents[AuthorityKind.ARS],
            version=story.file.version,
            at=story.clock.after(0, 2),
        )
        prefecture = self.team.agents[AuthorityKind.PREFECTURE]
        assign(
            application=story.file,
            mandate=prefecture,
            to=prefecture,
            version=story.file.version,
            at=story.clock.now,
        )

    def review(self, story: Story, *, unmet: str = "") -> None:
        """Play the whole instruction, up to the position of the préfecture."""
        self.start(story, unmet=unmet)
        self.share(story)
        prefecture = self.team.agents[AuthorityKind.PREFECTURE]
        declare_interest(application=story.file, mandate=prefecture, interest=Interest.NONE, at=story.clock.now)
        endorse(
            application=story.file,
            mandate=prefecture,
            version=story.file.version,
            at=story.clock.after(1, 8),
        )

    def propose(self, story: Story, *, refusal: bool = False) -> Decision | None:
        """Present the decision to the signatories; nothing when the ceiling sends the file to the waiting list."""
        act = propose_refusal if refusal else propose_label
        return act(
            application=story.file,
            mandate=self.team.agents[AuthorityKind.ARS],
            version=story.file.version,
            at=story.clock.after(0, 3),
        ).decision

    def sign(self, story: Story, decision: Decision, *kinds: AuthorityKind) -> None:
        """Let the signatories of these authorities sign, in this order."""
        for kind in kinds:
            sign_decision(
                decision=decision,
                mandate=self.team.signatories[kind],
                content_hash=decision.content_hash,
                at=story.clock.after(1, 5),
            )

    def decide(self, story: Story, *, refusal: bool = False) -> None:
        """Present the decision and have it signed by both authorities, in either order."""
        decision = self.propose(story, refusal=refusal)
        if decision is None:
            raise ValueError(f"{story.file.number}: no place left in its wave")
        self.sign(story, decision, *story.clock.either(AuthorityKind.ARS, AuthorityKind.PREFECTURE))

    def read(self, story: Story) -> None:
        """Let the owner read the decision: its notification."""
        file = Application.objects.select_related("decision", "structure", "departement").get(pk=story.file.pk)
        read_decision(application=file, membership=story.place.owner, at=story.clock.after(0, 4))


def _labelled(player: Player, story: Story) -> None:
    player.review(story)
    player.decide(story)
    player.read(story)


def _unread(player: Player, story: Story) -> None:
    player.review(story)
    player.decide(story)


def _submitted(_player: Player, _story: Story) -> None:
    """Nobody took it up yet."""


def _started(player: Player, story: Story) -> None:
    player.start(story, count=story.clock.pick(len(player.criteria)))


def _shared(player: Player, story: Story) -> None:
    player.start(story)
    player.share(story)


def _endorsed(player: Player, story: Story) -> None:
    player.review(story)


def _awaiting(*signed: AuthorityKind) -> "Life":
    def life(player: Player, story: Story) -> None:
        player.review(story)
        if decision := player.propose(story):
            player.sign(story, decision, *signed)

    return life


def _disagreement(player: Player, story: Story) -> None:
    player.review(story)
    if decision := player.propose(story):
        player.sign(story, decision, AuthorityKind.ARS)
        decline_decision(
            decision=decision,
            mandate=player.team.signatories[AuthorityKind.PREFECTURE],
            reason="L’ouverture du mercredi n’est pas établie : les horaires affichés disent le contraire.",
            at=story.clock.after(1, 4),
        )


def _waiting(player: Player, story: Story) -> None:
    player.review(story)
    if player.propose(story) is not None:
        raise ValueError(f"{story.file.number}: a place was left in its wave")


def _refused(player: Player, story: Story) -> None:
    doctors = [member for member in story.file.answers["team"] if member["profession"] == "doctor"]
    player.review(story, unmet="cinq-jours-sur-sept" if doctors else "presence-medicale")
    player.decide(story, refusal=True)
    player.read(story)


def _abandoned(_player: Player, story: Story) -> None:
    abandon_application(
        application=story.file,
        membership=story.place.owner,
        version=story.file.version,
        at=story.clock.after(3, 12),
    )


Life = Callable[[Player, Story], None]

_LIVES: Mapping[Fate, Life] = {
    Fate.LABELLED: _labelled,
    Fate.UNREAD: _unread,
    Fate.SUBMITTED: _submitted,
    Fate.STARTED: _started,
    Fate.SHARED: _shared,
    Fate.ENDORSED: _endorsed,
    Fate.AWAITING_BOTH: _awaiting(),
    Fate.AWAITING_PREFET: _awaiting(AuthorityKind.ARS),
    Fate.AWAITING_ARS: _awaiting(AuthorityKind.PREFECTURE),
    Fate.DISAGREEMENT: _disagreement,
    Fate.WAITING: _waiting,
    Fate.REFUSED: _refused,
    Fate.ABANDONED: _abandoned,
}
_REASONS = {
    "presence-medicale": "Le dossier indique un poste de médecin vacant depuis le 1er septembre 2026 ; un recrutement annoncé "
    "ne peut être pris en compte avant l’arrivée du médecin.",
    "cinq-jours-sur-sept": "Les horaires déposés montrent quatre jours d’ouverture au public par semaine ; il en faut cinq.",
}
