"""The pre-check of each criterion: finding and sentence."""

from types import SimpleNamespace

import pytest

from labelling.choices import Finding, Rule, StructureKind
from labelling.rules.answers import Answers, Commitments, Fees, Member, OnCall
from labelling.rules.criteria import answer_in_words, assess, assess_all

OPEN = (("09:00", "12:00"),)
STILL = " Vous pouvez déposer quand même\u00a0: un agent examinera votre situation."
DOCTOR = Member("doctor", half_days=frozenset({0, 1, 2}), sector="1")


def days(*codes):
    return Answers(hours=dict.fromkeys(codes, OPEN))


def team(*members, **fields):
    return Answers(team=members, **fields)


@pytest.mark.parametrize(
    ("rule", "parameters", "answers", "finding", "sentence"),
    [
        (
            Rule.OPEN_DAYS,
            {"min_days": 5},
            Answers(),
            Finding.UNANSWERED,
            "Indiquez vos jours et vos heures d’ouverture.",
        ),
        (
            Rule.OPEN_DAYS,
            {"min_days": 5},
            days("mon", "tue", "thu", "fri"),
            Finding.SEEMS_NOT_MET,
            "Vous indiquez 4\u00a0jours (fermé le mercredi, le samedi et le dimanche)\u00a0; il en faut 5." + STILL,
        ),
        (
            Rule.OPEN_DAYS,
            {"min_days": 5},
            days("mon", "tue", "wed", "thu", "fri"),
            Finding.SEEMS_MET,
            "5\u00a0jours\u00a0: fermé le samedi et le dimanche.",
        ),
        (
            Rule.OPEN_DAYS,
            {"min_days": 5},
            days("mon", "tue", "wed", "thu", "fri", "sat"),
            Finding.SEEMS_MET,
            "6\u00a0jours\u00a0: fermé le dimanche.",
        ),
        (
            Rule.OPEN_DAYS,
            {"min_days": 5},
            days("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
            Finding.SEEMS_MET,
            "7\u00a0jours\u00a0: aucun jour de fermeture.",
        ),
        (
            Rule.OPEN_DAYS,
            {"min_days": 5},
            days("mon"),
            Finding.SEEMS_NOT_MET,
            "Vous indiquez 1\u00a0jour (fermé le mardi, le mercredi, le jeudi, le vendredi, le samedi et le dimanche)\u00a0; il en faut 5."
            + STILL,
        ),
        (
            Rule.NURSE,
            {"max_minutes": 15},
            Answers(),
            Finding.UNANSWERED,
            "Indiquez les infirmiers de la structure, ou le cabinet le plus proche.",
        ),
        (Rule.NURSE, {"max_minutes": 15}, team(Member("nurse")), Finding.SEEMS_MET, "Un infirmier sur place."),
        (
            Rule.NURSE,
            {"max_minutes": 15},
            team(Member("nurse", on_site=False, minutes=6)),
            Finding.SEEMS_MET,
            "Vous n’en avez pas sur place, mais un cabinet se trouve à 6\u00a0minutes\u00a0; le cahier des charges admet «\u00a0à proximité\u00a0». Cette distance sera vérifiée.",
        ),
        (
            Rule.NURSE,
            {"max_minutes": 15},
            team(Member("nurse", on_site=False, minutes=25)),
            Finding.SEEMS_NOT_MET,
            "Votre cabinet infirmier est à 25\u00a0minutes\u00a0; le repère pour «\u00a0à proximité\u00a0» est de 15."
            + STILL,
        ),
        (
            Rule.NURSE,
            {"max_minutes": 15},
            team(Member("nurse", on_site=False)),
            Finding.UNANSWERED,
            "Indiquez le temps de trajet jusqu’au cabinet infirmier.",
        ),
        (
            Rule.NURSE,
            {"max_minutes": 15},
            team(DOCTOR),
            Finding.SEEMS_NOT_MET,
            "Vous n’indiquez aucun infirmier, ni sur place ni à proximité." + STILL,
        ),
        (
            Rule.DOCTOR,
            {"min_half_days": 1},
            Answers(),
            Finding.UNANSWERED,
            "Indiquez les médecins qui reçoivent dans la structure.",
        ),
        (
            Rule.DOCTOR,
            {"min_half_days": 1},
            team(DOCTOR, DOCTOR),
            Finding.SEEMS_MET,
            "Deux médecins, 6\u00a0demi-journées par semaine.",
        ),
        (
            Rule.DOCTOR,
            {"min_half_days": 1},
            team(Member("doctor")),
            Finding.UNANSWERED,
            "Indiquez les demi-journées de présence de chaque médecin.",
        ),
        (
            Rule.DOCTOR,
            {"min_half_days": 4},
            team(DOCTOR),
            Finding.SEEMS_NOT_MET,
            "Un médecin, 3\u00a0demi-journées\u00a0; il en faut 4 par semaine." + STILL,
        ),
        (
            Rule.DOCTOR,
            {"min_half_days": 1},
            team(Member("nurse")),
            Finding.SEEMS_NOT_MET,
            "Vous n’indiquez aucun médecin qui reçoive sur place\u00a0; il en faut un au moins." + STILL,
        ),
        (Rule.NO_OVERRUN, {}, Answers(), Finding.UNANSWERED, "Indiquez le secteur conventionnel de chaque médecin."),
        (
            Rule.NO_OVERRUN,
            {},
            team(DOCTOR, Member("doctor")),
            Finding.UNANSWERED,
            "Indiquez le secteur conventionnel de chaque médecin.",
        ),
        (Rule.NO_OVERRUN, {}, team(DOCTOR, DOCTOR), Finding.SEEMS_MET, "Deux médecins sont en secteur 1."),
        (
            Rule.NO_OVERRUN,
            {},
            team(DOCTOR, DOCTOR, Member("doctor", sector="optam")),
            Finding.TO_CHECK,
            "Deux médecins sont en secteur 1, un adhère à l’OPTAM. Les services diront, par une appréciation motivée, si cela suffit.",
        ),
        (
            Rule.NO_OVERRUN,
            {},
            team(Member("doctor", sector="2"), fees=Fees(overrun=False)),
            Finding.TO_CHECK,
            "Un médecin est en secteur 2. Les services diront, par une appréciation motivée, si cela suffit.",
        ),
        (
            Rule.NO_OVERRUN,
            {},
            team(Member("doctor", sector="2")),
            Finding.SEEMS_NOT_MET,
            "Un médecin est en secteur 2\u00a0: les honoraires y sont libres, et les consultations doivent être sans dépassement."
            + STILL,
        ),
        (
            Rule.NO_OVERRUN,
            {},
            team(DOCTOR, fees=Fees(overrun=True)),
            Finding.SEEMS_NOT_MET,
            "Vous indiquez des dépassements d’honoraires\u00a0; les consultations doivent en être exemptes." + STILL,
        ),
        (Rule.NO_OVERRUN, {}, Answers(fees=Fees(sector="1")), Finding.SEEMS_MET, "Vos médecins sont en secteur 1."),
        (
            Rule.ON_CALL,
            {},
            Answers(),
            Finding.UNANSWERED,
            "Indiquez si vous participez à la permanence des soins ou au service d’accès aux soins.",
        ),
        (
            Rule.ON_CALL,
            {},
            Answers(on_call=OnCall(pdsa=False, sas=True)),
            Finding.SEEMS_MET,
            "Vous participez au SAS. L’une des deux participations suffit.",
        ),
        (
            Rule.ON_CALL,
            {},
            Answers(on_call=OnCall(pdsa=True, sas=True)),
            Finding.SEEMS_MET,
            "Vous participez à la PDSA et au SAS. L’une des deux participations suffit.",
        ),
        *(
            (
                Rule.ON_CALL,
                {},
                Answers(on_call=OnCall(pdsa=True, pdsa_sector=sector, sas=sas)),
                Finding.SEEMS_MET,
                f"Vous participez à la PDSA, {words}. L’une des deux participations suffit.",
            )
            for sector, sas, words in (
                ("Valfictif", None, "secteur de Valfictif"),
                ("Amont", True, "secteur d’Amont, et au SAS"),
                ("Secteur du Lavoir", None, "secteur du Lavoir"),
                ("12", None, "secteur 12"),
            )
        ),
        (
            Rule.ON_CALL,
            {},
            Answers(on_call=OnCall(pdsa=False, sas=False)),
            Finding.SEEMS_NOT_MET,
            "Vous indiquez ne participer ni à la PDSA ni au SAS\u00a0; il faut l’une des deux." + STILL,
        ),
        (
            Rule.ON_CALL,
            {},
            Answers(on_call=OnCall(pdsa=False)),
            Finding.UNANSWERED,
            "Indiquez si vous participez à la permanence des soins ou au service d’accès aux soins.",
        ),
        (
            Rule.COMMITMENT,
            {"answer": "support"},
            Answers(),
            Finding.UNANSWERED,
            "Cet engagement se souscrit avant le dépôt.",
        ),
        (
            Rule.COMMITMENT,
            {"answer": "support"},
            Answers(commitments=Commitments(support=True)),
            Finding.SEEMS_MET,
            "Engagement souscrit.",
        ),
    ],
)
def test_finding_and_sentence(rule, parameters, answers, finding, sentence):
    assert assess(rule, parameters, answers) == (finding, sentence)


def test_an_exempted_type_is_left_to_an_agent():
    finding, sentence = assess(
        Rule.NURSE, {"max_minutes": 15}, Answers(), structure_kind="mobile", exempt_kinds=["mobile"]
    )
    assert finding == Finding.TO_CHECK
    assert "médicobus" in sentence


def test_the_machine_has_no_other_word_than_its_four():
    assert {finding.label for finding in Finding} == {
        "semble respecté",
        "semble non respecté",
        "à vérifier par un agent",
        "non renseigné",
    }


def test_criteria_keep_their_order_with_the_answer_in_words():
    criteria = [
        SimpleNamespace(rule=Rule.DOCTOR, parameters={"min_half_days": 1}, exempt_kinds=[]),
        SimpleNamespace(rule=Rule.OPEN_DAYS, parameters={"min_days": 5}, exempt_kinds=[]),
    ]
    found = assess_all(criteria, team(DOCTOR), structure_kind=StructureKind.MSP)
    assert [(one.finding, one.answer) for one in found] == [
        (Finding.SEEMS_MET, "un médecin, 3\u00a0demi-journées"),
        (Finding.UNANSWERED, ""),
    ]


def test_only_who_has_not_submitted_yet_is_told_so():
    criteria = [SimpleNamespace(rule=Rule.NURSE, parameters={"max_minutes": 15}, exempt_kinds=[])]
    said = "Vous n’indiquez aucun infirmier, ni sur place ni à proximité."
    for to_submit, end in ((True, STILL), (False, "")):
        found = assess_all(criteria, team(DOCTOR), structure_kind=StructureKind.MSP, to_submit=to_submit)
        assert [one.sentence for one in found] == [said + end]


@pytest.mark.parametrize(
    ("rule", "answers", "words"),
    [
        (Rule.NURSE, team(Member("nurse", on_site=False, minutes=6)), "un infirmier, à 6\u00a0min"),
        (Rule.NURSE, team(Member("nurse"), Member("nurse")), "deux infirmiers sur place"),
        (
            Rule.NO_OVERRUN,
            team(DOCTOR, Member("doctor", sector="2")),
            "un médecin est en secteur 1, un est en secteur 2",
        ),
        (Rule.ON_CALL, Answers(on_call=OnCall(pdsa=True)), "à la PDSA"),
        (Rule.OPEN_DAYS, days("mon", "tue"), "2\u00a0jours par semaine"),
    ],
)
def test_answer_in_words(rule, answers, words):
    assert answer_in_words(rule, {}, answers) == words
