# What pages say, in French.

## Frame
nav-inbox = Boîte de réception
nav-overview = Vue d’ensemble
nav-findings = Constats
nav-sensors = Capteurs
nav-rules = Règles
nav-reports = Rapports
nav-alarms = Alarmes
nav-users = Personnes
nav-audit = Journal d’audit
nav-main = Principal
nav-account = Votre compte
skip-to-content = Aller au contenu
sign-out = Se déconnecter
keys-hint = Touches : j et k déplacent, Entrée ouvre, / cherche, ? affiche ceci
role-viewer = lecteur
role-analyst = analyste
role-rule-editor = éditeur de règles
role-fleet = parc de capteurs
role-administrator = administrateur
role-isp-contact = contact du fournisseur
scope-nation = tout le pays
none-yet = Rien pour l’instant.
never = jamais
yes = oui
no = non
save = Enregistrer
add = Ajouter

## Login
login-title = Connexion
login-user = Nom d’utilisateur
login-password = Mot de passe
login-code = Code à usage unique, si vous en avez un
login-stale = Le formulaire avait expiré. Veuillez réessayer.
login-paused = Trop d’échecs. Attendez { $count } min et réessayez.
login-wrong = Ce nom, ce mot de passe et ce code ne vont pas ensemble.

## Account
account-title = Votre compte
account-language = Langue
account-language-browser = selon le navigateur
account-second-factor = Second facteur
account-second-factor-on = Un second facteur est en place : chaque connexion exige un code.
account-second-factor-off = Aucun second facteur. Configurez-en un maintenant.
account-second-factor-how = Scannez ceci avec une application d’authentification, ou saisissez la clé, puis entrez le code affiché.
account-second-factor-key = Clé
account-code = Code
account-second-factor-set = Configurer
account-second-factor-replace = Le remplacer
account-tokens = Jetons pour programmes
account-token-name = À quoi il sert
account-token-scopes = Ce qu’il peut faire
account-token-days = Jours
account-token-until = Jusqu’à, UTC
account-token-used = Dernier usage, UTC
account-token-revoke = Révoquer
account-token-over = terminé
account-token-new = Le nouveau jeton, affiché une seule fois :

## People
users-title = Personnes
users-add = Ajouter une personne
users-name = Nom
users-role = Rôle
users-sees = Voit
users-last-login = Dernière connexion, UTC
users-disable = Désactiver
users-disabled = désactivé
users-reset = Nouveau mot de passe
users-secret = Mot de passe de { $value }, affiché une fois :
tenants-title = Fournisseurs et secteurs
tenants-kind = Type
tenants-provider = fournisseur
tenants-sector = secteur
tenants-full-name = Nom complet
tenants-add = Ajouter un fournisseur ou un secteur

## Audit
audit-title = Journal d’audit
audit-whole = { $count } lignes, chacune liée à la précédente : aucune n’a changé. Notez cette empreinte ailleurs :
audit-broken = La ligne { $count } n’est pas ce qu’elle était.
audit-when = Quand, UTC
audit-who = Qui
audit-what = Quoi
audit-subject = Sur quoi

## Findings
findings-count = { $count ->
    [one] { $count } constat
   *[other] { $count } constats
    }

## Sensors
sensors-place = Où il se trouve
sensors-nowhere = aucun fournisseur ni secteur

## Words used everywhere
search = Chercher
sensor = Capteur
provider = Fournisseur
finding = Constat
source = Source
destination = Destination
rule = La règle
category = Catégorie
class-type = Classe
references = Références
case = Dossier
ago-seconds = il y a { $count } s
ago-minutes = il y a { $count } min
ago-hours = il y a { $count } h
ago-days = il y a { $count } j
ago-future = dans le futur
severity-high = Élevée
severity-medium = Moyenne
severity-low = Faible
severity-info = Info
sensors-count = { $count ->
    [one] { $count } capteur
   *[other] { $count } capteurs
    }

## Inbox
inbox-groups = { $count ->
    [one] { $count } groupe
   *[other] { $count } groupes
    }
inbox-open = Ouverts
inbox-mine = Les miens
inbox-free = À personne
inbox-closed = Clos
inbox-search = Mots de la règle, un sid ou une classe
inbox-empty = Rien ici. Calme ne veut pas dire aveugle : voyez si les capteurs sont en contact.
inbox-folded = { $count ->
    [one] { $count } groupe replié
   *[other] { $count } groupes repliés
    }
inbox-with-chosen = Avec les choisis
tier-infection = Abonnés infectés qui communiquent
tier-critical = Infrastructures critiques
tier-widespread = Vu par de nombreux fournisseurs
tier-grave = Graves
tier-other = Autres
tier-noise = Bruit
reason-infection = { $count ->
    [one] { $count } constat d’un abonné qui appelle l’extérieur
   *[other] { $count } constats d’abonnés qui appellent l’extérieur
    }
reason-critical = { $count ->
    [one] { $count } constat touche une infrastructure critique
   *[other] { $count } constats touchent une infrastructure critique
    }
reason-many-providers = { $count ->
    [one] vu par { $count } fournisseur
   *[other] vu par { $count } fournisseurs à la fois
    }
reason-severity-high = la règle dit : élevée
reason-severity-medium = la règle dit : moyenne
reason-severity-low = la règle dit : faible
reason-severity-info = la règle dit : pour information
reason-came-back = { $count ->
    [one] revenu après clôture
   *[other] revenu { $count } fois après clôture
    }
reason-silent = { $count ->
    [one] silencieux depuis { $count } jour
   *[other] silencieux depuis { $count } jours
    }
came-back = revenu
closed-at = clos { $value }
act-do = Appliquer
act-take = Prendre
act-assign = Attribué à
act-classify = Classe (RSIT)
act-merge = Dossier
act-notified = Prévenu
act-notified-whom = qui, et comment
act-comment = Commenter
act-close = Clore
act-close-with = Clore avec ce mot
act-reopen = Rouvrir
views-title = Vues enregistrées
views-name = Enregistrer cette vue sous
views-share = aussi pour les collègues
views-forget = Oublier { $value }
cases-title = Dossiers
cases-new = Ouvrir un dossier
cases-empty = Aucun groupe dans ce dossier.

## A group
group-why = Pourquoi ce rang
group-days = Constats par jour, 30 jours
group-places = Où cela a été vu
group-newest = Les constats les plus récents
group-all-findings = Tous les constats de ce groupe
group-work = Traiter
group-facts = Ce qu’on sait
group-timeline = Ce qui a été fait
playbook = Que faire d’abord
playbook-infected = Donnez au fournisseur le capteur, l’heure à la milliseconde, le port source et l’autre extrémité ; il trouve l’abonné. Cherchez cette extrémité chez tous les fournisseurs : qui lui parle est infecté aussi. Closez après une semaine de silence.
playbook-scan = Les scans venus de l’extérieur sont la météo : agissez si plusieurs fournisseurs voient la même source, ou si elle a trouvé quelque chose. Un scan venant d’un abonné est une infection : traitez-le ainsi.
playbook-brute-force = Cherchez une connexion réussie après les échecs. Dites au propriétaire de la cible de changer les mots de passe, d’activer un second facteur et de limiter les accès.
playbook-exploit = Voyez la réponse de la cible : les octets vers le client disent si cela a réussi. Dites au propriétaire quel produit est visé et où est le correctif. Cherchez la source sur tous les capteurs.
playbook-denial = Demandez au fournisseur de la cible le débit et si les sources sont falsifiées. Demandez un filtrage en amont. Le trafic réfléchi vient de services ouverts : trouvez et fermez les nôtres.
playbook-other = Lisez la règle et ses références, puis voyez qui d’autre a vu chaque extrémité. Si ce n’est rien, dites pourquoi et closez ; cela revient tout seul.
event-assigned = attribué
event-comment = commentaire
event-classified = classé
event-tlp = TLP fixé
event-notified = personnes concernées prévenues
event-closed = clos
event-reopened = rouvert
event-relapse = revenu tout seul
event-merged = mis dans un dossier
fact-findings = Constats
fact-alerts = Alertes
fact-sensors = Capteurs
fact-providers = Fournisseurs
fact-first = Première fois, UTC
fact-last = Dernière fois, UTC
fact-stored = Connu ici depuis, UTC
fact-notified = Prévenu, UTC
fact-closed = Clos, UTC

## Findings
filter = Filtrer
filter-query = Requête : severity:high since:7d host:bad.example mots
filter-since = Depuis
filter-until = Jusqu’à
filter-severity = Gravité
filter-rule = Règle
filter-address = Adresse
filter-host = Hôte
filter-any = toutes
filter-medium-up = moyenne et plus
filter-low-up = faible et plus
filter-remove = Retirer le filtre { $value }
filter-remove-all = Tout retirer
filter-more = Plus de filtres
download-csv = Télécharger en CSV
pages = Pages
pages-newest = Plus récents
pages-older = Plus anciens
withheld = masqué
pseudonym = pseudonyme
withheld-means = La politique du fournisseur masque cette adresse.
pseudonym-means = Pseudonyme sous la clé { $value } du fournisseur. Lui seul peut le lever.
finding-said = Ce qui a été dit
finding-no-facts = Le capteur n’a envoyé aucun fait applicatif.
finding-when = Quand, UTC
finding-how-much = Combien
finding-origin = D’où cela vient
finding-rule-unknown = Le texte de cette règle est inconnu ici. Ajoutez-le avec :
finding-who-else = Qui d’autre a vu { $value }
finding-who-nobody = Aucun autre capteur ne l’a vu.
finding-group = Son groupe
go-on = Continuer
go-same-rule = Constats de cette règle
go-same-sensor = Constats de ce capteur
go-address = Constats avec { $value }

## A finding
direction-to-server = vers le serveur
direction-to-client = vers le client
direction-unknown = sans flux
packets-count = { $count ->
    [one] { $count } paquet
   *[other] { $count } paquets
    }
finding-first-packet = Premier paquet
finding-last-packet = Dernier paquet
finding-flow-began = Début du flux
finding-written = Écrit par le capteur
finding-clock = Horloge du capteur
finding-stored = Stocké ici
finding-alerts = Alertes dans ce constat
finding-protocol = Protocole
finding-action = Action de la règle
finding-batch = Lot
finding-record = Enregistrement
finding-policy = Politique

## Overview
summary-missing = enregistrements manquants
summary-doubled = enregistrements en double
summary-over-time = Constats dans le temps
summary-bar = une barre = { $value }
summary-peak = la plus haute { $value }
summary-by-rule = Par règle
summary-by-sensor = Par capteur
summary-by-provider = Par fournisseur
summary-by-category = Par catégorie
summary-fleet = Le parc

## Sensors
condition-pending = attend l’approbation
condition-revoked = exclu
condition-offline = hors ligne
condition-unknown = inconnu
condition-blind = aveugle
condition-wrong-clock = horloge fausse
condition-starved = budget épuisé
condition-stale-rules = règles périmées
condition-seeing = voit
condition-quiet = calme
cause-approval = une personne doit comparer sa clé et décider
cause-decision = décision d’une personne
cause-never-heard = jamais entré en contact
cause-silent = { $count ->
    [one] muet depuis { $count } heure
   *[other] muet depuis { $count } heures
    }
cause-no-status = en contact, mais n’a rien dit de lui
cause-no-packets = capture : aucun paquet n’arrive
cause-not-decoded = décodage : { $count } % des paquets incompris
cause-dropped = capture : { $count } % des paquets perdus
cause-no-policy = politique : attend la signature du fournisseur
cause-clock-unset = horloge : jamais réglée
cause-clock-ahead = horloge : en avance de { $count } min
cause-held = liaison : le plus ancien attend depuis { $count } h
cause-old-pack = règles : pas le dernier paquet
cause-no-rules = règles : aucune chargée
cause-findings = { $count ->
    [one] { $count } constat en un jour
   *[other] { $count } constats en un jour
    }
cause-traffic = voit du trafic, rien dedans
sensors-none = Aucun capteur inscrit. Créez un bon avec :
sensors-condition = État
sensors-explain = Chaque capteur numérote ses enregistrements sans trou : produits = stockés + évincés + manquants. Évincé : perdu par un disque plein, et dit ; manquant : en route, ou perdu.
sensor-identity = Identité
sensor-fingerprint = Empreinte de la clé
sensor-asked = Inscription demandée
sensor-decided = Décidé
sensor-decided-by = Décidé par
sensor-certificate = Certificat jusqu’au
sensor-contact = Dernier contact
sensor-address = Dernière adresse
sensor-batches = Lots stockés
sensor-batches-again = Lots revenus
sensor-batches-unreadable = Lots illisibles
sensor-batches-conflicting = Lots en conflit
sensor-records-again = Enregistrements revenus
sensor-findings-told = Constats selon ses résumés
sensor-findings-kept-back = Retenus par sa politique
sensor-heartbeat = Battement
sensor-software = Logiciel
sensor-pack = Paquet de règles
sensor-waiting = En attente là-bas
sensor-decide = Décider
sensor-compare = Demandez au technicien de lire l’empreinte sur l’appareil. N’approuvez que si elle est identique à celle-ci.
sensor-approve = Approuver { $value }
sensor-revoke = Révoquer { $value }
sensor-machine = Ce que l’appareil dit de lui
coverage = Ce qui a été inspecté
coverage-until = Jusqu’à
coverage-packets = Paquets
coverage-decoded = Paquets compris
coverage-dropped = Paquets perdus
coverage-bytes = Octets
coverage-inspected = Inspecté
coverage-rules = Règles actives
coverage-unsupported = Règles non prises en charge
coverage-vetoed = Règles refusées par le fournisseur
books = Comptes
books-balance = justes
books-alarms = justes, avec alarmes
books-nothing = rien encore
books-missing = { $count } manquants
books-doubled = { $count } en double
books-by-lane = Comptes par voie
books-outbox = Boîte d’envoi
books-lane = Voie
books-produced = Produits
books-stored = Stockés
books-evicted = Évincés
books-lost = Manquants
books-holes = Numéros manquants
alarms = Alarmes
alarm-detail = Détail

## News and reports
live-news = nouveaux constats.
live-show = Les afficher
report-weekly = Rapport hebdomadaire
report-monthly = Rapport mensuel
report-period = Période
report-week = sept jours
report-month = mois civil
report-end = Avant ce jour
report-show = Afficher
report-trend = par rapport à la période précédente
report-matters = Ce qui a compté
report-tier = Rang
report-work = Durée du traitement
report-step = Étape
report-median = Médiane
report-of = Groupes
report-detect = jusqu’à connaissance ici
report-notify = jusqu’à prévenir les concernés
report-remediate = jusqu’à clôture
report-classes = Groupes par classe (RSIT)
report-made = Établi { $value } d’après les sommes de la base.

## Rules desk
rules-known = { $value } règles connues
rules-draft = Brouillon, en langage Suricata
rules-check = Vérifier et rejouer sur les captures
rules-import = Faire connaître ces textes aux pages
rules-captures = { $count ->
    [one] { $count } capture dans
   *[other] { $count } captures dans
    }
rules-result = Ce que donne le brouillon
rules-imported = Les pages connaissent ces règles. Les capteurs les auront à la publication.
rules-run = Règles utilisables
rules-refused = Refusées
rules-size = Taille du paquet
rules-message = Message
rules-difference = Par rapport au connu
rules-alerts = Alertes
rules-back-test = Sur les captures
rules-capture = Capture
rules-took = Durée
rules-who-runs = Quel capteur utilise quoi
rules-published = Publié { $value } UTC :
rules-not-published = Aucun paquet publié :
rules-newest = le dernier
rules-older = un autre
draft-new = nouvelle
draft-changed = modifiée
draft-not-newer = modifiée, mais rev n’est pas plus élevé
draft-same = identique

## Questions in SQL
sql-title = Questions en SQL
sql-explain = Un seul SELECT sur les tables ci-dessous. Seulement vos propres lignes, { $value } s au plus, en lecture seule ; ce que vous demandez est inscrit au journal d’audit.
sql-question = La question
sql-ask = Demander
sql-answer = La réponse
sql-cut = Il y a d’autres lignes : ajoutez LIMIT ou faites une somme, ou téléchargez tout ce qu’une réponse peut contenir.
sql-examples = Pour commencer
sql-tables = Tables et colonnes
sql-example-ports = Quels ports ont été visés ces sept derniers jours
sql-example-many-sensors = Quelles adresses plusieurs capteurs ont vues
sql-example-rules = Quelles règles trouvent le plus, et sur combien de capteurs
sql-example-hours = Les heures les plus chargées des capteurs
sql-rows = { $count ->
    [one] { $count } ligne
   *[other] { $count } lignes
    }

## Suppressions
suppressions-title = Mises en sourdine
suppressions-explain = Rien n’est perdu : ces constats sont stockés, trouvés et comptés dans toutes les sommes. Ils restent hors des groupes de la boîte de réception et ne déclenchent aucune alarme. Ce qui était déjà dans un groupe y reste.
suppressed-this-week = { $count ->
    [one] { $count } constat mis en sourdine en sept jours
   *[other] { $count } constats mis en sourdine en sept jours
    }
suppressions-what = Quoi
suppressions-why = Pourquoi
suppressions-week = En sept jours
suppressions-all = En tout
suppressions-since = Depuis, UTC
suppressions-until = Jusqu’au, UTC
suppressions-ended = terminée
suppressions-expired = expirée
suppressions-end = Terminer
suppressions-add = Mettre en sourdine dès maintenant
suppressions-network = Réseau d’une extrémité
suppressions-days = Jours
suppressions-close = et fermer le groupe de la règle
suppressions-do = Mettre en sourdine
suppress-this-rule = Mettre cette règle en sourdine…
finding-suppressed = Tenu hors de son groupe par la mise en sourdine

## Alarms by mail and webhook
alarms-explain = Personnes et programmes sont avertis de ce qui arrive dès qu’une règle est créée, de chaque chose une fois. Un message nomme des règles, des capteurs et des nombres, jamais une adresse ni un contenu. Le courrier passe par le serveur d’exchange.toml.
alarms-secret = Secret de { $value }, montré une seule fois :
alarms-targets = Qui est averti
alarms-address = Adresse de courriel ou https://
alarms-pause = Minutes entre deux messages
alarms-authority = Certificats de son autorité (PEM), si les navigateurs ne la connaissent pas
alarms-add-target = Ajouter
alarms-try = Essayer
alarms-remove = Retirer
alarms-rules = De quoi
alarms-what = Quoi
alarms-where = Où
alarms-whom = À qui
alarms-kind-group = Un groupe apparaît, s’aggrave ou revient
alarms-kind-sensor = Un capteur devient
alarms-kind-batch = Un lot pose problème
alarms-messages = Messages
alarms-events = Événements
alarms-state = État
alarms-state-waiting = en attente
alarms-state-sent = envoyé
alarms-state-given-up = abandonné
alarms-count = { $count ->
    [one] { $count } alarme
   *[other] { $count } alarmes
    }
alarms-more = { $count ->
    [one] { $count } autre du même genre
   *[other] { $count } autres du même genre
    }
alarms-look = Pour en savoir plus : les pages du centre.
alarms-test = Un essai de { $value } : les messages arrivent.
