//! What every source of packets offers.

use std::path::PathBuf;

use super::LinkType;
use crate::time::Timestamp;

/// One frame as captured.
#[derive(Clone, Copy, Debug)]
pub struct CapturedFrame<'a> {
    /// When, as the capture says.
    pub time: Timestamp,
    /// What its first header is.
    pub link_type: LinkType,
    /// Length on the wire in bytes; more than `bytes` where the snap length cut it.
    pub wire_length_bytes: u32,
    /// What was captured of it.
    pub bytes: &'a [u8],
}

/// What a source has to say next.
#[derive(Debug)]
pub enum SourceEvent<'a> {
    /// A frame.
    Frame(CapturedFrame<'a>),
    /// Nothing came within the read time-out, or the interface is away for now.
    Idle,
    /// Frames are there whose turn has not come; ask again.
    Wait,
    /// Nothing will come any more.
    End,
}

/// Frames lost before the source could hand them out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CaptureDrops {
    /// Frames received, as the kernel counts.
    pub received: u64,
    /// Frames dropped because the capture buffer was full.
    pub buffer_full: u64,
    /// Frames dropped by the interface or its driver.
    pub interface: u64,
}

impl CaptureDrops {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            received: self.received.saturating_add(other.received),
            buffer_full: self.buffer_full.saturating_add(other.buffer_full),
            interface: self.interface.saturating_add(other.interface),
        }
    }
}

/// A source of frames: a file or a live interface.
pub trait PacketSource {
    /// Name to tell people: the path as given, or the interface.
    fn name(&self) -> &str;

    /// The next frame.
    ///
    /// # Errors
    /// When the source can give no more because of a fault; what came before still counts.
    fn next(&mut self) -> Result<SourceEvent<'_>, CaptureError>;

    /// Whether frames come when they come, so that who is late loses them.
    fn is_live(&self) -> bool {
        false
    }

    /// What was lost so far.
    fn drops(&mut self) -> CaptureDrops;
}

/// Why a source gives no (more) packets. Each is one line that says what, where and why.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The path cannot be opened.
    #[error("{path}: cannot open this capture file: {reason}", path = path.display())]
    Open { path: PathBuf, reason: String },
    /// Not a regular file or pipe.
    #[error("{path}: is a directory; give the capture files in it by name", path = path.display())]
    Directory { path: PathBuf },
    /// No capture file format that libpcap knows.
    #[error("{path}: not a pcap or pcapng file: {reason}", path = path.display())]
    Format { path: PathBuf, reason: String },
    /// The frames begin with a header that is not decoded.
    #[error("{name}: link type {number} ({description}) is not supported")]
    LinkType {
        name: String,
        number: i32,
        description: String,
    },
    /// Broken or cut in the middle.
    #[error("{path}: broken after packet {packets_read}: {reason}", path = path.display())]
    Broken {
        path: PathBuf,
        packets_read: u64,
        reason: String,
    },
    /// The interface cannot be opened.
    #[error("{interface}: cannot capture on this interface: {reason}")]
    Interface { interface: String, reason: String },
    /// The interface cannot be shared among workers.
    #[error(
        "{interface}: cannot share this interface among workers, write workers = 1 to do without: {reason}"
    )]
    Fanout { interface: String, reason: String },
    /// There are no random numbers.
    #[error("no random numbers: {reason}")]
    Random { reason: String },
    /// The capture filter does not compile.
    #[error("{interface}: capture filter {filter:?}: {reason}")]
    Filter {
        interface: String,
        filter: String,
        reason: String,
    },
}
