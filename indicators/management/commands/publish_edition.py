"""Check and publish the edition of a quarter."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from francesante.lib.workflow import RefusedError
from indicators.choices import EditionState
from indicators.models import Edition
from indicators.services.editions import check_edition, checks_of, publish_edition


class Command(BaseCommand):
    help = "Vérifie puis publie l’édition calculée d’un trimestre. Une édition publiée ne change plus."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--quarter", required=True, help="trimestre, par exemple 2026T3")
        parser.add_argument("--dry-run", action="store_true", help="vérifier sans rien écrire")

    def handle(self, *args: Any, **options: Any) -> None:
        edition = Edition.objects.filter(quarter=options["quarter"]).order_by("-revision").first()
        if edition is None:
            raise CommandError(
                f"Aucune édition {options['quarter']} : calculez-la d’abord par compute_indicators. Rien n’a été modifié."
            )
        if edition.state == EditionState.PUBLISHED:
            self.stdout.write(f"édition {edition} déjà publiée : rien à faire.")
            return
        for check in checks_of(edition):
            mark = "ok" if check.passed else ("refus" if check.blocks else "à regarder")
            self.stdout.write(f"{check.label} : {mark} ({check.detail})")
        at = timezone.now()
        try:
            with transaction.atomic():
                if edition.state == EditionState.DRAFT:
                    check_edition(edition=edition, at=at)
                publish_edition(edition=edition, at=at)
                transaction.set_rollback(options["dry_run"])
        except RefusedError as error:
            raise CommandError(f"{error} Rien n’a été modifié.") from error
        outcome = "serait publiée (essai sans écriture)" if options["dry_run"] else "publiée"
        self.stdout.write(f"édition {edition} {outcome} : {edition.observations.count()} observations.")
