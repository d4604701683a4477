"""Agents of the tests have declared that nothing ties them to any structure, unless a test asks otherwise.

The pages ask it once per person and structure before an act. With the mark ``asks_interest``, they ask it in the test too.
"""

import pytest


@pytest.fixture(autouse=True)
def _declared(request, monkeypatch):
    if request.node.get_closest_marker("asks_interest") is None:
        monkeypatch.setattr("labelling.services.interests.has_declared", lambda mandate, application: True)
