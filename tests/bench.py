"""Speeds on the portal's own database (the real run), each beside another way of doing the same, in the same run.

`make bench`; `python -m tests.bench national` for the synthetic nation alone. The methods of a measure run interleaved, A B C A B C…; figures are medians, ratios are medians of the
ratios of each round: under load seconds move, ratios hardly do. Nothing is left in the database.

The measures run in a process of their own, on the portal's settings: those of the tests point at a throw-away server.
"""

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep

from tests.measuring import Measure, measure, show

ROOT = Path(__file__).resolve().parent.parent
REGISTERS = ROOT.parent / "shared" / "data" / "test"
"""The real registers, when they are beside the project: an empty database is then filled with the real run."""

NATIONAL = "national"
"""Argument that asks for the synthetic nation alone."""


def test_bench():
    """Run the measures and let their table through."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "francesante.settings"}
    if not environment.get("DATABASE_URL"):
        environment["DEMO"] = "1"  # an empty embedded database is filled with the demonstration
    done = subprocess.run([sys.executable, "-m", "tests.bench"], cwd=ROOT, env=environment, check=False)
    assert done.returncode == 0


def main() -> None:
    """Prepare the database, measure, print a table, write ``var/bench.json``."""
    import django
    from django.conf import settings

    with settings.EMBEDDED_SERVERS.running() if settings.EMBEDDED else open(os.devnull):  # noqa: PTH123
        django.setup()
        from django.core.management import call_command
        from django.db import transaction

        from labelling.models import Label
        from tests.bench_national import measure_national

        call_command("migrate", verbosity=0, interactive=False, skip_checks=True)
        call_command("load_territories", if_needed=True, stdout=io.StringIO())
        if not Label.objects.exists():
            registers = [f"--data={REGISTERS}"] if REGISTERS.is_dir() else []
            call_command("load_demo", *registers, stdout=io.StringIO())
        found = []
        if NATIONAL not in sys.argv:
            found += [measure_territories(), measure_finess_plus()]
            with transaction.atomic():
                found += measure_pages()
                transaction.set_rollback(True)
        with transaction.atomic():
            found += measure_national()
            transaction.set_rollback(True)
    show(found)
    path = settings.VAR_DIR / "bench.json"
    path.write_text(json.dumps([asdict(one) for one in found], ensure_ascii=False, indent=1) + "\n")
    sys.stdout.write(f"\n{path}\n")


def measure_territories() -> Measure:
    """The reference load, beside the plain Django way of writing its largest table."""
    from django.db import transaction
    from django.utils import timezone

    from territories.models import Commune, CommuneVintage
    from territories.services.places import load_reference

    rows = list(CommuneVintage.objects.all())

    def bulk_create():
        with transaction.atomic():
            CommuneVintage.objects.all().delete()
            CommuneVintage.objects.bulk_create(rows, batch_size=1000)
            transaction.set_rollback(True)

    return measure(
        "Chargement des territoires",
        f"{Commune.objects.count()} communes, 9 tables, contours compris, sans rien garder",
        {
            "load_territories (tout)": lambda: load_reference(at=timezone.now(), dry_run=True),
            "bulk_create (une table sur neuf)": bulk_create,
        },
        rounds=4,
    )


def measure_finess_plus() -> Measure:
    """A FINESS+ of 100 000 structures, tried by the command in a process of its own; the peak of its memory."""
    from tests.registers import write_many

    with TemporaryDirectory() as folder:
        path = write_many(Path(folder) / "finess.json", 100_000, commune="01001")
        command = [sys.executable, "manage.py", "import_finess", str(path), "--dry-run", "--partial"]

        peaks = []

        def run():
            process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
            # getrusage would count the memory of this process too, from before the other program took its place.
            while process.poll() is None:
                peaks.extend(int(line.split()[1]) // 1024 for line in _status(process.pid) if line.startswith("VmHWM"))
                sleep(0.2)
            assert process.returncode == 0

        found = measure("Import FINESS+", "", {"import_finess --dry-run": run}, rounds=1)
        size = path.stat().st_size // 1_000_000
    peak = max(peaks)
    found.detail = f"100 000 structures, {size} Mo, en flux : {peak} Mo de mémoire au plus, processus entier"
    return found


def _status(process: int) -> list[str]:
    try:
        return Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return []


def measure_pages() -> list[Measure]:  # noqa: C901  # one method per line of the table
    """Pages and data, as a visitor or an agent asks for them."""
    from django.core.cache import cache
    from django.db import connection
    from django.test import Client, override_settings
    from django.test.utils import CaptureQueriesContext
    from django_otp import DEVICE_ID_SESSION_KEY
    from django_otp.plugins.otp_totp.models import TOTPDevice
    from rest_framework.throttling import AnonRateThrottle

    from indicators.services.datasets import STRUCTURES
    from labelling.models import Application, Label
    from labelling.services.worklist import files_of, ordered, with_details
    from labelling.views.worklist_rows import rows_of
    from territories.choices import Role
    from territories.models import Commune, Mandate

    AnonRateThrottle.THROTTLE_RATES = {"anon": None, "user": None}
    public = Client(headers={"host": "localhost"})

    def get(client, address):
        response = client.get(address)
        assert response.status_code == 200, (address, response.status_code)
        return b"".join(response.streaming_content) if response.streaming else response.content

    texts = ["saint etienne", "paris", "valserhone", "23000", "st denis", "mont"]

    def search():
        for text in texts:
            list(Commune.objects.search(text, 10))

    def icontains():
        for text in texts:
            list(Commune.objects.filter(name__icontains=text).order_by("name")[:10])

    def home_uncached():
        cache.clear()
        get(public, "/")

    agents = Mandate.objects.filter(role=Role.AGENT).select_related("user", "authority", "region").order_by("pk")
    agent = max(agents, key=lambda mandate: files_of(mandate.user, mandate).count())
    inside = Client(headers={"host": "localhost"})
    inside.force_login(agent.user, "django.contrib.auth.backends.ModelBackend")
    device = TOTPDevice.objects.create(user=agent.user, name="bench", confirmed=True)
    session = inside.session
    session[DEVICE_ID_SESSION_KEY] = device.persistent_id
    session["mandate"] = agent.pk
    session.save()
    from django.utils import timezone

    files = files_of(agent.user, agent)

    def eager():
        rows_of(ordered(with_details(files), "echeance")[:50], agent, timezone.now())

    def lazy():
        loaded = ordered(with_details(files), "echeance").select_related(None).prefetch_related(None)[:50]
        rows_of(loaded, agent, timezone.now())

    with CaptureQueriesContext(connection) as queries:
        get(inside, "/dossiers/")
        count = len(queries)

    labels = Label.objects.published()
    total = labels.count()
    records = "/api/v1/datasets/structures-labellisees/records/?page_size=100"
    exports = "/api/v1/datasets/structures-labellisees/exports/csv"
    serialize = drf_rows()

    def drf_page():
        json.dumps(serialize(labels.order_by("number")[:100]))

    def drf_csv():
        file = io.StringIO()
        writer = csv.DictWriter(file, STRUCTURES.names)
        writer.writeheader()
        writer.writerows(serialize(labels.order_by("number")))

    def python_csv():
        file = io.StringIO()
        writer = csv.writer(file)
        writer.writerow(STRUCTURES.names)
        writer.writerows(STRUCTURES.rows(timezone.localdate()).order_by("code_label").values_list(*STRUCTURES.names))

    with override_settings(ALLOWED_HOSTS=["localhost"], SECURE_SSL_REDIRECT=False):
        return [
            measure(
                "Recherche de commune",
                f"{len(texts)} textes, {Commune.objects.count()} communes",
                {"Commune.objects.search": search, "name__icontains (accents et codes perdus)": icontains},
            ),
            measure(
                "Page d’accueil",
                f"{len(get(public, '/')) // 1024} ko, carte et tableau des 101 départements",
                {"carte en cache": lambda: get(public, "/"), "carte redessinée": home_uncached},
            ),
            measure(
                "Liste de travail (page entière)",
                f"50 lignes sur {files.count()}, {count} requêtes, agent connecté",
                {"/dossiers/": lambda: get(inside, "/dossiers/")},
            ),
            measure(
                "Liste de travail (lignes seules)",
                f"50 lignes sur {Application.objects.count()} dossiers en base",
                {"préchargées": eager, "sans préchargement (N + 1)": lazy},
            ),
            measure(
                "API, page de 100",
                "structures-labellisees, 24 colonnes, HTTP compris pour la nôtre",
                {"/records/": lambda: get(public, records), "ModelSerializer, sans HTTP": drf_page},
            ),
            measure(
                "Export CSV",
                f"{total} lignes, 24 colonnes, HTTP compris pour le nôtre",
                {
                    "/exports/csv (COPY)": lambda: get(public, exports),
                    "csv.writer, sans HTTP": python_csv,
                    "ModelSerializer, sans HTTP": drf_csv,
                },
            ),
        ]


def drf_rows() -> Callable:
    """Return what a ModelSerializer gives for labels, with the columns of the dataset and no needless query."""
    from rest_framework import serializers

    from indicators.services.datasets import STRUCTURES
    from labelling.models import Label
    from labelling.services.labels import status

    sources = {
        "code_label": "number",
        "nom": "structure.name",
        "type": "structure.get_kind_display",
        "finess": "structure.finess",
        "adresse": "structure.address",
        "code_postal": "structure.postal_code",
        "code_commune": "structure.commune.code",
        "libelle_commune": "structure.commune.name",
        "code_departement": "departement.code",
        "libelle_departement": "departement.name",
        "code_region": "departement.region_id",
        "date_debut": "valid.lower",
        "date_fin": "valid.upper",
        "version_cahier_des_charges": "application.specification.version",
    }

    class LabelSerializer(serializers.ModelSerializer):
        class Meta:
            model = Label
            fields = list(STRUCTURES.names)

        def get_fields(self):
            fields = {name: serializers.ReadOnlyField(source=source) for name, source in sources.items()}
            computed = {name: serializers.SerializerMethodField() for name in STRUCTURES.names if name not in fields}
            return {name: {**fields, **computed}[name] for name in STRUCTURES.names}

        def __getattr__(self, name):
            if not name.startswith("get_"):
                raise AttributeError(name)
            return lambda label: self.site_value(label, name.removeprefix("get_"))

        def site_value(self, label, name):
            from django.utils import timezone

            if name == "statut":
                return status(label, timezone.localdate()).label
            site = next((one for one in label.structure.sites.all() if one.is_main), None)
            return getattr(site, name, None) if name in {"latitude", "longitude"} else str(site and site.hours)

    def rows(labels):
        found = labels.select_related(
            "structure__commune", "departement__region", "application__specification"
        ).prefetch_related("structure__sites")
        data = LabelSerializer(found, many=True).data
        return [{name: str(value) if value is not None else None for name, value in row.items()} for row in data]

    return rows


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "francesante.settings")
    main()
