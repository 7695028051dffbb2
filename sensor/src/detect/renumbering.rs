//! What becomes of numbers when one pack takes the place of another.
//!
//! Rules, bits and integers have numbers within their pack, and flows hold some of them. Bits and integers go on by name. A rule
//! that waits in a transaction goes on if the new pack has it unchanged; a rule that changed or is gone is dropped from there.

use ahash::RandomState;
use hashbrown::HashMap;
use lapwing_rules::{model::RuleId, pack::Pack};

/// Rules that are compared between giving back the pages that were looked at.
const RULES_A_RELEASE: u32 = 2048;

/// Old numbers and the new ones; `None` for what is not there any more.
#[derive(Debug)]
pub struct Renumbering {
    rules: Vec<Option<u32>>,
    bits: Vec<Option<u32>>,
    integers: Vec<Option<u32>>,
}

impl Renumbering {
    /// From one pack to another.
    #[must_use]
    pub fn between(old: &Pack, new: &Pack) -> Self {
        let known: HashMap<RuleId, u32, RandomState> =
            new.rules().map(|rule| (rule.id(), rule.index())).collect();
        let unchanged = |index: u32, id: RuleId| {
            let now = *known.get(&id)?;
            (old.rule_text(index) == new.rule_text(now)).then_some(now)
        };
        Self {
            rules: old
                .rules()
                .map(|rule| {
                    // All texts of both packs are looked at once; they must not count as memory of two copies.
                    if rule.index().is_multiple_of(RULES_A_RELEASE) {
                        old.release_pages();
                        new.release_pages();
                    }
                    unchanged(rule.index(), rule.id())
                })
                .collect(),
            bits: by_name(
                (0..old.bit_count()).map(|bit| old.bit_name(bit)),
                (0..new.bit_count()).map(|bit| new.bit_name(bit)),
            ),
            integers: by_name(
                (0..old.integer_count()).map(|integer| old.integer_name(integer)),
                (0..new.integer_count()).map(|integer| new.integer_name(integer)),
            ),
        }
    }

    pub(super) fn rule(&self, old: u32) -> Option<u32> {
        looked_up(&self.rules, old)
    }

    pub(super) fn bit(&self, old: u32) -> Option<u32> {
        looked_up(&self.bits, old)
    }

    pub(super) fn integer(&self, old: u32) -> Option<u32> {
        looked_up(&self.integers, old)
    }
}

fn looked_up(table: &[Option<u32>], old: u32) -> Option<u32> {
    *table.get(usize::try_from(old).ok()?)?
}

fn by_name<'p>(
    old: impl Iterator<Item = Option<&'p str>>,
    new: impl Iterator<Item = Option<&'p str>>,
) -> Vec<Option<u32>> {
    let known: HashMap<Option<&str>, u32, RandomState> = new.zip(0..).collect();
    old.map(|name| known.get(&name).copied()).collect()
}
