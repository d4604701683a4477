"""What the real extract would give: drawn, not played (make bench plays it)."""

from pathlib import Path
from random import Random

import pytest
from django.conf import settings

from indicators.services.demo.load import EXTRACT, SEED
from indicators.services.demo.places import is_invented, is_plausible
from indicators.services.demo.scenario import big_scenario
from labelling.models import RegisterLine
from labelling.services.registers import import_register

REAL = Path(settings.BASE_DIR).parent / "shared" / "data" / "test"


@pytest.mark.skipif(not REAL.is_dir(), reason="the real extract is not beside the project")
def test_the_real_extract_gives_a_thousand_labels_in_forty_departements(reference):
    import_register(path=REAL / EXTRACT)
    lines = RegisterLine.objects.select_related("commune__departement__region")
    scenario = big_scenario(lines, Random(SEED))
    labels = scenario.labels()
    assert 950 <= sum(labels.values()) <= 1_050
    assert len(labels) == 40
    assert min(labels.values()) < 10
    assert max(labels.values()) >= 24
    for planned in scenario.plans:
        assert is_invented(planned.line) or (planned.fate == "labelled" and is_plausible(planned.line))
