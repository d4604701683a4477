"""The words of a state, by reader."""

from datetime import date

import pytest

from labelling.choices import ApplicationState as State
from labelling.rules.badges import OUTSIDER, STRUCTURE, Facts, badge

TODAY = date(2026, 11, 22)
RECEIVED = {"received_on": date(2026, 10, 4), "silence_date": date(2026, 12, 4)}


def shown(reader, state, **facts):
    found = badge(Facts(state=state, today=TODAY, **facts), reader)
    return found.tone, found.label, found.next_step.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("state", "facts", "expected"),
    [
        (State.DRAFT, {}, ("", "Brouillon", "Rien n’est transmis avant le dépôt.")),
        (
            State.SUBMITTED,
            RECEIVED,
            (
                "info",
                "Déposé",
                "Reçu le 4 octobre 2026. Vous n’avez rien à faire ; réponse attendue au plus tard le 4 décembre 2026.",
            ),
        ),
        (
            State.UNDER_REVIEW,
            RECEIVED,
            ("info", "En instruction", "L’ARS et la préfecture examinent vos réponses, critère par critère."),
        ),
        (
            State.DISAGREEMENT,
            RECEIVED,
            ("info", "En instruction", "L’ARS et la préfecture examinent vos réponses, critère par critère."),
        ),
        (
            State.UNDER_REVIEW,
            {**RECEIVED, "waiting": True},
            ("info", "Liste d’attente", "Votre dossier n’est pas refusé ; le délai de réponse court."),
        ),
        (
            State.UNDER_REVIEW,
            {"silence_date": date(2026, 11, 21)},
            ("", "Rejet implicite", "Votre dossier reste examiné. Recours possible jusqu’au 22 janvier 2027."),
        ),
        (
            State.AWAITING_SIGNATURES,
            RECEIVED,
            ("info", "Décision en cours", "L’instruction est terminée. La décision vous sera notifiée ici."),
        ),
        (
            State.AWAITING_SIGNATURES,
            {**RECEIVED, "by_letter": True},
            (
                "info",
                "Décision en cours",
                "L’instruction est terminée. La décision vous sera notifiée par lettre recommandée.",
            ),
        ),
        (
            State.ABANDONED,
            {"ended_on": date(2026, 11, 1)},
            ("", "Désistement", "Enregistré le 1er novembre 2026. Vous pouvez déposer un nouveau dossier."),
        ),
        (State.CLOSED, {}, ("", "Sans suite", "Vous pouvez déposer un nouveau dossier.")),
        (
            State.REFUSED,
            {"available_on": TODAY, "notified_on": TODAY},
            ("", "Refusé", "Motifs, recours et suite : lire la décision."),
        ),
        (
            State.LABELLED,
            {"available_on": TODAY, "notified_on": TODAY, "label_from": TODAY, "label_until": date(2029, 11, 22)},
            ("success", "Labellisé", "Label du 22 novembre 2026 au 22 novembre 2029."),
        ),
    ],
)
def test_what_a_structure_reads(state, facts, expected):
    assert shown(STRUCTURE, state, **facts) == expected


@pytest.mark.parametrize("facts", [{}, {"available_on": TODAY}])
def test_the_sense_of_a_decision_is_told_after_its_notification_only(facts):
    granted, refused = shown(STRUCTURE, State.LABELLED, **facts), shown(STRUCTURE, State.REFUSED, **facts)
    assert granted == refused
    assert granted[1] in {"Décision en cours", "Décision à lire"}


@pytest.mark.parametrize(
    ("reader", "state", "facts", "expected"),
    [
        ("ars", State.SUBMITTED, RECEIVED, ("new", "À prendre", "À prendre en charge ou à affecter.")),
        (
            "prefecture",
            State.REFUSED,
            {"by_letter": True},
            (
                "warning",
                "À notifier",
                "Décision signée : lettre recommandée à envoyer, puis date de sa réception à enregistrer.",
            ),
        ),
        ("ars", State.UNDER_REVIEW, {"to_assess": 3}, ("warning", "En instruction", "ARS : 3 critères à apprécier.")),
        (
            "prefecture",
            State.UNDER_REVIEW,
            {"to_assess": 1},
            ("info", "En instruction", "ARS : 1 critère à apprécier."),
        ),
        (
            "ars",
            State.UNDER_REVIEW,
            {"to_assess": 0},
            ("warning", "En instruction", "ARS : appréciation à partager avec l’autre autorité."),
        ),
        (
            "ars",
            State.UNDER_REVIEW,
            {"to_assess": 2, "to_clarify": 1},
            ("warning", "En instruction", "ARS : 2 critères à apprécier et 1 critère à préciser."),
        ),
        (
            "ars",
            State.UNDER_REVIEW,
            {"to_assess": 0, "to_clarify": 1},
            ("warning", "En instruction", "ARS : 1 critère à préciser."),
        ),
        (
            "prefecture",
            State.UNDER_REVIEW,
            {"shared": True},
            ("warning", "En instruction", "Préfecture : position attendue sur l’appréciation partagée."),
        ),
        (
            "prefecture",
            State.UNDER_REVIEW,
            {"shared": True, "endorsed": True},
            ("info", "En instruction", "ARS : projet de décision à présenter à la signature."),
        ),
        (
            "prefecture",
            State.UNDER_REVIEW,
            {"lead": "prefecture"},
            ("warning", "En instruction", "Préfecture : critères à apprécier."),
        ),
        (
            "ars",
            State.AWAITING_SIGNATURES,
            {"missing_capacities": ("prefet",), "signing_since": date(2026, 11, 18)},
            ("info", "À signer", "Signature attendue : préfet de département, depuis 4 jours."),
        ),
        (
            "prefecture",
            State.AWAITING_SIGNATURES,
            {"missing_capacities": ("ars", "prefet"), "may_sign": True},
            ("warning", "À signer", "Signatures attendues : directeur général de l’ARS, préfet de département."),
        ),
        (
            "ars",
            State.DISAGREEMENT,
            {},
            ("warning", "Désaccord", "Concertation à consigner, puis reprise de l’instruction."),
        ),
        (
            "ars",
            State.UNDER_REVIEW,
            {"silence_date": date(2026, 11, 21), "shared": True},
            (
                "warning",
                "Délai dépassé",
                "Toujours décidable. Préfecture : position attendue sur l’appréciation partagée.",
            ),
        ),
        (
            "ars",
            State.LABELLED,
            {"label_from": TODAY},
            (
                "success",
                "Labellisé",
                "Label depuis le 22 novembre 2026. Décision à mettre à la disposition de la structure.",
            ),
        ),
        (
            "ars",
            State.REFUSED,
            {"available_on": TODAY, "notified_on": TODAY},
            ("", "Refusé", "Notifié le 22/11/2026 ; recours jusqu’au 23/01/2027."),
        ),
        ("observer", State.ABANDONED, {}, ("", "Désistement", "Aucun acte attendu.")),
    ],
)
def test_what_an_agent_reads(reader, state, facts, expected):
    assert shown(reader, state, **facts) == expected


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("reader", [STRUCTURE, OUTSIDER, "ars", "national"])
def test_every_state_has_short_words_for_every_reader(state, reader):
    tone, label, sentence = shown(reader, state, **RECEIVED)
    assert tone in {"", "info", "warning", "success", "new"}
    assert len(label) <= 17
    assert sentence


LATE = {"silence_date": date(2026, 11, 21)}
EXAMINED = ("info", "En instruction", "L’ARS et la préfecture examinent le dossier, critère par critère.")
TO_COME = ("info", "Décision en cours", "La décision se lira ici après sa notification à la structure.")


@pytest.mark.parametrize(
    ("state", "facts", "expected"),
    [
        (State.SUBMITTED, RECEIVED, ("info", "Déposé", "Réponse attendue au plus tard le 4 décembre 2026.")),
        (State.UNDER_REVIEW, {"to_assess": 0}, EXAMINED),
        (State.UNDER_REVIEW, {"shared": True, "endorsed": True}, EXAMINED),
        (State.UNDER_REVIEW, {"waiting": True}, EXAMINED),
        (State.UNDER_REVIEW, {"asked": 1, "answer_by": date(2026, 12, 1)}, EXAMINED),
        (State.DISAGREEMENT, {"concert_by": date(2026, 12, 1)}, EXAMINED),
        (State.AWAITING_SIGNATURES, {"missing_capacities": ("prefet",)}, TO_COME),
        (State.LABELLED, {"available_on": TODAY}, TO_COME),
        (State.REFUSED, {"available_on": TODAY}, TO_COME),
        (
            State.UNDER_REVIEW,
            LATE,
            ("", "Rejet implicite", "Délai passé le 21 novembre 2026 ; le dossier reste examiné."),
        ),
        (
            State.REFUSED,
            {"available_on": TODAY, "notified_on": TODAY},
            ("", "Refusé", "Notifié le 22/11/2026 ; recours jusqu’au 23/01/2027."),
        ),
        (State.CLOSED, {}, ("", "Sans suite", "Aucun acte attendu.")),
    ],
)
def test_what_an_outsider_reads(state, facts, expected):
    assert shown(OUTSIDER, state, **facts) == expected


@pytest.mark.parametrize(
    ("state", "facts", "movers"),
    [
        (State.UNDER_REVIEW, {}, {"ars"}),
        (State.UNDER_REVIEW, {"shared": True}, {"prefecture"}),
        (State.UNDER_REVIEW, LATE, {"ars"}),
        (State.UNDER_REVIEW, {**LATE, "asked": 1, "answer_by": date(2026, 12, 1)}, set()),
        (State.SUBMITTED, LATE, {"ars", "prefecture"}),
        (State.DISAGREEMENT, {}, {"ars", "prefecture"}),
        (State.AWAITING_SIGNATURES, {"missing_capacities": ("ars",)}, set()),
        (State.LABELLED, {}, set()),
    ],
)
def test_whose_move_it_is_is_told_to_those_who_may_move(state, facts, movers):
    readers = (STRUCTURE, OUTSIDER, "ars", "prefecture", "national", "observer", "partner")
    assert {reader for reader in readers if badge(Facts(state=state, today=TODAY, **facts), reader).yours} == movers
