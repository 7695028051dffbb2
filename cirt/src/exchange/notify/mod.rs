//! Telling those who are responsible, and seeing whether it helped.
//!
//! ```text
//! finding ─► whose end is it? (networks, AS numbers, sensors of contacts) ─► notice: recipient, end, kind
//!                                                                             │ open ─► told ─► fixed ─► relapsed ─► told …
//! notices of a recipient ─► gate ─► one mail (text, CSV, XARF; OpenPGP) ─► SMTP over TLS
//! ```
//!
//! * Nobody is written to before a person has agreed to that contact.
//! * One mail a recipient a day; what was told is told again only after a week, or when it comes back after it was gone.
//! * *Fixed* is what the sensor that saw it no longer sees for a week, while it was in contact: silence of a dead sensor proves nothing.

mod bounce;
mod mail;
mod send;
mod texts;
mod xarf;

pub use bounce::{Bounce, read_bounce};
pub use mail::{MailError, Notice, compose};
pub use send::{MailServer, SendError, Sent, send};
pub use texts::LANGUAGES;
pub use xarf::reports;

use jiff::{SignedDuration, Timestamp};

use super::limits::PUBLISH_FINDINGS;
use super::{Producer, SharedFinding};
use crate::store::{Store, StoreError};

/// Name of the place up to which findings have been looked at.
const CURSOR: &str = "notify";
/// Between two mails to one recipient.
pub const MAIL_INTERVAL: SignedDuration = SignedDuration::from_hours(24);
/// After this, what was told and still goes on is told again.
pub const REMINDER: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Silence that counts as fixed.
pub const FIXED_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Sorts new findings into notices. How many found a recipient, of how many.
///
/// # Errors
/// When the database fails.
pub fn gather(
    store: &Store,
    producer: &Producer,
    now: Timestamp,
) -> Result<(usize, usize), StoreError> {
    let (mut matched, mut seen) = (0, 0);
    loop {
        let after = store
            .cursor(CURSOR)?
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        let rows = store.findings_in_order(after, PUBLISH_FINDINGS)?;
        let Some(last) = rows.last().map(|(key, _)| *key) else {
            return Ok((matched, seen));
        };
        for (_, row) in rows {
            seen += 1;
            let finding = SharedFinding::new(producer, row, None, |_| None);
            let Some(end) = finding.own_end() else {
                continue;
            };
            let row = finding.row();
            if let Some(peer) = store.responsible(end, &row.sensor)? {
                let what = finding.classification().kind;
                let system = finding.own_system();
                let system = system.unwrap_or_else(|| format!("hidden at {}", row.sensor));
                store.add_to_notice(&peer, &format!("{system} {what}"), row)?;
                matched += 1;
            }
        }
        store.set_cursor(CURSOR, &last.to_string(), now)?;
    }
}
