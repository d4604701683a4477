"""One small world with somebody in every role and something behind every address, for tests that walk them all."""

from datetime import timedelta
from uuid import uuid4

from django.utils import timezone

from funding.choices import GrantState
from funding.models import BudgetLine, Envelope, Grant
from indicators.services.editions import compute_edition
from labelling.choices import (
    AppealOutcome,
    ApplicationState,
    BodyKind,
    BulkAction,
    InvitationAddress,
    MembershipRole,
    OpinionPart,
    Route,
)
from labelling.models import (
    BulkRun,
    Community,
    ConsultedBody,
    DecisionTemplate,
    EndingGround,
    Label,
    Offering,
    ProspectInvitation,
    SavedView,
)
from labelling.services.acts import read_decision, store_act
from labelling.services.appeal_answers import draft_answer, propose_answer, read_answer
from labelling.services.appeals import lodge_appeal
from labelling.services.documents import render_missing_documents
from labelling.services.endings import propose_ending_on_request
from labelling.services.evidence import SentFile, add_evidence
from labelling.services.label_acts import read_act
from labelling.services.opinions import ask_opinions, link_of
from labelling.services.procedures import open_procedure
from labelling.services.replies import read_questions
from labelling.services.requests import prepare_question, send_questions
from labelling.services.specifications import attach_template, prepare_version
from labelling.services.support import ask_support
from labelling.services.suspension_grounds import enter_ground
from labelling.services.suspensions import Terms, propose_lifting, propose_suspension
from labelling.services.visit_pieces import add_visit_piece
from labelling.services.visits import plan_visit
from territories.choices import AuthorityKind, Capacity, DecisionKind, Role
from territories.models import Decision, SignatureRun
from territories.services.decisions import decline_decision, propose_decision, sign_decision
from tests import factories as make
from tests import samples


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
    visit = plan_visit(
        label=label,
        reason="sample",
        planned_date=timezone.localdate(),
        agents=[mandates["ars"]],
        mandate=mandates["ars"],
        at=timezone.now(),
    )
    photo = add_visit_piece(
        visit=visit,
        criterion=None,
        name="entree.jpg",
        content=samples.image(),
        mandate=mandates["ars"],
        at=timezone.now(),
    )
    original = make.paper_original(files["awaiting"], mandates["ars"], mandates["ars_signe"])
    envelope = Envelope.objects.create(
        line=BudgetLine.objects.get(code="fir"), year=2026, departement=inside, ceiling=100_000
    )
    grant = Grant.objects.create(
        label=label, envelope=envelope, amount=40_000, purpose="essai", proposed_at=make.NOW, state=GrantState.PROPOSED
    )
    edition = compute_edition(quarter="2026T4", at=timezone.now()).edition
    draft = prepare_version(mandate=mandates["national"], at=timezone.now())
    attach_template(
        specification=draft,
        code="presence-medicale",
        name="planning.pdf",
        content=make.blank_pdf(),
        mandate=mandates["national"],
        revision=draft.revision,
        at=timezone.now(),
    )
    draft.refresh_from_db()
    piece = add_evidence(
        application=files["reviewed"],
        author=owner,
        criterion=None,
        sent=SentFile("planning.pdf", samples.pdf(), make.NOW.date()),
        at=timezone.now(),
    )
    by_link, in_portal = _opinions(files["reviewed"], mandates, piece)
    run = BulkRun.objects.create(key=uuid4(), action=BulkAction.SHARE, mandate=mandates["ars"], created_at=make.NOW)
    signing = SignatureRun.objects.create(key=uuid4(), mandate=mandates["ars_signe"], created_at=make.NOW)
    arguments = {
        "parapheur-run": {"run": signing.pk},
        "saved-view-delete": {"pk": SavedView.objects.create(user=people["ars"], name="À moi").pk},
        "bulk-run": {"pk": run.pk},
        "opinion-ask": {"number": files["reviewed"].number},
        "opinion": {"pk": in_portal.pk},
        "opinion-piece": {"pk": in_portal.pk, "piece": piece.pk},
        "opinion-revoke": {"pk": by_link.pk},
        "opinion-link": {"token": link_of(by_link)},
        "opinion-link-piece": {"token": link_of(by_link), "piece": piece.pk},
        "help-role": {"role": "structure"},
        **{key: {"app": "labelling", "name": "silence"} for key in ("mail-edit", "mail-preview")},
        "interest": {"number": files["reviewed"].number},
        "note": {"number": files["reviewed"].number},
        "application-tag": {"number": files["reviewed"].number},
        "application-fields": {"number": files["reviewed"].number},
        "application-follow": {"number": files["reviewed"].number},
        "presence": {"number": files["reviewed"].number},
        "surroundings": {"number": files["reviewed"].number},
        **_network(home, mandates["ars"]),
        "password-reset-confirm": {"uidb64": "xx", "token": "xx-xx"},
        "invitation": {"token": "inconnue"},
        "registration": {"token": "inconnue"},
        "decision": {"pk": files["awaiting"].pk},
        "decision-pdf": {"pk": files["awaiting"].pk},
        "decision-decline": {"pk": files["awaiting"].pk},
        "evidence-list": {"number": files["reviewed"].number},
        "evidence-file": {"number": files["reviewed"].number, "pk": piece.pk},
        "evidence-remove": {"number": files["reviewed"].number, "pk": piece.pk},
        "thread": {"number": files["reviewed"].number},
        "thread-read": {"number": files["reviewed"].number},
        "paper": {"pk": files["awaiting"].pk},
        "paper-printable": {"pk": files["awaiting"].pk},
        "paper-original": {"pk": files["awaiting"].pk, "original": original.pk},
        "paper-scan": {"pk": files["awaiting"].pk, "original": original.pk},
        "paper-reject": {"pk": files["awaiting"].pk, "original": original.pk},
        "draft-additions": {"number": files["reviewed"].number},
        "template-edit": {"pk": DecisionTemplate.objects.get(kind="label_granted").pk},
        "template-preview": {"pk": DecisionTemplate.objects.get(kind="label_granted").pk},
        "former-decision": {"number": label.application.number, "pk": label.decision_id},
        "former-decision-pdf": {"number": label.application.number, "pk": label.decision_id},
        "disagreement": {"number": files["torn"].number},
        "disagreement-act": {"number": files["torn"].number, "action": "reprendre"},
        "application-close": {"number": files["reviewed"].number},
        "appeals": {"number": files["reviewed"].number},
        "appeal-act": {"number": files["torn"].number, "action": "presenter"},
        "appeal-answer": (answer := _appealed(home, inside, mandates)),
        "appeal-answer-pdf": answer,
        "claim": {"line": make.register_line().pk},
        "claim-siret": {"siret": "89012345800014"},
        "claim-code": {"line": make.register_line().pk},
        "prospect": {"line": make.register_line().pk},
        "structure-invitation": {"token": "inconnue"},
        "application-confirm": {"number": _invited(home, mandates["ars"]).number},
        "structure-access": {"pk": home.pk},
        "application-start": {"pk": home.pk},
        "application": {"number": files["reviewed"].number},
        "application-receipt": {"number": files["reviewed"].number},
        "application-pdf": {"number": files["reviewed"].number},
        "application-abandon": {"number": files["reviewed"].number},
        "application-requests": {"number": files["reviewed"].number},
        "application-request": {
            "number": files["reviewed"].number,
            "pk": _question(files["reviewed"], mandates["ars"], owner).pk,
        },
        "application-questions": {"number": files["reviewed"].number},
        "application-changes": {"number": files["reviewed"].number},
        "application-correct": {"number": files["reviewed"].number, "step": "horaires"},
        "application-act": {"number": files["reviewed"].number, "action": "prendre-en-charge"},
        "decision-letter": {"number": label.application.number},
        "application-decision-pdf": {"number": label.application.number},
        "application-step": {"number": files["draft"].number, "step": "horaires"},
        "application-autosave": {"number": files["draft"].number, "step": "horaires"},
        "place": {"number": label.number},
        "label": {"number": label.number},
        "label-certificate": {"number": label.number},
        "label-plaque": {"number": label.number},
        "verify-label": {"number": label.number},
        "label-end": {"number": label.number},
        "label-amend": {"number": label.number},
        "label-attestation": {"number": label.number},
        "label-alerts": {"number": label.number},
        "label-baseline": {"number": label.number},
        "visit-new": {"number": label.number},
        "visit": {"number": label.number, "pk": visit.pk},
        "visit-report": {"number": label.number, "pk": visit.pk},
        "visit-pieces": {"number": label.number, "pk": visit.pk},
        "visit-piece": {"number": label.number, "pk": visit.pk, "piece": photo.pk},
        "visit-act": {"number": label.number, "pk": visit.pk, "action": "annuler"},
        "label-procedure": {"number": label.number},
        "label-to-read": {"number": label.number},
        "label-suspend": {"number": label.number},
        **{
            name: {"number": files["suspended"].number}
            for name in ("label-suspension", "label-suspension-pdf", "label-lift", "label-lifting", "label-lifting-pdf")
        },
        "label-ending": {"number": files["ended"].number},
        "label-ending-pdf": {"number": files["ended"].number},
        "label-act": {"number": label.number, "action": "clore"},
        "specification-version": {"version": "1.0"},
        "specification-diff": {"before": "1.0", "after": "1.0"},
        "specification-edit": {"pk": draft.pk},
        "criterion-edit": {"pk": draft.pk, "code": "presence-medicale"},
        "criterion-template": {"pk": draft.pk, "code": "presence-medicale"},
        "evidence-template": {"version": draft.version, "code": "presence-medicale"},
        "specification-publish": {"pk": draft.pk},
        "specification-trial": {"pk": draft.pk},
        "wave": {"number": 4},
        "wave-edit": {"number": 4},
        "wave-open": {"number": 4},
        "quota-import": {"number": 4},
        "quota-edit": {"number": 4, "code": "98"},
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
    label = _labelled(home, inside, mandates)
    render_missing_documents(at=timezone.now())
    _consider_its_end(label, mandates["ars"])
    ended = _labelled(home, inside, mandates)
    _end(ended, mandates)
    suspended = _labelled(home, inside, mandates)
    _suspend_and_lift(suspended, mandates)
    torn = make.application(_sibling(home), state=ApplicationState.UNDER_REVIEW)
    declined = _decide(torn, inside)
    type(torn).objects.filter(pk=torn.pk).update(state=ApplicationState.AWAITING_SIGNATURES, decision=declined)
    decline_decision(decision=declined, mandate=mandates["préfet_signe"], reason="essai", at=timezone.now())
    return {
        "reviewed": reviewed,
        "draft": draft,
        "awaiting": awaiting,
        "label": label,
        "ended": ended,
        "suspended": suspended,
        "torn": torn,
    }


def _invited(home, mandate):
    """A draft of the home structure's people that answers an invitation."""
    other = _sibling(home)
    draft = make.application(other, route=Route.ACCELERATED)
    now = timezone.now()
    ProspectInvitation.objects.create(
        line=other.register_line,
        application=draft,
        mandate=mandate,
        address=InvitationAddress.OWNER,
        invited_at=now,
        expires_at=now + timedelta(days=30),
    )
    return draft


def _question(application, mandate, membership):
    """One question of the ARS on the opening days, sent and read."""
    now = timezone.now()
    criterion = application.specification.criteria.get(code="cinq-jours-sur-sept")
    question = prepare_question(
        application=application, criterion=criterion, question="essai", required=False, mandate=mandate, at=now
    )
    application.refresh_from_db()
    deadline = timezone.localdate() + timedelta(days=21)
    send_questions(application=application, mandate=mandate, deadline=deadline, version=application.version, at=now)
    read_questions(application=application, membership=membership, at=now)
    return question


def _opinions(application, mandates, piece):
    """One opinion asked of an address, one of the partner's authority."""
    bodies = [
        ConsultedBody.objects.create(
            kind=BodyKind.URPS, name="l’URPS", departement=application.departement, email="urps@exemple.invalid"
        ),
        ConsultedBody.objects.create(
            kind=BodyKind.DEPARTEMENT,
            name="le conseil départemental",
            departement=application.departement,
            authority=mandates["avis"].authority,
        ),
    ]
    return ask_opinions(
        application=application,
        bodies=bodies,
        question="essai",
        parts=OpinionPart.values,
        pieces=[piece],
        due_date=timezone.localdate() + timedelta(days=15),
        mandate=mandates["ars"],
        at=timezone.now(),
    )


def _labelled(home, inside, mandates):
    """A label of the same people, signed by both and notified."""
    done = make.application(_sibling(home), state=ApplicationState.UNDER_REVIEW)
    signed = _decide(done, inside)
    type(done).objects.filter(pk=done.pk).update(state=ApplicationState.AWAITING_SIGNATURES, decision=signed)
    _sign(signed, mandates)
    label = Label.objects.get(application=done)
    store_act(decision=label.decision)
    Label.objects.filter(pk=label.pk).update(notified_at=timezone.now())
    label.refresh_from_db()
    return label


def _sign(decision, mandates):
    for role in ("ars_signe", "préfet_signe"):
        sign_decision(decision=decision, mandate=mandates[role], content_hash=decision.content_hash, at=timezone.now())


def _appealed(home, inside, mandates):
    """A refusal of the same people, contested; the answer is signed by both and read."""
    file = make.application(_sibling(home), state=ApplicationState.UNDER_REVIEW)
    owner = file.structure.memberships.get(role=MembershipRole.OWNER)
    refusal = _decide(file, inside, DecisionKind.LABEL_REFUSED)
    type(file).objects.filter(pk=file.pk).update(state=ApplicationState.AWAITING_SIGNATURES, decision=refusal)
    _sign(refusal, mandates)
    file.refresh_from_db()
    read_decision(application=file, membership=owner, at=timezone.now())
    appeal = lodge_appeal(application=file, membership=owner, text="essai", version=file.version, at=timezone.now())
    by = {"application": file, "appeal": appeal.pk, "mandate": mandates["ars"], "at": timezone.now()}
    draft_answer(outcome=AppealOutcome.REJECTED, answer="essai", version=file.version, **by)
    decision = propose_answer(version=file.version, **by)
    _sign(decision, mandates)
    appeal.refresh_from_db()
    read_answer(appeal=appeal, membership=owner, at=timezone.now())
    store_act(decision=appeal.answer_decision)
    return {"number": file.number, "pk": appeal.pk}


def _end(label, mandates):
    """Abrogate a label at the request of its holder, who has read the act."""
    ending = propose_ending_on_request(
        label=label,
        ground=EndingGround.objects.get(code="demande-du-titulaire"),
        mandate=mandates["ars"],
        facts="La structure l’a demandé.",
        effect_date=timezone.localdate() + timedelta(days=60),
        version=label.version,
        at=timezone.now(),
    )
    _sign(ending.decision, mandates)
    ending.refresh_from_db()
    owner = label.structure.memberships.filter(role=MembershipRole.OWNER).first()
    read_act(act=ending, membership=owner, at=timezone.now())
    store_act(decision=ending.decision)


def _suspend_and_lift(label, mandates):
    """Suspend a label on an invented text, then lift it; its holder has read both acts."""
    now, today = timezone.now(), timezone.localdate()
    ground = enter_ground(
        title="essai",
        source="arrêté d’essai",
        articles="son article 1er",
        reason="qu’il en est ainsi",
        help_text="essai",
        adversarial=False,
        since=today,
        mandate=mandates["national"],
        at=now,
    )
    terms = Terms(
        facts="essai",
        expected="essai",
        effect_date=today + timedelta(days=10),
        review_date=today + timedelta(days=40),
    )
    suspension = propose_suspension(
        label=label, ground=ground, terms=terms, mandate=mandates["ars"], version=label.version, at=now
    )
    owner = label.structure.memberships.filter(role=MembershipRole.OWNER).first()
    _sign(suspension.decision, mandates)
    suspension.refresh_from_db()
    read_act(act=suspension, membership=owner, at=timezone.now())
    label.refresh_from_db()
    lifting = propose_lifting(
        label=label,
        facts="essai",
        effect_date=None,
        mandate=mandates["ars"],
        version=label.version,
        at=timezone.now(),
    )
    _sign(lifting.decision, mandates)
    lifting.refresh_from_db()
    read_act(act=lifting, membership=owner, at=timezone.now())
    for act in (suspension, lifting):
        store_act(decision=act.decision)


def _consider_its_end(label, mandate):
    today = timezone.localdate()
    open_procedure(
        label=label,
        ground=EndingGround.objects.get(code="condition-non-remplie"),
        facts="L’infirmier est parti.",
        effect_date=today + timedelta(days=60),
        deadline=today + timedelta(days=20),
        mandate=mandate,
        version=label.version,
        at=timezone.now(),
    )


def _sibling(home):
    other = make.structure()
    for membership in home.memberships.all():
        make.membership(other, membership.user, MembershipRole(membership.role))
    return other


def _decide(application, inside, kind=DecisionKind.LABEL_GRANTED) -> Decision:
    return propose_decision(
        kind=kind,
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


def _network(home, ars):
    """A service of the palette, a community and a request for support in the département, as addresses take them."""
    place = home.departement
    service = Offering.objects.create(
        kind="mobile", name="Bus d’essai", provider="Association d’essai", departement=place
    )
    community = Community.objects.create(name="Communauté d’essai", sort_key="communaute d essai", departement=place)
    asked = ask_support(
        departement=place, kind="siting", title="Un lieu", text="Lequel ?", mandate=ars, at=timezone.now()
    )
    return {
        "palette": {"code": place.pk},
        "offering-new": {"code": place.pk},
        "offering": {"code": place.pk, "pk": service.pk},
        "community-new": {"code": place.pk},
        "community": {"code": place.pk, "pk": community.pk},
        "community-action": {"code": place.pk, "pk": community.pk},
        "support-request": {"pk": asked.pk},
    }
