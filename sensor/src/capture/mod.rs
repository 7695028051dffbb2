//! Where packets come from: capture files and live interfaces, behind one trait.
//!
//! A source hands out frames as they were on the wire, with packet time; it decodes nothing and keeps nothing. Both kinds
//! stand on libpcap. Nothing in here ever sends.

mod capture_file;
mod fanout;
mod flow_hash;
mod interface_group;
mod link_type;
mod live_capture;
mod packet_filter;
mod packet_source;
mod ring;

pub use capture_file::CaptureFile;
pub use flow_hash::FlowHash;
pub use link_type::LinkType;
pub use live_capture::{LiveCapture, LiveCaptureSettings};
pub use packet_source::{CaptureDrops, CaptureError, CapturedFrame, PacketSource, SourceEvent};
