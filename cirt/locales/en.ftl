# What pages say, in English.

## Frame
nav-inbox = Inbox
nav-overview = Overview
nav-findings = Findings
nav-sensors = Sensors
nav-rules = Rules
nav-reports = Reports
nav-alarms = Alarms
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

## Words used everywhere
search = Search
sensor = Sensor
provider = Provider
finding = Finding
source = Source
destination = Destination
rule = The rule
category = Category
class-type = Class
references = References
case = Case
ago-seconds = { $count } s ago
ago-minutes = { $count } min ago
ago-hours = { $count } h ago
ago-days = { $count } d ago
ago-future = in the future
severity-high = High
severity-medium = Medium
severity-low = Low
severity-info = Info
sensors-count = { $count ->
    [one] 1 sensor
   *[other] { $count } sensors
    }

## Inbox
inbox-groups = { $count ->
    [one] 1 group
   *[other] { $count } groups
    }
inbox-open = Open
inbox-mine = Mine
inbox-free = Nobody’s
inbox-closed = Closed
inbox-search = Words of the rule, a sid, or a class
inbox-empty = Nothing here. Quiet is not the same as blind: see whether the sensors are in contact.
inbox-folded = { $count ->
    [one] 1 more group, folded
   *[other] { $count } more groups, folded
    }
inbox-with-chosen = With the chosen ones
tier-infection = Infected subscribers calling out
tier-critical = Critical infrastructure
tier-widespread = Seen by many providers
tier-grave = Grave
tier-other = Other
tier-noise = Noise
reason-infection = { $count ->
    [one] 1 finding of a subscriber that calls out
   *[other] { $count } findings of subscribers that call out
    }
reason-critical = { $count ->
    [one] 1 finding touches critical infrastructure
   *[other] { $count } findings touch critical infrastructure
    }
reason-many-providers = { $count ->
    [one] seen by 1 provider
   *[other] seen by { $count } providers at once
    }
reason-severity-high = the rule says: high
reason-severity-medium = the rule says: medium
reason-severity-low = the rule says: low
reason-severity-info = the rule says: for information
reason-came-back = { $count ->
    [one] came back after it was closed
   *[other] came back { $count } times after it was closed
    }
reason-silent = { $count ->
    [one] silent for 1 day
   *[other] silent for { $count } days
    }
came-back = came back
closed-at = closed { $value }
act-do = Do it
act-take = Take it
act-assign = Assigned to
act-classify = Class (RSIT)
act-merge = Case
act-notified = Told
act-notified-whom = whom, and how
act-comment = Comment
act-close = Close
act-close-with = Close with this word
act-reopen = Open again
views-title = Saved views
views-name = Save this view as
views-share = for colleagues, too
views-forget = Forget { $value }
cases-title = Cases
cases-new = Open a case
cases-empty = No group was put into this case yet.

## A group
group-why = Why it stands where it stands
group-days = Findings a day, 30 days
group-places = Where it was seen
group-newest = The newest findings
group-all-findings = All findings of this group
group-work = Work on it
group-facts = What is known
group-timeline = What was done
playbook = What to do first
playbook-infected = Tell the provider sensor, time to the millisecond, source port and far end; it finds the subscriber. Ask for the far end at all providers: whoever talks to it is infected, too. Close when the subscriber is silent for a week.
playbook-scan = Scans from outside are weather: act when many providers see the same source, or when it found something. A scan from a subscriber is an infection: handle it as one.
playbook-brute-force = Look for a login that succeeded after the failures. Tell the owner of the target to change passwords, switch on a second factor and limit who may connect.
playbook-exploit = See what the target answered: bytes to the client tell whether it worked. Tell the owner which product is meant and where the fix is. Search for the source at all sensors.
playbook-denial = Ask the target’s provider for the rate, and whether the sources are forged. Ask upstream providers to filter. Reflected traffic comes from open services: find and close those of our own.
playbook-other = Read the rule and its references, then look at who else saw either end. If it is nothing, say why in a comment and close; it comes back by itself.
event-assigned = assigned
event-comment = commented
event-classified = classified
event-tlp = TLP set
event-notified = told whom it concerns
event-closed = closed
event-reopened = opened again
event-relapse = came back by itself
event-merged = put into a case
fact-findings = Findings
fact-alerts = Alerts
fact-sensors = Sensors
fact-providers = Providers
fact-first = First seen, UTC
fact-last = Last seen, UTC
fact-stored = Known here since, UTC
fact-notified = Told, UTC
fact-closed = Closed, UTC

## Findings
filter = Filter
filter-query = Query: severity:high since:7d host:bad.example words
filter-since = Since
filter-until = Until
filter-severity = Severity
filter-rule = Rule
filter-address = Address
filter-host = Host
filter-any = any
filter-medium-up = medium and above
filter-low-up = low and above
filter-remove = Remove the filter { $value }
filter-remove-all = Remove all
filter-more = More filters
download-csv = Download as CSV
pages = Pages
pages-newest = Newest
pages-older = Older
withheld = withheld
pseudonym = pseudonym
withheld-means = The provider’s policy withholds this address.
pseudonym-means = Pseudonym under the provider’s key { $value }. Only the provider can turn it back.
finding-said = What was said
finding-no-facts = The sensor sent no facts of the application layer.
finding-when = When, UTC
finding-how-much = How much
finding-origin = Where it comes from
finding-rule-unknown = The text of this rule is not known here. Add it with:
finding-who-else = Who else saw { $value }
finding-who-nobody = No other sensor saw it.
finding-group = Its group
go-on = Go on
go-same-rule = Findings of this rule
go-same-sensor = Findings of this sensor
go-address = Findings with { $value }

## A finding
direction-to-server = to server
direction-to-client = to client
direction-unknown = no flow
packets-count = { $count ->
    [one] 1 packet
   *[other] { $count } packets
    }
finding-first-packet = First packet
finding-last-packet = Last packet
finding-flow-began = Flow began
finding-written = Written by the sensor
finding-clock = Sensor’s clock
finding-stored = Stored here
finding-alerts = Alerts in this finding
finding-protocol = Protocol
finding-action = Rule’s action
finding-batch = Batch
finding-record = Record
finding-policy = Policy

## Overview
summary-missing = records missing
summary-doubled = records doubled
summary-over-time = Findings over time
summary-bar = one bar is { $value }
summary-peak = the highest { $value }
summary-by-rule = By rule
summary-by-sensor = By sensor
summary-by-provider = By provider
summary-by-category = By category
summary-fleet = The fleet

## Sensors
condition-pending = waits for approval
condition-revoked = shut out
condition-offline = offline
condition-unknown = unknown
condition-blind = blind
condition-wrong-clock = wrong clock
condition-starved = starved by budget
condition-stale-rules = stale rules
condition-seeing = seeing
condition-quiet = quiet
cause-approval = a person must compare its key and decide
cause-decision = a person decided so
cause-never-heard = it never made contact
cause-silent = { $count ->
    [one] not heard for 1 hour
   *[other] not heard for { $count } hours
    }
cause-no-status = in contact, but it has told nothing of itself
cause-no-packets = capture: no packet arrives
cause-not-decoded = decoding: { $count } % of the packets are not understood
cause-dropped = capture: { $count } % of the packets were dropped
cause-no-policy = policy: it waits for its provider’s signature
cause-clock-unset = clock: it was never set
cause-clock-ahead = clock: { $count } min ahead of ours
cause-held = link: the oldest record has waited { $count } h
cause-old-pack = rules: another pack than the newest
cause-no-rules = rules: none is loaded
cause-findings = { $count ->
    [one] 1 finding in a day
   *[other] { $count } findings in a day
    }
cause-traffic = it sees traffic, and nothing in it
sensors-none = No sensor has enrolled yet. Write a voucher with:
sensors-condition = Condition
sensors-explain = Every sensor numbers its records without holes, so that produced = stored + evicted + missing. Evicted is what a full disk made it drop, and it told so; missing is on its way, or lost.
sensor-identity = Identity
sensor-fingerprint = Key fingerprint
sensor-asked = Enrolment asked for
sensor-decided = Decided
sensor-decided-by = Decided by
sensor-certificate = Certificate until
sensor-contact = Last contact
sensor-address = Last address
sensor-batches = Batches stored
sensor-batches-again = Batches that came again
sensor-batches-unreadable = Batches unreadable
sensor-batches-conflicting = Batches in conflict
sensor-records-again = Records that came again
sensor-findings-told = Findings its summaries tell of
sensor-findings-kept-back = Kept back by its policy
sensor-heartbeat = Heartbeat
sensor-software = Software
sensor-pack = Rule pack
sensor-waiting = Waiting there
sensor-decide = Decide
sensor-compare = Ask the technician to read the key fingerprint from the device. Approve only when it is the same as this one.
sensor-approve = Approve { $value }
sensor-revoke = Revoke { $value }
sensor-machine = What the device said of itself
coverage = What was inspected
coverage-until = Until
coverage-packets = Packets
coverage-decoded = Packets understood
coverage-dropped = Packets dropped
coverage-bytes = Bytes
coverage-inspected = Inspected
coverage-rules = Rules that ran
coverage-unsupported = Rules it cannot run
coverage-vetoed = Rules its provider vetoed
books = Books
books-balance = balance
books-alarms = balance, with alarms
books-nothing = nothing yet
books-missing = { $count } missing
books-doubled = { $count } doubled
books-by-lane = Books by lane
books-outbox = Outbox
books-lane = Lane
books-produced = Produced
books-stored = Stored
books-evicted = Evicted
books-lost = Missing
books-holes = Missing numbers
alarms = Alarms
alarm-detail = Detail

## News and reports
live-news = new findings.
live-show = Show them
report-weekly = Weekly report
report-monthly = Monthly report
report-period = Period
report-week = seven days
report-month = calendar month
report-end = Before this day
report-show = Show
report-trend = against the period before
report-matters = What mattered
report-tier = Rank
report-work = How long the work took
report-step = Step
report-median = Median
report-of = Groups
report-detect = until it was known here
report-notify = until those concerned were told
report-remediate = until it was closed
report-classes = Groups by class (RSIT)
report-made = Made { $value } from the store’s own sums.

## Rules desk
rules-known = { $value } rules known
rules-draft = Draft, in the Suricata language
rules-check = Check, and run over stored captures
rules-import = Make these texts known to the pages
rules-captures = { $count ->
    [one] 1 stored capture in
   *[other] { $count } stored captures in
    }
rules-result = What the draft comes to
rules-imported = The pages know these rules now. Sensors get them when they are published.
rules-run = Rules that run
rules-refused = Refused
rules-size = Size of the pack
rules-message = Message
rules-difference = Against what is known
rules-alerts = Alerts
rules-back-test = Over stored captures
rules-capture = Capture
rules-took = Took
rules-who-runs = Which sensor runs what
rules-published = Published { $value } UTC:
rules-not-published = No pack is published yet:
rules-newest = newest
rules-older = another
draft-new = new
draft-changed = changed
draft-not-newer = changed, but its rev is not higher
draft-same = the same

## Questions in SQL
sql-title = Questions in SQL
sql-explain = One SELECT over the tables below. Your own rows only, at most { $value } s, read-only; what you ask goes into the audit trail.
sql-question = The question
sql-ask = Ask
sql-answer = The answer
sql-cut = There are more rows: add LIMIT or sum up, or download all that one answer may have.
sql-examples = To begin with
sql-tables = Tables and columns
sql-example-ports = Which ports were aimed at, in the last seven days
sql-example-many-sensors = Which addresses several sensors saw
sql-example-rules = Which rules find most, and at how many sensors
sql-example-hours = The busiest hours of sensors
sql-rows = { $count ->
    [one] 1 row
   *[other] { $count } rows
    }

## Suppressions
suppressions-title = Suppressions
suppressions-explain = Nothing is dropped: suppressed findings are stored, found and counted in every sum. They stay out of the groups of the inbox and raise no alarm. What was in a group before stays there.
suppressed-this-week = { $count ->
    [one] 1 finding suppressed in seven days
   *[other] { $count } findings suppressed in seven days
    }
suppressions-what = What
suppressions-why = Why
suppressions-week = In seven days
suppressions-all = In all
suppressions-since = Since, UTC
suppressions-until = Until, UTC
suppressions-ended = ended
suppressions-expired = expired
suppressions-end = End
suppressions-add = Suppress from now on
suppressions-network = Network of one end
suppressions-days = Days
suppressions-close = and close the rule’s group
suppressions-do = Suppress
suppress-this-rule = Suppress this rule…
finding-suppressed = Kept out of its group by suppression

## Alarms by mail and webhook
alarms-explain = People and programs are told of what comes from the moment a rule is made, each thing once. A message names rules, sensors and counts, never an address or what was said. Mail goes through the server in exchange.toml.
alarms-secret = Secret of { $value }, shown once:
alarms-targets = Who is told
alarms-address = Mail or https:// address
alarms-pause = Minutes between messages
alarms-authority = Certificates of its authority (PEM), if browsers do not know it
alarms-add-target = Add
alarms-try = Try
alarms-remove = Remove
alarms-rules = What is told
alarms-what = What
alarms-where = Where
alarms-whom = To whom
alarms-kind-group = A group appears, gets graver or comes back
alarms-kind-sensor = A sensor becomes
alarms-kind-batch = Trouble with a batch
alarms-messages = Messages
alarms-events = Events
alarms-state = State
alarms-state-waiting = waiting
alarms-state-sent = sent
alarms-state-given-up = given up
alarms-count = { $count ->
    [one] 1 alarm
   *[other] { $count } alarms
    }
alarms-more = { $count ->
    [one] 1 more of these
   *[other] { $count } more of these
    }
alarms-look = More on the pages of the centre.
alarms-test = A test by { $value }: messages arrive.
