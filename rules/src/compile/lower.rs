//! From a rule as it was read to a rule as it is written: names become numbers, sets and expressions are shared.

use std::collections::HashMap;

use super::{lists, requirements::Requirements};
use crate::{
    model::{
        AddressSetId, AlertLimit, Capture, Content, Effect, Header, Inspection, IntegerOperand,
        Match, PacketCondition, PortSetId, RegexUse, Severity, Transform,
    },
    pack::{PackWriter, RuleToWrite},
    source::{
        AddressSet, Catalogue, PortSet,
        draft::{
            ConditionDraft, EffectDraft, InspectionDraft, IntegerDraft, LimitDraft, ListQuestion,
            MatchDraft, RegexDraft, RuleDraft, TransformDraft,
        },
    },
};

/// Priority of a rule that gives none.
const DEFAULT_SEVERITY: u8 = 3;

/// What rules share in a pack.
#[derive(Debug, Default)]
pub(super) struct Shared {
    addresses: HashMap<AddressSet, AddressSetId>,
    ports: HashMap<PortSet, PortSetId>,
    regexes: HashMap<RegexDraft, u32>,
}

impl Shared {
    fn address_set(&mut self, set: &AddressSet, writer: &mut PackWriter) -> AddressSetId {
        if set.is_any() {
            return AddressSetId::ANY;
        }
        *self
            .addresses
            .entry(set.clone())
            .or_insert_with(|| writer.address_set(set.ipv4.as_slice(), set.ipv6.as_slice()))
    }

    fn port_set(&mut self, set: &PortSet, writer: &mut PackWriter) -> PortSetId {
        if set.is_all() {
            return PortSetId::ANY;
        }
        *self
            .ports
            .entry(set.clone())
            .or_insert_with(|| writer.port_set(set.as_slice()))
    }

    fn regex(&mut self, regex: &RegexDraft, writer: &mut PackWriter) -> u32 {
        *self.regexes.entry(regex.clone()).or_insert_with(|| {
            writer.regex(&regex.expression, &regex.original, regex.needs_backtracking)
        })
    }

    /// Writes a rule and gives its index.
    pub(super) fn write(
        &mut self,
        rule: &RuleDraft,
        requirements: &Requirements,
        catalogue: &Catalogue,
        text: Option<&str>,
        writer: &mut PackWriter,
    ) -> u32 {
        // The patterns of contents without regard to case, folded; they outlive what borrows them.
        let folded: Vec<Vec<Vec<u8>>> = rule.inspections.iter().map(folded_patterns).collect();
        let header = Header {
            protocol: rule.protocol,
            source: self.address_set(&rule.source, writer),
            source_port: self.port_set(&rule.source_port, writer),
            direction: rule.direction,
            destination: self.address_set(&rule.destination, writer),
            destination_port: self.port_set(&rule.destination_port, writer),
        };
        let inspections = rule
            .inspections
            .iter()
            .zip(&folded)
            .map(|(inspection, patterns)| self.inspection(inspection, patterns, writer))
            .collect();
        let severity = rule.severity.or(rule.class_severity);
        let conditions = self.conditions(rule, writer);
        let effects = effects(rule, writer);
        let limits = self.limits(rule, writer);
        writer.rule(&RuleToWrite {
            id: rule.id,
            action: rule.action,
            severity: Severity(severity.unwrap_or(DEFAULT_SEVERITY)),
            header,
            kind: requirements.kind,
            sides: requirements.sides,
            inspects_packet: requirements.inspects_packet,
            inspects_stream: requirements.inspects_stream,
            byte_variables: u8::try_from(rule.variables.len()).unwrap_or(u8::MAX),
            message: &rule.message,
            class_type: &rule.class_type,
            class_description: &rule.class_description,
            conditions,
            inspections,
            effects,
            limits,
            references: rule
                .references
                .iter()
                .map(|(system, target)| {
                    let prefix = catalogue.reference_prefix(system);
                    (prefix.unwrap_or(system), target.as_str())
                })
                .collect(),
            metadata: rule
                .metadata
                .iter()
                .map(|(key, note)| (key.as_str(), note.as_str()))
                .collect(),
            text,
        })
    }

    fn conditions<'r>(
        &mut self,
        rule: &'r RuleDraft,
        writer: &mut PackWriter,
    ) -> Vec<PacketCondition<'r>> {
        let mut conditions = Vec::with_capacity(rule.conditions.len() + 1);
        if rule.flow != crate::model::FlowRequirement::default() {
            conditions.push(PacketCondition::Flow(rule.flow));
        }
        for condition in &rule.conditions {
            conditions.push(match condition {
                ConditionDraft::Plain(plain) => plain.clone(),
                ConditionDraft::Event(name) => PacketCondition::Event(name),
                ConditionDraft::Bits {
                    scope,
                    action,
                    names,
                } => PacketCondition::Bits {
                    scope: *scope,
                    action: *action,
                    bits: names.iter().map(|name| writer.bit(name)).collect(),
                },
                ConditionDraft::FlowInt {
                    name,
                    operator,
                    value,
                } => PacketCondition::FlowInt {
                    variable: writer.integer(name),
                    operator: *operator,
                    value: integer_operand(value, writer),
                },
                ConditionDraft::TextVariable {
                    scope,
                    name,
                    pattern,
                } => PacketCondition::TextVariable {
                    scope: *scope,
                    variable: writer.bit(name),
                    pattern,
                },
                ConditionDraft::Reputation { side, addresses } => PacketCondition::Reputation {
                    side: *side,
                    addresses: self.address_set(addresses, writer),
                },
            });
        }
        conditions.sort_by_key(cost);
        conditions
    }

    fn limits(&mut self, rule: &RuleDraft, writer: &mut PackWriter) -> Vec<AlertLimit> {
        rule.limits
            .iter()
            .map(|limit| match limit {
                LimitDraft::Suppress { track, addresses } => AlertLimit::Suppress {
                    track: *track,
                    addresses: self.address_set(addresses, writer),
                },
                LimitDraft::Threshold(threshold) => AlertLimit::Threshold(*threshold),
                LimitDraft::RateFilter(filter) => AlertLimit::RateFilter(*filter),
            })
            .collect()
    }

    fn inspection<'r>(
        &mut self,
        draft: &'r InspectionDraft,
        patterns: &'r [Vec<u8>],
        writer: &mut PackWriter,
    ) -> Inspection<'r> {
        let transforms = draft
            .transforms
            .iter()
            .map(|transform| match transform {
                TransformDraft::Plain(plain) => *plain,
                TransformDraft::Xor(key) => Transform::Xor(key),
                TransformDraft::FirstCapture(regex) => {
                    Transform::FirstCapture(self.regex(regex, writer))
                }
            })
            .collect();
        let followed = followed_by_relative(&draft.matches);
        let matches = draft
            .matches
            .iter()
            .zip(patterns)
            .zip(followed)
            .map(|((item, pattern), followed_by_relative)| match item {
                MatchDraft::Content(content) => Match::Content(Content {
                    pattern,
                    nocase: content.nocase,
                    negated: content.negated,
                    anchor: content.anchor(),
                    starts_with: content.starts_with,
                    ends_with: content.ends_with,
                    followed_by_relative,
                }),
                MatchDraft::Regex {
                    regex,
                    relative,
                    negated,
                    captures,
                } => Match::Regex(RegexUse {
                    regex: self.regex(regex, writer),
                    relative: *relative,
                    negated: *negated,
                    followed_by_relative,
                    captures: captures
                        .iter()
                        .map(|capture| Capture {
                            group: capture.group,
                            scope: capture.scope,
                            variable: writer.bit(&capture.name),
                        })
                        .collect(),
                }),
                MatchDraft::List(draft) => {
                    let name = lists::pack_name(draft);
                    let list = writer.list(&lists::to_write(draft, &name, false));
                    match draft.question {
                        ListQuestion::InList(action) => Match::InList { list, action },
                        ListQuestion::Reputation(range) => Match::Reputation { list, range },
                    }
                }
                MatchDraft::Other(other) => other.clone(),
            })
            .collect();
        Inspection {
            buffer: draft.buffer,
            frame: draft.frame,
            transforms,
            matches,
        }
    }
}

fn folded_patterns(inspection: &InspectionDraft) -> Vec<Vec<u8>> {
    inspection
        .matches
        .iter()
        .map(|item| match item {
            MatchDraft::Content(content) if content.nocase => content.pattern.to_ascii_lowercase(),
            MatchDraft::Content(content) => content.pattern.clone(),
            _ => Vec::new(),
        })
        .collect()
}

/// For each match whether a later one is relative to it, so that its other occurrences are tried. As in the reference, a content or
/// expression is relative to the one nearest before it, a number or `isdataat` only where nothing else stands between them, and
/// `base64_decode` never has anything tried again.
fn followed_by_relative(matches: &[MatchDraft]) -> Vec<bool> {
    let mut followed = vec![false; matches.len()];
    let (mut anchor, mut before): (Option<usize>, Option<usize>) = (None, None);
    for (index, item) in matches.iter().enumerate() {
        let is_anchor = matches!(item, MatchDraft::Content(_) | MatchDraft::Regex { .. });
        let retried = match item {
            MatchDraft::Other(Match::Base64Decode(_)) => None,
            _ if is_anchor => anchor,
            _ => before.filter(|before| Some(*before) == anchor),
        };
        if let Some(retried) = retried.filter(|_| item.is_relative()) {
            followed[retried] = true;
        }
        if is_anchor {
            anchor = Some(index);
        }
        if !matches!(
            item,
            MatchDraft::List(_) | MatchDraft::Other(Match::BufferSize(_))
        ) {
            before = Some(index);
        }
    }
    followed
}

/// How much a condition costs to check, for their order.
fn cost(condition: &PacketCondition<'_>) -> u8 {
    match condition {
        PacketCondition::Flow(_) => 0,
        PacketCondition::Field(..)
        | PacketCondition::FieldAnyOf(..)
        | PacketCondition::TcpFlags { .. }
        | PacketCondition::FragmentBits { .. }
        | PacketCondition::SameIp
        | PacketCondition::AppProtocol { .. }
        | PacketCondition::SpeaksHttp1
        | PacketCondition::StreamSize { .. } => 1,
        PacketCondition::Bits { .. }
        | PacketCondition::FlowInt { .. }
        | PacketCondition::TextVariable { .. } => 2,
        PacketCondition::Reputation { .. }
        | PacketCondition::CertificateValidity { .. }
        | PacketCondition::IpOption { .. }
        | PacketCondition::DcerpcInterface(_)
        | PacketCondition::DcerpcOperation(_)
        | PacketCondition::CipService(_)
        | PacketCondition::RpcCall(_)
        | PacketCondition::Modbus(_)
        | PacketCondition::LdapResponses(_)
        | PacketCondition::Event(_)
        | PacketCondition::Checksum { .. }
        | PacketCondition::FtpBounce => 3,
    }
}

fn integer_operand(draft: &IntegerDraft, writer: &mut PackWriter) -> IntegerOperand {
    match draft {
        IntegerDraft::Number(number) => IntegerOperand::Number(*number),
        IntegerDraft::Variable(name) => IntegerOperand::Variable(writer.integer(name)),
    }
}

fn effects(rule: &RuleDraft, writer: &mut PackWriter) -> Vec<Effect> {
    let mut effects: Vec<Effect> = rule
        .effects
        .iter()
        .map(|effect| match effect {
            EffectDraft::Bit {
                scope,
                action,
                name,
                expire_seconds,
            } => Effect::Bit {
                scope: *scope,
                action: *action,
                bit: writer.bit(name),
                expire_seconds: *expire_seconds,
            },
            EffectDraft::FlowInt {
                name,
                operator,
                value,
            } => Effect::FlowInt {
                variable: writer.integer(name),
                operator: *operator,
                value: integer_operand(value, writer),
            },
        })
        .collect();
    if rule.no_alert {
        effects.push(Effect::NoAlert);
    }
    effects
}
