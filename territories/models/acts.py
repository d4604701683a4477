"""Acts: what is decided, who signed it, who was told, and the chained proof of every change."""

from datetime import date
from typing import Any, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Func, Q, Value
from django.utils import timezone

from francesante.lib.db import choices_check, set_iff
from territories.choices import (
    ActorKind,
    Capacity,
    DecisionKind,
    DecisionState,
    NotificationChannel,
    SignatureMeans,
    Subject,
)
from territories.models.people import Mandate, User, departements_of
from territories.models.places import Departement


class SigningRule(models.Model):
    """Which capacities a kind of decision requires, since when, and by what text."""

    kind = models.CharField("nature de décision", max_length=30, choices=DecisionKind.choices)
    capacities = ArrayField(
        models.CharField(max_length=20, choices=Capacity.choices), verbose_name="signatures requises"
    )
    legal_source = models.TextField("source")
    valid_from = models.DateField("applicable depuis le")

    class Meta:
        verbose_name = "règle de signature"
        constraints = [
            choices_check("kind", DecisionKind, name="signing_rule_kind_known"),
            models.UniqueConstraint(fields=["kind", "valid_from"], name="signing_rule_unique"),
            models.CheckConstraint(condition=Q(capacities__len__gte=1), name="signing_rule_not_empty"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} depuis le {self.valid_from}"


class DecisionQuerySet(models.QuerySet["Decision"]):
    """Decisions."""

    def for_user(self, user: Any) -> Self:
        """Decisions on the territories of a person's mandates. Applicants reach theirs through their file."""
        codes = departements_of(user, timezone.localdate())
        return self.all() if codes is None else self.filter(departement__in=codes)

    def awaiting(self, mandate: Mandate) -> Self:
        """Decisions that wait for the signature this mandate can give: its parapheur."""
        if mandate.capacity is None or not mandate.can_sign:
            return self.none()
        territory = Q()
        if mandate.departement_id:
            territory = Q(departement=mandate.departement_id)
        elif mandate.region_id:
            territory = Q(departement__region=mandate.region_id)
        signed = Signature.objects.filter(decision=models.OuterRef("pk"), capacity=mandate.capacity)
        return self.filter(
            territory, ~models.Exists(signed), state=DecisionState.PROPOSED, required__contains=[mandate.capacity]
        )


class Decision(models.Model):
    """One content and the signatures it requires.

    ``content`` is canonical JSON and ``content_hash`` its SHA-256: the database checks that they agree, and refuses
    any change of either (a correction is a new decision). It is ``signed`` only when every required capacity has
    signed: a trigger counts.
    """

    kind = models.CharField("nature", max_length=30, choices=DecisionKind.choices)
    subject_type = models.CharField("porte sur", max_length=20, choices=Subject.choices)
    subject_id = models.BigIntegerField("identifiant")
    departement = models.ForeignKey(Departement, models.PROTECT, related_name="+", verbose_name="département")
    title = models.CharField("intitulé", max_length=250)
    content = models.TextField("contenu signé")
    content_hash = models.CharField("empreinte", max_length=64)
    required = ArrayField(models.CharField(max_length=20, choices=Capacity.choices), verbose_name="signatures requises")
    state = models.CharField("état", max_length=20, choices=DecisionState.choices, default=DecisionState.PROPOSED)
    replaces = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="replaced_by", verbose_name="remplace"
    )
    proposed_by = models.ForeignKey(Mandate, models.PROTECT, null=True, related_name="+", verbose_name="présentée par")
    proposed_at = models.DateTimeField("présentée le")
    signed_at = models.DateTimeField("date de l’acte", null=True, blank=True)
    pdf = models.BinaryField("acte en PDF", null=True, blank=True)
    pdf_hash = models.CharField("empreinte du PDF", max_length=64, blank=True)

    objects = DecisionQuerySet.as_manager()

    class Meta:
        verbose_name = "décision"
        constraints = [
            choices_check("kind", DecisionKind, name="decision_kind_known"),
            choices_check("subject_type", Subject, name="decision_subject_known"),
            choices_check("state", DecisionState, name="decision_state_known"),
            set_iff("signed_at", [DecisionState.SIGNED], name="decision_signed_at_iff_signed"),
            models.CheckConstraint(condition=Q(required__len__gte=1), name="decision_requires_someone"),
            models.CheckConstraint(
                condition=Q(
                    content_hash=Func(
                        Func(
                            Func("content", Value("UTF8"), function="convert_to"),
                            function="sha256",
                        ),
                        Value("hex"),
                        function="encode",
                        output_field=models.CharField(),
                    )
                ),
                name="decision_hash_is_of_content",
            ),
            models.UniqueConstraint(
                fields=["subject_type", "subject_id", "kind"],
                condition=Q(state=DecisionState.PROPOSED),
                name="decision_one_proposed_per_subject",
            ),
        ]
        indexes = [models.Index(fields=["departement"], condition=Q(state="proposed"), name="decision_parapheur")]

    def __str__(self) -> str:
        return f"décision {self.pk}"

    @property
    def name(self) -> str:
        """The title, without the kind when it begins with it: what a list that says the kind beside it shows."""
        kind, colon, rest = self.title.partition(" : ")
        return rest if colon and kind.lower() == self.get_kind_display() else self.title


class Signature(models.Model):
    """The signature of one capacity on one content, with what the act prints of the signatory. Insert-only."""

    decision = models.ForeignKey(Decision, models.PROTECT, related_name="signatures", verbose_name="décision")
    capacity = models.CharField("en qualité de", max_length=20, choices=Capacity.choices)
    user = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="signataire")
    mandate = models.ForeignKey(Mandate, models.PROTECT, related_name="+", verbose_name="habilitation")
    content_hash = models.CharField("empreinte signée", max_length=64)
    means = models.CharField("moyen", max_length=10, choices=SignatureMeans.choices, default=SignatureMeans.PORTAL)
    signatory_name = models.CharField("nom imprimé", max_length=200)
    signatory_title = models.CharField("qualité imprimée", max_length=300)
    signed_at = models.DateTimeField("signée le")

    class Meta:
        verbose_name = "signature"
        constraints = [
            choices_check("capacity", Capacity, name="signature_capacity_known"),
            choices_check("means", SignatureMeans, name="signature_means_known"),
            models.UniqueConstraint(fields=["decision", "capacity"], name="signature_once_per_capacity"),
            models.UniqueConstraint(fields=["decision", "user"], name="signature_once_per_person"),
        ]

    def __str__(self) -> str:
        return f"signature {self.pk}"


class SignatureRefusal(models.Model):
    """One required signatory declines to sign, and says why to the others. Insert-only."""

    decision = models.ForeignKey(Decision, models.PROTECT, related_name="signature_refusals", verbose_name="décision")
    capacity = models.CharField("en qualité de", max_length=20, choices=Capacity.choices)
    mandate = models.ForeignKey(Mandate, models.PROTECT, related_name="+", verbose_name="habilitation")
    reason = models.TextField("motif")
    declined_at = models.DateTimeField("le")

    class Meta:
        verbose_name = "refus de signer"
        constraints = [
            choices_check("capacity", Capacity, name="signature_refusal_capacity_known"),
            models.UniqueConstraint(fields=["decision", "capacity"], name="signature_refusal_once_per_capacity"),
            models.CheckConstraint(condition=~Q(reason=""), name="signature_refusal_reasoned"),
        ]

    def __str__(self) -> str:
        return f"refus de signer {self.pk}"


class Notification(models.Model):
    """The bringing of a signed decision to its addressee; delays of remedies run from ``notified_at``.

    In the portal, reading it is the notification; unread, it counts after the delay of the settings.
    """

    decision = models.ForeignKey(Decision, models.PROTECT, related_name="notifications", verbose_name="décision")
    recipient = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="destinataire")
    channel = models.CharField("voie", max_length=10, choices=NotificationChannel.choices)
    sent_at = models.DateTimeField("mise à disposition le")
    notified_at = models.DateTimeField("notifiée le", null=True, blank=True)

    class Meta:
        verbose_name = "notification"
        constraints = [
            choices_check("channel", NotificationChannel, name="notification_channel_known"),
            models.UniqueConstraint(
                fields=["decision", "recipient"], nulls_distinct=False, name="notification_once_per_person"
            ),
            models.CheckConstraint(
                condition=Q(notified_at__isnull=True) | Q(notified_at__gte=models.F("sent_at")),
                name="notification_after_sending",
            ),
        ]

    def __str__(self) -> str:
        return f"notification {self.pk}"


class EventQuerySet(models.QuerySet["Event"]):
    """Events."""

    def about(self, subject_type: str, subject_id: int) -> Self:
        """The chain of one subject, in order."""
        return self.filter(subject_type=subject_type, subject_id=subject_id).order_by("sequence")

    def without_delivery(self, consumer: str) -> Self:
        """Events that a consumer has not taken yet (anti-join)."""
        taken = Delivery.objects.filter(event=models.OuterRef("pk"), consumer=consumer)
        return self.filter(~models.Exists(taken))


class Event(models.Model):
    """One change of state: which actor, when, from, to, why. Insert-only, chained by hash per subject.

    ``data`` holds ids, codes and dates, never names nor free text.
    """

    subject_type = models.CharField("porte sur", max_length=20, choices=Subject.choices)
    subject_id = models.BigIntegerField("identifiant")
    sequence = models.PositiveIntegerField("rang")
    action = models.CharField("acte", max_length=40)
    from_state = models.CharField("état avant", max_length=30, blank=True)
    to_state = models.CharField("état après", max_length=30, blank=True)
    actor_type = models.CharField("par", max_length=20, choices=ActorKind.choices)
    actor_id = models.BigIntegerField("identifiant de l’acteur", null=True, blank=True)
    at = models.DateTimeField("le")
    data = models.JSONField("données", default=dict, blank=True)
    previous_hash = models.CharField("empreinte précédente", max_length=64, blank=True)
    hash = models.CharField("empreinte", max_length=64)

    objects = EventQuerySet.as_manager()

    class Meta:
        verbose_name = "événement"
        constraints = [
            choices_check("subject_type", Subject, name="event_subject_known"),
            choices_check("actor_type", ActorKind, name="event_actor_known"),
            models.UniqueConstraint(fields=["subject_type", "subject_id", "sequence"], name="event_chain_unique"),
            models.CheckConstraint(
                condition=Q(actor_type=ActorKind.SYSTEM, actor_id__isnull=True)
                | (~Q(actor_type=ActorKind.SYSTEM) & Q(actor_id__isnull=False)),
                name="event_actor_named",
            ),
            models.CheckConstraint(
                condition=Q(sequence=1, previous_hash="") | (Q(sequence__gt=1) & ~Q(previous_hash="")),
                name="event_chain_linked",
            ),
        ]
        indexes = [models.Index(fields=["at"], name="event_at")]

    def __str__(self) -> str:
        return f"{self.subject_type} {self.subject_id} n° {self.sequence} : {self.action}"


class EventSeal(models.Model):
    """The nightly seal of a day's events: their count and the hash of their hashes. Insert-only."""

    day: "models.DateField[date, date]" = models.DateField("jour", primary_key=True)
    events = models.PositiveIntegerField("événements")
    previous_hash = models.CharField("sceau précédent", max_length=64, blank=True)
    hash = models.CharField("sceau", max_length=64)
    sealed_at = models.DateTimeField("scellé le")

    class Meta:
        verbose_name = "sceau"

    def __str__(self) -> str:
        return f"sceau du {self.day}"


class Delivery(models.Model):
    """The handling of one event by one consumer (mail, webhook…): at least once, with its tries and its error."""

    event = models.ForeignKey(Event, models.PROTECT, related_name="deliveries", verbose_name="événement")
    consumer = models.CharField("destinataire", max_length=40)
    attempts = models.PositiveSmallIntegerField("essais", default=0)
    next_attempt_at = models.DateTimeField("prochain essai", null=True, blank=True)
    delivered_at = models.DateTimeField("remis le", null=True, blank=True)
    error = models.CharField("dernière erreur", max_length=200, blank=True)

    class Meta:
        verbose_name = "remise"
        constraints = [models.UniqueConstraint(fields=["event", "consumer"], name="delivery_unique")]
        indexes = [
            models.Index(
                fields=["consumer", "next_attempt_at"], condition=Q(delivered_at__isnull=True), name="delivery_due"
            )
        ]

    def __str__(self) -> str:
        return f"remise {self.pk}"
