//! Gathers the triggers of all rules into groups.

use std::collections::BTreeMap;

use super::{
    super::{
        address_index::{self, End, EndRanges},
        prefilter::PrefilterScope,
        writer::{GroupToWrite, PackWriter},
    },
    Trigger,
};
use crate::model::{Header, RuleDirection};

/// Patterns shorter than this are looked for only at the ports of their rules, where these name few: 131 such rules of 20,017 gave
/// two thirds of all candidates.
const LONG_PATTERN_BYTES: usize = 4;
/// A rule that names more ports than this at both of its ends is looked for at every port.
const TELLING_PORTS_MAX: usize = 32;

/// The ports without one of which a rule cannot match and at which alone its pattern is looked for; none where it is looked for everywhere.
fn telling_ports(header: &Header, trigger: &Trigger, writer: &PackWriter) -> Vec<u16> {
    let pattern_bytes = trigger.pattern.as_ref().map_or(0, Vec::len);
    if pattern_bytes >= LONG_PATTERN_BYTES {
        return Vec::new();
    }
    [header.source_port, header.destination_port]
        .into_iter()
        .filter_map(|set| {
            let ports: Vec<u16> = writer
                .port_set_view(set)?
                .ranges()
                .flat_map(|(first, last)| first..=last)
                .take(TELLING_PORTS_MAX + 1)
                .collect();
            (ports.len() <= TELLING_PORTS_MAX).then_some(ports)
        })
        .min_by_key(Vec::len)
        .unwrap_or_default()
}

/// The rules of one scope, by pattern; `BTreeMap`s so that the same rules give the same bytes.
#[derive(Debug, Default)]
struct Group {
    by_pattern: BTreeMap<Vec<u8>, Vec<u32>>,
    always: Vec<u32>,
}

/// Prefilter groups while rules are added.
#[derive(Debug, Default)]
pub(super) struct Groups {
    by_scope: BTreeMap<PrefilterScope, Group>,
    sources: EndRanges,
    destinations: EndRanges,
    /// Rules of the address index.
    indexed: Vec<u32>,
    /// Of those, the ones that name IPv6 addresses.
    of_ipv6: Vec<u32>,
}

impl Groups {
    /// Adds a rule of `writer`. Rules come in ascending order.
    pub(super) fn add(
        &mut self,
        rule: u32,
        header: &Header,
        trigger: &Trigger,
        writer: &PackWriter,
    ) {
        let ports = telling_ports(header, trigger, writer);
        for scope in &trigger.scopes {
            if *scope == PrefilterScope::AddressOnly && self.index(rule, header, writer) {
                continue;
            }
            let at_ports: Vec<_> = ports
                .iter()
                .filter_map(|port| scope.at_port(*port))
                .collect();
            if at_ports.is_empty() {
                self.add_to(*scope, rule, trigger);
            }
            for scope in at_ports {
                self.add_to(scope, rule, trigger);
            }
        }
    }

    fn add_to(&mut self, scope: PrefilterScope, rule: u32, trigger: &Trigger) {
        let group = self.by_scope.entry(scope).or_default();
        match &trigger.pattern {
            Some(pattern) => group
                .by_pattern
                .entry(pattern.clone())
                .or_default()
                .push(rule),
            None => group.always.push(rule),
        }
    }

    /// Puts a rule that asks for addresses only into the address index; whether that narrows anything.
    fn index(&mut self, rule: u32, header: &Header, writer: &PackWriter) -> bool {
        let (Some(source), Some(destination)) = (
            writer.address_set_view(header.source),
            writer.address_set_view(header.destination),
        ) else {
            return false;
        };
        let Some(end) = address_index::telling_end(source, destination) else {
            return false;
        };
        let set = match end {
            End::Source => source,
            End::Destination => destination,
        };
        let is_both = header.direction == RuleDirection::Both;
        if end == End::Source || is_both {
            self.sources.add(rule, set);
        }
        if end == End::Destination || is_both {
            self.destinations.add(rule, set);
        }
        self.indexed.push(rule);
        if !set.ipv6.is_empty() {
            self.of_ipv6.push(rule);
        }
        true
    }

    /// The lists of rules that the address index leaves to groups.
    fn write_index(&mut self, writer: &mut PackWriter) {
        let (scope, rules) = match address_index::build(&self.sources, &self.destinations) {
            Some(index) => {
                writer.address_index(index);
                (PrefilterScope::AddressOnlyIpv6, &mut self.of_ipv6)
            }
            None => (PrefilterScope::AddressOnly, &mut self.indexed),
        };
        if !rules.is_empty() {
            let always = &mut self.by_scope.entry(scope).or_default().always;
            always.append(rules);
            always.sort_unstable();
        }
    }

    /// Writes every group, and the address index.
    pub(super) fn write(mut self, writer: &mut PackWriter) {
        self.write_index(writer);
        for (scope, group) in &self.by_scope {
            writer.prefilter_group(&GroupToWrite {
                scope: *scope,
                patterns: group
                    .by_pattern
                    .iter()
                    .map(|(pattern, rules)| (pattern.as_slice(), rules.clone()))
                    .collect(),
                always: group.always.clone(),
            });
        }
    }
}
