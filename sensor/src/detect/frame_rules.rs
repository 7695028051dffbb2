//! Rules judged in frames, each frame by itself, when it is whole or has grown enough.
//!
//! As in the reference, of the conditions of a rule only its header is looked at beside the frame, and that the flow has
//! bits or integers at all if the rule asks whether one is set; and a rule that names several kinds of frame matches in any
//! of them.

use lapwing_rules::model::{BitAction, BitScope, PacketCondition};

use super::{
    content_inspection::Subject,
    flow_state::FlowDetection,
    header_check,
    judge::{Judge, RuleCase},
    prefilter::Prefilter,
    round::Round,
    rule_index::RuleIndex,
};
use crate::app_layer::FramePiece;

/// The rules that one piece of a frame makes candidates, each once, in order of evaluation.
pub(crate) fn gather_candidates(
    piece: &FramePiece<'_>,
    round: &Round<'_>,
    prefilter: &mut Prefilter,
    index: &RuleIndex,
    lowered: &mut Vec<u8>,
    candidates: &mut Vec<(u32, u32)>,
) {
    candidates.clear();
    let Some(group) = prefilter.frames(piece.frame, round.direction()) else {
        return;
    };
    let mut add = |rule: u32| {
        if let Some(traits) = index.get(rule) {
            candidates.push((traits.rank, rule));
        }
    };
    group.always().iter().copied().for_each(&mut add);
    group.scan(piece.bytes, lowered, add);
    candidates.sort_unstable();
    candidates.dedup();
}

impl Judge {
    /// Whether a rule holds in a piece of a frame.
    pub(crate) fn holds_in_frame(
        &mut self,
        rule: &RuleCase<'_>,
        piece: &FramePiece<'_>,
        round: &Round<'_>,
        state: &FlowDetection,
    ) -> bool {
        if !header_check::holds(rule.pack, &rule.traits.header, round) {
            return false;
        }
        if !state.has_variables() && rule.view.packet_conditions().any(|c| asks_variable(&c)) {
            return false;
        }
        self.begin_rule(rule.traits);
        rule.view
            .inspections()
            .filter(|inspection| inspection.frame == Some(piece.frame))
            .any(|inspection| {
                let subject = Subject {
                    stream_offset: piece.offset,
                    is_end: piece.is_end,
                    ..Subject::whole(piece.bytes)
                };
                self.bytes_hold(rule, &inspection, subject)
            })
    }
}

fn asks_variable(condition: &PacketCondition<'_>) -> bool {
    matches!(
        condition,
        PacketCondition::Bits {
            scope: BitScope::Flow,
            action: BitAction::IsSet,
            ..
        } | PacketCondition::FlowInt { .. }
    )
}
