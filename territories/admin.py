"""Technical administration, read-mostly: people and authorities are maintained here, acts are only looked at."""

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone

from territories.models import (
    Authority,
    Commune,
    Decision,
    Delivery,
    Departement,
    Event,
    EventSeal,
    Invitation,
    Mandate,
    Notification,
    ReferenceLoad,
    Signature,
    SignatureRefusal,
    SigningRule,
    User,
)
from territories.services.mandates import record_administration


class ReadOnlyAdmin(admin.ModelAdmin):
    """Look, touch nothing."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse."""
        return False


class KeptAdmin(admin.ModelAdmin):
    """Rows that acts point to: changed, never deleted."""

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse."""
        return False


@admin.register(User)
class UserAdmin(KeptAdmin):
    list_display = ["email", "last_name", "first_name", "is_active", "is_staff", "joined_at"]
    list_filter = ["is_active", "is_staff"]
    search_fields = ["email", "last_name", "first_name"]
    fields = [
        "email",
        "civility",
        "first_name",
        "last_name",
        "is_active",
        "is_staff",
        "is_superuser",
        "joined_at",
        "last_login",
    ]
    readonly_fields = ["joined_at", "last_login"]
    ordering = ["email"]

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse: accounts are opened by invitations."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        """Keep the technical rights to technical administrators of full right."""
        rights = [] if request.user.is_superuser else ["is_staff", "is_superuser"]  # type: ignore[union-attr]
        return [*self.readonly_fields, *rights]


@admin.register(Authority)
class AuthorityAdmin(KeptAdmin):
    list_display = ["name", "kind", "region", "departement", "email", "phone"]
    list_filter = ["kind"]
    list_select_related = ["region", "departement"]
    search_fields = ["name"]
    ordering = ["name"]


@admin.register(Mandate)
class MandateAdmin(KeptAdmin):
    """Once given, only the period and the right to sign change: the rest would rewrite what was done with it."""

    list_display = ["user", "authority", "role", "region", "departement", "valid", "signing_as"]
    list_filter = ["role", "signing_as", "authority__kind"]
    list_select_related = ["user", "authority", "region", "departement"]
    search_fields = ["user__email", "user__last_name", "authority__name"]
    autocomplete_fields = ["user", "authority"]
    ordering = ["authority__name", "user__last_name", "pk"]

    def save_model(self, request: HttpRequest, obj: Mandate, form: Any, change: bool) -> None:  # noqa: FBT001
        """Keep an event of what was changed."""
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            record_administration(
                mandate=obj,
                administrator_id=request.user.pk,  # type: ignore[arg-type]
                changed=form.changed_data,
                at=timezone.now(),
            )

    def get_readonly_fields(self, request: HttpRequest, obj: Mandate | None = None) -> list[str]:
        """Freeze what identifies a mandate."""
        return [] if obj is None else ["user", "authority", "role", "region", "departement"]

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Allow technical administrators of full right."""
        return bool(request.user.is_superuser)  # type: ignore[union-attr]

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Allow technical administrators of full right."""
        return bool(request.user.is_superuser)  # type: ignore[union-attr]


@admin.register(SigningRule)
class SigningRuleAdmin(ReadOnlyAdmin):
    list_display = ["kind", "capacities", "valid_from", "legal_source"]
    ordering = ["kind", "-valid_from"]


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    list_display = ["email", "invited_by", "created_at", "expires_at", "accepted_at", "cancelled_at"]
    list_select_related = ["invited_by"]
    search_fields = ["email"]
    exclude = ["token_hash"]
    ordering = ["-created_at"]


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    list_display = ["pk", "title", "kind", "departement", "state", "proposed_at", "signed_at"]
    list_filter = ["kind", "state"]
    list_select_related = ["departement"]
    search_fields = ["title", "content_hash"]
    exclude = ["pdf"]
    ordering = ["-proposed_at"]

    def get_queryset(self, request: HttpRequest) -> Any:
        """Leave the bytes of the acts where they are."""
        return super().get_queryset(request).defer("pdf")


@admin.register(Signature)
class SignatureAdmin(ReadOnlyAdmin):
    list_display = ["decision", "capacity", "signatory_name", "signatory_title", "means", "signed_at"]
    list_filter = ["capacity", "means"]
    ordering = ["-signed_at"]


@admin.register(SignatureRefusal)
class SignatureRefusalAdmin(ReadOnlyAdmin):
    list_display = ["decision", "capacity", "mandate", "declined_at"]
    ordering = ["-declined_at"]


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    list_display = ["decision", "recipient", "channel", "sent_at", "notified_at"]
    list_filter = ["channel"]
    list_select_related = ["recipient"]
    ordering = ["-sent_at"]


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = [
        "at",
        "subject_type",
        "subject_id",
        "sequence",
        "action",
        "from_state",
        "to_state",
        "actor_type",
        "actor_id",
    ]
    list_filter = ["subject_type", "action"]
    search_fields = ["=subject_id", "hash"]
    show_full_result_count = False
    ordering = ["-pk"]


@admin.register(EventSeal)
class EventSealAdmin(ReadOnlyAdmin):
    list_display = ["day", "events", "hash", "sealed_at"]
    ordering = ["-day"]


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ["event", "consumer", "attempts", "next_attempt_at", "delivered_at", "error"]
    list_filter = ["consumer", "error"]
    list_select_related = ["event"]
    show_full_result_count = False
    ordering = ["-pk"]


@admin.register(Departement)
class DepartementAdmin(ReadOnlyAdmin):
    list_display = ["code", "name", "region", "timezone"]
    list_select_related = ["region"]
    search_fields = ["name", "code"]
    exclude = ["outline", "inset_outline"]
    ordering = ["sort_key"]


@admin.register(Commune)
class CommuneAdmin(ReadOnlyAdmin):
    list_display = ["code", "name", "departement", "valid_until"]
    list_select_related = ["departement"]
    search_fields = ["sort_key", "code"]
    show_full_result_count = False
    ordering = ["code"]


@admin.register(ReferenceLoad)
class ReferenceLoadAdmin(ReadOnlyAdmin):
    list_display = ["loaded_at", "manifest_hash"]
    ordering = ["-loaded_at"]
