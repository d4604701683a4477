"""``manage.py demo_accounts``."""

import json

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from indicators.services.demo.people import shown_accounts


class Command(BaseCommand):
    help = "Montre les comptes de la démonstration, un par rôle. Seulement avec DEMO=1."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="une liste JSON, pour les outils")

    def handle(self, *, json: bool, **options) -> None:
        if not settings.DEMO:
            raise CommandError("La démonstration n'existe qu'avec DEMO=1 : il n'y a pas de comptes à montrer.")
        accounts = shown_accounts()
        if json:
            self.stdout.write(as_json(accounts))
            return
        if not accounts:
            self.stdout.write("Aucun compte de démonstration : lancez load_demo.")
            return
        self.stdout.write(f"Mot de passe de tous : {accounts[0]['password']}")
        secret = next(filter(None, (row["totp_secret"] for row in accounts)), "")
        self.stdout.write(f"Second facteur des agents (clé à saisir dans une application) : {secret}\n")
        for row in accounts:
            signs = ", signe" if row["can_sign"] else ""
            self.stdout.write(f"  {row['email']:<38} {row['authority']} ({row['territory']}{signs})")


def as_json(accounts: list[dict]) -> str:
    """Return the accounts as JSON text."""
    return json.dumps(accounts, ensure_ascii=False, indent=2)
