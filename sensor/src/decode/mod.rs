//! From captured bytes to a [`Packet`]: link layers, tags, tunnels, IP, transport.
//!
//! Odd bytes never fail: what was understood is in the packet, what was not is an event.

mod packet;

pub use packet::{Ends, Icmp, IpLayer, Packet, PacketOrigin, Tcp, Transport};
