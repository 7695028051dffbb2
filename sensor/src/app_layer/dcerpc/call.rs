//! One remote call as rules ask about it: interface, operation, arguments.

use lapwing_rules::model::DcerpcInterface;

use super::interfaces::AcceptedInterface;
use crate::{
    app_layer::{BufferView, limits},
    direction::Direction,
};

/// What is kept of one request and its response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DcerpcCall {
    /// `opnum`
    pub(in crate::app_layer) operation: u16,
    /// Presentation context.
    pub(in crate::app_layer) context: u16,
    /// A request was seen, so that operation and context are known.
    pub(in crate::app_layer) has_request: bool,
    /// A response was seen.
    pub(in crate::app_layer) has_response: bool,
    pub(in crate::app_layer) little_endian: bool,
    /// What the server had accepted when the call was made.
    pub(in crate::app_layer) interfaces: Vec<AcceptedInterface>,
    /// Arguments by direction.
    pub(in crate::app_layer) stubs: [Stub; 2],
}

/// Arguments or results, put together from fragments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::app_layer) struct Stub {
    pub(in crate::app_layer) bytes: Vec<u8>,
    pub(in crate::app_layer) is_complete: bool,
}

impl Stub {
    /// Appends a fragment's part, up to the cap; an only fragment begins anew.
    pub(in crate::app_layer) fn add(&mut self, bytes: &[u8], is_first: bool, is_last: bool) {
        if is_first {
            self.bytes.clear();
        }
        let room = limits::DCERPC_STUB_BYTES_MAX.saturating_sub(self.bytes.len());
        self.bytes
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.is_complete |= is_last;
    }
}

impl DcerpcCall {
    /// Whether `dce` numbers are little-endian.
    #[must_use]
    pub fn is_little_endian(&self) -> bool {
        self.little_endian
    }

    /// Whether the operation is in one of the ranges.
    #[must_use]
    pub fn is_operation(&self, ranges: &[(u32, u32)]) -> bool {
        (self.has_request || self.has_response)
            && ranges
                .iter()
                .any(|(first, last)| (*first..=*last).contains(&u32::from(self.operation)))
    }

    /// Whether the call is made to an interface.
    #[must_use]
    pub fn is_of(&self, wanted: &DcerpcInterface) -> bool {
        if !(self.has_request || self.has_response) {
            return false;
        }
        // As in the reference, an interface that was not bound in a first fragment is not looked at unless `any_frag`
        // is asked for, and such an interface at the end of the list counts as found.
        let is_passed_over = |interface: &AcceptedInterface| {
            !wanted.any_fragment && !interface.bound_in_first_fragment
        };
        self.interfaces.iter().any(|interface| {
            !is_passed_over(interface)
                && interface.uuid == wanted.uuid
                && interface.context == self.context
                && wanted
                    .version
                    .is_none_or(|range| range.contains(u64::from(interface.version)))
        }) || self.interfaces.last().is_some_and(is_passed_over)
    }

    /// The arguments in a direction.
    pub(in crate::app_layer) fn stub(&self, direction: Direction) -> BufferView<'_> {
        let stub = &self.stubs[direction.index()];
        match (stub.bytes.is_empty(), stub.is_complete) {
            (true, true) => BufferView::Absent,
            (true, false) => BufferView::Pending,
            (false, true) => BufferView::Complete(&stub.bytes),
            (false, false) => BufferView::Growing(&stub.bytes),
        }
    }

    pub(in crate::app_layer) fn held_bytes(&self) -> usize {
        self.interfaces.capacity() * size_of::<AcceptedInterface>()
            + self
                .stubs
                .iter()
                .map(|stub| stub.bytes.capacity())
                .sum::<usize>()
    }
}
