"""Agents invited by a table: read whatever wrote it, shown line by line, carried out once."""

import re

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from francesante.lib.workflow import RefusedError
from territories.choices import AuthorityKind, Role, SigningAs, Subject
from territories.models import Event, Invitation, Mandate
from territories.readers.agents_table import MOST_ROWS, AgentsTableError, RefusedRow, decode, read_agents_table
from territories.services.accounts import Person, accept_invitation, invite
from territories.services.agents import plan_agents
from tests import factories as make
from tests.plugins.signed_in import PortalClient

HEADER = "Email;Prénom;Nom;Autorité;Rôle;Territoire;Début;Fin"
SIGNS = ";signature_en_qualite_de;signature_qualite;signature_acte;signature_date;signature_date_publication"
PERSON = Person(civility="Mme", first_name="Olympe", last_name="Témoin", password="cinq-mots-sans-aucun-lien")


@pytest.fixture
def national(db):
    make.authority(AuthorityKind.PREFECTURE)
    return make.mandate(AuthorityKind.NATIONAL)


def table(*lines, header=HEADER):
    return "\n".join([header, *lines])


def outcomes(text, mandate):
    return [
        (row.outcome.value, row.sentence)
        for row in plan_agents(read_agents_table(text), mandate=mandate, at=timezone.now())
    ]


# Reading -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252"])
@pytest.mark.parametrize("separator", [";", ","])
def test_any_spreadsheet_is_read(encoding, separator):
    text = table("Olympe@Exemple.invalid;Olympe;Témoin;Préfecture d’Essonnie;Instruction;98;31/01/2027;2027-12-31")
    text = text.replace("’", "'").replace(";", separator)
    (row,) = read_agents_table(decode(text.encode(encoding)))
    assert (row.email, row.last_name, row.role, row.departement) == (
        "olympe@exemple.invalid",
        "Témoin",
        Role.AGENT,
        "98",
    )
    assert (row.start.isoformat(), row.until.isoformat()) == ("2027-01-31", "2028-01-01")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("pas-une-adresse;;;ARS;instruction;;;", "n’est pas une adresse"),
        ("a@exemple.invalid;;;;instruction;;;", "l’autorité manque"),
        ("a@exemple.invalid;;;ARS;chef;;;", "« chef » n’est pas un rôle"),
        ("a@exemple.invalid;;;ARS;instruction;;32/01/2027;", "n’est pas une date"),
        ("a@exemple.invalid;;;ARS;instruction", "pas le même nombre de champs"),
    ],
)
def test_a_line_that_cannot_be_read_says_why_and_the_others_are_read(line, reason):
    refused, read = read_agents_table(table(line, "b@exemple.invalid;;;ARS;avis;;;"))
    assert isinstance(refused, RefusedRow)
    assert reason in refused.reason
    assert (read.line, read.email) == (3, "b@exemple.invalid")


def test_a_file_that_is_no_table_is_refused():
    with pytest.raises(AgentsTableError, match="autorite, role"):
        read_agents_table("email\na@exemple.invalid")
    with pytest.raises(AgentsTableError, match="Colonnes inconnues : telephone"):
        read_agents_table("email,autorite,role,Téléphone\n")
    with pytest.raises(AgentsTableError, match="est vide"):
        read_agents_table("")
    many = [f"a{rank}@exemple.invalid;;;ARS;avis;;;" for rank in range(MOST_ROWS + 1)]
    with pytest.raises(AgentsTableError, match="plusieurs fichiers"):
        read_agents_table(table(*many))


def test_the_same_person_twice_is_refused_once():
    _, twice = read_agents_table(table(*["a@exemple.invalid;;;ARS;avis;;;"] * 2))
    assert "déjà ligne 2" in twice.reason


# What each line would do ---------------------------------------------------------------------------------------------


def test_each_line_says_what_it_would_do(national):
    held = make.mandate(AuthorityKind.PREFECTURE, person=make.user("la@exemple.invalid"))
    text = table(
        "neuve@exemple.invalid;;;prefecture de essonnie;instruction;98;;",
        "la@exemple.invalid;;;Préfecture de Essonnie;instruction;98;;",
        "la@exemple.invalid;;;Préfecture de Essonnie;lecture;;;",
        "a@exemple.invalid;;;Préfecture inconnue;instruction;;;",
        "b@exemple.invalid;;;Préfecture de Essonnie;instruction;97;;",
        "c@exemple.invalid;;;Préfecture de Essonnie;instruction;;2020-01-01;2020-12-31",
    )
    make.departement("97", "Valfictie", region="R2")
    found = outcomes(text, national)
    assert [outcome for outcome, _ in found] == ["invited", "unchanged", "refused", "refused", "refused", "refused"]
    for (_, sentence), words in zip(
        found,
        [
            "Invitation pour",
            "déjà cette habilitation",
            "autre habilitation",
            "n’est pas une autorité",
            "n’est pas dans",
            "est terminée",
        ],
        strict=True,
    ):
        assert words in sentence
    assert Invitation.objects.count() == 0
    assert held.is_active(timezone.now())


def test_a_service_invites_for_itself_and_gives_no_right_to_sign(national):
    holder = make.mandate(AuthorityKind.PREFECTURE, signs=True)
    other = make.authority(AuthorityKind.ARS)
    signing = ";titulaire;préfète;décret;2026-02-03;2026-02-05"
    text = table(
        f"a@exemple.invalid;;;{holder.authority.name};instruction{';' * 8}",
        f"b@exemple.invalid;;;{other.name};instruction{';' * 8}",
        f"c@exemple.invalid;;;{holder.authority.name};instruction;;;{signing}",
        header=HEADER + SIGNS,
    )
    found = outcomes(text, holder)
    assert [outcome for outcome, _ in found] == ["invited", "refused", "refused"]
    assert "équipe nationale" in found[2][1]
    plain = make.mandate(AuthorityKind.PREFECTURE)
    assert {outcome for outcome, _ in outcomes(text, plain)} == {"refused"}


# By HTTP -------------------------------------------------------------------------------------------------------------


def upload(client, text, mandate):
    file = SimpleUploadedFile("agents.csv", text.encode(), "text/csv")
    return client.post(reverse("agents-import"), {"mandate": mandate.pk, "file": file})


def test_a_table_is_read_shown_applied_and_done_again_for_nothing(client, national):
    signing = ";titulaire;préfète de Essonnie;décret du 3 février 2026;2026-02-03;2026-02-05"
    text = table(
        f"olympe@exemple.invalid;Olympe;Témoin;Préfecture de Essonnie;instruction;98;;{signing}",
        f"faux;;;Préfecture de Essonnie;instruction;98;;{';' * 5}",
        header=HEADER + SIGNS,
    )
    client.force_login(national.user)
    shown = upload(client, text, national)
    assert "1 invitation, 0 ligne sans changement, 1 refusée" in shown.text
    assert (Invitation.objects.count(), mail.outbox) == (0, [])
    done = client.post(reverse("agents-import"), {"mandate": national.pk, "table": text})
    assert "1 invitation faite" in done.text
    (sent,) = mail.outbox
    assert sent.to == ["olympe@exemple.invalid"]
    again = client.post(reverse("agents-import"), {"mandate": national.pk, "table": text})
    assert "son lien est encore valable" in again.text
    assert (Invitation.objects.count(), len(mail.outbox)) == (1, 1)
    # The link proposes the names, and gives the mandate with its right to sign.
    link = re.search(r"http\S+/invitation/\S+", sent.body)[0]
    newcomer = PortalClient()
    assert 'value="Olympe"' in newcomer.get(link).text
    user = accept_invitation(token=link.rstrip("/").rsplit("/", 1)[1], at=timezone.now(), person=PERSON)
    mandate = Mandate.objects.get(user=user)
    assert (mandate.signing_as, mandate.signing_title) == (SigningAs.HOLDER, "préfète de Essonnie")
    assert mandate.may_sign(timezone.now())
    event = Event.objects.get(subject_type=Subject.MANDATE, subject_id=mandate.pk)
    assert event.data == {"invitation": Invitation.objects.get().pk, "signs": True}
    third = client.post(reverse("agents-import"), {"mandate": national.pk, "table": text})
    assert "déjà cette habilitation" in third.text
    assert Invitation.objects.count() == 1


def test_a_promise_of_signature_falls_with_the_national_mandate(national):
    text = table(
        "a@exemple.invalid;;;Préfecture de Essonnie;instruction;98;;;titulaire;préfète;décret;2026-02-03;2026-02-05",
        header=HEADER + SIGNS,
    )
    (planned,) = plan_agents(read_agents_table(text), mandate=national, at=timezone.now())
    _, token = invite(email=planned.email, at=timezone.now(), mandate_fields=planned.promise)
    Mandate.objects.filter(pk=national.pk).update(role=Role.OBSERVER)
    with pytest.raises(RefusedError, match="équipe nationale"):
        accept_invitation(token=token, at=timezone.now(), person=PERSON)
    assert not Mandate.objects.filter(user__email="a@exemple.invalid").exists()


def test_a_mail_that_does_not_leave_is_said(client, national, monkeypatch):
    client.force_login(national.user)
    monkeypatch.setattr("territories.views.agents.send_invitation", _broken)
    text = table("a@exemple.invalid;;;Préfecture de Essonnie;instruction;98;;")
    done = client.post(reverse("agents-import"), {"mandate": national.pk, "table": text})
    assert "Courriel non parti" in done.text


def _broken(*_, **__):
    raise OSError


def test_a_wrong_file_is_said_and_nothing_moves(client, national):
    client.force_login(national.user)
    assert "Colonnes absentes" in upload(client, "a,b\n1,2", national).text
    assert client.post(reverse("agents-import"), {"mandate": national.pk}).status_code == 422
    assert Invitation.objects.count() == 0


def test_the_example_is_a_table_that_is_read(client, national):
    client.force_login(national.user)
    example = client.get(reverse("agents-example"))
    rows = read_agents_table(decode(example.content))
    assert [row.role for row in rows] == [Role.AGENT, Role.AGENT, Role.OBSERVER]
    assert rows[1].signing.title == "préfète de Valfictie"
