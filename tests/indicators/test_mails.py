"""The text of mails: the original is the template; the national team writes another beside it, with merge fields."""

from pathlib import Path

import pytest
from django.conf import settings
from django.core import mail
from django.db import IntegrityError, transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from francesante.lib.merge_fields import merge
from francesante.lib.workflow import RefusedError, StaleError
from indicators.rules.mails import GROUPS, INVENTED, MAILS, invented
from labelling.choices import ApplicationState as State
from labelling.tasks import deliver_mail
from territories.choices import AuthorityKind, Subject
from territories.models import Event, MailText
from territories.rules.mails import SUBJECT
from territories.services.events import record_event
from territories.services.mails import compose, fill, original, restore_original, write_text
from tests import factories as make

FOLDER = Path(settings.BASE_DIR) / "templates" / "emails"
NAME = "labelling/abandoned"
BODY = "Bonjour,\n\n{structure} renonce ({dossier}).\n{lien}"


@pytest.fixture
def national(db):
    return make.mandate(AuthorityKind.NATIONAL)


def write(national, body=BODY, subject="Désistement de {structure}", version=0, name=NAME):
    return write_text(name=name, subject=subject, body=body, mandate=national, version=version, at=timezone.now())


# The original --------------------------------------------------------------------------------------------------------


def test_each_mail_may_be_written_but_the_passwords():
    files = {str(path.relative_to(FOLDER).with_suffix("")) for path in FOLDER.rglob("*.txt")}
    assert set(MAILS) == {name for name in files if "password" not in name}
    assert {to for _, to in MAILS.values()} == set(GROUPS)
    assert len({title for title, _ in MAILS.values()}) == len(MAILS)


@pytest.mark.parametrize("name", sorted(MAILS))
def test_an_original_written_with_its_fields_says_the_same(name):
    found = original(name)
    values = found.values(list(found.fields), invented(name))
    assert merge(found.body, values).strip() == render_to_string(f"emails/{name}.txt", dict(invented(name))).strip()
    assert all(one.meaning for one in found.fields.values())


# What is sent --------------------------------------------------------------------------------------------------------


def test_what_was_written_is_sent_until_the_original_is_back(national):
    asked = make.application(state=State.ABANDONED)
    make.authority(AuthorityKind.ARS)

    def sent():
        mail.outbox.clear()
        record_event(
            subject_type=Subject.APPLICATION, subject_id=asked.pk, action="abandon", actor=None, at=timezone.now()
        )
        deliver_mail()
        (one,) = mail.outbox
        return one

    usual = sent()
    write(national)
    written = sent()
    assert written.subject == f"France Santé – Désistement de {asked.structure.name}"
    assert written.body.startswith(f"Bonjour,\n\n{asked.structure.name} renonce ({asked.number}).\nhttp")
    restore_original(name=NAME, mandate=national, version=1, at=timezone.now())
    assert (sent().subject, sent().body) == (usual.subject, usual.body)


def test_a_fact_is_never_read_as_a_text(national):
    write(national, body="{structure}\n{lien} {dossier}")
    trap = {**INVENTED, "structure": {"name": "{lien} {% now 'Y' %} {{ portal }}"}}
    assert compose(NAME, "usuel", trap)[1].splitlines()[0] == "{lien} {% now 'Y' %} {{ portal }}"


def test_what_is_written_is_no_template(national):
    with pytest.raises(RefusedError, match="n’existe pas ici"):
        write(national, body=BODY + "{{ application.created_by.password }}")
    with pytest.raises(RefusedError, match="n’existe pas ici"):
        write(national, body=BODY + "{% now 'Y' %}")
    assert MailText.objects.count() == 0


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("Bonjour {prenom} {lien}", "« {prenom} » n’existe pas ici"),
        ("Bonjour {structure}", "Il manque {lien}"),
        ("  ", "ne peut pas être vide"),
    ],
)
def test_a_wrong_text_is_refused_and_nothing_moves(national, body, sentence):
    with pytest.raises(RefusedError) as refusal:
        write(national, body=body)
    assert sentence in str(refusal.value).replace("\u00a0", " ")
    assert (MailText.objects.count(), Event.objects.count()) == (0, 0)


def test_lawful_passages_stay():
    found = original("labelling/silence")
    assert {name for name, one in found.fields.items() if one.needed} >= {"recours_jusqu_au", "juridiction", "lien"}
    assert original("labelling/notified").fields["selon_2"].needed


def test_versions_are_kept_and_two_editors_do_not_undo_each_other(national):
    first = write(national)
    with pytest.raises(StaleError):
        write(national, version=0)
    write(national, subject="{objet}", version=1)
    assert [row.version for row in MailText.objects.order_by("version")] == [1, 2]
    with pytest.raises(IntegrityError), transaction.atomic():
        MailText.objects.filter(pk=first.pk).update(body="autre")
    with pytest.raises(RefusedError, match="équipe nationale"):
        write(make.mandate(AuthorityKind.ARS), version=2)
    assert [event.action for event in Event.objects.about(Subject.MAIL_TEXT, first.pk)] == ["write"]


def test_a_text_written_beside_a_former_original_waits_to_be_read_again(national, client):
    found = original(NAME)
    MailText.objects.create(
        name=NAME,
        version=1,
        subject="Objet",
        body=BODY,
        basis="0" * 64,
        written_by=national,
        written_at=timezone.now(),
    )
    assert compose(NAME, "usuel", INVENTED)[0] == "usuel"
    client.force_login(national.user)
    assert "à relire" in client.get(reverse("mails")).text
    assert "À relire" in client.get(reverse("mail-edit", args=["labelling", "abandoned"])).text
    write(national, version=1)
    assert compose(NAME, "usuel", INVENTED) == fill(found, "Désistement de {structure}", BODY, "usuel", INVENTED)


# The page ------------------------------------------------------------------------------------------------------------


def test_the_editor_shows_saves_and_goes_back(client, national):
    client.force_login(national.user)
    address = reverse("mail-edit", args=["labelling", "abandoned"])
    page = client.get(address).text
    assert "{structure} se désiste" in page
    assert "Maison de santé des Trois Étangs (fictive) se désiste" in page
    posted = {"mandate": national.pk, "version": 0, "subject": f"{{{SUBJECT}}}", "body": BODY}
    seen = client.post(address, {**posted, "action": "preview"})
    assert "renonce (FS-99-2026-0042)" in seen.text
    assert MailText.objects.count() == 0
    wrong = client.post(address, {**posted, "body": "{inconnu}", "action": "save"})
    assert wrong.status_code == 422
    assert "n’existe pas ici" in wrong.text
    client.post(address, {**posted, "action": "save"})
    assert "texte de l’équipe nationale" in client.get(reverse("mails")).text
    assert client.post(address, {**posted, "action": "save"}).status_code == 409
    assert client.post(address, {**posted, "version": 0, "action": "restore"}).status_code == 409
    client.post(address, {**posted, "version": 1, "action": "restore"})
    assert [bool(row.body) for row in MailText.objects.order_by("version")] == [True, False]
    assert "texte de l’équipe nationale" not in client.get(reverse("mails")).text
    typed = client.post(reverse("mail-preview", args=["labelling", "abandoned"]), posted)
    assert "renonce" in typed.text
    assert client.get(reverse("mail-edit", args=["territories", "password_reset"])).status_code == 404
