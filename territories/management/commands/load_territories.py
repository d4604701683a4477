"""Load the reference of places: régions, départements, EPCI, communes and the shapes of maps."""

from time import perf_counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from francesante.lib.french import grouped
from territories.readers.reference import ReferenceDataError
from territories.services.places import LoadReport, load_reference


class Command(BaseCommand):
    help = "Charge le référentiel des territoires (régions, départements, EPCI, communes) depuis fixtures/reference/."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="compter sans rien écrire")
        parser.add_argument(
            "--if-needed",
            action="store_true",
            help="ne rien faire si ces fichiers sont déjà ceux du dernier chargement",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        started = perf_counter()
        try:
            report = load_reference(
                at=timezone.now(),
                dry_run=options["dry_run"],
                if_needed=options["if_needed"],
                progress=self._show_step if self.stdout.isatty() else lambda _step: None,
            )
        except ReferenceDataError as error:
            raise CommandError(f"{error} Rien n’a été modifié.") from error
        if report.already_loaded:
            self.stdout.write("Référentiel des territoires déjà à jour.")
            return
        self._show_report(report)
        outcome = "Essai sans écriture" if options["dry_run"] else "Référentiel des territoires chargé"
        seconds = grouped(perf_counter() - started, 1)
        self.stdout.write(f"{outcome} : {grouped(report.changed)} lignes changées en {seconds} s.")

    def _show_step(self, step: str) -> None:
        self.stdout.write(f"… {step}")

    def _show_report(self, report: LoadReport) -> None:
        for label, count in report.tables.items():
            self.stdout.write(
                f"{label} : {grouped(count.read)} lignes, {grouped(count.inserted)} ajoutées,"
                f" {grouped(count.updated)} modifiées, {grouped(count.deleted)} supprimées"
            )
        self.stdout.write(f"communes disparues : {report.communes_ended}")
        without_point = report.communes_without_point
        names = f" ({', '.join(without_point)})" if without_point else ""
        self.stdout.write(f"communes sans position : {len(without_point)}{names}")
