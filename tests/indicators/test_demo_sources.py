"""What the real extract would give (drawn, not played: make bench plays it), and a load that is cut short."""

from pathlib import Path
from random import Random

import pytest
from django.conf import settings
from django.utils import timezone

from indicators.services.demo import load
from indicators.services.demo.files import Player
from indicators.services.demo.load import EXTRACT, SEED
from indicators.services.demo.people import owner_email
from indicators.services.demo.places import is_invented, is_plausible
from indicators.services.demo.scenario import big_scenario, small_scenario
from labelling.models import Application, RegisterLine
from labelling.services.registers import import_register
from territories.models import User

REAL = Path(settings.BASE_DIR).parent / "shared" / "data" / "test"


@pytest.mark.skipif(not REAL.is_dir(), reason="the real extract is not beside the project")
def test_the_real_extract_gives_a_thousand_labels_in_forty_departements(reference):
    import_register(path=REAL / EXTRACT, at=timezone.now())
    lines = RegisterLine.objects.select_related("commune__departement__region")
    scenario = big_scenario(lines, Random(SEED))
    labels = scenario.labels()
    assert 950 <= sum(labels.values()) <= 1_050
    assert len(labels) == 40
    assert min(labels.values()) < 10
    assert max(labels.values()) >= 24
    for planned in scenario.plans:
        assert is_invented(planned.line) or (planned.fate == "labelled" and is_plausible(planned.line))


def test_a_load_cut_short_goes_on_where_it_stopped(reference, settings, monkeypatch):
    settings.DEMO = True

    def few(lines, rng):
        scenario = small_scenario(lines, rng)
        scenario.plans = [planned for planned in scenario.plans if planned.departement in {"34", "48"}][:6]
        for rank, planned in enumerate(scenario.plans):
            planned.owner = owner_email(rank)
        return scenario

    played = []

    def dying(self, plan, place, rng, play=Player.play):
        played.append(plan)
        if len(played) == 3:
            raise RuntimeError("killed")
        return play(self, plan, place, rng)

    monkeypatch.setattr(load, "small_scenario", few)
    with monkeypatch.context() as patch:
        patch.setattr(Player, "play", dying)
        with pytest.raises(RuntimeError, match="killed"):
            load.load_demo(data=None, processes=1)
    assert Application.objects.count() == 2
    people = User.objects.count()
    assert load.load_demo(data=None, processes=1).created
    assert Application.objects.count() == 6
    assert User.objects.count() == people
    assert not load.load_demo(data=None, processes=1).created
