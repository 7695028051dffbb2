//! Which content of a rule is looked for first, and where: the choice decides how many rules are candidates for nothing.

use super::requirements::{self, Requirements};
use crate::{
    model::{AppProtocol, Buffer, RuleKind, Side, Transform},
    pack::{PrefilterScope, TransportClass, Trigger, rarity},
    source::draft::{ContentDraft, InspectionDraft, MatchDraft, RuleDraft, TransformDraft},
};

/// Protocols that carry files.
const FILE_PROTOCOLS: [AppProtocol; 6] = [
    AppProtocol::Http1,
    AppProtocol::Http2,
    AppProtocol::Smtp,
    AppProtocol::Smb,
    AppProtocol::FtpData,
    AppProtocol::Nfs,
];

/// Chooses.
pub(super) fn choose(rule: &RuleDraft, requirements: &Requirements) -> Trigger {
    let usable = |inspection: &&InspectionDraft| {
        let buffer = inspection.buffer;
        match requirements.kind {
            RuleKind::Transaction => {
                buffer != Buffer::Payload
                    && buffer != Buffer::Base64Data
                    && !requirements::is_packet_buffer(buffer)
            }
            _ => buffer != Buffer::Base64Data,
        }
    };
    let inspections: Vec<&InspectionDraft> = rule.inspections.iter().filter(usable).collect();
    if let Some((inspection, content)) = best_content(&inspections) {
        return Trigger {
            scopes: scopes_of(inspection, rule, requirements),
            pattern: prefilter_pattern(inspection, content),
        };
    }
    let scopes = match (inspections.first(), requirements.kind) {
        (Some(inspection), _) => scopes_of(inspection, rule, requirements),
        (None, RuleKind::AddressOnly) => vec![PrefilterScope::AddressOnly],
        (None, RuleKind::Transaction) if requirements::is_of_any_file(rule) => {
            requirements::each_side(requirements.sides)
                .flat_map(|side| {
                    FILE_PROTOCOLS.map(|protocol| PrefilterScope::Transaction(Some(protocol), side))
                })
                .collect()
        }
        (None, RuleKind::Transaction) => requirements::each_side(requirements.sides)
            .map(|side| {
                let any_http = rule.protocol == crate::model::HeaderProtocol::AnyHttp;
                let protocol = rule.app_protocol().filter(|_| !any_http);
                PrefilterScope::Transaction(protocol, side)
            })
            .collect(),
        (None, _) => requirements::classes(rule.protocol)
            .iter()
            .map(|class| PrefilterScope::PacketHeader(*class))
            .collect(),
    };
    Trigger {
        scopes,
        pattern: None,
    }
}

/// The explicit fast pattern, else the strongest content of the most telling buffers.
fn best_content<'r>(
    inspections: &[&'r InspectionDraft],
) -> Option<(&'r InspectionDraft, &'r ContentDraft)> {
    let candidates = || {
        inspections.iter().flat_map(|inspection| {
            inspection.matches.iter().filter_map(|item| match item {
                MatchDraft::Content(content) if !content.negated => Some((*inspection, content)),
                _ => None,
            })
        })
    };
    let explicit = candidates().find(|(inspection, content)| {
        content.fast_pattern.is_some() && prefilter_pattern(inspection, content).is_some()
    });
    explicit.or_else(|| {
        candidates()
            .filter(|(inspection, content)| prefilter_pattern(inspection, content).is_some())
            .min_by_key(|(inspection, content)| {
                (
                    buffer_rank(inspection.buffer),
                    std::cmp::Reverse(rarity(&content.pattern)),
                )
            })
    })
}

/// Buffers whose bytes say little come last.
fn buffer_rank(buffer: Buffer) -> u8 {
    match buffer {
        Buffer::HttpMethod | Buffer::HttpStatusCode | Buffer::HttpProtocol => 2,
        Buffer::Payload | Buffer::HttpStatusMessage => 1,
        _ => 0,
    }
}

/// What can be looked for in the bytes as they are, before transforms; `None` if the transforms leave nothing to look for.
fn prefilter_pattern(inspection: &InspectionDraft, content: &ContentDraft) -> Option<Vec<u8>> {
    let mut pattern = match content.fast_pattern.and_then(|chosen| chosen.part) {
        Some((offset, length)) => content.pattern.get(offset..offset + length)?.to_vec(),
        None => content.pattern.clone(),
    };
    for transform in &inspection.transforms {
        match transform {
            // The dot that is put before the buffer is not in it.
            TransformDraft::Plain(Transform::DotPrefix) => {
                if pattern.first() == Some(&b'.') {
                    pattern.remove(0);
                }
            }
            TransformDraft::Plain(
                Transform::ToLowercase | Transform::ToUppercase | Transform::HeaderLowercase,
            ) => {}
            _ => return None,
        }
    }
    pattern.make_ascii_lowercase();
    (!pattern.is_empty()).then_some(pattern)
}

/// Every scope in which a buffer of this rule appears.
fn scopes_of(
    inspection: &InspectionDraft,
    rule: &RuleDraft,
    requirements: &Requirements,
) -> Vec<PrefilterScope> {
    let sides = || requirements::each_side(requirements.sides);
    let buffer = inspection.buffer;
    if let Some(frame) = inspection.frame {
        return sides()
            .map(|side| PrefilterScope::Frame(frame, side))
            .collect();
    }
    if buffer != Buffer::Payload {
        return sides()
            .filter(|side| buffer.info().sides.includes(*side))
            .map(|side| PrefilterScope::Buffer(buffer, side))
            .collect();
    }
    let mut scopes = Vec::new();
    for class in requirements::classes(rule.protocol) {
        if *class != TransportClass::Tcp {
            scopes.push(PrefilterScope::PacketPayload(*class));
            continue;
        }
        if requirements.inspects_packet {
            scopes.push(PrefilterScope::PacketPayload(TransportClass::Tcp));
        }
        if requirements.inspects_stream {
            scopes.extend(sides().map(|side: Side| PrefilterScope::Stream(side)));
        }
    }
    scopes
}
