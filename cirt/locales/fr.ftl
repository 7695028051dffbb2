# What pages say, in French.

## Frame
nav-inbox = Boîte de réception
nav-overview = Vue d’ensemble
nav-findings = Constats
nav-sensors = Capteurs
nav-rules = Règles
nav-reports = Rapports
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
