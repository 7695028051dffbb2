//! A rule decoded whole, for what looks at every part of every rule when a pack is opened.

use lapwing_rules::{
    model::{Inspection, PacketCondition},
    pack::RuleView,
};

/// A rule with its conditions and inspections. What is judged packet by packet decodes as far as it gets instead.
#[derive(Debug)]
pub(crate) struct WholeRule<'a> {
    pub(crate) view: RuleView<'a>,
    pub(crate) conditions: Vec<PacketCondition<'a>>,
    pub(crate) inspections: Vec<Inspection<'a>>,
}

impl<'a> WholeRule<'a> {
    pub(crate) fn new(view: RuleView<'a>) -> Self {
        Self {
            view,
            conditions: view.packet_conditions().collect(),
            inspections: view.inspections().collect(),
        }
    }
}
