//! Rules judged in a transaction, one direction at a time, as its buffers become known.
//!
//! A rule becomes a candidate when a prefilter finds its pattern in one of the transaction's buffers. It fires when all of
//! its lists held in this transaction, is dropped when one of them cannot hold any more, and waits otherwise.

use lapwing_rules::model::{
    AppProtocol, Buffer, HeaderField, Inspection, PacketCondition, RuleKind,
};

use super::{
    app_event::AppEvent,
    content_inspection::Subject,
    flow_state::{FlowDetection, ScanMark, SideNotes, Waiting},
    judge::{Judge, RuleCase},
    limits::{BUFFER_INSTANCES_MAX, FIELD_VALUES_MAX, PENDING_RULES_PER_TRANSACTION_MAX},
    packet_rules::header_bytes,
    prefilter::{BufferGroup, Prefilter},
    round::Round,
    rule_index::{RuleIndex, digest_kind, is_transaction_condition, leaves_values},
};
use crate::{
    app_layer::{BufferView, DcerpcCall, DigestKind, Transaction},
    direction::Direction,
};

/// Where a rule, or one of its parts, stands in a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// All of it held.
    Matches,
    /// It may hold when more is known.
    Waits,
    /// It cannot hold any more.
    Fails,
}

/// One direction of a transaction as it is known now.
#[derive(Clone, Copy)]
pub(crate) struct TransactionSide<'t> {
    pub(crate) transaction: &'t dyn Transaction,
    pub(crate) direction: Direction,
    pub(crate) protocol: AppProtocol,
    pub(crate) is_complete: bool,
    /// Time of the packet in hand, in seconds.
    pub(crate) now_seconds: u64,
}

/// Adds the candidates that this direction's buffers give now, each once, in any order.
pub(crate) fn gather_candidates(
    side: &TransactionSide<'_>,
    notes: &mut SideNotes,
    prefilter: &mut Prefilter,
    index: &RuleIndex,
    lowered: &mut Vec<u8>,
    judge: &mut Judge,
) {
    if !notes.is_started {
        for rule in prefilter.transaction_rules(side.protocol, side.direction) {
            add_candidate(rule, &mut notes.waiting, index, judge);
        }
    }
    let groups = prefilter.transaction_buffers(side.protocol, side.direction);
    for (place, group) in groups.enumerate() {
        scan_buffer(side, (place, group), notes, index, lowered, judge);
    }
}

/// Makes a rule a candidate of a transaction, unless it is one already.
pub(crate) fn add_candidate(
    rule: u32,
    waiting: &mut Vec<Waiting>,
    index: &RuleIndex,
    judge: &mut Judge,
) {
    let Some(traits) = index
        .get(rule)
        .filter(|traits| traits.kind == RuleKind::Transaction)
    else {
        return;
    };
    if waiting.iter().any(|held| held.rule == rule) {
        return;
    }
    if waiting.len() >= PENDING_RULES_PER_TRANSACTION_MAX {
        judge.counters.pending_rules_over_cap += 1;
        return;
    }
    judge.counters.candidates += 1;
    waiting.push(Waiting {
        rank: traits.rank,
        rule,
        conditions_held: false,
        satisfied: 0,
        has_fired: false,
    });
}

/// Gives a buffer's new bytes to its prefilter; what was seen before is not looked at again. `place` is where the mark of
/// this buffer stands, if it was made when the groups were gone through before.
fn scan_buffer(
    side: &TransactionSide<'_>,
    (place, buffer_group): (usize, &mut BufferGroup),
    notes: &mut SideNotes,
    index: &RuleIndex,
    lowered: &mut Vec<u8>,
    judge: &mut Judge,
) {
    let BufferGroup { buffer, group } = buffer_group;
    let number = *buffer as u8;
    let is_mark = |mark: &ScanMark| mark.buffer == number;
    let at = if notes.scans.get(place).is_some_and(is_mark) {
        Some(place)
    } else {
        notes.scans.iter().position(is_mark)
    };
    let mut mark = at.map_or(
        ScanMark {
            buffer: number,
            instances: 0,
            bytes: 0,
            is_finished: false,
        },
        |at| notes.scans[at],
    );
    while !mark.is_finished {
        let instance = usize::from(mark.instances);
        let view = view_of(side, *buffer, instance);
        let (bytes, is_whole) = match view {
            BufferView::Complete(bytes) => (bytes, true),
            BufferView::Growing(bytes) => (bytes, false),
            // There is nothing to be looked for in it, but its digest is asked for.
            BufferView::Absent if *buffer == Buffer::WholeFile && has_digest(side, instance) => {
                (&[][..], true)
            }
            BufferView::Pending => {
                mark.is_finished = side.transaction.is_scan_over(*buffer, side.direction);
                break;
            }
            BufferView::Absent => {
                // Where several may come, the next may come with more of the transaction.
                mark.is_finished = side.is_complete
                    || !buffer.info().multiple
                    || side.transaction.is_scan_over(*buffer, side.direction);
                break;
            }
        };
        let seen_bytes = usize::try_from(mark.bytes).unwrap_or(usize::MAX);
        let is_first_look = instance == 0 && seen_bytes == 0;
        if is_first_look {
            for &rule in group.always() {
                add_candidate(rule, &mut notes.waiting, index, judge);
            }
        }
        if !side.transaction.is_scan_due(*buffer, side.direction) {
            break;
        }
        let grown = bytes.len() > seen_bytes;
        if grown {
            let unseen = &bytes[seen_bytes.saturating_sub(group.overlap())..];
            judge.counters.prefiltered_bytes += u64::try_from(unseen.len()).unwrap_or(0);
            group.scan(unseen, lowered, |rule| {
                add_candidate(rule, &mut notes.waiting, index, judge);
            });
            mark.bytes = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        }
        if !is_whole {
            break;
        }
        mark.bytes = 0;
        mark.instances += 1;
        mark.is_finished =
            !buffer.info().multiple || usize::from(mark.instances) >= BUFFER_INSTANCES_MAX;
    }
    match at {
        Some(at) => notes.scans[at] = mark,
        None => notes.scans.push(mark),
    }
}

impl Judge {
    /// Judges a candidate in one direction of a transaction and notes how far it came.
    pub(crate) fn judge_in_transaction(
        &mut self,
        rule: &RuleCase<'_>,
        side: &TransactionSide<'_>,
        waiting: &mut Waiting,
        round: &Round<'_>,
        state: &FlowDetection,
    ) -> Standing {
        if !waiting.conditions_held {
            if !self.packet_part_holds(rule, round, state) {
                return Standing::Fails;
            }
            waiting.conditions_held = true;
        }
        let mut standing = Standing::Matches;
        for condition in rule.view.packet_conditions() {
            if is_transaction_condition(&condition) {
                match condition_standing(&condition, side) {
                    Standing::Matches => {}
                    Standing::Waits => standing = Standing::Waits,
                    Standing::Fails => return Standing::Fails,
                }
            }
        }
        self.begin_rule(rule.traits);
        for (number, inspection) in rule.view.inspections().enumerate() {
            // Lists beyond the 64th are looked at anew each time.
            let bit = u32::try_from(number)
                .ok()
                .and_then(|number| 1_u64.checked_shl(number))
                .unwrap_or(0);
            if waiting.satisfied & bit != 0 && !leaves_values(&inspection) {
                continue;
            }
            match self.inspection_standing(rule, &inspection, side, round) {
                Standing::Matches => waiting.satisfied |= bit,
                Standing::Waits => standing = Standing::Waits,
                Standing::Fails => return Standing::Fails,
            }
        }
        standing
    }

    fn inspection_standing(
        &mut self,
        rule: &RuleCase<'_>,
        inspection: &Inspection<'_>,
        side: &TransactionSide<'_>,
        round: &Round<'_>,
    ) -> Standing {
        let later = if side.is_complete {
            Standing::Fails
        } else {
            Standing::Waits
        };
        match inspection.buffer {
            Buffer::Base64Data => Standing::Matches,
            Buffer::Payload => match self.payload_holds(rule, inspection, round) {
                Some(_) => Standing::Matches,
                None => later,
            },
            buffer if buffer.is_of_transactions() => self.buffer_standing(rule, inspection, side),
            buffer => match header_bytes(buffer, round) {
                Some(bytes) if self.bytes_hold(rule, inspection, Subject::whole(bytes)) => {
                    Standing::Matches
                }
                _ => later,
            },
        }
    }

    /// One list over the instances of a buffer: any one that satisfies all of it will do.
    fn buffer_standing(
        &mut self,
        rule: &RuleCase<'_>,
        inspection: &Inspection<'_>,
        side: &TransactionSide<'_>,
    ) -> Standing {
        let buffer = inspection.buffer;
        let is_multiple = buffer.info().multiple;
        let mut may_still_hold = is_multiple && !side.is_complete;
        let digest_kind = digest_kind(inspection);
        for instance in 0..BUFFER_INSTANCES_MAX {
            let digest = digest_kind
                .and_then(|kind| side.transaction.file_digest(kind, side.direction, instance));
            if let Some(digest) = digest {
                if self.digest_holds(inspection, digest) {
                    return Standing::Matches;
                }
                continue;
            }
            let (bytes, is_end) = match view_of(side, buffer, instance) {
                BufferView::Pending => return Standing::Waits,
                BufferView::Absent => break,
                BufferView::Complete(bytes) => (bytes, true),
                BufferView::Growing(bytes) => (bytes, false),
            };
            let subject = Subject {
                is_end,
                dce_little_endian: side
                    .transaction
                    .dcerpc_call()
                    .is_none_or(DcerpcCall::is_little_endian),
                ..Subject::whole(bytes)
            };
            if self.bytes_hold(rule, inspection, subject) {
                return Standing::Matches;
            }
            may_still_hold |= !is_end;
            if !is_multiple {
                break;
            }
        }
        if may_still_hold {
            Standing::Waits
        } else {
            Standing::Fails
        }
    }
}

/// Whether digests of a file were made while it passed.
fn has_digest(side: &TransactionSide<'_>, instance: usize) -> bool {
    let kinds = [DigestKind::Md5, DigestKind::Sha1, DigestKind::Sha256];
    kinds.into_iter().any(|kind| {
        let digest = side.transaction.file_digest(kind, side.direction, instance);
        digest.is_some()
    })
}

/// A buffer of the transaction; a whole file is a file's bytes where their number is that of the file.
fn view_of<'t>(side: &TransactionSide<'t>, buffer: Buffer, instance: usize) -> BufferView<'t> {
    let TransactionSide {
        transaction,
        direction,
        ..
    } = *side;
    if buffer != Buffer::WholeFile {
        return transaction.buffer(buffer, direction, instance);
    }
    match transaction.buffer(Buffer::FileData, direction, instance) {
        BufferView::Growing(_) => BufferView::Pending,
        BufferView::Complete(bytes) => {
            let size = transaction.field(HeaderField::FileSize, direction, instance);
            match size.map(usize::try_from) {
                Some(Ok(size)) if size == bytes.len() => BufferView::Complete(bytes),
                _ => BufferView::Absent,
            }
        }
        view => view,
    }
}

fn is_cut_file(side: &TransactionSide<'_>, fits: impl Fn(u64) -> bool) -> bool {
    let size_of = |at| {
        let field = HeaderField::FileSizeAtLeast;
        side.transaction.field(field, side.direction, at)
    };
    (0..FIELD_VALUES_MAX).map_while(size_of).any(fits)
}

/// A condition on numbers or events of the transaction.
fn condition_standing(condition: &PacketCondition<'_>, side: &TransactionSide<'_>) -> Standing {
    let mut values = 0..FIELD_VALUES_MAX;
    let (holds, is_known) = match condition {
        // Of a file that was cut no more is said than that it was larger than that.
        PacketCondition::Field(HeaderField::FileSize, range)
            if range.max == u64::MAX
                && !range.negated
                && is_cut_file(side, |size| range.contains(size)) =>
        {
            (true, true)
        }
        PacketCondition::Field(field, range) => {
            let mut is_known = false;
            let holds = values
                .by_ref()
                .map_while(|at| side.transaction.field(*field, side.direction, at))
                .inspect(|_| is_known = true)
                .any(|value| range.contains(value));
            let holds = holds || !is_known && side.transaction.holds(condition, side.direction);
            (holds, is_known && !side.transaction.fields_may_grow())
        }
        PacketCondition::CertificateValidity { is_expired } => {
            let field = HeaderField::TlsCertificateNotAfter;
            let end = side.transaction.field(field, side.direction, 0);
            let holds = end.is_some_and(|end| (side.now_seconds > end) == *is_expired);
            (holds, end.is_some())
        }
        PacketCondition::FieldAnyOf(field, ranges) => {
            let mut is_known = false;
            let holds = values
                .by_ref()
                .map_while(|at| side.transaction.field(*field, side.direction, at))
                .inspect(|_| is_known = true)
                .any(|value| {
                    let mut ranges = ranges.iter();
                    ranges.any(|(first, last)| (*first..=*last).contains(&value))
                });
            (holds, is_known && !side.transaction.fields_may_grow())
        }
        PacketCondition::Event(name) => match AppEvent::parse(name) {
            AppEvent::Transaction(event) => (side.transaction.events().contains(&event), false),
            AppEvent::Packet | AppEvent::Identification => (true, true),
        },
        PacketCondition::DcerpcInterface(wanted) => {
            let call = side.transaction.dcerpc_call();
            (call.is_some_and(|call| call.is_of(wanted)), false)
        }
        PacketCondition::CipService(_)
        | PacketCondition::Modbus(_)
        | PacketCondition::LdapResponses(_) => {
            (side.transaction.holds(condition, side.direction), false)
        }
        PacketCondition::DcerpcOperation(ranges) => {
            let call = side.transaction.dcerpc_call();
            (call.is_some_and(|call| call.is_operation(ranges)), false)
        }
        _ => (true, true),
    };
    match (holds, is_known || side.is_complete) {
        (true, _) => Standing::Matches,
        (false, false) => Standing::Waits,
        (false, true) => Standing::Fails,
    }
}
