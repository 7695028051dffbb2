//! Indicators of peers on their way in: known or new, harmless or not, and what a rule for the peer lets through.

use super::database::{OptionalRow as _, Transaction, params};
use ipnet::IpNet;
use jiff::Timestamp;

use super::audit::record;
use super::harmless::harmless_list;
use super::peers::peer_row;
use super::time::to_milliseconds;
use super::withdrawals::withdraw_indicators;
use super::{Store, StoreError};
use crate::exchange::Tlp;
use crate::exchange::indicator::{IndicatorState, Wanted};
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
                (),
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
            withdraw_indicators(transaction, now)?;
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
                "INSERT INTO trusted_kinds (peer_key, kinds, severity) VALUES (?1, ?2, ?3)
                 ON CONFLICT (peer_key) DO UPDATE SET kinds = excluded.kinds, severity = excluded.severity",
                params![key, kinds, severity],
            )?;
            record(transaction, Timestamp::now(), actor, "peer.trust", &format!("{peer}: {kinds}, severity {severity}"))
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
    let mut known = transaction.prepare(
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
                .prepare(
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
            .prepare(
                "INSERT INTO indicator (kind, value, peer_key, name_there, comment, tlp, severity, state, reason, received_ms,
                    until_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO NOTHING",
            )?
            .execute(values)?
            > 0;
        if !new {
            // What a peer names again after it took it back begins anew; what a person decided stays.
            transaction
                .prepare(
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
