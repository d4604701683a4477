"""The whole file in PDF: what the structure wrote, and nothing of what the services think."""

import io

import pytest
from django.urls import reverse
from pypdf import PdfReader

from labelling.choices import ApplicationState, Verdict
from labelling.models import CriterionAssessment
from territories.choices import AuthorityKind, Capacity
from tests import factories as make

ANSWERS = {
    "hours": {"mon": [["08:30", "12:30"]]},
    "fees": {"overrun": False, "third_party": True, "sector": "1", "details": "Tiers payant intégral."},
}


@pytest.fixture
def words(client, owner):
    """A function that gives the text of the PDF of a file, and its tags."""
    client.force_login(owner.user)

    def read(file):
        response = client.get(reverse("application-pdf", args=[file.number]))
        assert (response.status_code, response["Content-Type"]) == (200, "application/pdf")
        reader = PdfReader(io.BytesIO(response.content))
        assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
        return " ".join(" ".join(page.extract_text() for page in reader.pages).split())

    return read


def test_it_holds_every_answer_and_no_assessment(words, owner):
    file = make.application(owner.structure, state=ApplicationState.UNDER_REVIEW, answers=ANSWERS)
    CriterionAssessment.objects.create(
        application=file,
        criterion=file.specification.criteria.order_by("position").first(),
        capacity=Capacity.ARS,
        verdict=Verdict.NOT_MET,
        reason="motif secret",
        mandate=make.mandate(AuthorityKind.ARS),
        assessed_at=make.NOW,
    )
    text = words(file)
    assert file.number in text
    assert "Tiers payant intégral." in text
    assert "semble non respecté" in text
    assert "motif secret" not in text
    assert "Aucune pièce n’est jointe." in text


def test_a_draft_prints_too(words, owner):
    assert "Brouillon" in words(make.application(owner.structure))


def test_only_those_who_act_for_the_structure_print_it(client, owner):
    file = make.application(owner.structure, state=ApplicationState.UNDER_REVIEW)
    client.force_login(make.mandate(AuthorityKind.ARS).user)
    assert client.get(reverse("application-pdf", args=[file.number])).status_code == 403
