//! Gathers the triggers of all rules into groups.

use std::collections::BTreeMap;

use super::{
    super::{
        prefilter::PrefilterScope,
        writer::{GroupToWrite, PackWriter},
    },
    Trigger,
};

/// The rules of one scope, by pattern; `BTreeMap`s so that the same rules give the same bytes.
#[derive(Debug, Default)]
struct Group {
    by_pattern: BTreeMap<Vec<u8>, Vec<u32>>,
    always: Vec<u32>,
}

/// Prefilter groups while rules are added.
#[derive(Debug, Default)]
pub(super) struct Groups(BTreeMap<PrefilterScope, Group>);

impl Groups {
    /// Adds a rule. Rules come in ascending order.
    pub(super) fn add(&mut self, rule: u32, trigger: &Trigger) {
        for scope in &trigger.scopes {
            let group = self.0.entry(*scope).or_default();
            match &trigger.pattern {
                Some(pattern) => group
                    .by_pattern
                    .entry(pattern.clone())
                    .or_default()
                    .push(rule),
                None => group.always.push(rule),
            }
        }
    }

    /// Writes every group.
    pub(super) fn write(&self, writer: &mut PackWriter) {
        for (scope, group) in &self.0 {
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
