"""The text of mails: the original, which is a template, or the one that the national team wrote beside it.

What people write is never a template: its merge fields are replaced by what the original shows there, once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.template import Context, engines
from django.template.base import Node, NodeList, Template, TextNode, VariableNode
from django.template.defaulttags import AutoEscapeControlNode, ForNode, IfNode
from django.template.loader import render_to_string

from francesante.lib.canonical import sha256_hex
from francesante.lib.merge_fields import fields_in, merge, mistake_in
from francesante.lib.workflow import RefusedError, StaleError
from territories.choices import Role, Subject
from territories.models import MailText, Mandate
from territories.rules.mails import LOOPS, NAMES, SUBJECT, Named
from territories.services.events import record_event

MAX_BODY = 6000
"""Characters of the text of a mail."""

STALE = (
    "Ce texte a changé pendant que vous y travailliez. Votre saisie n’a pas été appliquée ; elle est gardée ci-dessous."
)


@dataclass(frozen=True, slots=True)
class Original:
    """A mail as its template writes it: the same text with merge fields, and what each field stands for."""

    name: str
    template: Template
    body: str
    fields: Mapping[str, Named]
    nodes: Mapping[str, Node]

    @property
    def basis(self) -> str:
        """The hash of what a written text relies on: the text and its passages."""
        return sha256_hex(
            "\n".join([self.body, *(f"{name}={one.meaning}" for name, one in self.fields.items())]).encode()
        )

    def values(self, names: list[str], context: Mapping[str, Any]) -> dict[str, str]:
        """Return what fields say in a context, as the original would."""
        bound = Context(dict(context), autoescape=False)
        with bound.bind_template(self.template):
            return {name: str(self.nodes[name].render_annotated(bound)) for name in names if name in self.nodes}


def original(name: str) -> Original:
    """Return a mail as its template writes it; ``name`` is ``app/mail``."""
    template = engines["django"].engine.get_template(f"emails/{name}.txt")  # type: ignore[attr-defined]
    parts: list[str] = []
    fields: dict[str, Named] = {}
    nodes: dict[str, Node] = {}
    for node in _flat(template.nodelist):
        if isinstance(node, TextNode):
            parts.append(node.s)
            continue
        named = _named(node, sum(one.startswith("selon_") for one in fields) + 1)
        fields[named.name], nodes[named.name] = named, node
        parts.append(f"{{{named.name}}}")
    return Original(name, template, "".join(parts).strip(), fields, nodes)


def _flat(nodes: NodeList) -> list[Node]:
    found: list[Node] = []
    for node in nodes:
        found += _flat(node.nodelist) if isinstance(node, AutoEscapeControlNode) else [node]
    return found


def _named(node: Node, rank: int) -> Named:
    if isinstance(node, VariableNode):
        return NAMES[node.filter_expression.token]
    if isinstance(node, ForNode):
        return LOOPS[str(getattr(node.sequence, "token", ""))]
    if not isinstance(node, IfNode):
        raise TypeError(f"a mail holds texts, values, cases and lists: {node}")
    cases = [_words(branch) for _, branch in node.conditions_nodelists]
    return Named(f"selon_{rank}", " ; ou : ".join(f"« {case} »" for case in cases if case), needed=True)


def _words(nodes: NodeList) -> str:
    """Return the words of a passage on one line, its values by their names."""
    words = []
    for node in nodes:
        if isinstance(node, TextNode):
            words.append(node.s)
        elif isinstance(node, VariableNode) and node.filter_expression.token in NAMES:
            words.append(f"{{{NAMES[node.filter_expression.token].name}}}")
        elif isinstance(node, IfNode):
            words.append(_words(node.conditions_nodelists[0][1]))
        else:
            words.append("…")
    return " ".join("".join(words).split())


# Sending -------------------------------------------------------------------------------------------------------------


def compose(name: str, subject: str, context: Mapping[str, Any]) -> tuple[str, str]:
    """Return the subject and the body of a mail: those that were written, else the original's."""
    written = last_text(name)
    if written is not None and written.body and in_force(written, found := original(name)):
        return fill(found, written.subject, written.body, subject, context)
    return subject, render_to_string(f"emails/{name}.txt", dict(context))


def fill(found: Original, subject: str, body: str, usual: str, context: Mapping[str, Any]) -> tuple[str, str]:
    """Return a written subject and body with their merge fields replaced; ``usual`` is the original subject."""
    facts = found.values(fields_in(subject + body), context) | {SUBJECT: usual}
    return " ".join(merge(subject, facts).split()), merge(body, facts) + "\n"


def last_text(name: str) -> MailText | None:
    """Return the last version of the text of a mail, or nothing: it was never written."""
    return MailText.objects.filter(name=name).order_by("version").last()


def in_force(written: MailText | None, found: Original) -> bool:
    """Tell whether a written text is sent: it is not a return to the original, and the original is still the same."""
    return written is not None and bool(written.body) and written.basis == found.basis


# Writing -------------------------------------------------------------------------------------------------------------


def mistakes_in(found: Original, subject: str, body: str) -> dict[str, str]:
    """Return, by part, the sentence that says what is wrong in the text of a mail."""
    mistakes = {}
    for part, text in (("subject", subject), ("body", body)):
        if (
            sentence := "Cette partie ne peut pas être vide."
            if not text.strip()
            else mistake_in(text, [SUBJECT, *found.fields])
        ):
            mistakes[part] = sentence
    missing = [name for name, one in found.fields.items() if one.needed and name not in fields_in(body)]
    if missing and "body" not in mistakes:
        mistakes["body"] = (
            f"Il manque {', '.join(f'{{{name}}}' for name in missing)} : sans ces champs, le courriel ne dirait plus ce que la "
            "personne doit savoir, ou ne la mènerait plus à sa page."
        )
    return mistakes


def write_text(*, name: str, subject: str, body: str, mandate: Mandate, version: int, at: datetime) -> MailText:
    """Keep a new version of the text of a mail; it is sent from now on.

    Raises:
        RefusedError: not the national team, a part is empty, or a merge field is unknown or missing: it is named.
        StaleError: another version was written since ``version`` (0 before the first).
    """
    found = original(name)
    lines = "\n".join(line.rstrip() for line in body.splitlines()).strip()
    if wrong := mistakes_in(found, subject, lines):
        raise RefusedError(next(iter(wrong.values())))
    return _add(found, " ".join(subject.split()), lines, mandate, version=version, at=at)


def restore_original(*, name: str, mandate: Mandate, version: int, at: datetime) -> MailText:
    """Return to the original of a mail; the former texts stay readable.

    Raises:
        RefusedError: not the national team.
        StaleError: another version was written since ``version``.
    """
    return _add(original(name), "", "", mandate, version=version, at=at)


def _add(found: Original, subject: str, body: str, mandate: Mandate, *, version: int, at: datetime) -> MailText:
    if mandate.role != Role.NATIONAL or not mandate.is_active(at):
        raise RefusedError("Les courriels sont tenus par l’équipe nationale. Rien n’a été enregistré.")
    last = last_text(found.name)
    if (last.version if last else 0) != version:
        raise StaleError(STALE)
    try:
        with transaction.atomic():
            row = MailText.objects.create(
                name=found.name,
                version=version + 1,
                subject=subject,
                body=body,
                basis=found.basis,
                written_by=mandate,
                written_at=at,
            )
            record_event(
                subject_type=Subject.MAIL_TEXT,
                subject_id=row.pk,
                action="write" if body else "restore",
                actor=mandate,
                at=at,
                data={"mail": found.name, "version": row.version},
            )
    except IntegrityError as error:
        raise StaleError(STALE) from error
    return row
