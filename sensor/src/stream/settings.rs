//! What a site sets of TCP tracking.

use super::limits;

/// How connections are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamSettings {
    /// Connections whose beginning was not seen are followed from where they are seen first.
    pub midstream: bool,
    /// Connections of which only one side is seen are followed.
    pub async_oneside: bool,
    /// Bytes of each direction that are looked at.
    pub depth_bytes: u64,
}

impl Default for StreamSettings {
    fn default() -> Self {
        Self {
            midstream: false,
            async_oneside: false,
            depth_bytes: limits::STREAM_DEPTH_BYTES,
        }
    }
}
