"""Import a register of places of care."""

from datetime import date
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser

from labelling.readers.register_rows import RegisterFileError
from labelling.services.registers import import_register

SHOWN = 50


class Command(BaseCommand):
    """``manage.py import_finess FILE``: the national FINESS extract, or the portal's documented CSV."""

    help = "Importe un registre des lieux de soins : extraction nationale FINESS (cs1100502) ou CSV documenté."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("file", type=Path, help="fichier .csv ou .csv.gz")
        parser.add_argument(
            "--date", type=date.fromisoformat, help="situation au (AAAA-MM-JJ), si le fichier ne la dit pas"
        )
        parser.add_argument("--dry-run", action="store_true", help="compter sans rien écrire")

    def handle(self, *, file: Path, dry_run: bool, **options: object) -> None:
        """Import, then print the counts and the refused lines.

        Raises:
            CommandError: the file is missing or damaged; nothing changed.
        """
        as_of = options["date"]
        try:
            report = import_register(
                path=file,
                as_of=as_of if isinstance(as_of, date) else None,
                dry_run=dry_run,
                progress=self._progress,
            )
        except RegisterFileError as error:
            raise CommandError(f"{error}\nRien n’a changé dans la base.") from error
        for refused in report.refused[:SHOWN]:
            self.stderr.write(f"Ligne {refused.line} refusée : {refused.reason}")
        if len(report.refused) > SHOWN:
            self.stderr.write(f"… et {len(report.refused) - SHOWN} autres lignes refusées.")
        verdict = "Essai sans écriture" if dry_run else "Import terminé"
        self.stdout.write(
            f"{verdict} : {report.read} lignes lues, {report.created} créées, {report.changed} modifiées, "
            f"{report.unchanged} inchangées, {report.older} plus anciennes que la base, {len(report.refused)} refusées."
        )

    def _progress(self, step: str) -> None:
        if self.stdout.isatty():
            self.stdout.write(f"… {step}")
