//! Which interfaces a client offered and the server accepted, on one connection or named pipe.

use crate::app_layer::limits;

/// One that the client may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app_layer) struct AcceptedInterface {
    /// In the order in which it is written.
    pub(in crate::app_layer) uuid: [u8; 16],
    /// Major version.
    pub(in crate::app_layer) version: u16,
    /// Presentation context that calls name.
    pub(in crate::app_layer) context: u16,
    pub(in crate::app_layer) bound_in_first_fragment: bool,
}

/// Offers of the newest bind, and what was accepted of them.
#[derive(Clone, Debug, Default)]
pub(in crate::app_layer) struct Interfaces {
    offered: Vec<AcceptedInterface>,
    accepted: Vec<AcceptedInterface>,
}

impl Interfaces {
    /// A bind or an alteration of the context: the offers before it are gone.
    pub(in crate::app_layer) fn offer(&mut self, offered: Vec<AcceptedInterface>) {
        debug_assert!(offered.len() <= limits::DCERPC_CONTEXTS_MAX);
        self.offered = offered;
    }

    /// The server's results, in order of the offers; 0 accepts.
    pub(in crate::app_layer) fn answer(&mut self, results: &[u16]) {
        self.accepted = self
            .offered
            .iter()
            .zip(results)
            .filter(|(_, result)| **result == 0)
            .map(|(offer, _)| *offer)
            .collect();
    }

    pub(in crate::app_layer) fn accepted(&self) -> &[AcceptedInterface] {
        &self.accepted
    }

    pub(in crate::app_layer) fn held_bytes(&self) -> usize {
        (self.offered.capacity() + self.accepted.capacity()) * size_of::<AcceptedInterface>()
    }
}
