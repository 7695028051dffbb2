//! How much a pipeline may hold, and what each thing that it holds takes.

use crate::{
    flow::{FlowEntry, FlowTable},
    settings::EngineSettings,
    stream::Connection,
};

/// Numbers of flows that each worker has to itself, as a power of two.
const FLOWS_OF_A_WORKER_BITS: u32 = 48;

/// How much a pipeline may hold, and how it follows what it sees.
#[derive(Clone, Copy, Debug)]
pub struct PipelineSettings {
    /// Bytes for flows, reassembly and application layer together.
    pub memory_bytes: usize,
    /// How it follows what it sees.
    pub engine: EngineSettings,
    /// Number of the worker: flows of several workers get numbers of their own.
    pub worker: u16,
}

impl Default for PipelineSettings {
    fn default() -> Self {
        Self {
            memory_bytes: 256 * 1024 * 1024,
            engine: EngineSettings::default(),
            worker: 0,
        }
    }
}

impl PipelineSettings {
    pub(super) fn flow_table(&self) -> FlowTable {
        let mut table = FlowTable::new(self.flows_max(), self.engine.timeouts);
        table.number_from(u64::from(self.worker) << FLOWS_OF_A_WORKER_BITS);
        table
    }

    /// At most three quarters for the flow table.
    fn flows_max(&self) -> usize {
        (self.memory_bytes / 4 * 3 / FLOW_BYTES).max(64)
    }

    /// At most a half for reassembly.
    pub(super) fn reassembly_bytes(&self) -> usize {
        self.memory_bytes / 2
    }

    /// At most a quarter for parsers and what detection keeps of flows: it lies in many small pieces, of which the
    /// allocator cannot give back all.
    pub(super) fn app_layer_bytes(&self) -> usize {
        self.memory_bytes / 4
    }

    /// Seven eighths for these three together.
    pub(super) fn shared_bytes(&self) -> usize {
        self.memory_bytes / 8 * 7
    }

    /// The last eighth for fragments.
    pub(super) fn fragment_bytes(&self) -> usize {
        self.memory_bytes / 8
    }
}

/// What the allocator keeps beside each piece of memory.
const ALLOCATION_BYTES: usize = 16;
/// Bytes of streams and parsers lie in pieces of all sizes: of what lies between them the allocator keeps so much, one part
/// in this many.
pub(super) const PIECES_SLACK_DIVISOR: usize = 3;
/// A flow: its entry, its slot and its place in the index, each with the slack of a growing table.
pub(super) const FLOW_BYTES: usize = size_of::<FlowEntry>() + ALLOCATION_BYTES + 32;
/// What a connection takes beside its flow.
pub(super) const CONNECTION_BYTES: usize = size_of::<Connection>() + ALLOCATION_BYTES;
