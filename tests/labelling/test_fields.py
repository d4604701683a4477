"""Internal fields: typed by the database, read as tags are, written without writing over anybody, shown by the list."""

import csv
import io
from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import load_workbook

from francesante.lib.workflow import RefusedError
from labelling.choices import ApplicationState as State
from labelling.choices import FieldKind, Interest
from labelling.models import FieldValue, InternalField, SavedView
from labelling.models.fields import MOST_CHOICES, MOST_FIELDS
from labelling.services.fields import (
    ChangedMeanwhileError,
    add_choice,
    fields_of,
    fill,
    kept_fields,
    make_field,
    move_field,
    readable_values,
    restore_field,
    retire_field,
    sheet,
)
from labelling.services.interests import declare_interest
from territories.choices import AuthorityKind, Role, Subject
from territories.models import Event
from tests import factories as make
from tests import samples
from tests.plugins.signed_in import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("today")]
NOW = make.NOW
LIST = "/dossiers/"
ORDERS = ["en premier", "ensuite", "en réserve"]
VALUES = {
    FieldKind.TEXT: "salle 3",
    FieldKind.NUMBER: Decimal("1250.5"),
    FieldKind.DATE: date(2026, 12, 4),
    FieldKind.YES_NO: False,
    FieldKind.CHOICE: "ensuite",
}


def field(mandate, name="comité", kind=FieldKind.TEXT, *, joint=False):
    choices = ORDERS if kind == FieldKind.CHOICE else []
    return make_field(mandate=mandate, name=name, note="", kind=kind, choices=choices, joint=joint, at=NOW)


def every_kind(mandate):
    return {kind: field(mandate, kind.label, kind) for kind in FieldKind}


def write(file, row, value, mandate, was=""):
    return fill(application=file, said={row.pk: value}, was={row.pk: was}, mandate=mandate, at=NOW)


def said(file, row):
    return next((line.value for line in sheet(file, row.made_by) if line.field == row), None)


def refused(call, sentence):
    """The act is refused with this sentence, and nothing moved."""

    def rows():
        return [list(model.objects.order_by("pk").values()) for model in (InternalField, FieldValue)]

    before = rows()
    with pytest.raises(RefusedError, match=sentence):
        call()
    assert rows() == before


# What the database refuses -------------------------------------------------------------------------------------------


def test_a_value_is_of_the_kind_of_its_field_whoever_writes_it(file, ars):
    rows = every_kind(ars)
    columns = {"text": "ensuite", "number": Decimal(1), "day": date(2026, 12, 4), "yes": True}
    own = dict(zip(FieldKind, ("text", "number", "day", "yes", "text"), strict=True))

    def store(row, **values):
        with transaction.atomic():
            return FieldValue.objects.create(field=row, application=file, mandate=ars, written_at=NOW, **values)

    for kind, row in rows.items():
        for column, value in columns.items():
            if column != own[kind]:
                with pytest.raises(IntegrityError, match="of the kind of its field"):
                    store(row, **{column: value})
    with pytest.raises(IntegrityError, match="of the kind of its field"):
        store(rows[FieldKind.CHOICE], text="jamais proposé")
    for values in ({}, {"number": 1, "yes": True}):
        with pytest.raises(IntegrityError, match=r"field_value_is_one|of the kind of its field"):
            store(rows[FieldKind.NUMBER], **values)
    kept = store(rows[FieldKind.NUMBER], number=2)
    with pytest.raises(IntegrityError, match="field_value_once"):
        store(rows[FieldKind.NUMBER], number=3)
    retire_field(field=kept.field, mandate=ars, at=NOW)
    with pytest.raises(IntegrityError, match="a retired field takes no value"), transaction.atomic():
        FieldValue.objects.update(number=4)


def test_the_rules_of_fields_are_the_database_s(ars):
    row, listed = field(ars), field(ars, "ordre", FieldKind.CHOICE)
    other = {"authority": ars.authority, "kind": "text", "made_by": ars, "made_at": NOW}

    def change(target, **values):
        return lambda: InternalField.objects.filter(pk=target.pk).update(**values)

    for sentence, call in {
        "field_is_named": lambda: InternalField.objects.create(name="", position=3, **other),
        "field_kind_known": lambda: InternalField.objects.create(name="x", position=3, **(other | {"kind": "x"})),
        "field_name_unique": lambda: InternalField.objects.create(name="COMITÉ", position=3, **other),
        "field_place_iff_in_use": lambda: InternalField.objects.create(name="x", position=MOST_FIELDS + 1, **other),
        "field_choices_iff_choice": change(row, choices=["un", "deux"]),
        "keeps its authority, its name": change(row, kind="date"),
        "choices of a field are only added": change(listed, choices=ORDERS[:2]),
    }.items():
        with pytest.raises(IntegrityError, match=sentence), transaction.atomic():
            call()
    change(row, retired_at=NOW, position=None)()
    with pytest.raises(IntegrityError, match="field_place_iff_in_use"), transaction.atomic():
        change(row, position=3)()
    InternalField.objects.create(name="x", position=listed.position, **other)
    with pytest.raises(IntegrityError, match="field_place_unique"):
        connection.check_constraints()


# The fields of an authority ------------------------------------------------------------------------------------------


def test_an_authority_has_a_handful_of_fields_in_its_own_order(file, ars, prefecture):
    first, second, third = (field(ars, name) for name in ("un", "deux", "trois"))
    refused(lambda: field(ars, " Un "), "a déjà une rubrique « Un »")
    refused(lambda: field(ars, " "), "Donnez un nom")
    refused(lambda: field(ars, samples.NIR), "aucune donnée de patient")
    refused(lambda: field(make.mandate(AuthorityKind.ARS, role=Role.OBSERVER)), "tenues par les agents")
    move_field(field=third, step=-1, mandate=ars, at=NOW)
    move_field(field=first, step=-1, mandate=ars, at=NOW)
    assert [row.name for row in fields_of(ars)] == ["un", "trois", "deux"]
    assert not retire_field(field=first, mandate=ars, at=NOW), "held by no file, it is deleted"
    write(file, third, "x", ars)
    assert retire_field(field=third, mandate=ars, at=NOW), "held by a file, it is retired"
    assert [(row.name, row.position) for row in kept_fields(ars)] == [("deux", 1), ("trois", None)]
    assert not sheet(file, ars)[0].value
    refused(
        lambda: retire_field(field=second, mandate=prefecture, at=NOW), "n’est plus, une rubrique de votre autorité"
    )
    restore_field(field=third, mandate=ars, at=NOW)
    assert said(file, third) == "x"
    for number in range(MOST_FIELDS - 2):
        field(ars, f"rubrique {number}")
    refused(lambda: field(ars, "une de trop"), f"déjà {MOST_FIELDS} rubriques")
    assert field(prefecture, "un").position == 1, "each authority has its own"


def test_the_choices_of_a_list_are_several_and_only_grow(ars):
    row, text = field(ars, "ordre", FieldKind.CHOICE), field(ars)
    assert add_choice(field=row, choice=" pour  mémoire ", mandate=ars, at=NOW).choices == [*ORDERS, "pour mémoire"]
    refused(lambda: add_choice(field=row, choice="Ensuite", mandate=ars, at=NOW), "est là deux fois")
    refused(lambda: add_choice(field=row, choice=" ", mandate=ars, at=NOW), "Écrivez le choix")
    refused(lambda: add_choice(field=text, choice="x", mandate=ars, at=NOW), "n’est pas une liste")
    alone = {"mandate": ars, "name": "seul", "note": "", "kind": FieldKind.CHOICE, "joint": False, "at": NOW}
    for choices in (["un"], [str(number) for number in range(MOST_CHOICES + 1)]):
        refused(lambda listed=choices: make_field(**alone, choices=listed), f"de 2 à {MOST_CHOICES} choix")


# On files ------------------------------------------------------------------------------------------------------------


def test_each_kind_is_written_replaced_and_taken_away_and_moves_nothing_of_the_file(file, ars):
    rows, version = every_kind(ars), file.version
    was = dict.fromkeys((row.pk for row in rows.values()), "")
    values = {rows[kind].pk: value for kind, value in VALUES.items()}
    assert len(fill(application=file, said=values, was=was, mandate=ars, at=NOW)) == len(FieldKind)
    assert {line.field.kind: line.value for line in sheet(file, ars)} == VALUES
    write(file, rows[FieldKind.YES_NO], True, ars, was="non")
    write(file, rows[FieldKind.NUMBER], None, ars, was="1250.5")
    assert said(file, rows[FieldKind.YES_NO]) is True
    assert FieldValue.objects.filter(application=file).count() == len(FieldKind) - 1, "an emptied value has no row"
    refused(lambda: write(file, rows[FieldKind.CHOICE], "ailleurs", ars, was="ensuite"), "n’est pas un choix")
    refused(lambda: write(file, rows[FieldKind.TEXT], samples.NIR, ars, was="salle 3"), "aucune donnée de patient")
    file.refresh_from_db()
    assert file.version == version
    assert not Event.objects.about(Subject.APPLICATION, file.pk).exists()


def test_a_stale_page_writes_over_nobody_and_what_it_did_not_touch_is_left(file, ars, prefecture):
    row, beside = field(ars, joint=True), field(ars, "ordre", joint=True)
    write(file, row, "4 décembre", prefecture)
    refused(lambda: write(file, row, "11 décembre", ars), "quelqu’un a écrit dans « comité »")
    with pytest.raises(ChangedMeanwhileError) as stale:
        write(file, row, "11 décembre", ars)
    assert [(line.value, line.author) for line in stale.value.lines] == [("4 décembre", prefecture.user.full_name)]
    write(file, row, "4 décembre", ars)
    posted = {row.pk: "", beside.pk: "1"}
    fill(application=file, said=posted, was={row.pk: "", beside.pk: ""}, mandate=ars, at=NOW)
    assert (said(file, row), said(file, beside)) == ("4 décembre", "1")
    write(file, row, "11 décembre", ars, was="4 décembre")
    assert said(file, row) == "11 décembre"


def test_who_reads_and_fills_a_field(file, ars, prefecture):
    own, joint = field(ars, "ordre de passage"), field(prefecture, "visite du maire", joint=True)
    write(file, own, "salle bleue", ars)
    write(file, joint, "salle verte", prefecture)
    readers = {
        ars: ["salle bleue", "salle verte"],
        prefecture: ["salle verte"],
        make.mandate(AuthorityKind.ARS, role=Role.OBSERVER): [],
        make.mandate(AuthorityKind.NATIONAL): [],
        make.mandate(AuthorityKind.CAISSE, role=Role.PARTNER): [],
    }
    asked = {"col": ["structure", own.word, joint.word], own.word: "salle", "tri": own.word}
    for mandate, values in readers.items():
        assert sorted(readable_values(mandate).values_list("text", flat=True)) == values
        client = signed_in(mandate.user)
        pages = [client.get(file.get_absolute_url()), client.get(LIST, {"col": asked["col"]})]
        pages.append(client.get(LIST, {"col": asked["col"], "export": "csv"}))
        for page in pages:
            for value in ("salle bleue", "salle verte"):
                assert (value in page.content.decode()) == (value in values), (mandate.hat, value)
        chips = [chip["label"] for chip in client.get(LIST, asked).context["chips"]]
        assert (chips != []) == (mandate == ars), "the others cannot even ask"
    html = signed_in(make.membership(file.structure).user).get(file.get_absolute_url()).content.decode()
    assert "salle" not in html
    refused(lambda: write(file, own, "x", prefecture), "n’est plus en usage sur ce dossier")
    write(file, joint, "salle grise", ars, was="salle verte")
    far = make.mandate(AuthorityKind.ARS, on=make.departement("97", "Valfictie", region="R2"))
    assert not fields_of(far).exists()
    declare_interest(application=file, mandate=prefecture, interest=Interest.RECUSED, at=NOW)
    assert not readable_values(prefecture).exists(), "who stands aside reads nothing"
    assert not sheet(file, prefecture)


# Pages ---------------------------------------------------------------------------------------------------------------


def test_the_page_of_the_fields(file, ars):
    client, address = signed_in(ars.user), reverse("fields")
    assert "Aucune rubrique en usage" in client.get(address).content.decode()
    new = {
        "name": "ordre",
        "note": "du comité",
        "kind": "choice",
        "choices": "en premier\r\n\r\nensuite",
        "joint": "on",
    }
    assert "est créée" in client.post(address, new, follow=True).content.decode()
    row = InternalField.objects.get()
    assert (row.choices, row.joint) == (["en premier", "ensuite"], True)
    assert client.post(address, {"name": "x"}).status_code == 422
    assert client.post(address, new | {"name": "ORDRE"}).status_code == 409
    assert client.post(address, {"choice": row.pk, "added": "jamais"}).status_code == 302
    assert client.post(address, {"choice": row.pk, "added": "jamais"}).status_code == 409
    assert client.post(address, {"retire": 10**9}).status_code == 404
    write(file, row, "jamais", ars)
    page = client.get(address).content.decode()
    (link,) = [part.partition('"')[0] for part in page.split('href="')[1:] if "avec=" in part]
    found = client.get(link.replace("&amp;", "&"))
    assert [line.application for line in found.context["rows"]] == [file]
    assert [chip["label"] for chip in found.context["chips"]] == ["ordre\u00a0: renseignée"]
    assert "ses valeurs sont gardées" in client.post(address, {"retire": row.pk}, follow=True).content.decode()
    assert "est rétablie" in client.post(address, {"restore": row.pk}, follow=True).content.decode()


def test_values_are_written_from_the_page_of_the_file_and_a_stale_one_says_what_it_would_replace(file, ars, prefecture):
    declare_interest(application=file, mandate=ars, interest=Interest.NONE, at=NOW)
    day, cost = field(ars, "comité", FieldKind.DATE, joint=True), field(ars, "montant", FieldKind.NUMBER)
    InternalField.objects.filter(pk=cost.pk).update(note="<script>alert(1)</script>")
    client, address = signed_in(ars.user), reverse("application-fields", args=[file.number])
    page = client.get(file.get_absolute_url()).content.decode()
    assert "Rubriques internes" in page
    assert "<script>alert" not in page, "a note is a text"
    posted = {"mandate": ars.pk, day.word: "2026-12-04", cost.word: "1 250,5"}
    done = client.post(address, posted, follow=True).content.decode().replace("\u00a0", " ")
    assert "« comité » et « montant » : enregistré" in done
    assert "04/12/2026" in done
    assert "1 250,5" in done
    assert client.post(address, {"mandate": ars.pk, cost.word: "beaucoup"}).status_code == 422
    write(file, day, date(2026, 12, 11), prefecture, was="2026-12-04")
    stale = posted | {day.word: "2026-12-18", f"was-{day.word}": "2026-12-04", f"was-{cost.word}": "1250.5"}
    refusal = client.post(address, stale)
    html = refusal.content.decode().replace("&nbsp;", " ")
    assert refusal.status_code == 409
    assert f"{prefecture.user.full_name}</strong> a écrit « 11/12/2026 »" in html
    assert 'value="2026-12-18"' in html, "the input is kept"
    assert said(file, day) == date(2026, 12, 11)
    client.post(address, stale | {f"was-{day.word}": "2026-12-11"})
    assert said(file, day) == date(2026, 12, 18)
    retire_field(field=cost, mandate=ars, at=NOW)
    gone = client.post(
        address, {"mandate": ars.pk, day.word: "2026-12-25", f"was-{day.word}": "2026-12-18", cost.word: "7"}
    )
    assert (gone.status_code, said(file, day)) == (409, date(2026, 12, 18)), "what cannot be kept is told, not dropped"
    assert "n’est plus en usage" in gone.content.decode()


# The work list -------------------------------------------------------------------------------------------------------


@pytest.fixture
def listed(file, ars):
    """Three files: the first holds a value of every kind, the second a later one, the third none."""
    rows, others = every_kind(ars), [make.application(state=State.SUBMITTED) for _ in range(2)]
    later = ("Salle 12", Decimal(3000), date(2027, 1, 8), True, "en premier")
    for number, values in ((file, VALUES.values()), (others[0], later)):
        for row, value in zip(rows.values(), values, strict=True):
            write(number, row, value, ars)
    return rows, [file, *others]


def shown(client, **words):
    return [row.application for row in client.get(LIST, words).context["rows"]]


def test_the_list_is_filtered_by_each_kind(listed, ars):
    rows, (first, second, third) = listed
    text, number, day, yes, choice = (rows[kind].word for kind in FieldKind)
    client = signed_in(ars.user)
    for words, found in (
        ({text: "SALLE 3"}, {first}),
        ({f"{number}-de": "1 250,5"}, {first, second}),
        ({f"{number}-de": "1250,51"}, {second}),
        ({f"{number}-a": "2000"}, {first}),
        ({f"{day}-de": "2026-12-05", f"{day}-a": "2027-01-08"}, {second}),
        ({yes: "non"}, {first}),
        ({choice: "ensuite"}, {first}),
        ({"sans": choice}, {third}),
        ({"avec": choice}, {first, second}),
        ({f"{number}-de": "x", choice: "jamais proposé", "sans": "r0", "r0": "1"}, {first, second, third}),
    ):
        assert set(shown(client, **words)) == found, words
    chips = client.get(LIST, {f"{number}-de": "1250,5", yes: "non", "sans": choice}).context["chips"]
    assert [chip["label"].replace("\u00a0", " ") for chip in chips] == [
        "nombre, au moins 1 250,5",
        "oui ou non : non",
        "choix dans une liste : à renseigner",
    ]


def test_the_list_is_sorted_by_a_field_and_followed_in_that_order(listed, ars):
    rows, (first, second, third) = listed
    client, number = signed_in(ars.user), rows[FieldKind.NUMBER].word
    assert shown(client, tri=number) == [first, second, third]
    assert shown(client, tri=f"-{number}") == [second, first, third], "without a value, at the end"
    page = client.get(second.get_absolute_url(), {"liste": f"vue=tous&tri=-{number}"})
    assert (page.context["place"]["rank"], page.context["place"]["total"]) == (1, 3)
    assert first.number in page.context["place"]["next"]


def test_columns_are_shown_exported_under_stable_names_and_kept_by_a_view(listed, ars):
    rows, (first, _, third) = listed
    client, words = signed_in(ars.user), [row.word for row in rows.values()]
    asked = {"col": ["dossier", "structure", *words], "tri": "dossier"}
    lines = {row.application: row for row in client.get(LIST, asked).context["rows"]}
    cells = [value.replace("\u00a0", " ") for _, value in lines[first].values]
    assert cells == ["salle 3", "1 250,5", "04/12/2026", "non", "ensuite"]
    assert {value for _, value in lines[third].values} == {"–"}

    def exported(**more):
        text = client.get(LIST, asked | {"export": "csv", **more}).content.decode().lstrip("\ufeff")
        reader = csv.DictReader(io.StringIO(text), delimiter=";" if more else ",")
        return {row["numero"]: [row[f"{words[i]}_{key}"] for i, key in enumerate(KEYS)] for row in reader}

    assert exported()[first.number] == ["salle 3", "1250.5", "2026-12-04", "non", "ensuite"]
    assert exported(dialecte="excel")[first.number][1] == "1250,5"
    assert exported()[third.number] == [""] * len(KEYS)
    book = load_workbook(io.BytesIO(client.get(LIST, asked | {"export": "xlsx"}).content))
    sheet_rows = {row[0]: row[-len(KEYS) :] for row in book.active.iter_rows(values_only=True)}
    _, number, day, *_ = sheet_rows[first.number]
    assert (number, day.date()) == (1250.5, date(2026, 12, 4)), "numbers and dates, not texts"
    query = client.get(LIST, asked | {"sans": words[0]}).context["address"].query
    client.post(reverse("saved-view-add"), {"name": "comité", "query": query})
    view = SavedView.objects.get()
    found = client.get(LIST + "?" + view.query)
    assert [row.application for row in found.context["rows"]] == [third]
    assert [len(row.values) for row in found.context["rows"]] == [len(KEYS)]
    for row in rows.values():
        retire_field(field=row, mandate=ars, at=NOW)
    assert len(client.get(LIST + "?" + view.query).context["rows"]) == 3, (
        "what is retired is ignored, the list is shown"
    )


KEYS = ["texte_court", "nombre", "date", "oui_ou_non", "choix_dans_une_liste"]


# What it costs -------------------------------------------------------------------------------------------------------


def queries(client, address, words=None):
    client.get(address, words or {})
    with CaptureQueriesContext(connection) as captured:
        client.get(address, words or {})
    return captured


def test_the_list_pays_for_the_fields_that_there_are_and_no_more(ars):
    files, client = [make.application(state=State.SUBMITTED) for _ in range(2)], signed_in(ars.user)
    without = queries(client, LIST)
    assert not any(
        'FROM "labelling_internalfield"' in one["sql"][:2000] for one in without if "COUNT" not in one["sql"]
    )
    rows = every_kind(ars)
    asked = {"col": ["structure", *[row.word for row in rows.values()]], "tri": rows[FieldKind.DATE].word}
    plain = {"col": ["structure"]}

    def fill_all(some):
        for number in some:
            write(number, rows[FieldKind.TEXT], "x", ars)

    fill_all(files)
    with_fields = len(queries(client, LIST))
    assert with_fields == len(without) + 1
    small = len(queries(client, LIST, asked))
    assert small == len(queries(client, LIST, plain)), "the values come with the files"
    fill_all(make.application(state=State.SUBMITTED) for _ in range(18))
    assert len(queries(client, LIST, asked)) == small


def test_the_page_of_a_file_pays_one_query(file, ars, monkeypatch):
    client, address = signed_in(ars.user), file.get_absolute_url()
    every_kind(ars)
    whole = len(queries(client, address))
    monkeypatch.setattr("labelling.views.panels.sheet", lambda *_: [])
    assert whole == len(queries(client, address)) + 1
