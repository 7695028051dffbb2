//! Every cap of the decoder.

/// VLAN tags kept of a frame; a frame with more is not decoded further.
pub const VLAN_TAGS_MAX: usize = 3;
/// VLAN identifiers, outermost first; as small as it can be, for every flow has it.
pub type VlanTags = heapless::Vec<u16, VLAN_TAGS_MAX, u8>;
/// Events kept of one packet.
pub const PACKET_EVENTS_MAX: usize = 8;
/// Headers taken off one frame, link layers and tunnels together, before decoding stops.
pub const LAYERS_MAX: u8 = 16;
/// Labels of one MPLS stack.
pub const MPLS_LABELS_MAX: usize = 16;
/// IPv6 extension headers of one packet.
pub const IPV6_EXTENSION_HEADERS_MAX: usize = 24;
/// Options looked at in one IPv4 or TCP header: both headers hold at most 40 bytes of them.
pub const HEADER_OPTIONS_MAX: usize = 40;

/// Packets that are being put together at one time.
pub const FRAGMENTED_PACKETS_MAX: usize = 4096;
/// Fragments kept of one packet.
pub const FRAGMENTS_PER_PACKET_MAX: usize = 1024;
/// Bytes of a packet put together, as the length field of an IP header limits it.
pub const REASSEMBLED_PACKET_MAX_BYTES: usize = 65_535;
/// Seconds without a new fragment after which an incomplete packet is given up, unless the site sets another time
/// (reference: `defrag.timeout`).
pub const DEFRAGMENT_TIMEOUT_SECONDS: u64 = 60;
/// Bytes held for incomplete packets unless a memory budget says otherwise.
pub const FRAGMENT_BYTES_DEFAULT: usize = 4 * 1024 * 1024;
