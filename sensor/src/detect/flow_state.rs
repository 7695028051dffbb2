//! What detection keeps of one flow. A flow that no rule cared for keeps a few bytes.

use std::collections::VecDeque;

use lapwing_rules::model::{BitAction, IntegerOperand};

use super::{
    counters::DetectorCounters,
    indicators::LookedUp,
    limits::{FLOW_VARIABLES_MAX, TRANSACTION_NOTES_PER_FLOW_MAX},
    renumbering::Renumbering,
    rule_index::RuleIndex,
    text_variables::TextVariables,
};
use crate::direction::Direction;

/// What detection keeps of one flow: bits, integers, how far each transaction was inspected, rules already told.
#[derive(Debug, Default)]
pub struct FlowDetection {
    /// By direction: the rules that ask for addresses only were tried.
    pub(super) addresses_tried: [bool; 2],
    /// A `pass`, `drop` or `reject` rule for the whole flow matched: nothing more is inspected.
    pub(super) is_settled: bool,
    variables: Option<Box<Variables>>,
    pub(super) transactions: VecDeque<TransactionNotes>,
}

#[derive(Debug, Default)]
struct Variables {
    bits: Vec<u32>,
    integers: Vec<(u32, u32)>,
    texts: TextVariables,
}

impl FlowDetection {
    /// Bytes held outside of the flow entry, for the memory budget.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        let variables = self.variables.as_ref().map_or(0, |variables| {
            size_of::<Variables>()
                + variables.bits.capacity() * size_of::<u32>()
                + variables.integers.capacity() * size_of::<(u32, u32)>()
                + variables.texts.held_bytes()
        });
        let notes: usize = self
            .transactions
            .iter()
            .map(TransactionNotes::held_bytes)
            .sum();
        variables + notes
    }

    /// Renumbers what refers to rules, bits and integers of a pack that another one takes the place of.
    pub(super) fn renumber(&mut self, renumbering: &Renumbering, index: &RuleIndex) {
        if let Some(variables) = &mut self.variables {
            let bits = variables.bits.iter();
            variables.bits = bits.filter_map(|bit| renumbering.bit(*bit)).collect();
            let integers = variables.integers.iter();
            variables.integers = integers
                .filter_map(|(integer, value)| Some((renumbering.integer(*integer)?, *value)))
                .collect();
            // What expressions captured is numbered by the old pack, and has no names there.
            variables.texts.clear();
        }
        for notes in &mut self.transactions {
            for side in &mut notes.sides {
                side.waiting.retain_mut(|waiting| {
                    let Some(rule) = renumbering.rule(waiting.rule) else {
                        return false;
                    };
                    waiting.rule = rule;
                    waiting.rank = index.get(rule).map_or(waiting.rank, |traits| traits.rank);
                    true
                });
                // Where candidates are kept in the order of their ranks, the new order counts.
                side.waiting.sort_unstable_by_key(|waiting| waiting.rank);
            }
        }
    }

    /// Whether any variable was ever set.
    pub(super) fn has_variables(&self) -> bool {
        self.variables.is_some()
    }

    pub(super) fn has_bit(&self, bit: u32) -> bool {
        self.variables
            .as_ref()
            .is_some_and(|variables| variables.bits.contains(&bit))
    }

    pub(super) fn change_bit(
        &mut self,
        action: BitAction,
        bit: u32,
        counters: &mut DetectorCounters,
    ) {
        let set = match action {
            BitAction::Set => true,
            BitAction::Toggle => !self.has_bit(bit),
            BitAction::Unset | BitAction::IsSet | BitAction::IsNotSet => false,
        };
        if !set {
            if let Some(variables) = &mut self.variables {
                variables.bits.retain(|held| *held != bit);
            }
            return;
        }
        let variables = self.variables.get_or_insert_default();
        if variables.bits.contains(&bit) {
            return;
        }
        if variables.bits.len() >= FLOW_VARIABLES_MAX {
            counters.flow_variables_over_cap += 1;
            return;
        }
        variables.bits.push(bit);
    }

    pub(super) fn integer(&self, variable: u32) -> Option<u32> {
        self.variables
            .as_ref()?
            .integers
            .iter()
            .find(|(held, _)| *held == variable)
            .map(|(_, value)| *value)
    }

    /// What an operand of an integer stands for: an integer that was never set counts as 0.
    pub(super) fn operand(&self, operand: IntegerOperand) -> u32 {
        match operand {
            IntegerOperand::Number(number) => number,
            IntegerOperand::Variable(variable) => self.integer(variable).unwrap_or(0),
        }
    }

    /// A text that an expression captured.
    pub(super) fn text(&self, variable: u32) -> Option<&[u8]> {
        self.variables.as_ref()?.texts.get(variable)
    }

    /// Keeps such a text. Whether all of it was kept.
    pub(super) fn set_text(&mut self, variable: u32, text: &[u8]) -> bool {
        let variables = self.variables.get_or_insert_default();
        variables.texts.set(variable, text)
    }

    /// `=`, `+` or `-` as in the rule; an integer that was never set counts from 0.
    pub(super) fn change_integer(
        &mut self,
        variable: u32,
        operator: u8,
        operand: u32,
        counters: &mut DetectorCounters,
    ) {
        let before = self.integer(variable);
        let value = match (operator, before) {
            (b'+', before) => before.unwrap_or(0).wrapping_add(operand),
            (b'-', before) => before.unwrap_or(0).wrapping_sub(operand),
            _ => operand,
        };
        let variables = self.variables.get_or_insert_default();
        if let Some(held) = variables
            .integers
            .iter_mut()
            .find(|(held, _)| *held == variable)
        {
            held.1 = value;
        } else if variables.integers.len() < FLOW_VARIABLES_MAX {
            variables.integers.push((variable, value));
        } else {
            counters.flow_variables_over_cap += 1;
        }
    }

    /// Whether a direction of a transaction was inspected to its end. `place` is where to look, and moves on: to be asked of
    /// one transaction after the other, with a place of 0 for the first.
    pub(super) fn is_done_at(&self, place: &mut usize, number: u64, direction: Direction) -> bool {
        while let Some(notes) = self.transactions.get(*place)
            && notes.number <= number
        {
            if notes.number == number {
                return notes.sides[direction.index()].is_done;
            }
            *place += 1;
        }
        false
    }

    /// Whether a direction of a transaction was inspected to its end, asked of any one.
    pub(crate) fn is_done(&self, number: u64, direction: Direction) -> bool {
        let mut place = self
            .transactions
            .partition_point(|notes| notes.number < number);
        self.is_done_at(&mut place, number, direction)
    }

    /// The notes of a transaction, made when first asked for; `None` when the flow has too many.
    pub(super) fn notes_of(&mut self, number: u64) -> Option<&mut TransactionNotes> {
        let at = self
            .transactions
            .partition_point(|notes| notes.number < number);
        let is_known = self
            .transactions
            .get(at)
            .is_some_and(|notes| notes.number == number);
        if !is_known {
            if self.transactions.len() >= TRANSACTION_NOTES_PER_FLOW_MAX {
                return None;
            }
            if self.transactions.capacity() == 0 {
                // Most flows have one transaction at a time.
                self.transactions.reserve_exact(1);
            }
            let notes = TransactionNotes {
                number,
                ..TransactionNotes::default()
            };
            self.transactions.insert(at, notes);
        }
        self.transactions.get_mut(at)
    }

    /// Drops the notes of transactions below `number`.
    pub(super) fn release_below(&mut self, number: u64, pool: &mut ListPool) {
        while self
            .transactions
            .front()
            .is_some_and(|notes| notes.number < number)
        {
            let notes = self.transactions.pop_front();
            for side in notes.into_iter().flat_map(|notes| notes.sides) {
                pool.take_back(side.scans, side.waiting);
            }
        }
    }
}

/// Lists of notes that are used again: a flow keeps none for a direction that was inspected to its end.
#[derive(Debug, Default)]
pub(super) struct ListPool(Vec<(Vec<ScanMark>, Vec<Waiting>)>);

/// Pairs of lists kept for reuse by one detector.
const POOLED_LISTS_MAX: usize = 64;

impl ListPool {
    fn take_back(&mut self, mut scans: Vec<ScanMark>, mut waiting: Vec<Waiting>) {
        let is_worth_it = scans.capacity() + waiting.capacity() > 0;
        if is_worth_it && self.0.len() < POOLED_LISTS_MAX {
            scans.clear();
            waiting.clear();
            self.0.push((scans, waiting));
        }
    }
}

/// How far one transaction was inspected.
#[derive(Debug, Default)]
pub(super) struct TransactionNotes {
    number: u64,
    sides: [SideNotes; 2],
}

impl TransactionNotes {
    pub(super) fn side(&mut self, direction: Direction) -> &mut SideNotes {
        &mut self.sides[direction.index()]
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Both directions were inspected to their end.
    pub(super) fn is_done(&self) -> bool {
        self.sides.iter().all(|side| side.is_done)
    }

    fn held_bytes(&self) -> usize {
        let lists: usize = self
            .sides
            .iter()
            .map(|side| {
                side.scans.capacity() * size_of::<ScanMark>()
                    + side.waiting.capacity() * size_of::<Waiting>()
            })
            .sum();
        size_of::<Self>() + lists
    }
}

/// One direction of a transaction.
#[derive(Debug, Default)]
pub(super) struct SideNotes {
    pub(super) is_started: bool,
    pub(super) is_done: bool,
    pub(super) progress: u32,
    /// What was looked up among the indicators.
    pub(super) looked_up: LookedUp,
    pub(super) scans: Vec<ScanMark>,
    /// Candidates that are not decided, and those that fired.
    pub(super) waiting: Vec<Waiting>,
}

impl SideNotes {
    /// Gets lists that were used before, if this direction has none yet.
    pub(super) fn begin(&mut self, pool: &mut ListPool) {
        if !self.is_started
            && let Some((scans, waiting)) = pool.0.pop()
        {
            self.scans = scans;
            self.waiting = waiting;
        }
    }

    /// The direction was inspected to its end.
    pub(super) fn finish(&mut self, pool: &mut ListPool) {
        self.is_done = true;
        pool.take_back(
            std::mem::take(&mut self.scans),
            std::mem::take(&mut self.waiting),
        );
    }
}

/// How far one buffer was given to its prefilter.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScanMark {
    pub(super) buffer: u8,
    /// Whole instances.
    pub(super) instances: u16,
    /// Bytes of the instance that is growing.
    pub(super) bytes: u32,
    pub(super) is_finished: bool,
}

/// A rule that waits in a transaction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) rank: u32,
    pub(super) rule: u32,
    /// Its header and packet conditions held when it was first looked at.
    pub(super) conditions_held: bool,
    /// By inspection: it was found.
    pub(super) satisfied: u64,
    /// It fired in this direction of this transaction, which it does once.
    pub(super) has_fired: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_and_integers_are_kept_within_their_cap() {
        let (mut flow, mut counters) = (FlowDetection::default(), DetectorCounters::default());
        flow.change_bit(BitAction::Toggle, 1, &mut counters);
        assert!(flow.has_bit(1));
        flow.change_bit(BitAction::Toggle, 1, &mut counters);
        assert!(!flow.has_bit(1));
        flow.change_integer(4, b'+', 2, &mut counters);
        flow.change_integer(4, b'+', 3, &mut counters);
        assert_eq!(flow.integer(4), Some(5));
        assert_eq!(flow.integer(5), None);
        for bit in 0..200 {
            flow.change_bit(BitAction::Set, bit, &mut counters);
        }
        assert!(flow.has_bit(127) && !flow.has_bit(128));
        assert_eq!(counters.flow_variables_over_cap, 72);
    }

    #[test]
    fn notes_stay_in_order_and_are_used_again() {
        let (mut flow, mut pool) = (FlowDetection::default(), ListPool::default());
        for number in [3, 1, 2] {
            let notes = flow.notes_of(number).unwrap();
            let side = notes.side(Direction::ToServer);
            side.begin(&mut pool);
            side.scans.reserve(8);
        }
        let notes = flow.notes_of(3).unwrap();
        notes.side(Direction::ToServer).finish(&mut pool);
        assert_eq!(pool.0.len(), 1);
        flow.release_below(3, &mut pool);
        assert_eq!(pool.0.len(), 3);
        assert_eq!(flow.transactions.len(), 1);
        assert_eq!(flow.transactions[0].number(), 3);
        let notes = flow.notes_of(4).unwrap();
        let side = notes.side(Direction::ToClient);
        side.begin(&mut pool);
        assert!(side.scans.capacity() >= 8 && pool.0.len() == 2);
    }

    #[test]
    fn what_is_done_is_found_in_order() {
        let mut flow = FlowDetection::default();
        for number in [2, 5] {
            let notes = flow.notes_of(number).unwrap();
            notes
                .side(Direction::ToServer)
                .finish(&mut ListPool::default());
        }
        let mut place = 0;
        let done: Vec<u64> = (0..8)
            .filter(|number| flow.is_done_at(&mut place, *number, Direction::ToServer))
            .collect();
        assert_eq!(done, [2, 5]);
        assert!(!flow.is_done_at(&mut 0, 2, Direction::ToClient));
    }
}
