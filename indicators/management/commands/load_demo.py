"""``manage.py load_demo``."""

import time
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser

from francesante.lib.workflow import RefusedError
from indicators.services.demo.load import load_demo, processes_here
from labelling.readers.register_rows import RegisterFileError


class Command(BaseCommand):
    help = "Crée la démonstration : personnes inventées, labels, attributions, éditions. Seulement avec DEMO=1."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--data",
            type=Path,
            help="dossier d'un extrait réel (structures_finess.csv.gz) : environ mille labels sur de vrais lieux",
        )
        parser.add_argument("--small", action="store_true", help="la petite démonstration, même avec --data")

    def handle(self, *, data: Path | None, small: bool, verbosity: int, **options) -> None:
        self.begun = time.monotonic()
        self.talks = verbosity > 0
        try:
            loaded = load_demo(data=None if small else data, processes=processes_here(), progress=self.say)
        except (RefusedError, RegisterFileError) as error:
            raise CommandError(str(error)) from error
        if not loaded.created:
            self.say("la démonstration est déjà là : rien n'a changé")
        for name, count in loaded.counts.items():
            self.say(f"{count:>7} {name}")

    def say(self, sentence: str) -> None:
        """Write a line with the time since the beginning."""
        if self.talks:
            self.stdout.write(f"[{time.monotonic() - self.begun:6.1f} s] {sentence}")
            self.stdout.flush()
