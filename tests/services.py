"""Two public services on this machine: the Annuaire des entreprises and the geocoder, in their true forms.

Real HTTP servers: what is tested is the whole way, sockets included. ``fault`` makes them fail as services do.
"""

import json
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

SIRET = "89012345800014"
"""An invented SIRET whose key holds."""


def establishment(siret=SIRET, **fields):
    """One element of ``matching_etablissements``, as the Annuaire writes it."""
    return {
        "activite_principale": "86.21Z",
        "adresse": "4 RUE DU LAVOIR 98001 VALFICTIF",
        "ancien_siege": False,
        "caractere_employeur": "N",
        "code_postal": "98001",
        "commune": "98001",
        "date_creation": "2021-03-01",
        "date_fermeture": None,
        "est_siege": True,
        "etat_administratif": "A",
        "latitude": "46.5021",
        "longitude": "2.5034",
        "libelle_commune": "VALFICTIF",
        "liste_enseignes": ["CABINET MEDICAL DU LAVOIR"],
        "liste_finess": None,
        "nom_commercial": None,
        "siret": siret,
        "statut_diffusion_etablissement": "O",
        **fields,
    }


def unit(*rows, **fields):
    """One element of ``results``: a legal unit with its establishments."""
    return {
        "siren": rows[0]["siret"][:9],
        "nom_complet": "SCM DES TROIS RUISSEAUX",
        "nom_raison_sociale": "SCM DES TROIS RUISSEAUX",
        "nombre_etablissements": len(rows),
        "etat_administratif": "A",
        "activite_principale": "86.21Z",
        "statut_diffusion": "O",
        "siege": rows[0],
        "matching_etablissements": list(rows),
        **fields,
    }


def feature(label="4 Rue du Lavoir 98001 Valfictif", score=0.93, point=(2.5034, 46.5021), **properties):
    """One feature of the geocoder."""
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": list(point)},
        "properties": {
            "label": label,
            "score": score,
            "id": "98001_0042_00004",
            "type": "housenumber",
            "name": label.rsplit(" ", 2)[0],
            "postcode": "98001",
            "citycode": "98001",
            "city": "Valfictif",
            "context": "98, Essonnie",
            "importance": 0.5,
            "_type": "address",
            **properties,
        },
    }


class Service(ThreadingHTTPServer):
    """A server that answers from ``units`` and ``features``, and counts what it is asked in ``asked``."""

    daemon_threads = True

    def __init__(self):
        self.units, self.features, self.asked, self.fault = {}, [], [], None
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def know(self, *rows, **fields):
        """Make the Annuaire know a legal unit by each of its establishments."""
        for row in rows:
            self.units[row["siret"]] = unit(*rows, **fields)

    def close(self):
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        question = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
        self.server.asked.append(question)
        if self.server.fault:
            return self.server.fault(self)
        if "index" in question:
            return self.json({"type": "FeatureCollection", "features": self.server.features, "query": question["q"]})
        found = [self.server.units[question["q"]]] if question["q"] in self.server.units else []
        return self.json({"results": found, "total_results": len(found), "page": 1, "per_page": 1, "total_pages": 1})

    def json(self, value):
        self.bytes(json.dumps(value).encode())

    def bytes(self, body, status=200, **headers):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        with suppress(OSError):  # The client left, as it does when there is too much.
            self.wfile.write(body)

    def log_message(self, *_):
        pass


def status(code, **headers):
    """Fault: an HTTP status."""
    return lambda handler: handler.bytes(b'{"erreur": "non"}', code, **headers)


def body(content):
    """Fault: these bytes for an answer."""
    return lambda handler: handler.bytes(content)


def slow(seconds):
    """Fault: an answer that comes too late, or drop by drop."""

    def drip(handler):
        handler.send_response(200)
        handler.end_headers()
        end = time.monotonic() + seconds
        with suppress(OSError):
            while time.monotonic() < end:
                handler.wfile.write(b" ")
                handler.wfile.flush()
                time.sleep(0.05)
            handler.wfile.write(b'{"results": []}')

    return drip


def silent(seconds):
    """Fault: nothing at all for a while."""
    return lambda _handler: time.sleep(seconds)
