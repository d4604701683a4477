"""Tags: a small vocabulary by authority, put on files; read by nobody outside it unless joint, and never by the structure."""

import csv
import io

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from francesante.lib.workflow import RefusedError
from labelling.choices import ApplicationState as State
from labelling.choices import Interest
from labelling.models import FileTag, Tag
from labelling.services.interests import declare_interest
from labelling.services.tags import MOST_TAGS, make_tag, put_tag, readable_tags, retire_tag, take_off, vocabulary
from territories.choices import AuthorityKind, Role, Subject
from territories.models import Event
from tests import factories as make
from tests import samples
from tests.plugins.signed_in import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("today")]
NOW = make.NOW
LIST = "/dossiers/"


def word(mandate, name="visite prévue", *, joint=False):
    return make_tag(mandate=mandate, name=name, note="à organiser", joint=joint, at=NOW)


def put(file, tag, mandate):
    return put_tag(application=file, tag=tag, mandate=mandate, at=NOW)


def refused(call, sentence):
    """The act is refused with this sentence, and nothing moved."""
    before = (list(Tag.objects.order_by("pk").values()), list(FileTag.objects.order_by("pk").values()))
    with pytest.raises(RefusedError, match=sentence):
        call()
    assert (list(Tag.objects.order_by("pk").values()), list(FileTag.objects.order_by("pk").values())) == before


def test_a_tag_is_put_once_and_moves_nothing_of_the_file(file, ars):
    tag = word(ars)
    put(file, tag, ars)
    refused(lambda: put(file, tag, ars), "porte déjà l’étiquette « visite prévue »")
    version = file.version
    file.refresh_from_db()
    assert file.version == version
    assert not Event.objects.about(Subject.APPLICATION, file.pk).exists()
    take_off(application=file, tag=tag, mandate=ars, at=NOW)
    refused(lambda: take_off(application=file, tag=tag, mandate=ars, at=NOW), "ne porte pas l’étiquette")


def test_who_reads_a_tag(file, ars, prefecture):
    put(file, word(ars), ars)
    put(file, word(prefecture, "comité", joint=True), prefecture)
    readers = {
        ars: ["comité", "visite prévue"],
        prefecture: ["comité"],
        make.mandate(AuthorityKind.ARS, role=Role.OBSERVER): [],
        make.mandate(AuthorityKind.NATIONAL): [],
        make.mandate(AuthorityKind.CAISSE, role=Role.PARTNER): [],
    }
    for mandate, names in readers.items():
        assert list(readable_tags(mandate).order_by("tag__name").values_list("tag__name", flat=True)) == names
        html = signed_in(mandate.user).get(file.get_absolute_url()).content.decode()
        listed = signed_in(mandate.user).get(LIST).content.decode()
        for name in ("comité", "visite prévue"):
            assert (name in html) == (name in listed) == (name in names), (mandate.hat, name)
    owner = make.membership(file.structure).user
    html = signed_in(owner).get(file.get_absolute_url()).content.decode()
    assert "comité" not in html
    assert "visite prévue" not in html
    declare_interest(application=file, mandate=prefecture, interest=Interest.RECUSED, at=NOW)
    assert not readable_tags(prefecture).exists(), "who stands aside reads no working word"


def test_a_tag_is_used_by_its_authority_and_by_the_other_one_if_joint(file, ars, prefecture):
    own, joint = word(ars), word(ars, "comité", joint=True)
    refused(lambda: put(file, own, prefecture), "n’est pas, ou n’est plus, une étiquette de ce dossier")
    put(file, joint, prefecture)
    assert list(Tag.objects.offered_to(prefecture)) == [joint]
    elsewhere = make.departement("97", "Valfictie", region="R2")
    far = make.mandate(AuthorityKind.ARS, on=elsewhere)
    assert not Tag.objects.offered_to(far).exists()
    distant = make.application(
        make.structure(make.register_line(make.commune("97001", "Loin", in_=elsewhere))), state=State.UNDER_REVIEW
    )
    refused(lambda: put(distant, joint, far), "n’est pas, ou n’est plus, une étiquette de ce dossier")
    observer = make.mandate(AuthorityKind.ARS, role=Role.OBSERVER)
    refused(lambda: put(file, own, observer), "non de l’instruire")
    refused(lambda: word(observer, "autre"), "tenues par les agents")


def test_the_vocabulary_is_small_and_each_word_is_there_once(ars, prefecture):
    word(ars)
    refused(lambda: word(ars, " Visite  prévue "), "a déjà une étiquette « Visite prévue »")
    refused(lambda: word(ars, " "), "Donnez un nom")
    refused(lambda: word(ars, samples.NIR), "aucune donnée de patient")
    assert word(prefecture).authority == prefecture.authority, "each authority has its own"
    for number in range(MOST_TAGS - 1):
        word(ars, f"mot {number}")
    refused(lambda: word(ars, "un de trop"), f"déjà {MOST_TAGS} étiquettes")


def test_a_tag_is_retired_once_no_file_carries_it_and_its_name_is_free(file, ars, prefecture):
    tag = word(ars)
    put(file, tag, ars)
    refused(lambda: retire_tag(tag=tag, mandate=ars, at=NOW), "1 dossier porte encore")
    take_off(application=file, tag=tag, mandate=ars, at=NOW)
    refused(lambda: retire_tag(tag=tag, mandate=prefecture, at=NOW), "autre autorité")
    retire_tag(tag=tag, mandate=ars, at=NOW)
    refused(lambda: put(file, tag, ars), "n’est plus")
    assert not vocabulary(ars).exists()
    word(ars)


def test_the_page_of_the_vocabulary(file, ars):
    client = signed_in(ars.user)
    assert "Aucune étiquette encore" in client.get(reverse("tags")).content.decode()
    made = client.post(reverse("tags"), {"name": "visite prévue", "note": "", "joint": "on"}, follow=True)
    assert "est créée" in made.content.decode()
    tag = Tag.objects.get()
    assert tag.joint
    assert client.post(reverse("tags"), {"name": ""}).status_code == 422
    assert client.post(reverse("tags"), {"name": "VISITE PRÉVUE"}).status_code == 409
    put(file, tag, ars)
    page = client.get(reverse("tags")).content.decode()
    (link,) = [part.partition('"')[0] for part in page.split('href="')[1:] if "etiquette=" in part]
    found = client.get(link.replace("&amp;", "&"))
    assert [row.application for row in found.context["rows"]] == [file]
    assert client.post(reverse("tags"), {"retire": tag.pk}).status_code == 409
    FileTag.objects.all().delete()
    assert "est retirée" in client.post(reverse("tags"), {"retire": tag.pk}, follow=True).content.decode()


def test_a_tag_is_put_from_the_page_of_the_file_filtered_and_exported(file, ars, prefecture):
    declare_interest(application=file, mandate=ars, interest=Interest.NONE, at=NOW)
    make.application(state=State.SUBMITTED)
    tag, secret = word(ars), word(prefecture, "à revoir")
    client, address = signed_in(ars.user), reverse("application-tag", args=[file.number])
    said = client.post(address, {"mandate": ars.pk, "etiquette": tag.pk}, follow=True).content.decode()
    assert "Étiquette « visite prévue » posée" in said.replace("\u00a0", " ")
    for key in (secret.pk, "", "x"):
        client.post(address, {"mandate": ars.pk, "etiquette": key})
    assert FileTag.objects.get().tag == tag
    listed = client.get(LIST, {"etiquette": tag.pk})
    assert [row.application for row in listed.context["rows"]] == [file]
    assert [chip["label"] for chip in listed.context["chips"]] == ["visite prévue"]
    assert client.get(LIST, {"etiquette": secret.pk}).context["rows"] == []
    text = client.get(LIST, {"export": "csv", "col": ["dossier", "etiquettes"]}).content.decode()
    assert {row["numero"]: row["etiquettes"] for row in csv.DictReader(io.StringIO(text))}[file.number] == tag.name
    client.post(address, {"mandate": ars.pk, "retirer": tag.pk})
    assert not FileTag.objects.exists()


def test_tags_cost_the_list_the_same_for_two_files_as_for_twenty(ars):
    client, tags = signed_in(ars.user), [word(ars, name) for name in ("un", "deux", "trois")]

    def fill(number):
        for _ in range(number):
            row = make.application(state=State.SUBMITTED)
            for tag in tags:
                put(row, tag, ars)

    def queries():
        with CaptureQueriesContext(connection) as captured:
            client.get(LIST)
        return len(captured)

    fill(2)
    small = queries()
    fill(18)
    assert queries() == small


def test_the_rules_of_tags_are_the_database_s(file, ars):
    tag = put(file, word(ars), ars).tag
    for name, call in {
        "file_tag_once": lambda: FileTag.objects.create(application=file, tag=tag, mandate=ars, put_at=NOW),
        "tag_is_named": lambda: Tag.objects.create(authority=ars.authority, name="", made_by=ars, made_at=NOW),
        "tag_name_unique": lambda: Tag.objects.create(
            authority=ars.authority, name=tag.name.upper(), made_by=ars, made_at=NOW
        ),
    }.items():
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            call()
