"""Compute the edition of a quarter."""

from time import perf_counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from francesante.lib.workflow import RefusedError
from indicators.rules.quarters import UnknownQuarterError
from indicators.services.editions import compute_edition


class Command(BaseCommand):
    help = "Calcule l’édition d’un trimestre : fige ses données, mesure, écrit ses fichiers. Ne publie rien."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--quarter", required=True, help="trimestre, par exemple 2026T3")
        parser.add_argument("--reason", default="", help="motif, si l’édition publiée est corrigée")
        parser.add_argument("--dry-run", action="store_true", help="compter sans rien écrire")

    def handle(self, *args: Any, **options: Any) -> None:
        started = perf_counter()
        try:
            computed = compute_edition(
                quarter=options["quarter"], at=timezone.now(), reason=options["reason"], dry_run=options["dry_run"]
            )
        except (UnknownQuarterError, RefusedError) as error:
            raise CommandError(f"{error} Rien n’a été modifié.") from error
        seconds = f"{perf_counter() - started:.1f}".replace(".", ",")
        if options["dry_run"] and computed.changed:
            outcome = "essai sans écriture"
        elif computed.changed:
            outcome = f"édition {computed.edition} calculée"
        else:
            outcome = f"édition {computed.edition} déjà à jour"
        self.stdout.write(f"{outcome} : {computed.observations} observations en {seconds} s.")
