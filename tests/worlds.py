"""One small world with somebody in every role and something behind every address, for tests that walk them all."""

from django.utils import timezone

from funding.choices import GrantState
from funding.models import BudgetLine, Envelope, Grant
from indicators.services.editions import compute_edition
from labelling.choices import ApplicationState, MembershipRole
from labelling.models import Label
from labelling.services.acts import store_act
from territories.choices import AuthorityKind, Capacity, DecisionKind, Role
from territories.models import Decision
from territories.services.decisions import propose_decision, sign_decision
from tests import factories as make


def build_world():
    """Return the people by role, and the arguments of the addresses by name."""
    inside, outside = make.departement(), make.departement("97", "Valfictie", region="R2")
    home = make.structure()
    owner, editor = make.membership(home), make.membership(home, role=MembershipRole.EDITOR)
    mandates = {
        "ars": make.mandate(AuthorityKind.ARS),
        "ars_ailleurs": make.mandate(AuthorityKind.ARS, on=outside),
        "préf": make.mandate(AuthorityKind.PREFECTURE),
        "préf_ailleurs": make.mandate(AuthorityKind.PREFECTURE, on=outside),
        "observateur": make.mandate(AuthorityKind.CAISSE, role=Role.OBSERVER),
        "avis": make.mandate(AuthorityKind.COLLECTIVITE, role=Role.PARTNER),
        "ars_signe": make.mandate(AuthorityKind.ARS, signs=True),
        "préfet_signe": make.mandate(AuthorityKind.PREFECTURE, signs=True),
        "national": make.mandate(AuthorityKind.NATIONAL),
    }
    people = {role: mandate.user for role, mandate in mandates.items()} | {
        "anonyme": None,
        "titulaire": owner.user,
        "rédacteur": editor.user,
        "autre_structure": make.membership().user,
    }
    make.quota()
    files = _files(inside, home, mandates)
    label = files["label"]
    envelope = Envelope.objects.create(
        line=BudgetLine.objects.get(code="fir"), year=2026, departement=inside, ceiling=100_000
    )
    grant = Grant.objects.create(
        label=label, envelope=envelope, amount=40_000, purpose="essai", proposed_at=make.NOW, state=GrantState.PROPOSED
    )
    edition = compute_edition(quarter="2026T4", at=timezone.now()).edition
    arguments = {
        "password-reset-confirm": {"uidb64": "xx", "token": "xx-xx"},
        "invitation": {"token": "inconnue"},
        "registration": {"token": "inconnue"},
        "decision": {"pk": files["awaiting"].pk},
        "decision-pdf": {"pk": files["awaiting"].pk},
        "decision-decline": {"pk": files["awaiting"].pk},
        "claim": {"line": make.register_line().pk},
        "claim-code": {"line": make.register_line().pk},
        "structure-access": {"pk": home.pk},
        "application-start": {"pk": home.pk},
        "application": {"number": files["reviewed"].number},
        "application-receipt": {"number": files["reviewed"].number},
        "application-abandon": {"number": files["reviewed"].number},
        "application-act": {"number": files["reviewed"].number, "action": "prendre-en-charge"},
        "decision-letter": {"number": label.application.number},
        "application-decision-pdf": {"number": label.application.number},
        "application-step": {"number": files["draft"].number, "step": "horaires"},
        "application-autosave": {"number": files["draft"].number, "step": "horaires"},
        "place": {"number": label.number},
        "specification-version": {"version": "1.0"},
        "envelope": {"pk": envelope.pk},
        "grant": {"pk": grant.pk},
        "grant-new": {"number": label.number},
        "territory": {"code": "98"},
        "steering-departement": {"code": "98"},
        "edition": {"pk": edition.pk},
        "edition-file": {"pk": edition.pk, "name": edition.files.first().name},
        "edition-act": {"pk": edition.pk, "action": "check"},
        "dataset": {"slug": "structures-labellisees"},
        "api-dataset": {"slug": "structures-labellisees"},
        "api-records": {"slug": "structures-labellisees"},
        "api-export": {"slug": "structures-labellisees", "format_fichier": "csv"},
    }
    return people, arguments


def _files(inside, home, mandates):
    """The four files of the inside département; three belong to the home structure's people."""
    reviewed = make.application(home, state=ApplicationState.UNDER_REVIEW)
    # One open file per structure: the draft and the labelled file are those of other structures of the same people.
    draft = make.application(_sibling(home))
    waiting = make.application(make.structure(), state=ApplicationState.UNDER_REVIEW)
    awaiting = _decide(waiting, inside)
    type(waiting).objects.filter(pk=waiting.pk).update(state=ApplicationState.AWAITING_SIGNATURES, decision=awaiting)
    done = make.application(_sibling(home), state=ApplicationState.UNDER_REVIEW)
    signed = _decide(done, inside)
    type(done).objects.filter(pk=done.pk).update(state=ApplicationState.AWAITING_SIGNATURES, decision=signed)
    for role in ("ars_signe", "préfet_signe"):
        sign_decision(decision=signed, mandate=mandates[role], content_hash=signed.content_hash, at=timezone.now())
    label = Label.objects.get(application=done)
    store_act(decision=label.decision)
    Label.objects.filter(pk=label.pk).update(notified_at=timezone.now())
    return {"reviewed": reviewed, "draft": draft, "awaiting": awaiting, "label": label}


def _sibling(home):
    other = make.structure()
    for membership in home.memberships.all():
        make.membership(other, membership.user, MembershipRole(membership.role))
    return other


def _decide(application, inside) -> Decision:
    return propose_decision(
        kind=DecisionKind.LABEL_GRANTED,
        subject_type="application",
        subject_id=application.pk,
        departement=inside,
        title="essai",
        content={
            "title": "essai",
            "visas": [],
            "reasons": [],
            "criteria": [],
            "articles": ["Le label est accordé."],
            "authorities": [],
            "remedies": {"months": 2, "court": ""},
        },
        mandate=None,
        at=timezone.now(),
        required=[Capacity.ARS, Capacity.PREFET],
    )
