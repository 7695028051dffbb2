//! Indicators that came from others.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::audit::record;
use super::insert_record::address_bytes;
use super::peers::peer_row;
use super::time::{from_milliseconds, to_milliseconds};
use super::{Store, StoreError};
use crate::exchange::Tlp;
use crate::exchange::indicator::{Indicator, IndicatorState, Wanted};
use crate::exchange::limits::INDICATORS;

/// What a peer says, checked.
#[derive(Clone, Debug)]
pub struct NewIndicator {
    /// What the peer calls it.
    pub name_there: String,
    /// All that it names now; what it named before and does not any more is retired.
    pub wanted: Vec<Wanted>,
    pub comment: String,
    pub tlp: Tlp,
    pub until: Option<Timestamp>,
    /// The peer takes it back.
    pub revoked: bool,
}

/// What a peer says of something that we shared.
#[derive(Clone, Debug)]
pub struct Feedback {
    /// Of the object that says so.
    pub name: String,
    /// Of the object that it speaks of.
    pub about: String,
    /// `sighting` or `opinion`.
    pub kind: &'static str,
    /// One of the five opinions, or how often it was seen.
    pub word: String,
    pub comment: String,
}

/// What was done with what a peer said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TakenIndicators {
    pub new: u64,
    pub known: u64,
    pub retired: u64,
    /// Of the new ones, those that stand on a list of what is harmless or may not be used.
    pub rejected: u64,
    /// Of the new ones, those that a rule of the peer approved.
    pub approved: u64,
    /// Refused because the table is full.
    pub refused: u64,
}

const COLUMNS: &str = "number, indicator.kind, value, peer.name, name_there, comment, tlp, severity, state, reason, received_ms,
    until_ms";
const FROM: &str = "FROM indicator JOIN peer ON peer.key = indicator.peer_key";

impl Store {
    /// Takes what a peer says, all in one transaction; what is of our own networks is rejected as the lists of the harmless are.
    ///
    /// # Errors
    /// When there is no such peer or the database fails.
    pub fn take_indicators(
        &self,
        peer: &str,
        indicators: &[NewIndicator],
        own_networks: &[IpNet],
        now: Timestamp,
    ) -> Result<TakenIndicators, StoreError> {
        self.write(|transaction| {
            let (key, _) = peer_row(transaction, peer)?;
            let trust = trust_in(transaction, key)?;
            let mut room = INDICATORS.saturating_sub(transaction.query_row(
                "SELECT count(*) FROM indicator WHERE state IN ('waiting', 'approved')",
                [],
                |row| row.get(0),
            )?);
            let mut taken = TakenIndicators::default();
            for indicator in indicators {
                take(
                    transaction,
                    key,
                    &trust,
                    indicator,
                    own_networks,
                    now,
                    &mut room,
                    &mut taken,
                )?;
            }
            Ok(taken)
        })
    }

    /// Kinds of indicators that a peer may put into packs without a person, and how grave their hits are.
    ///
    /// # Errors
    /// When there is no such peer.
    pub fn trust(
        &self,
        actor: &str,
        peer: &str,
        kinds: &str,
        severity: u8,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let (key, _) = peer_row(transaction, peer)?;
            transaction.execute(
                "INSERT OR REPLACE INTO trusted_kinds (peer_key, kinds, severity) VALUES (?1, ?2, ?3)",
                params![key, kinds, severity],
            )?;
            record(transaction, Timestamp::now(), actor, "peer.trust", &format!("{peer}: {kinds}, severity {severity}"))
        })
    }

    /// A person decides about indicators that are not retired. How many were changed.
    ///
    /// # Errors
    /// When the database fails.
    pub fn decide_indicators(
        &self,
        actor: &str,
        numbers: &[u32],
        state: IndicatorState,
        reason: &str,
    ) -> Result<usize, StoreError> {
        self.write(|transaction| {
            let now = Timestamp::now();
            let mut changed = 0;
            for number in numbers {
                changed += transaction.execute(
                    "UPDATE indicator SET state = ?2, reason = ?3, decided_ms = ?4, decided_by = ?5
                     WHERE number = ?1 AND state <> 'retired' AND state <> ?2",
                    params![number, state.name(), reason, to_milliseconds(now), actor],
                )?;
                record(
                    transaction,
                    now,
                    actor,
                    "indicator.decide",
                    &format!("{number}: {}, {reason}", state.name()),
                )?;
            }
            Ok(changed)
        })
    }

    /// Indicators in a state, by number, from behind `after` on.
    ///
    /// # Errors
    /// When the database fails.
    pub fn indicators(
        &self,
        state: IndicatorState,
        after: u32,
        limit: usize,
    ) -> Result<Vec<Indicator>, StoreError> {
        self.read(|transaction| {
            let sql = format!(
                "SELECT {COLUMNS} {FROM} WHERE state = ?1 AND number > ?2 ORDER BY number LIMIT ?3"
            );
            let mut statement = transaction.prepare_cached(&sql)?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows =
                statement.query_map(params![state.name(), after, limit], indicator_from_row)?;
            rows.map(|row| row?).collect()
        })
    }

    /// Every indicator, of any peer, that names the same as the one of this number.
    ///
    /// # Errors
    /// When the database fails.
    pub fn indicators_like(&self, number: u32) -> Result<Vec<Indicator>, StoreError> {
        self.read(|transaction| {
            let sql = format!(
                "SELECT {COLUMNS} {FROM} WHERE (indicator.kind, value) = (SELECT kind, value FROM indicator WHERE number = ?1)
                 ORDER BY number"
            );
            let mut statement = transaction.prepare_cached(&sql)?;
            let rows = statement.query_map([number], indicator_from_row)?;
            rows.map(|row| row?).collect()
        })
    }

    /// Approved indicators that are not published yet and may be: our own, and of others what the community may have.
    ///
    /// # Errors
    /// When the database fails.
    pub fn unpublished_indicators(&self, limit: usize) -> Result<Vec<Indicator>, StoreError> {
        self.read(|transaction| {
            let sql = format!(
                "SELECT {COLUMNS} {FROM} WHERE state = 'approved' AND published = 0
                    AND (peer.kind = 'own' OR tlp <= ?1) ORDER BY number LIMIT ?2"
            );
            let mut statement = transaction.prepare_cached(&sql)?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows =
                statement.query_map(params![Tlp::Green.code(), limit], indicator_from_row)?;
            rows.map(|row| row?).collect()
        })
    }

    /// Writes down that indicators are published.
    ///
    /// # Errors
    /// When the database fails.
    pub fn indicators_published(&self, numbers: &[u32]) -> Result<(), StoreError> {
        self.write(|transaction| {
            let mut update = transaction
                .prepare_cached("UPDATE indicator SET published = 1 WHERE number = ?1")?;
            for number in numbers {
                update.execute([number])?;
            }
            Ok(())
        })
    }

    /// Retires what has run out. How many.
    ///
    /// # Errors
    /// When the database fails.
    pub fn retire_expired_indicators(&self, now: Timestamp) -> Result<usize, StoreError> {
        self.write(|transaction| {
            Ok(transaction.execute(
                "UPDATE indicator SET state = 'retired', reason = 'it has run out', decided_ms = ?1, decided_by = 'centre'
                 WHERE state IN ('waiting', 'approved') AND until_ms <= ?1",
                [to_milliseconds(now)],
            )?)
        })
    }

    /// Replaces a list of what is harmless.
    ///
    /// # Errors
    /// When the database fails; then the old list stays.
    pub fn set_harmless(
        &self,
        actor: &str,
        list: &str,
        names: &[String],
        networks: &[IpNet],
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute("DELETE FROM harmless_name WHERE list = ?1", [list])?;
            transaction.execute("DELETE FROM harmless_network WHERE list = ?1", [list])?;
            let mut insert = transaction
                .prepare("INSERT OR IGNORE INTO harmless_name (list, reversed) VALUES (?1, ?2)")?;
            for name in names {
                insert.execute(params![list, reversed(name)])?;
            }
            let mut insert = transaction.prepare(
                "INSERT OR IGNORE INTO harmless_network (list, first, last) VALUES (?1, ?2, ?3)",
            )?;
            for network in networks {
                let (first, last) = (
                    address_bytes(network.network()),
                    address_bytes(network.broadcast()),
                );
                insert.execute(params![list, first, last])?;
            }
            let subject = format!("{list}: {} names, {} networks", names.len(), networks.len());
            record(
                transaction,
                Timestamp::now(),
                actor,
                "harmless.set",
                &subject,
            )
        })
    }

    /// Keeps what a peer says of something we shared.
    ///
    /// # Errors
    /// When there is no such peer or the database fails.
    pub fn keep_feedback(
        &self,
        peer: &str,
        said: &Feedback,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let (key, _) = peer_row(transaction, peer)?;
            transaction.execute(
                "INSERT OR IGNORE INTO feedback (peer_key, name, about, kind, word, comment, received_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    key,
                    said.name,
                    said.about,
                    said.kind,
                    said.word,
                    said.comment,
                    to_milliseconds(now)
                ],
            )?;
            Ok(())
        })
    }

    /// What peers say of what we shared, newest first: time, peer, object, kind, word and comment.
    ///
    /// # Errors
    /// When the database fails.
    pub fn feedback(&self, limit: usize) -> Result<Vec<(Timestamp, [String; 5])>, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached(
                "SELECT received_ms, peer.name, about, feedback.kind, word, comment
                 FROM feedback JOIN peer ON peer.key = feedback.peer_key ORDER BY feedback.key DESC LIMIT ?1",
            )?;
            let rows = statement.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
                let words = [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?];
                Ok((from_milliseconds(row.get(0)?), words))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// What a peer may do without a person.
struct Trust {
    kinds: Vec<String>,
    severity: u8,
}

fn trust_in(transaction: &Transaction<'_>, peer: i64) -> Result<Trust, StoreError> {
    let found: Option<(String, u8)> = transaction
        .query_row(
            "SELECT kinds, severity FROM trusted_kinds WHERE peer_key = ?1",
            [peer],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let (kinds, severity) = found.unwrap_or((String::new(), 2));
    Ok(Trust {
        kinds: kinds.split(',').map(str::to_owned).collect(),
        severity,
    })
}

#[expect(clippy::too_many_arguments, reason = "one step of one loop")]
fn take(
    transaction: &Transaction<'_>,
    peer: i64,
    trust: &Trust,
    indicator: &NewIndicator,
    own_networks: &[IpNet],
    now: Timestamp,
    room: &mut u64,
    taken: &mut TakenIndicators,
) -> Result<(), StoreError> {
    let now_ms = to_milliseconds(now);
    let mut known = transaction.prepare_cached(
        "SELECT number, kind, value FROM indicator WHERE peer_key = ?1 AND name_there = ?2 AND state <> 'retired'",
    )?;
    let before: Vec<(u32, String, String)> = known
        .query_map(params![peer, indicator.name_there], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?
        .collect::<Result<_, _>>()?;
    for (number, kind, value) in before {
        let is_still_named = indicator
            .wanted
            .iter()
            .any(|one| one.kind() == kind && one.value() == value);
        if indicator.revoked || !is_still_named {
            transaction
                .prepare_cached(
                    "UPDATE indicator SET state = 'retired', reason = 'the peer took it back', decided_ms = ?2,
                        decided_by = 'centre' WHERE number = ?1",
                )?
                .execute(params![number, now_ms])?;
            taken.retired += 1;
        }
    }
    if indicator.revoked {
        return Ok(());
    }
    for wanted in &indicator.wanted {
        let (state, reason) = first_state(transaction, trust, wanted, indicator.tlp, own_networks)?;
        if *room == 0 {
            taken.refused += 1;
            continue;
        }
        let values = params![
            wanted.kind(),
            wanted.value(),
            peer,
            indicator.name_there,
            indicator.comment,
            indicator.tlp.code(),
            trust.severity,
            state.name(),
            reason,
            now_ms,
            indicator.until.map(to_milliseconds),
        ];
        let new = transaction
            .prepare_cached(
                "INSERT INTO indicator (kind, value, peer_key, name_there, comment, tlp, severity, state, reason, received_ms,
                    until_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO NOTHING",
            )?
            .execute(values)?
            > 0;
        if !new {
            // What a peer names again after it took it back begins anew; what a person decided stays.
            transaction
                .prepare_cached(
                    "UPDATE indicator SET comment = ?5, tlp = ?6, until_ms = ?11,
                        reason = CASE state WHEN 'retired' THEN ?9 ELSE reason END,
                        state = CASE state WHEN 'retired' THEN ?8 ELSE state END
                     WHERE (kind, value, peer_key, name_there) = (?1, ?2, ?3, ?4) AND ?7 = ?7 AND ?10 = ?10",
                )?
                .execute(values)?;
        }
        if new {
            *room -= 1;
            taken.new += 1;
            taken.rejected += u64::from(state == IndicatorState::Rejected);
            taken.approved += u64::from(state == IndicatorState::Approved);
        } else {
            taken.known += 1;
        }
    }
    Ok(())
}

/// What becomes of an indicator that nobody has looked at.
fn first_state(
    transaction: &Transaction<'_>,
    trust: &Trust,
    wanted: &Wanted,
    tlp: Tlp,
    own_networks: &[IpNet],
) -> Result<(IndicatorState, String), StoreError> {
    if tlp == Tlp::Red {
        return Ok((
            IndicatorState::Rejected,
            "RED is for persons; no machine uses it".to_owned(),
        ));
    }
    if let Some(list) = harmless_list(transaction, wanted, own_networks)? {
        return Ok((
            IndicatorState::Rejected,
            format!("it would match what is harmless: {list}"),
        ));
    }
    if trust.kinds.iter().any(|kind| kind == wanted.kind()) {
        return Ok((
            IndicatorState::Approved,
            "by the rule for this peer".to_owned(),
        ));
    }
    Ok((IndicatorState::Waiting, String::new()))
}

/// The list that says that an indicator would match what is harmless.
fn harmless_list(
    transaction: &Transaction<'_>,
    wanted: &Wanted,
    own_networks: &[IpNet],
) -> Result<Option<String>, StoreError> {
    let Wanted::Listed(listed) = wanted else {
        return Ok(None);
    };
    let (name, whole_site) = match listed.kind.name() {
        "domain" => (listed.value.as_str(), true),
        "host" => (listed.value.as_str(), false),
        "address" => {
            let network = listed
                .value
                .parse::<IpNet>()
                .or_else(|_| listed.value.parse::<IpAddr>().map(IpNet::from));
            let Ok(network) = network else {
                return Ok(None);
            };
            let meets = |own: &&IpNet| own.contains(&network) || network.contains(*own);
            if own_networks.iter().any(|own| meets(&own)) {
                return Ok(Some("our own networks".to_owned()));
            }
            let (first, last) = (
                address_bytes(network.network()),
                address_bytes(network.broadcast()),
            );
            return Ok(transaction
                .prepare_cached(
                    "SELECT list FROM harmless_network WHERE first <= ?2 AND last >= ?1 LIMIT 1",
                )?
                .query_row(params![first, last], |row| row.get(0))
                .optional()?);
        }
        _ => return Ok(None),
    };
    if whole_site && !name.contains('.') {
        return Ok(Some("a whole top-level domain".to_owned()));
    }
    let reversed = reversed(name);
    // `domain` matches all beneath: a listed name beneath it is hit as well. '/' follows '.' in ASCII.
    let beneath = if whole_site {
        format!("{reversed}/")
    } else {
        reversed.clone()
    };
    Ok(transaction
        .prepare_cached(
            "SELECT list FROM harmless_name WHERE reversed = ?1 OR (reversed > ?1 || '.' AND reversed < ?2) LIMIT 1",
        )?
        .query_row(params![reversed, beneath], |row| row.get(0))
        .optional()?)
}

/// `www.example.com` as `com.example.www`: what lies beneath a name stands together.
fn reversed(name: &str) -> String {
    name.rsplit('.').collect::<Vec<_>>().join(".")
}

fn indicator_from_row(row: &Row<'_>) -> rusqlite::Result<Result<Indicator, StoreError>> {
    let (kind, value, state): (String, String, String) = (row.get(1)?, row.get(2)?, row.get(8)?);
    let Some(wanted) = Wanted::stored(&kind, value) else {
        return Ok(Err(StoreError::Unreadable("indicator")));
    };
    Ok(Ok(Indicator {
        number: row.get(0)?,
        wanted,
        peer: row.get(3)?,
        name_there: row.get(4)?,
        comment: row.get(5)?,
        tlp: Tlp::from_code(row.get(6)?),
        severity: row.get(7)?,
        state: IndicatorState::from_name(&state),
        reason: row.get(9)?,
        received: from_milliseconds(row.get(10)?),
        until: row.get::<_, Option<i64>>(11)?.map(from_milliseconds),
    }))
}
