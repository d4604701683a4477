"""Invented FINESS+ files, in the form observed in the feed of September 2026 (schema v1.0.0, with its liberties)."""

import gzip
import json

from tests.factories import luhn_finess


def establishment(number=None, **changes):
    """One ``ege``; ``changes`` replace whole fields, or, by ``infos`` and ``place``, parts of them."""
    infos = {
        "egeId": "900001",
        "numFinessEge": number or luhn_finess(98_800_001),
        "nomEgeCourt": "MSP ETANGS",
        "nomEgeLong": "MAISON DE SANTÉ DES ÉTANGS (FICTIVE)",
        "dateOuverture": "2019-04-01",
        "dateFermeture": None,
        "siret": "",
        **changes.pop("infos", {}),
    }
    place = {
        "usageAdresse": "03",
        "numeroVoie": "2",
        "typeVoie": "PL",
        "libelleVoie": "DU LAVOIR",
        "complementVoie": None,
        "complementPointGeographique": "",
        "lieuDit": "BP 3",
        "cogCommune": "98001",
        "ligneAcheminement": "VALFICTIF",
        "codePostal": "98001",
        "coordonneesGeographique": {
            "coordonneeX": "2.51",
            "coordonneeY": "46.52",
            "directionLatitude": "6603000.5",
            "directionLongitude": "662000.2",
            "cleInInteropBAN": "98001_0010_00002",
            "scoreBAN": "0.97",
        },
        **changes.pop("place", {}),
    }
    return {
        "informationsGeneralesEGE": infos,
        "categorieentiteGeographiqueExercice": "603",
        "modefixationtarifaire": "99",
        "etatObjet": "A",
        "adresse": [{**place, "usageAdresse": "06", "libelleVoie": "DE L’ACCUEIL"}, place],
        "contact": [
            {
                "typeContact": {"roleContact": "01"},
                "telecom": {
                    "telephone": "0199000001/0199000002",
                    "telecopie": "",
                    "courriel": "Accueil@structure.invalid",
                },
            }
        ],
        "evenement": [{"evenementId": "1", "codeEvenement": "008", "dateEvenement": "2019-04-01"}],
        "champInconnu": {"a": [1, 2, 3]},
        **changes,
    }


def entity(*establishments, **changes):
    """One ``pmej`` with its establishments."""
    return {
        "informationsGeneralesPMEJ": {
            "pmSmsseId": "50000",
            "numFinessPm": luhn_finess(98_900_001),
            "siren": "356000000",
            "denominationLonguePmSmsse": "ASSOCIATION DES ÉTANGS (FICTIVE)",
        },
        "adresse": [],
        "ege": list(establishments),
        "etatObjet": "A",
        **changes,
    }


def document(*entities, generated="2026-11-20T02:06:22Z"):
    """The whole feed."""
    return {"schemaVersion": "v1.0.0", "generatedAt": generated, "gco": [], "gcc": [], "pmej": list(entities)}


def written(path, whole, *, encoding="utf-8"):
    """Write a feed, gzipped when its name ends so, and return its path."""
    data = json.dumps(whole, ensure_ascii=False).encode(encoding)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def write_many(path, count, *, commune="98001"):
    """Write a feed of as many establishments, three by legal entity, without holding it."""
    with path.open("w", encoding="utf-8") as file:
        file.write('{"schemaVersion":"v1.0.0","generatedAt":"2026-11-20T02:06:22Z","gco":[],"gcc":[],"pmej":[')
        for first in range(0, count, 3):
            group = [
                establishment(
                    luhn_finess(10_000_000 + rank),
                    infos={"nomEgeLong": f"MAISON DE SANTÉ N° {rank} (FICTIVE)"},
                    place={"cogCommune": commune, "coordonneesGeographique": None},
                    evenement=[{"evenementId": "1", "libelle": "x" * 900}],
                )
                for rank in range(first, min(first + 3, count))
            ]
            file.write(("," if first else "") + json.dumps(entity(*group), ensure_ascii=False))
        file.write("]}")
    return path
