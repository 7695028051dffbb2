//! The ISP's policy: what may leave this network, and what never does.
//!
//! The policy belongs to the ISP. It is a TOML file ([`mod@file`]) that is valid only with a signature of the ISP's key
//! ([`signed`]); the sensor's settings name that key. The centre's keys sign packs, approvals and acknowledgements in
//! other contexts and can never sign a policy, so the centre can never widen one.
//!
//! Three things hold whatever a policy says: payload never leaves; an address inside a home network leaves in clear only
//! where the policy says `home = "clear"`; and without a valid signed policy nothing leaves but heartbeats.
//!
//! The policy is applied in `findings::release`, before a record is encoded: what is forbidden is never on disk.

mod explain;
pub mod file;
mod home_networks;
mod in_force;
pub mod isp_key;
pub mod signed;
mod template;

use std::collections::BTreeSet;
use std::net::IpAddr;

use lapwing_wire::{DisclosedAddress, FactKind, Severity, TopSubject};

pub use explain::explain;
pub use home_networks::HomeNetworks;
pub use in_force::{NoPolicy, PolicyInForce, check, read_isp_key};
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
    /// Findings, if any may leave.
    pub findings: Option<FindingScope>,
    /// The networks whose addresses are protected.
    pub home_networks: HomeNetworks,
    /// How addresses inside the home networks are shown.
    pub home: AddressRule,
    /// How all other addresses are shown.
    pub others: AddressRule,
    /// Hourly summaries, if they may leave: which top lists they may carry.
    pub summaries: Option<BTreeSet<TopList>>,
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
    /// As it is.
    Clear,
}

/// Defines words of the policy file once: variant, word, and how to say it.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $word:literal, $said:literal;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $(#[doc = $said] $variant,)* }

        impl $name {
            /// Every one, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word in the policy file.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// How to say it to a person.
            #[must_use]
            pub fn said(self) -> &'static str {
                match self { $(Self::$variant => $said,)* }
            }
        }
    };
}

words! {
    /// A field of a finding that the policy may allow.
    Field {
        SourceAddress = "source_address", "source address";
        DestinationAddress = "destination_address", "destination address";
        SourcePort = "source_port", "source port";
        DestinationPort = "destination_port", "destination port";
        AppProtocol = "app_protocol", "name of the application protocol";
        Direction = "direction", "direction within the flow";
        Traffic = "traffic", "packets and bytes of the flow";
        FlowStart = "flow_start", "time at which the flow began";
    }
}

words! {
    /// A list of most frequent values that a summary may carry.
    TopList {
        Rules = "rules", "most frequent rules";
        Sources = "sources", "most frequent sources";
        Destinations = "destinations", "most frequent destinations";
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

impl Policy {
    /// What may be told about an address, in whatever field it stands.
    #[must_use]
    pub fn disclose(&self, address: IpAddr) -> DisclosedAddress {
        let rule = if self.home_networks.contains(address) {
            self.home
        } else {
            self.others
        };
        match rule {
            AddressRule::Clear => DisclosedAddress::Clear(address),
            AddressRule::Withhold => DisclosedAddress::Withheld,
        }
    }

    /// Whether free text names an address that must not leave in clear.
    #[must_use]
    pub fn text_names_hidden_address(&self, text: &[u8]) -> bool {
        let hides = |address| !matches!(self.disclose(address), DisclosedAddress::Clear(_));
        home_networks::addresses_in_text(text).any(hides)
    }
}

impl FindingScope {
    /// Whether findings of this severity may leave.
    #[must_use]
    pub fn allows_severity(&self, severity: Severity) -> bool {
        self.severities
            .contains(&severity.get().min(file::LIGHTEST_SEVERITY))
    }
}
