"""Announce what is about to reach the end of its retention, and erase what did."""

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from labelling.choices import Retained
from labelling.services.retention import ANNOUNCED, purge


class Command(BaseCommand):
    """``manage.py purge_expired``: what the nightly task does."""

    help = (
        "Annonce ce qui arrive au terme de sa conservation, et efface ce qui y est arrivé et a été annoncé à temps. Le même "
        "travail se fait chaque nuit."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--dry-run", action="store_true", help="compter sans rien annoncer ni effacer")

    def handle(self, *, dry_run: bool, **_: object) -> None:
        """Announce and erase, then print the counts."""
        report = purge(at=timezone.now(), dry_run=dry_run)
        for category in Retained:
            told = f", {report.announced[category]} annoncés" if category in ANNOUNCED else ""
            self.stdout.write(f"{category.label} : {report.erased[category]} effacés{told}")
        self.stdout.write("Essai : rien n’a été annoncé ni effacé." if dry_run else "Terminé.")
