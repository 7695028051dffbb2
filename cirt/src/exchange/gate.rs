//! The one place where it is decided what leaves.
//!
//! Every format, server and mail of this module takes a [`Released`], and only [`release`] makes one: it holds each thing against the
//! recipient's agreement and writes the sharing register (what went, what was refused and why) in the same transaction, before
//! any byte leaves. Two rules stand above every agreement: RED never leaves by machine, AMBER+STRICT never leaves the organisation.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use super::{Agreement, Country, Kind, Peer, Tlp};
use crate::store::{RegisterEntry, Store, StoreError};

/// Something that could be shared.
pub trait Shareable {
    /// Its name in the register.
    fn subject(&self) -> &str;
    /// How far it may travel.
    fn tlp(&self) -> Tlp;
    fn kind(&self) -> Kind;
    /// The countries that it concerns, as far as they are known.
    fn countries(&self) -> &[Country] {
        &[]
    }
    /// Of a statistic, how many it counts.
    fn counted(&self) -> Option<u64> {
        None
    }
    /// Takes away what this recipient has no business with, before it is released.
    fn fit_for(&mut self, _peer: &Peer) {}
}

/// Why something does not leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    PeerDisabled,
    NoAgreement,
    NotInForce,
    RedByMachine,
    StrictOutside,
    AboveCeiling,
    KindNotAgreed,
    CountryNotAgreed,
    CountTooSmall,
}

impl Refusal {
    /// The words that the register holds.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::PeerDisabled => "the peer is disabled",
            Self::NoAgreement => "there is no agreement",
            Self::NotInForce => "the agreement is not in force",
            Self::RedByMachine => "RED never leaves by machine",
            Self::StrictOutside => "AMBER+STRICT never leaves the organisation",
            Self::AboveCeiling => "above the ceiling of the agreement",
            Self::KindNotAgreed => "this kind is not agreed",
            Self::CountryNotAgreed => "concerns none of the agreed countries",
            Self::CountTooSmall => "counts fewer than agreed",
        }
    }
}

/// How something leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Csv,
    Eve,
    Idea,
    IntelMq,
    Iodef,
    Mail,
    Misp,
    /// A pack of rules: it goes to sensors at providers.
    Pack,
    Statistics,
    Stix,
    Syslog,
    Taxii,
    TaxiiPush,
}

impl fmt::Display for Way {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Csv => "csv",
            Self::Eve => "eve",
            Self::Idea => "idea",
            Self::IntelMq => "intelmq",
            Self::Iodef => "iodef",
            Self::Mail => "mail",
            Self::Misp => "misp",
            Self::Pack => "pack",
            Self::Statistics => "statistics",
            Self::Stix => "stix",
            Self::Syslog => "syslog",
            Self::Taxii => "taxii",
            Self::TaxiiPush => "taxii-push",
        })
    }
}

/// What may leave, to whom. Nothing else makes one than [`release`].
#[derive(Debug)]
pub struct Released<T> {
    peer: Peer,
    items: Vec<T>,
    refused: usize,
}

impl<T: Shareable> Released<T> {
    /// Whom it is for.
    #[must_use]
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// What may leave, in the order it was given.
    #[must_use]
    pub fn items(&self) -> &[T] {
        &self.items
    }

    /// How many were refused.
    #[must_use]
    pub const fn refused(&self) -> usize {
        self.refused
    }

    /// The strictest label among the items: the label of a whole made of them.
    #[must_use]
    pub fn tlp(&self) -> Tlp {
        self.items
            .iter()
            .map(Shareable::tlp)
            .max()
            .unwrap_or(Tlp::Clear)
    }
}

/// Lets through what the recipient's agreement allows, and writes down what goes and what does not.
///
/// # Errors
/// When there is no such peer, or the register cannot be written: then nothing leaves.
pub fn release<T: Shareable>(
    store: &Store,
    peer: &str,
    way: Way,
    now: Timestamp,
    items: Vec<T>,
) -> Result<Released<T>, StoreError> {
    store.register(peer, now, &way.to_string(), |peer, agreement| {
        let mut entries: BTreeMap<(Kind, Tlp, Option<Refusal>), RegisterEntry> = BTreeMap::new();
        let mut kept = Vec::with_capacity(items.len());
        let mut refused = 0;
        for mut item in items {
            let verdict = decide(peer, agreement, &item, now).err();
            entries
                .entry((item.kind(), item.tlp(), verdict))
                .or_insert_with(|| {
                    RegisterEntry::new(item.kind(), item.tlp(), verdict.map(Refusal::reason))
                })
                .add(item.subject());
            if verdict.is_some() {
                refused += 1;
            } else {
                item.fit_for(peer);
                kept.push(item);
            }
        }
        let released = Released {
            peer: peer.clone(),
            items: kept,
            refused,
        };
        (entries.into_values().collect(), released)
    })
}

/// Whether one thing may go to one peer.
fn decide(
    peer: &Peer,
    agreement: Option<&Agreement>,
    item: &impl Shareable,
    now: Timestamp,
) -> Result<(), Refusal> {
    if item.tlp() == Tlp::Red {
        return Err(Refusal::RedByMachine);
    }
    if item.tlp() == Tlp::AmberStrict && peer.is_outside() {
        return Err(Refusal::StrictOutside);
    }
    if peer.disabled.is_some() {
        return Err(Refusal::PeerDisabled);
    }
    let agreement = agreement.ok_or(Refusal::NoAgreement)?;
    if !agreement.is_in_force(now) {
        return Err(Refusal::NotInForce);
    }
    if item.tlp() > agreement.ceiling {
        return Err(Refusal::AboveCeiling);
    }
    if item.kind() != Kind::Identity && !agreement.kinds.contains(&item.kind()) {
        return Err(Refusal::KindNotAgreed);
    }
    let concerns = |country: &Country| agreement.countries.contains(country);
    if item.kind() != Kind::Identity
        && !agreement.countries.is_empty()
        && !item.countries().iter().any(concerns)
    {
        return Err(Refusal::CountryNotAgreed);
    }
    if item
        .counted()
        .is_some_and(|count| count < agreement.smallest_count)
    {
        return Err(Refusal::CountTooSmall);
    }
    Ok(())
}
