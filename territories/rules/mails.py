"""The merge fields of mails: what each expression of a template is called, and says. Pure.

The original of a mail is its template. What varies in it is a merge field: a value has the name that this list gives to its
expression; a passage that depends on the case is ``{selon_1}``, ``{selon_2}``… in the order of the original.
"""

from collections.abc import Mapping
from dataclasses import dataclass

SUBJECT = "objet"
"""The field of the original subject, for the subject of a written one."""


@dataclass(frozen=True, slots=True)
class Named:
    """The name of an expression and what it says. ``needed``: a mail without it would be of no use, or not lawful."""

    name: str
    meaning: str
    needed: bool = False


NAMES: Mapping[str, Named] = {
    "portal": Named("portail", "adresse du portail"),
    "url": Named("lien", "adresse de la page à ouvrir", needed=True),
    "letter": Named("lien_decision", "adresse de la décision", needed=True),
    "act": Named("lien_acte", "adresse de l’acte", needed=True),
    "link": Named("lien_invitation", "lien à usage unique", needed=True),
    "reset": Named("lien_mot_de_passe", "adresse pour un nouveau mot de passe"),
    "setting": Named("lien_reglage", "adresse du réglage de ce courriel", needed=True),
    "changes": Named("lien_ecarts", "adresse de ce qui change"),
    "code": Named("code", "code à usage unique", needed=True),
    "structure.name": Named("structure", "nom de la structure"),
    "structure.commune.name": Named("commune", "commune de la structure"),
    "application.number": Named("dossier", "numéro du dossier"),
    "application.silence_date|long_date": Named("rejet_implicite_le", "date du rejet implicite", needed=True),
    "until|long_date": Named("jusqu_au", "date à laquelle le silence vaut rejet", needed=True),
    "appeal_until|long_date": Named("recours_jusqu_au", "dernier jour pour contester", needed=True),
    "court": Named("juridiction", "tribunal compétent", needed=True),
    "received_on|long_date": Named("recu_le", "date de réception"),
    "label.number": Named("label", "numéro du label"),
    "last_day|long_date": Named("dernier_jour", "dernier jour du label"),
    "line.name": Named("structure", "nom de la structure dans le registre"),
    "line": Named("registre", "registre et numéro"),
    "line.commune.name": Named("commune", "commune du registre"),
    "person": Named("personne", "nom de la personne"),
    "amount": Named("montant", "montant en euros"),
    "grant.purpose": Named("objet_du_financement", "objet du financement"),
    "decision.title": Named("decision", "intitulé de la décision"),
    "on|long_date": Named("efface_le", "date de l’effacement", needed=True),
    "appeal.received_date|long_date": Named("recours_recu_le", "date de réception du recours"),
    "appeal.against.label": Named("acte_conteste", "ce que le recours conteste"),
    "visit.visited_date|long_date": Named("visite_du", "date de la visite"),
    "visit.correct_before|long_date": Named("a_corriger_avant_le", "dernier jour pour corriger", needed=True),
    "suspension.review_date|long_date": Named("reexamen_le", "date du réexamen", needed=True),
    "suspension.last_date|long_date": Named("suspension_jusqu_au", "dernier jour de la suspension", needed=True),
    "suspension.expected": Named("attendu", "ce que la suspension attend de la structure", needed=True),
    "due|long_date": Named("du_le", "dernier jour pour répondre", needed=True),
    "presumed_on|long_date": Named(
        "reputes_lus_le", "jour où des motifs non lus sont réputés communiqués", needed=True
    ),
    "communicated_on|long_date": Named("communiques_le", "jour où les motifs sont réputés communiqués", needed=True),
    "court_until|long_date": Named("tribunal_jusqu_au", "dernier jour pour saisir le tribunal", needed=True),
    "refusal": Named("motif_de_l_ecart", "pourquoi la pièce est écartée", needed=True),
    "appeal.get_kind_display": Named("nature_du_recours", "gracieux ou contentieux"),
    "closing.get_ground_display": Named("motif_du_classement", "motif du classement", needed=True),
    "closing.text": Named("explication", "explication des services", needed=True),
    "body.name": Named("organisme", "organisme consulté"),
    'criteria|join:", "': Named("criteres", "critères concernés"),
    "missing": Named("ce_qui_manque", "ce qui manque à la décision"),
    "amendment.get_kind_display": Named("nature_de_la_rectification", "ce qui est rectifié"),
    "amendment.reason": Named("motif_de_la_rectification", "motif de la rectification"),
    "task": Named("etape", "étape des réponses"),
    "reason": Named("motif", "motif de l’agent"),
    "procedure.deadline|long_date": Named("reponse_avant_le", "dernier jour pour répondre", needed=True),
    "procedure.opened_at|long_date": Named("procedure_ouverte_le", "ouverture de la procédure"),
    "opinion.question": Named("question", "question posée à l’organisme"),
    "opinion.asked_at|long_date": Named("avis_demande_le", "date de la demande d’avis"),
    "opinion.asked_by.authority|with_article": Named("autorite", "autorité qui demande l’avis"),
    "invitation.invited_at|long_date": Named("invitee_le", "date de l’invitation"),
    "specification.version": Named("cahier_version", "version du cahier des charges"),
    "specification.transitional_clause": Named("clause_transitoire", "clause transitoire", needed=True),
    "answered": Named("nombre", "nombre de réponses"),
    "answered|plural": Named("s", "« s » s’il y en a plusieurs"),
    "asked": Named("nombre", "nombre de précisions"),
    "asked|plural": Named("s", "« s » s’il y en a plusieurs"),
    "deadline|long_date": Named("avant_le", "dernier jour pour répondre", needed=True),
    "visit.deadline|long_date": Named("reponse_jusqu_au", "dernier jour pour répondre à la visite", needed=True),
    "promise": Named("promesse", "ce que l’invitation ouvre", needed=True),
    "invitation.expires_at|long_date": Named("valable_jusqu_au", "dernier jour du lien", needed=True),
    "invitation.expires_at|clock_time": Named("heure", "heure de fin du lien"),
    "invitation.email": Named("adresse_invitee", "adresse invitée"),
}

LOOPS: Mapping[str, Named] = {
    "authorities": Named("services", "coordonnées des services en charge"),
    "sections": Named("ce_qui_attend", "ce qui attend, compté par page", needed=True),
}
"""Fields of what repeats, by the name of what is walked."""
