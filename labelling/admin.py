"""The administration of labels: to look things up, never to change a file behind its acts."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from labelling.models import (
    Application,
    Claim,
    Completion,
    Criterion,
    Label,
    Membership,
    Quota,
    RegisterImport,
    RegisterLine,
    Specification,
    Structure,
    Wave,
)


class ReadOnly(admin.ModelAdmin):
    """Rows that acts and imports write, and nobody else."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Structure)
class StructureAdmin(ReadOnly):
    list_display = ("name", "kind", "finess", "commune", "departement")
    list_select_related = ("commune", "departement")
    list_filter = ("kind", "fictional")
    search_fields = ("sort_key", "finess", "siret")
    ordering = ("sort_key", "pk")


@admin.register(Application)
class ApplicationAdmin(ReadOnly):
    list_display = ("number", "structure", "departement", "state", "submitted_at", "silence_date")
    list_select_related = ("structure", "departement")
    list_filter = ("state", "route", "lead")
    search_fields = ("number", "structure__finess")
    ordering = ("-created_at", "-pk")


@admin.register(Label)
class LabelAdmin(ReadOnly):
    list_display = ("number", "structure", "departement", "valid", "notified_at", "withdrawn_at")
    list_select_related = ("structure", "departement")
    search_fields = ("number", "structure__finess")
    ordering = ("-pk",)


@admin.register(RegisterImport)
class RegisterImportAdmin(ReadOnly):
    list_display = ("form", "as_of", "imported_at", "read", "created", "changed", "disappeared", "refused", "partial")
    list_filter = ("form",)
    ordering = ("-imported_at", "-pk")


@admin.register(Completion)
class CompletionAdmin(ReadOnly):
    list_display = ("line", "asked_at", "tries", "next_at", "outcome", "settled_at")
    list_select_related = ("line",)
    list_filter = ("outcome",)
    ordering = ("-asked_at", "-pk")


@admin.register(RegisterLine)
class RegisterLineAdmin(ReadOnly):
    list_display = ("number", "register", "name", "category_label", "commune", "as_of")
    list_select_related = ("commune",)
    list_filter = ("register", "kind")
    search_fields = ("number", "siret", "sort_key")
    ordering = ("register", "number")


@admin.register(Membership)
class MembershipAdmin(ReadOnly):
    list_display = ("user", "structure", "role", "started_at", "ended_at")
    list_select_related = ("user", "structure")
    search_fields = ("user__email", "structure__finess")
    ordering = ("-pk",)


@admin.register(Claim)
class ClaimAdmin(ReadOnly):
    list_display = ("user", "line", "state", "created_at", "settled_at")
    list_select_related = ("user", "line")
    list_filter = ("state",)
    exclude = ("code_hash",)
    ordering = ("-pk",)


class CriterionInline(admin.TabularInline):
    model = Criterion
    extra = 0
    fields = ("position", "code", "kind", "title", "rule", "parameters")
    ordering = ("position",)
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Specification)
class SpecificationAdmin(ReadOnly):
    list_display = ("version", "title", "published_at")
    inlines = (CriterionInline,)
    ordering = ("-published_at",)


@admin.register(Wave)
class WaveAdmin(ReadOnly):
    list_display = ("number", "name", "period", "national_target")
    ordering = ("number",)


@admin.register(Quota)
class QuotaAdmin(ReadOnly):
    list_display = ("wave", "departement", "floor", "target", "ceiling", "reserved", "used")
    list_select_related = ("wave", "departement")
    list_filter = ("wave",)
    ordering = ("wave", "departement__sort_key")
