# What pages say, in English.

## Frame
nav-inbox = Inbox
nav-overview = Overview
nav-findings = Findings
nav-sensors = Sensors
nav-rules = Rules
nav-reports = Reports
nav-users = People
nav-audit = Audit trail
nav-main = Main
nav-account = Your account
skip-to-content = Skip to the content
sign-out = Sign out
keys-hint = Keys: j and k move, Enter opens, / searches, ? shows this
role-viewer = viewer
role-analyst = analyst
role-rule-editor = rule editor
role-fleet = fleet
role-administrator = administrator
role-isp-contact = provider contact
scope-nation = whole nation
none-yet = Nothing yet.
never = never
yes = yes
no = no
save = Save
add = Add

## Login
login-title = Sign in
login-user = User name
login-password = Password
login-code = One-time code, if you have set one up
login-stale = The form was out of date. Please try again.
login-paused = Too many failed attempts. Wait { $count } min and try again.
login-wrong = That user name, password and code do not go together.

## Account
account-title = Your account
account-language = Language
account-language-browser = as the browser asks
account-second-factor = Second factor
account-second-factor-on = A second factor is set up: each sign-in needs a code.
account-second-factor-off = No second factor is set up. Set one up now.
account-second-factor-how = Scan this with an authenticator app, or type the key, then enter the code it shows.
account-second-factor-key = Key
account-code = Code
account-second-factor-set = Set up
account-second-factor-replace = Replace it
account-tokens = Tokens for programs
account-token-name = What it is for
account-token-scopes = What it may do
account-token-days = Days
account-token-until = Until, UTC
account-token-used = Last used, UTC
account-token-revoke = Revoke
account-token-over = over
account-token-new = The new token, shown once:

## People
users-title = People
users-add = Add a person
users-name = Name
users-role = Role
users-sees = Sees
users-last-login = Last sign-in, UTC
users-disable = Disable
users-disabled = disabled
users-reset = New password
users-secret = Password of { $value }, shown once:
tenants-title = Providers and sectors
tenants-kind = Kind
tenants-provider = provider
tenants-sector = sector
tenants-full-name = Full name
tenants-add = Add a provider or sector

## Audit
audit-title = Audit trail
audit-whole = { $count } lines, each chained to the one before: none was changed. Write this digest down elsewhere:
audit-broken = Line { $count } is not what it was when it was written.
audit-when = When, UTC
audit-who = Who
audit-what = What
audit-subject = To what

## Findings
findings-count = { $count ->
    [one] 1 finding
   *[other] { $count } findings
    }

## Sensors
sensors-place = Where it stands
sensors-nowhere = no provider or sector
