"""The end of a label on screen: the structure answers and is notified, the agents consider, propose and notify."""

import json
from datetime import timedelta

import pytest
from django.core import mail
from django.template.defaultfilters import linebreaks
from django.urls import reverse
from django.utils.html import escape

from labelling.choices import MembershipRole
from labelling.models import AdversarialProcedure, Application, Ending, EndingGround, Label
from labelling.services.acts import render_missing_acts
from labelling.services.messages import send_message
from labelling.tasks import deliver_mail
from territories.choices import AuthorityKind, Role, Subject
from territories.models import Decision, Event
from territories.services.decisions import decline_decision, sign_decision
from tests import factories as make
from tests.labelling.test_endings import END, LATER, NOW, World
from tests.plugins.signed_in import PortalClient, signed_in

DO, CHANGE = {"etape": "faire"}, {"etape": "modifier"}
"""What the buttons of a reading post."""


@pytest.fixture
def clock(monkeypatch):
    now = {"at": NOW}
    monkeypatch.setattr("django.utils.timezone.now", lambda: now["at"])
    return now


@pytest.fixture
def world(db, clock):
    return World()


def text(response):
    return response.text.replace("\u00a0", " ").replace("&nbsp;", " ").replace("&#x27;", "’")


def address(name, world, *more):
    return reverse(name, args=[world.label.number, *more])


def considered(world, **changes):
    ground = EndingGround.objects.get(code=changes.pop("code", "condition-non-remplie"))
    return {
        "mandate": world.ars.pk,
        "version": world.label.version,
        "ground": ground.pk,
        "facts": "L’infirmier est parti le 4 octobre 2026.",
        "effect_date": END.isoformat(),
        "deadline": "2026-12-08",
        **changes,
    }


def test_the_whole_way_of_an_abrogation(world, clock):
    agent, owner, public = signed_in(world.ars.user), signed_in(world.owner.user), PortalClient()
    assert address("label-end", world) in agent.get(world.label.get_absolute_url()).text
    form = agent.get(address("label-end", world))
    assert "2026-12-07" in form.text
    assert "Optionnel" not in form.text, "each date is needed for some grounds"
    assert "Une condition n’est plus remplie" in form.text
    response = agent.post(address("label-end", world), considered(world, **DO))
    assert response.url == address("label-procedure", world)

    deliver_mail()
    told = [message for message in mail.outbox if message.to == [world.owner.user.email]][-1]
    assert "Rien n’est décidé" in told.body
    assert address("label-procedure", world) in told.body

    assert "Vos observations sont attendues" in text(owner.get(world.label.get_absolute_url()))
    assert "Répondre avant le 8 décembre 2026" in text(owner.get("/compte/"))
    page = text(owner.get(address("label-procedure", world)))
    assert "Nous envisageons de mettre fin au label" in page
    assert page.count('class="fr-btn"') == 1
    answered = owner.post(
        address("label-procedure", world), {"answer": "Un infirmier arrive en mars.", "hearing": "on", "version": 1}
    )
    assert answered.status_code == 302
    assert "Un infirmier arrive en mars." in text(owner.get(address("label-procedure", world)))

    clock["at"] = LATER
    by = {"mandate": world.ars.pk}
    assert "Enregistrer l’audition" in agent.get(address("label-procedure", world)).text
    stale = agent.post(address("label-act", world, "entendre"), {**by, "version": 1, "heard_on": "2026-12-01"})
    assert stale.status_code == 409
    assert "des observations sont peut-être arrivées" in text(stale)
    agent.post(address("label-act", world, "entendre"), {**by, "version": 2, "heard_on": "2026-12-01"})
    act = {**by, "version": 3, "facts": "L’infirmier est parti.", "reply": "", "effect_date": END.isoformat()}
    refused = agent.post(address("label-act", world, "presenter"), act)
    assert refused.status_code == 409
    assert "Répondez aux observations" in text(refused)
    assert "L’infirmier est parti." in text(refused)
    act |= {"reply": "Aucun contrat n’est signé."}
    project = text(agent.post(address("label-act", world, "presenter"), act))
    for words in (
        "Présenter l’abrogation à la signature",
        "est abrogé à compter du 1er mars 2027",
        "Aucun contrat n’est signé",
    ):
        assert words in project
    assert not Ending.objects.exists()
    changed = text(agent.post(address("label-act", world, "presenter"), {**act, **CHANGE}))
    assert "Aucun contrat n’est signé." in changed
    assert "Lire l’acte avant de le présenter" in changed
    proposed = agent.post(address("label-act", world, "presenter"), {**act, **DO})
    assert proposed.url == world.label.get_absolute_url()
    assert "est à la signature" in text(agent.get(world.label.get_absolute_url()))
    hidden = text(owner.get(world.label.get_absolute_url()))
    assert "abrog" not in hidden
    assert owner.get(address("label-ending", world)).status_code == 404

    ending = world.sign(Ending.objects.get())
    before = text(owner.get(world.label.get_absolute_url()))
    assert "Un acte est à votre disposition" in before
    assert "Lire l’acte qui porte sur le label" in text(owner.get("/compte/"))
    announced = text(owner.get(address("label-ending", world)))
    assert "La lire vaut" not in announced
    assert "Le lire vaut notification" in announced
    assert "abrog" not in announced + before
    assert owner.get(address("label-ending-pdf", world)).status_code == 403
    assert "Labellisé France Santé" in text(public.get(f"/verifier/{world.label.number}/"))
    assert agent.post(address("label-ending", world)).status_code == 403

    deliver_mail()
    assert "abrog" not in [message for message in mail.outbox if message.to == [world.owner.user.email]][-1].body
    assert owner.post(address("label-ending", world)).status_code == 302
    read = text(owner.get(address("label-ending", world)))
    for words in ("Le label sera abrogé", "À compter du 1er mars 2027", "Aucun contrat n’est signé", "13 février 2027"):
        assert words in read
    deliver_mail()
    assert "pour l’avenir" in [message for message in mail.outbox if message.to == [world.owner.user.email]][-1].body
    render_missing_acts()
    assert owner.get(address("label-ending-pdf", world)).content.startswith(b"%PDF")

    clock["at"] = NOW.replace(year=2027, month=3, day=1)
    assert "N’est plus labellisé depuis le 1er mars 2027" in text(public.get(f"/verifier/{world.label.number}/"))
    assert "Label abrogé à compter du 1er mars 2027" in text(
        signed_in(world.owner.user).get(world.label.get_absolute_url())
    )
    ending.refresh_from_db()
    assert ending.applied_at == LATER


def test_a_withdrawal_leaves_the_public_list_only_once_notified(world, clock):
    procedure = world.open("fraude", effect_date=None)
    clock["at"] = LATER
    world.sign(world.propose(procedure, effect_date=None))
    public = PortalClient()
    assert world.structure.name in public.get("/lieux/").text
    signed_in(world.owner.user).post(address("label-ending", world))
    assert world.structure.name not in public.get("/lieux/").text
    assert "Label retiré le 12 décembre 2026" in text(public.get(f"/verifier/{world.label.number}/"))


def test_the_holder_s_request_goes_straight_to_the_signature(world):
    agent = signed_in(world.prefet.user)
    posted = considered(world, code="demande-du-titulaire", mandate=world.prefet.pk, deadline="")
    assert "Présenter l’abrogation à la signature" in text(agent.post(address("label-end", world), posted))
    posted |= DO
    assert agent.post(address("label-end", world), posted).url == world.label.get_absolute_url()
    assert not AdversarialProcedure.objects.exists()
    page = agent.get(address("label-ending", world))
    assert "Projet d’acte, à la signature" in text(page)
    deliver_mail()
    assert [message for message in mail.outbox if "signature" in message.subject]


def test_a_ground_past_its_limit_is_not_offered(world, clock):
    client = signed_in(world.ars.user)
    assert "accordé à tort" in text(client.get(address("label-end", world)))
    clock["at"] = NOW.replace(year=2027, month=1, day=24)
    page = text(signed_in(world.ars.user).get(address("label-end", world)))
    assert "accordé à tort" not in page
    assert "par fraude" in page


@pytest.mark.parametrize(
    ("changes", "sentence", "status"),
    [
        ({"ground": ""}, "Choisissez un motif", 422),
        ({"facts": ""}, "Écrivez les faits", 422),
        ({"effect_date": ""}, "premier jour sans label", 422),
        ({"effect_date": "demain"}, "par exemple 25/11/2026", 422),
        ({"deadline": ""}, "jusqu’à quand", 422),
        ({"deadline": "2026-11-25"}, "délai suffisant", 409),
        ({"deadline": END.isoformat()}, "ne peut prendre effet qu’après", 409),
        ({"version": 99}, "a changé pendant", 409),
    ],
)
def test_what_is_wrong_is_said_and_kept(world, changes, sentence, status):
    agent = signed_in(world.ars.user)
    for step in ({}, DO):
        response = agent.post(address("label-end", world), considered(world, **changes, **step))
        assert response.status_code == status
        assert sentence in text(response)
        assert "Lire la lettre ou l’acte avant l’envoi" in text(response), "said at the form, never at the reading"
        assert changes.get("facts", "L’infirmier est parti le 4 octobre 2026.") in text(response)
    assert not AdversarialProcedure.objects.exists()


def picture(world):
    world.label.refresh_from_db()
    chain = Event.objects.about(Subject.LABEL, world.label.pk).count()
    return world.label.version, chain, AdversarialProcedure.objects.count(), Decision.objects.count()


def test_the_letter_is_read_as_the_structure_will_read_it_before_anything_is_stored(world):
    agent, there, before = signed_in(world.ars.user), address("label-end", world), picture(world)
    read = agent.post(there, considered(world))
    deliver_mail()
    assert (read.status_code, picture(world), mail.outbox) == (200, before, [])
    page = text(read)
    assert page.count('class="fr-btn"') == 1
    for words in (
        "Envoyer la lettre à la structure",
        f"Un courriel part aussitôt à {world.owner.user.full_name}",
        "le label prendrait fin le 1er mars 2027",
        "avant le 8 décembre 2026",
    ):
        assert words in page
    back = agent.post(there, considered(world, **CHANGE))
    assert (back.status_code, picture(world)) == (200, before)
    assert "L’infirmier est parti le 4 octobre 2026." in text(back)
    assert "Erreur" not in text(back)
    assert agent.post(there, considered(world, **DO)).status_code == 302
    letter = AdversarialProcedure.objects.get().letter
    assert str(linebreaks(letter)) in read.text
    again = agent.post(there, considered(world, **DO))
    assert (again.status_code, AdversarialProcedure.objects.count()) == (409, 1)
    assert "déjà ouverte" in text(again)
    assert "L’infirmier est parti le 4 octobre 2026." in text(again)


def test_the_act_that_is_read_is_the_one_that_is_signed(world):
    agent, there = signed_in(world.ars.user), address("label-end", world)
    posted = considered(world, code="demande-du-titulaire", deadline="")
    read = agent.post(there, posted)
    assert not Decision.objects.filter(subject_type=Subject.LABEL).exists()
    agent.post(there, {**posted, **DO})
    content = json.loads(Ending.objects.get().decision.content)
    for sentence in (content["title"], *content["visas"], *content["reasons"], *content["articles"]):
        assert escape(sentence) in read.text
    signed = signed_in(world.prefet.user).get(reverse("decision", args=[Ending.objects.get().decision_id]))
    assert all(escape(sentence) in signed.text for sentence in content["articles"])


def test_who_may_not_act_reads_nothing(world):
    there = address("label-end", world)
    national = make.mandate(AuthorityKind.NATIONAL)
    for user, mandate in (
        (national.user, national.pk),
        (world.owner.user, world.ars.pk),
        (world.ars.user, world.prefet.pk),
    ):
        for step in ({}, DO, CHANGE):
            assert signed_in(user).post(there, considered(world, **step, mandate=mandate)).status_code == 403


def test_what_was_read_when_the_session_ended_comes_back_to_its_form(world):
    agent, there = PortalClient(), address("label-end", world)
    agent.lose_session(world.ars.user)
    assert agent.post(there, considered(world, **DO)).status_code == 302
    assert not AdversarialProcedure.objects.exists()
    agent.force_login(world.ars.user)
    page = text(agent.get(there))
    assert "L’infirmier est parti le 4 octobre 2026." in page
    assert "2026-12-08" in page


def test_the_act_to_read_comes_before_all_that_waits(world, clock):
    file = world.label.application
    send_message(application=file, author=world.ars, text="Quels horaires ?", answer_expected=True, at=NOW)
    world.sign(world.on_request())
    clock["at"] = LATER
    home = signed_in(world.owner.user).get("/compte/")
    tasks = [url for _, url in home.context["tasks"]]
    assert tasks[:2] == [address("label-to-read", world), reverse("thread", args=[file.number])]
    main = home.text.partition('id="a-faire"')[2]
    assert main.index(f'class="fr-btn" href="{tasks[0]}"') < main.index(f'href="{tasks[1]}"'), (
        "first, and the primary one"
    )


def test_an_end_to_come_is_told_in_the_future(world, clock):
    world.sign(world.on_request())
    clock["at"] = LATER
    owner, agent = signed_in(world.owner.user), signed_in(world.ars.user)
    owner.post(address("label-ending", world))
    for reader in (owner, agent):
        page = text(reader.get(world.label.get_absolute_url()))
        assert "Ce label prendra fin le 1er mars 2027" in page
        assert "rien ne change pour le public" in page
    deliver_mail()
    told = [message for message in mail.outbox if message.to == [world.owner.user.email]][-1].body
    assert "à compter du 1er mars 2027 : jusque-là, il reste en vigueur" in told.replace("\u00a0", " ")
    clock["at"] = NOW.replace(year=2027, month=3, day=1)
    assert "prendra fin" not in text(signed_in(world.owner.user).get(world.label.get_absolute_url()))


def test_a_letter_is_recorded_by_an_agent(world, clock):
    Application.objects.update(notification_consent=False)
    world.label = Label.objects.select_related("structure", "departement", "decision", "application").get()
    world.sign(world.on_request())
    clock["at"] = LATER + timedelta(days=3)
    owner, agent = signed_in(world.owner.user), signed_in(world.ars.user)
    assert "par lettre recommandée" in text(owner.get(address("label-ending", world)))
    posted = {"mandate": world.ars.pk, "version": 1, "received_on": "2026-01-01"}
    wrong = agent.post(address("label-act", world, "notifier"), posted)
    assert "entre celle de l’acte" in text(wrong)
    agent.post(address("label-act", world, "notifier"), {**posted, "received_on": "2026-12-13"})
    assert "Le label sera abrogé" in text(owner.get(address("label-ending", world)))


def test_a_signatory_who_declines_is_told_to_the_services(world):
    ending = world.on_request()
    decline_decision(decision=ending.decision, mandate=world.prefet, reason="Trop tôt.", at=NOW)
    deliver_mail()
    told = [message for message in mail.outbox if "signature refusée" in message.subject]
    assert {message.to[0] for message in told} == {"service@exemple.invalid"}
    assert address("label-end", world) in signed_in(world.ars.user).get(world.label.get_absolute_url()).text


def test_who_reads_what(world):
    procedure = world.open()
    observer = signed_in(make.mandate(AuthorityKind.CAISSE, role=Role.OBSERVER).user)
    national = signed_in(make.mandate(AuthorityKind.NATIONAL).user)
    editor = signed_in(make.membership(world.structure, role=MembershipRole.EDITOR).user)
    assert observer.get(address("label-procedure", world)).status_code == 403
    assert "contradictoire" not in text(observer.get(world.label.get_absolute_url()))
    assert national.get(address("label-procedure", world)).status_code == 200
    assert national.post(address("label-act", world, "clore"), {"version": 1}).status_code == 403
    assert editor.get(address("label-procedure", world)).status_code == 200
    assert editor.post(address("label-procedure", world), {"answer": "x", "version": 1}).status_code == 403
    assert signed_in(world.ars.user).post(address("label-act", world, "oublier"), {}).status_code == 404
    procedure.refresh_from_db()
    assert (procedure.version, procedure.answered_at) == (1, None)
    closed = {"mandate": world.prefet.pk, "version": 1}
    signed_in(world.prefet.user).post(address("label-act", world, "clore"), closed)
    deliver_mail()
    assert "continue" in [message for message in mail.outbox if message.to == [world.owner.user.email]][-1].body


def test_an_act_signed_by_one_only_is_not_told_to_the_structure(world):
    ending = world.on_request()
    sign_decision(decision=ending.decision, mandate=world.ars, content_hash=ending.decision.content_hash, at=NOW)
    assert signed_in(world.owner.user).get(address("label-ending", world)).status_code == 404
    assert Ending.objects.get().signed_date is None


def test_the_signatory_reads_the_act_in_the_parapheur_and_signs_it_alone(world):
    ending = world.on_request()
    signatory = signed_in(world.prefet.user)
    parapheur = signatory.get(reverse("parapheur"))
    assert "1 abrogation" in text(parapheur)
    page = signatory.get(reverse("decision", args=[ending.decision_id]))
    assert "est abrogé à compter du 1er mars 2027" in text(page)
    assert "L. 242-4" in text(page)
    assert f'value="{ending.decision_id}"' not in parapheur.text
