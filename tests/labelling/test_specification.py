"""The cahier des charges as the public reads it."""

import pytest
from django.db import IntegrityError, transaction

from labelling.models import Specification
from tests import factories as make

pytestmark = pytest.mark.django_db


def test_the_latest_version_with_each_text_help_and_source(client):
    page = client.get("/cahier-des-charges/").content.decode()
    for criterion in make.specification().criteria.all():
        for text in (criterion.title, criterion.text, criterion.help_text, criterion.legal_source):
            assert text.partition("’")[0].partition("«")[0] in page
    assert "Les 5 critères" in page
    assert "C’est la version en vigueur" in page


def test_a_past_version_says_that_a_newer_one_is_in_force(client):
    newer = Specification.objects.create(version="1.1", title="Cahier d’essai", legal_source="essai")
    assert client.get("/cahier-des-charges/1.1/").status_code == 404, "a draft is not public"
    newer.published_at = make.NOW
    newer.save()
    assert "Une version plus récente est en vigueur" in client.get("/cahier-des-charges/1.0/").content.decode()
    assert "Cahier d’essai" in client.get("/cahier-des-charges/").content.decode()
    assert client.get("/cahier-des-charges/9.9/").status_code == 404


def test_a_published_version_never_changes():
    specification = make.specification()
    specification.title = "autre"
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        specification.save()
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        specification.criteria.first().delete()
