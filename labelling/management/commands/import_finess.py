"""Import a register of places of care."""

from datetime import date
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from labelling.choices import RegisterForm
from labelling.readers.register_rows import RegisterFileError
from labelling.services.registers import import_register

SHOWN = 50


class Command(BaseCommand):
    """``manage.py import_finess FILE``: FINESS+, the former national extract, or the portal's documented CSV."""

    help = (
        "Importe un registre des lieux de soins : FINESS+ (JSON), ancienne extraction nationale (cs1100502) ou CSV "
        "documenté. La forme du fichier est reconnue à son contenu."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("file", type=Path, help="fichier .json, .csv, ou l’un d’eux en .gz")
        parser.add_argument(
            "--date", type=date.fromisoformat, help="situation au (AAAA-MM-JJ), si le fichier ne la dit pas"
        )
        parser.add_argument(
            "--partial", action="store_true", help="le fichier est une partie du registre : rien n’a disparu"
        )
        parser.add_argument("--dry-run", action="store_true", help="compter sans rien écrire")

    def handle(self, *, file: Path, dry_run: bool, partial: bool, **options: object) -> None:
        """Import, then print the counts and the refused lines.

        Raises:
            CommandError: the file is missing or damaged; nothing changed.
        """
        as_of = options["date"]
        try:
            report = import_register(
                path=file,
                at=timezone.now(),
                as_of=as_of if isinstance(as_of, date) else None,
                partial=partial,
                dry_run=dry_run,
                progress=self._progress,
            )
        except RegisterFileError as error:
            raise CommandError(f"{error}\nRien n’a changé dans la base.") from error
        if self.stdout.isatty():
            self.stdout.write("")
        rank = "Établissement n° {} refusé" if report.form == RegisterForm.FINESS_PLUS else "Ligne {} refusée"
        for refused in report.refused[:SHOWN]:
            self.stderr.write(f"{rank.format(refused.line)} : {refused.reason}")
        if len(report.refused) > SHOWN:
            self.stderr.write(f"… et {len(report.refused) - SHOWN} autres.")
        verdict = "Essai sans écriture" if dry_run else "Import terminé"
        self.stdout.write(
            f"{verdict} ({report.form.label}) : {report.read} lignes lues, {report.created} créées, {report.changed} "
            f"modifiées, {report.unchanged} inchangées, {report.disappeared} disparues (gardées), {report.older} plus "
            f"anciennes que la base, {len(report.refused)} refusées."
        )

    def _progress(self, step: str) -> None:
        if self.stdout.isatty():
            self.stdout.write(f"\r… {step}\033[K", ending="")
            self.stdout.flush()
