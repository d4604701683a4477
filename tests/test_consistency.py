"""What reviews used to say: rules of the house that a machine can check."""

import ast
import re
from pathlib import Path

import pytest
from django import forms
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.urls import get_resolver

from tests import samples

ROOT = Path(settings.BASE_DIR)
OURS = ("territories", "labelling", "funding", "indicators")
SOURCES = sorted(
    path for app in (*OURS, "francesante") for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts
)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
OUR_MODELS = [model for app in OURS for model in apps.get_app_config(app).get_models()]
SCOPED = {"Application", "Decision", "Envelope", "Grant", "Label", "Structure", "SupportRequest"}


def _name(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("model", OUR_MODELS, ids=lambda model: model.__name__)
def test_choices_are_bound_by_the_database(model):
    checked = set()
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.CheckConstraint):
            checked |= {child[0].split("__")[0] for child in _leaves(constraint.condition)}
    free = {
        field.name
        for field in model._meta.local_fields
        if field.choices and not isinstance(field, models.BooleanField) and field.name not in checked
    }
    # A register's proposed kind may be blank, and a signing rule names its capacities in an array.
    assert free - {"kind"} == set()


def _leaves(node):
    for child in node.children:
        if isinstance(child, Q):
            yield from _leaves(child)
        elif isinstance(child, tuple):
            yield child


@pytest.mark.parametrize("model", OUR_MODELS, ids=lambda model: model.__name__)
def test_rows_are_named_in_lower_case_french(model):
    name = str(model._meta.verbose_name)
    assert name[0].islower() or name.isupper()
    assert not model._meta.ordering


def test_scoped_models_have_one_door():
    assert {model.__name__ for model in OUR_MODELS if hasattr(model.objects, "for_user")} == SCOPED


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_only_the_engine_writes_state(path):
    if path.relative_to(ROOT).as_posix() in {"territories/services/events.py", "territories/services/decisions.py"}:
        return
    offenders = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "update":
            offenders += [node.lineno for keyword in node.keywords if keyword.arg == "state"]
        if isinstance(node, ast.Assign):
            offenders += [
                node.lineno for target in node.targets if isinstance(target, ast.Attribute) and target.attr == "state"
            ]
    # A claim is not a file: it has no version and no rule book, only a settlement.
    if path.name == "claims.py":
        return
    assert offenders == []


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_no_utils_and_no_local_imports(path):
    assert path.stem not in {"utils", "helpers", "misc", "common"}
    tree = ast.parse(path.read_text())
    local = [
        node.lineno
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert local == []


def test_every_template_is_used():
    texts = [path.read_text() for path in SOURCES] + [path.read_text() for path in TEMPLATES]
    everything = "\n".join(texts)
    unused = []
    for path in TEMPLATES:
        name = path.relative_to(ROOT / "templates").as_posix()
        if name in {"400.html", "403.html", "404.html", "500.html"} or name.startswith("registration/"):
            continue
        if name not in everything:
            unused.append(name)
    assert unused == []


get_resolver().url_patterns  # noqa: B018  # the routes import every form


def _all_forms(base=forms.BaseForm):
    for form in base.__subclasses__():
        yield form
        yield from _all_forms(form)


AREAS = {
    f"{form.__module__}.{form.__name__}.{name}": field
    for form in _all_forms()
    if form.__module__.partition(".")[0] in OURS
    for name, field in form.base_fields.items()
    if isinstance(field.widget, forms.Textarea)
}


def test_there_are_areas_to_look_at():
    assert len(AREAS) > 30


@pytest.mark.parametrize("name", sorted(AREAS))
def test_no_text_takes_a_social_security_number(name):
    with pytest.raises(ValidationError, match="aucune donnée de patient"):
        AREAS[name].clean(f"Vu Mme Exemplaire, {samples.NIR}, pour avis.")


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_areas_are_free_texts(path):
    """Forms that declare their fields as they are made have no others either."""
    areas = {
        node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "widget" and "Textarea" in ast.unparse(keyword.value)
    }
    assert areas <= {"FreeTextField", "AskedFreeTextField", "_Text"}


VISIBLE = re.compile(r"{#.*?#}|{%\s*comment.*?endcomment\s*%}|<script.*?</script>|<!--.*?-->", re.DOTALL)
TAGS = re.compile(r"<[^>]*>|{%.*?%}|{{.*?}}", re.DOTALL)


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_french_typography(path):
    text = TAGS.sub("\x00", VISIBLE.sub("", path.read_text()))
    text = text.replace("&nbsp;", "\u00a0").replace("&amp;", "&")
    assert re.findall(r".{0,20}\w'\w.{0,20}", text) == [], "straight apostrophe"
    assert re.findall(r".{0,20}[^\s\u00a0\x00:/] ?[?!;:»](?= |\n|$)", re.sub(r"\u00a0[?!;:»]", "", text)) == [], (
        "high punctuation without a non-breaking space"
    )
    assert re.findall(r"« ?\w", text) == [], "opening quotation mark without a non-breaking space"
    assert "..." not in text


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_templates_obey_the_content_security_policy(path):
    text = path.read_text()
    assert not re.search(r"\sstyle\s*=", text)
    assert not re.search(r"\son[a-z]+\s*=\s*[\"']", text)
    assert "hx-on" not in text
    assert "|safe" not in text
    for script in re.findall(r"<script[^>]*>", text):
        assert "src=" in script
        assert "nonce=" in script
