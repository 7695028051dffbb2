//! The ISP's policy: what may leave this network, and what never does.
//!
//! The policy belongs to the ISP. It is a TOML file ([`mod@file`]) that is valid only with a signature of the ISP's key
//! ([`signed`]); the sensor's settings name that key. The centre's keys sign packs, approvals and acknowledgements in
//! other contexts and can never sign a policy, so the centre can never widen one.
//!
//! Three things hold whatever a policy says: payload never leaves; an address inside a home network leaves in clear only
//! where the policy says `home = "clear"`; and without a valid signed policy nothing leaves but heartbeats.
//!
//! The policy is applied in `findings::release`, before a record is encoded: what is forbidden is never on disk. It decides about
//! rules too ([`Admission`]): what is looked for says something about who is watched. In the narrow modes ([`Mode`]) the parsers
//! that are excluded do not start.

mod address_text;
mod admission;
mod admitted;
mod difference;
mod disclosure;
mod explain;
pub mod file;
mod in_force;
pub mod isp_key;
pub mod language;
mod networks;
pub mod pseudonym_keys;
pub mod pseudonyms;
mod queue_filter;
mod scope;
pub mod signed;
mod template;

use std::collections::BTreeSet;

use lapwing_wire::{FactKind, Severity, TopSubject};

pub(crate) use address_text::without_last_word;
pub use admission::{Admission, HeldAgainst, Refusal, RefusalReason};
pub use admitted::Admitted;
pub use difference::{Change, Effect, changes};
pub use disclosure::Disclosure;
pub use explain::explain;
pub use in_force::{InForce, NoPolicy, PolicyInForce, check, read_isp_key};
pub use networks::Networks;
pub use pseudonyms::PseudonymMode;
pub use queue_filter::QueueFilter;
pub use scope::{Mode, QuietHours, RuleScope, SidRange};
pub use signed::{PolicyError, SignedPolicy};
pub use template::TEMPLATE;

/// What may leave. Made from a file by [`file::parse`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Raised by the ISP with each change, to tell policies apart.
    pub serial: u64,
    /// The site this policy is for.
    pub site: String,
    /// Who answers for it.
    pub operator: String,
    /// When it ends, seconds since 1970; `None` for never.
    pub valid_until_seconds: Option<u64>,
    /// What is looked at.
    pub mode: Mode,
    /// Whether free text is kept here whatever else is said.
    pub is_strict: bool,
    /// Findings, if any may leave.
    pub findings: Option<FindingScope>,
    /// The rules that may run.
    pub rules: RuleScope,
    /// The networks whose addresses are protected.
    pub home_networks: Networks,
    /// How addresses inside the home networks are shown.
    pub home: AddressRule,
    /// How all other addresses are shown.
    pub others: AddressRule,
    /// Hourly summaries, if they may leave: which top lists they may carry.
    pub summaries: Option<BTreeSet<TopList>>,
    /// What may leave in a day and in a month, in bytes.
    pub budget: Budget,
    /// When nothing leaves but what is urgent.
    pub quiet_hours: Vec<QuietHours>,
    /// Days after which what waits here is removed; `None` for no limit but the disk's.
    pub retention_days: Option<u64>,
}

/// Bytes that may leave; `None` for no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// In a day, UTC.
    pub day_bytes: Option<u64>,
    /// In a month, UTC.
    pub month_bytes: Option<u64>,
}

/// Which findings may leave, and what of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingScope {
    /// Severities that may leave, 1 the gravest; 4 stands for 4 and lighter.
    pub severities: BTreeSet<u8>,
    /// Fields beyond rule, severity, action, count, times and protocol.
    pub fields: BTreeSet<Field>,
    /// Kinds of application-layer facts, by their wire names.
    pub facts: BTreeSet<FactKind>,
}

/// How an address is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressRule {
    /// Not at all.
    Withhold,
    /// As a pseudonym that the ISP can turn back.
    Pseudonym(PseudonymMode),
    /// As it is.
    Clear,
}

/// Defines words of the policy file once.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $word:literal;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $(#[doc = $word] $variant,)* }

        impl $name {
            /// Every one, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word in the policy file.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

words! {
    /// A field of a finding that the policy may allow.
    Field {
        SourceAddress = "source_address";
        DestinationAddress = "destination_address";
        SourcePort = "source_port";
        DestinationPort = "destination_port";
        AppProtocol = "app_protocol";
        Direction = "direction";
        Traffic = "traffic";
        FlowStart = "flow_start";
    }
}

words! {
    /// A list of most frequent values that a summary may carry.
    TopList {
        Rules = "rules";
        Sources = "sources";
        Destinations = "destinations";
    }
}

impl TopList {
    /// The same on the wire.
    #[must_use]
    pub fn subject(self) -> TopSubject {
        match self {
            Self::Rules => TopSubject::Rules,
            Self::Sources => TopSubject::Sources,
            Self::Destinations => TopSubject::Destinations,
        }
    }
}

/// Facts that are words of a small set or numbers, whatever a subscriber typed. All others are free text.
const CLOSED_FACTS: [FactKind; 11] = [
    FactKind::HttpStatus,
    FactKind::DnsQueryType,
    FactKind::DnsRcode,
    FactKind::TlsVersion,
    FactKind::TlsFingerprint,
    FactKind::Ja3,
    FactKind::Ja3s,
    FactKind::Ja4,
    FactKind::FileSha256,
    FactKind::IndustrialFunction,
    FactKind::DceInterface,
];

/// Whether a fact may hold anything that somebody typed.
#[must_use]
pub fn is_free_text(kind: FactKind) -> bool {
    !CLOSED_FACTS.contains(&kind)
}

impl FindingScope {
    /// Whether findings of this severity may leave.
    #[must_use]
    pub fn allows_severity(&self, severity: Severity) -> bool {
        self.severities
            .contains(&severity.get().min(file::LIGHTEST_SEVERITY))
    }
}
