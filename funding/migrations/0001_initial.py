from decimal import Decimal

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [("labelling", "0001_initial"), ("territories", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="BudgetLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.SlugField(max_length=30, unique=True, verbose_name="code")),
                ("name", models.CharField(max_length=120, verbose_name="nom")),
                ("payer", models.CharField(max_length=120, verbose_name="payeur")),
                (
                    "origin",
                    models.CharField(
                        choices=[("new", "crédits nouveaux"), ("reallocated", "crédits réaffectés")],
                        max_length=20,
                        verbose_name="origine",
                    ),
                ),
                (
                    "capacities",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[("ars", "directeur général de l’ARS"), ("prefet", "préfet de département")],
                            max_length=20,
                        ),
                        size=None,
                        verbose_name="signatures requises",
                    ),
                ),
                ("legal_source", models.TextField(verbose_name="source")),
            ],
            options={
                "verbose_name": "ligne budgétaire",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("origin__in", ["new", "reallocated"])), name="budget_line_origin_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("capacities__len__gte", 1)), name="budget_line_requires_someone"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Envelope",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="envelopes",
                        to="funding.budgetline",
                        verbose_name="ligne budgétaire",
                    ),
                ),
                ("year", models.PositiveSmallIntegerField(verbose_name="exercice")),
                (
                    "region",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.region",
                        verbose_name="région",
                    ),
                ),
                (
                    "departement",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.departement",
                        verbose_name="département",
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="children",
                        to="funding.envelope",
                        verbose_name="enveloppe déléguante",
                    ),
                ),
                ("ceiling", models.DecimalField(decimal_places=2, max_digits=14, verbose_name="plafond")),
                (
                    "delegated",
                    models.DecimalField(decimal_places=2, default=Decimal("0"), max_digits=14, verbose_name="délégué"),
                ),
                (
                    "reserved",
                    models.DecimalField(decimal_places=2, default=Decimal("0"), max_digits=14, verbose_name="réservé"),
                ),
                (
                    "committed",
                    models.DecimalField(decimal_places=2, default=Decimal("0"), max_digits=14, verbose_name="attribué"),
                ),
                ("version", models.PositiveIntegerField(default=1, verbose_name="version")),
            ],
            options={
                "verbose_name": "enveloppe",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("line", "year", "region", "departement"), name="envelope_unique", nulls_distinct=False
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "ceiling__gte",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("delegated"), "+", models.F("reserved")
                                    ),
                                    "+",
                                    models.F("committed"),
                                ),
                            )
                        ),
                        name="envelope_never_overdrawn",
                        violation_error_message="L’enveloppe serait dépassée.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("committed__gte", 0), ("delegated__gte", 0), ("reserved__gte", 0)),
                        name="envelope_amounts_positive",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("region__isnull", True), ("departement__isnull", True), _connector="OR"),
                        name="envelope_one_territory",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Grant",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "label",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="grants",
                        to="labelling.label",
                        verbose_name="label",
                    ),
                ),
                (
                    "envelope",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="grants",
                        to="funding.envelope",
                        verbose_name="enveloppe",
                    ),
                ),
                ("amount", models.DecimalField(decimal_places=2, max_digits=14, verbose_name="montant")),
                (
                    "paid",
                    models.DecimalField(decimal_places=2, default=Decimal("0"), max_digits=14, verbose_name="versé"),
                ),
                ("purpose", models.CharField(max_length=250, verbose_name="objet")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("proposed", "proposée"),
                            ("awaiting_signatures", "à la signature"),
                            ("committed", "engagée"),
                            ("suspended", "gelée"),
                            ("closed", "soldée"),
                            ("cancelled", "annulée"),
                            ("clawed_back", "à reverser"),
                        ],
                        default="proposed",
                        max_length=30,
                        verbose_name="état",
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, verbose_name="version")),
                (
                    "decision",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.decision",
                        verbose_name="décision",
                    ),
                ),
                ("proposed_at", models.DateTimeField(verbose_name="proposée le")),
                (
                    "proposed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="proposée par",
                    ),
                ),
                ("committed_at", models.DateTimeField(blank=True, null=True, verbose_name="engagée le")),
            ],
            options={
                "verbose_name": "attribution",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                [
                                    "proposed",
                                    "awaiting_signatures",
                                    "committed",
                                    "suspended",
                                    "closed",
                                    "cancelled",
                                    "clawed_back",
                                ],
                            )
                        ),
                        name="grant_state_known",
                    ),
                    models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="grant_amount_positive"),
                    models.CheckConstraint(
                        condition=models.Q(("paid__gte", 0), ("paid__lte", models.F("amount"))),
                        name="grant_paid_within_amount",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                (
                                    "state__in",
                                    ["awaiting_signatures", "committed", "suspended", "closed", "clawed_back"],
                                ),
                                ("decision__isnull", False),
                            ),
                            models.Q(
                                models.Q(
                                    (
                                        "state__in",
                                        ["awaiting_signatures", "committed", "suspended", "closed", "clawed_back"],
                                    ),
                                    _negated=True,
                                ),
                                models.Q(("decision__isnull", False), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="grant_decision_iff_signing_or_later",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "cancelled"), _negated=True),
                        fields=("label", "envelope"),
                        name="grant_one_per_label_and_envelope",
                        violation_error_message="Ce label a déjà une attribution sur cette enveloppe.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="EnvelopeMovement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "envelope",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="movements",
                        to="funding.envelope",
                        verbose_name="enveloppe",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("opening", "ouverture"),
                            ("delegation", "délégation"),
                            ("reservation", "réservation"),
                            ("commitment", "engagement"),
                            ("release", "libération"),
                        ],
                        max_length=20,
                        verbose_name="nature",
                    ),
                ),
                ("amount", models.DecimalField(decimal_places=2, max_digits=14, verbose_name="montant")),
                (
                    "grant",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="movements",
                        to="funding.grant",
                        verbose_name="attribution",
                    ),
                ),
                (
                    "mandate",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="par",
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="le")),
            ],
            options={
                "verbose_name": "mouvement",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("kind__in", ["opening", "delegation", "reservation", "commitment", "release"])
                        ),
                        name="movement_kind_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Payment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "grant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payments",
                        to="funding.grant",
                        verbose_name="attribution",
                    ),
                ),
                ("amount", models.DecimalField(decimal_places=2, max_digits=14, verbose_name="montant")),
                ("reference", models.CharField(max_length=60, unique=True, verbose_name="référence de paiement")),
                ("paid_date", models.DateField(verbose_name="versé le")),
                (
                    "mandate",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="par",
                    ),
                ),
            ],
            options={
                "verbose_name": "versement",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="payment_amount_positive")
                ],
            },
        ),
    ]
