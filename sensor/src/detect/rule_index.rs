//! What evaluation asks of every rule before it looks into the pack: a compact table made once for a pack.

use lapwing_rules::{
    model::{
        Action, AppProtocol, BitScope, Buffer, Capture, Effect, Header, HeaderField,
        HeaderProtocol, Inspection, ListId, Match, PacketCondition, RuleKind, Severity, Transform,
        VariableScope,
    },
    pack::Pack,
};

use super::{
    app_event::AppEvent, asked_parsers::AskedParsers, packet_facts::PacketFacts,
    whole_rule::WholeRule,
};
use crate::app_layer::{DigestKind, DigestSet, ParserSet};

/// One rule, as far as it is told apart cheaply.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RuleTraits {
    /// Place in the order of evaluation.
    pub(crate) rank: u32,
    pub(crate) kind: RuleKind,
    pub(crate) header: Header,
    pub(crate) inspects_packet: bool,
    pub(crate) inspects_stream: bool,
    /// Its payload matches run on reassembled bytes only: `flow:only_stream`. Of `tcp-stream` those that the stream refused count as well.
    pub(crate) is_stream_only: bool,
    /// It has a list over payload or stream.
    pub(crate) has_payload_matches: bool,
    /// It asks for a decode or stream event.
    pub(crate) has_packet_event: bool,
    pub(crate) byte_variables: u8,
    /// What it cannot do without on a packet.
    pub(crate) asked: PacketFacts,
    /// The site's policy keeps it from running.
    pub(crate) is_refused: bool,
}

/// Traits of all rules of a pack, by rule index.
#[derive(Debug)]
pub(crate) struct RuleIndex {
    traits: Vec<RuleTraits>,
    /// The digests of files that the rules ask for.
    pub(crate) wanted_digests: DigestSet,
    /// The parsers that may start: all but those on demand that no rule asks for, and what the site takes away.
    pub(crate) parsers: ParserSet,
}

impl RuleIndex {
    pub(crate) fn new(pack: &Pack) -> Self {
        let mut keys: Vec<(OrderKey, usize)> = Vec::new();
        let mut traits: Vec<RuleTraits> = Vec::new();
        let mut wanted_digests = DigestSet::default();
        let mut parsers = AskedParsers::default();
        // Whoever asks for a digest holds it against a list.
        let has_lists = pack.list(ListId(0)).is_some();
        for (index, rule) in pack.rules().enumerate() {
            let rule = WholeRule::new(rule);
            keys.push((OrderKey::of(&rule), index));
            traits.push(traits_of(&rule));
            parsers.note(&rule);
            if has_lists {
                let kinds = rule.inspections.iter().filter_map(digest_kind);
                kinds.for_each(|kind| wanted_digests.insert(kind));
            }
        }
        keys.sort_unstable();
        for (rank, (_, index)) in keys.iter().enumerate() {
            traits[*index].rank = u32::try_from(rank).unwrap_or(u32::MAX);
        }
        Self {
            traits,
            wanted_digests,
            parsers: parsers.set(),
        }
    }

    /// Keeps rules from running.
    pub(crate) fn refuse(&mut self, rules: impl IntoIterator<Item = u32>) {
        for rule in rules {
            let traits = usize::try_from(rule)
                .ok()
                .and_then(|at| self.traits.get_mut(at));
            if let Some(traits) = traits {
                traits.is_refused = true;
            }
        }
    }

    pub(crate) fn get(&self, rule: u32) -> Option<&RuleTraits> {
        self.traits.get(usize::try_from(rule).ok()?)
    }

    pub(crate) fn len(&self) -> usize {
        self.traits.len()
    }
}

/// The reference's order: action, then writers of flow bits before readers, integers and host bits alike, then priority. Bits
/// that expire (`xbits`) are read before they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct OrderKey {
    action: u8,
    flow_bits: Access,
    flow_integers: Access,
    flow_texts: Access,
    packet_texts: Access,
    host_bits: Access,
    pair_bits: Access,
    severity: Severity,
}

/// The variables that expressions of a list fill.
fn captures<'i>(inspection: &'i Inspection<'_>) -> impl Iterator<Item = &'i Capture> {
    let matches = inspection.matches.iter();
    matches.flat_map(|item| match item {
        Match::Regex(regex) => regex.captures.as_slice(),
        _ => &[],
    })
}

/// Whether a list leaves values for the lists behind it or for later rules, so that it has to be walked in the very round in
/// which the rule matches.
pub(crate) fn leaves_values(inspection: &Inspection<'_>) -> bool {
    captures(inspection).next().is_some()
        || inspection
            .matches
            .iter()
            .any(|item| matches!(item, Match::ByteExtract(_) | Match::ByteMath(_)))
}

/// How a rule uses a kind of variable, in order of evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Access {
    Writes,
    ReadsAndWrites,
    Reads,
    None,
    WritesLate,
}

/// Whether a rule reads a kind of variable, and whether it writes it.
#[derive(Clone, Copy, Debug, Default)]
struct Uses {
    reads: bool,
    writes: bool,
}

impl Uses {
    fn access(self) -> Access {
        match (self.reads, self.writes) {
            (false, true) => Access::Writes,
            (true, true) => Access::ReadsAndWrites,
            (true, false) => Access::Reads,
            (false, false) => Access::None,
        }
    }
}

impl OrderKey {
    fn of(rule: &WholeRule<'_>) -> Self {
        let mut flow_integers = Uses::default();
        // By scope: those of transactions do not count.
        let [mut flow, mut host, mut pair, mut transaction] = [Uses::default(); 4];
        let mut bits = |scope: BitScope, note: fn(&mut Uses)| {
            note(match scope {
                BitScope::Flow => &mut flow,
                BitScope::SourceHost | BitScope::DestinationHost => &mut host,
                BitScope::HostPair => &mut pair,
                BitScope::Transaction => &mut transaction,
            });
        };
        let [mut flow_texts, mut packet_texts] = [Uses::default(); 2];
        let mut texts = |scope: VariableScope, note: fn(&mut Uses)| {
            note(match scope {
                VariableScope::Flow => &mut flow_texts,
                VariableScope::Packet => &mut packet_texts,
            });
        };
        for condition in &rule.conditions {
            match *condition {
                PacketCondition::Bits { scope, .. } => bits(scope, |uses| uses.reads = true),
                PacketCondition::FlowInt { .. } => flow_integers.reads = true,
                PacketCondition::TextVariable { scope, .. } => {
                    texts(scope, |uses| uses.reads = true)
                }
                _ => {}
            }
        }
        for inspection in &rule.inspections {
            for capture in captures(inspection) {
                texts(capture.scope, |uses| uses.writes = true);
            }
        }
        let mut expires = false;
        for effect in rule.view.effects() {
            match effect {
                Effect::Bit {
                    scope,
                    expire_seconds,
                    ..
                } => {
                    bits(scope, |uses| uses.writes = true);
                    // Those of `hostbits` have no end.
                    expires |= (1..u32::MAX).contains(&expire_seconds);
                }
                Effect::FlowInt { .. } => flow_integers.writes = true,
                Effect::NoAlert => {}
            }
        }
        let late = |uses: Uses| match uses.access() {
            Access::Writes if expires => Access::WritesLate,
            access => access,
        };
        Self {
            action: match rule.view.action() {
                Action::Pass => 0,
                Action::Drop => 1,
                Action::Reject => 2,
                Action::Alert => 3,
            },
            flow_bits: flow.access(),
            flow_integers: flow_integers.access(),
            flow_texts: flow_texts.access(),
            packet_texts: packet_texts.access(),
            host_bits: late(host),
            pair_bits: late(pair),
            severity: rule.view.severity(),
        }
    }
}

/// The kind of digest that an inspection of whole files asks for, if it asks for one.
pub(crate) fn digest_kind(inspection: &Inspection<'_>) -> Option<DigestKind> {
    if inspection.buffer != Buffer::WholeFile {
        return None;
    }
    match inspection.transforms.as_slice() {
        [Transform::ToMd5] => Some(DigestKind::Md5),
        [Transform::ToSha1] => Some(DigestKind::Sha1),
        [Transform::ToSha256] => Some(DigestKind::Sha256),
        _ => None,
    }
}

/// Whether a numeric field belongs to a transaction.
pub(crate) fn is_transaction_field(field: HeaderField) -> bool {
    field as u8 >= HeaderField::TlsVersion as u8
}

/// Whether a condition is asked of a transaction.
pub(crate) fn is_transaction_condition(condition: &PacketCondition<'_>) -> bool {
    match condition {
        PacketCondition::Field(field, _) | PacketCondition::FieldAnyOf(field, _) => {
            is_transaction_field(*field)
        }
        PacketCondition::DcerpcInterface(_)
        | PacketCondition::DcerpcOperation(_)
        | PacketCondition::CipService(_)
        | PacketCondition::Modbus(_)
        | PacketCondition::LdapResponses(_)
        | PacketCondition::CertificateValidity { .. } => true,
        PacketCondition::Event(name) => matches!(AppEvent::parse(name), AppEvent::Transaction(_)),
        _ => false,
    }
}

fn traits_of(rule: &WholeRule<'_>) -> RuleTraits {
    let is_over_payload = |inspection: &Inspection<'_>| inspection.buffer == Buffer::Payload;
    let is_packet_event = |condition: &PacketCondition<'_>| matches!(condition, PacketCondition::Event(name) if AppEvent::parse(name) == AppEvent::Packet);
    let is_stream_only = |condition: &PacketCondition<'_>| matches!(condition, PacketCondition::Flow(requirement) if requirement.only_stream);
    RuleTraits {
        rank: 0,
        kind: rule.view.kind(),
        header: rule.view.header(),
        inspects_packet: rule.view.inspects_packet(),
        inspects_stream: rule.view.inspects_stream(),
        is_stream_only: rule.conditions.iter().any(is_stream_only),
        has_payload_matches: rule.inspections.iter().any(is_over_payload),
        has_packet_event: rule.conditions.iter().any(is_packet_event),
        byte_variables: rule.view.byte_variables(),
        asked: PacketFacts::asked_by(rule),
        is_refused: false,
    }
}

/// Whether a rule or buffer of one protocol applies to a flow that speaks another.
pub(crate) fn protocol_serves(wanted: AppProtocol, spoken: AppProtocol) -> bool {
    wanted == spoken
        || matches!(
            (wanted, spoken),
            (AppProtocol::Http1, AppProtocol::Http2)
                | (AppProtocol::Dcerpc, AppProtocol::Smb)
                | (AppProtocol::Tls, AppProtocol::Quic)
        )
}

/// Whether the header's protocol word allows a flow that speaks `spoken`.
pub(crate) fn header_allows_app(header: HeaderProtocol, spoken: Option<AppProtocol>) -> bool {
    match (header, spoken) {
        (HeaderProtocol::App(wanted), Some(spoken)) => {
            wanted == spoken || (wanted, spoken) == (AppProtocol::Dcerpc, AppProtocol::Smb)
        }
        (HeaderProtocol::AnyHttp, Some(spoken)) => {
            matches!(spoken, AppProtocol::Http1 | AppProtocol::Http2)
        }
        (HeaderProtocol::App(_) | HeaderProtocol::AnyHttp, None) => false,
        _ => true,
    }
}
