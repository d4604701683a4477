"""A criterion set aside in a decision has its reason. Assessments written before this rule keep what they said."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("labelling", "0034_evidence_template")]

    operations = [
        AddConstraintNotValid(
            model_name="criterionassessment",
            constraint=models.CheckConstraint(
                condition=~Q(verdict="not_applicable") | ~Q(reason=""),
                name="assessment_not_applicable_is_reasoned",
                violation_error_message="Un critère sans objet demande un motif.",
            ),
        ),
    ]
