//! What the bill of a link counts: not what we say, but every byte of every packet that says it.
//!
//! The operating system does not tell a program without rights how many packets it sent, so they are
//! worked out from what went through the socket, each time on the dear side: a segment is taken as full
//! only where bytes fill it, and every segment as acknowledged by a packet of its own. What a bad link
//! makes the kernel send again is not seen here, and not charged.

use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of content that a segment holds on any path worth the name.
const SEGMENT_BYTES: u64 = 1_200;
/// IPv6 and TCP with timestamps; IPv4 has 20 bytes less.
const HEADER_BYTES: u64 = 72;
/// SYN, SYN-ACK, ACK, and the four packets of the end; 8 bytes of options more in the first two.
const CONNECTION_BYTES: u64 = 7 * HEADER_BYTES + 16;
/// A TLS record's header, content type and tag.
const TLS_RECORD_BYTES: u64 = 22;
/// Bytes of content in one TLS record.
const TLS_RECORD_CONTENT_BYTES: u64 = 16 * 1024;
/// An ack as a frame.
const ACK_BYTES: u64 = 85;

/// What `bytes` in one direction cost, their acknowledgements in the other included.
pub const fn transfer_bytes(bytes: u64) -> u64 {
    bytes + 2 * HEADER_BYTES * bytes.div_ceil(SEGMENT_BYTES)
}

/// What an envelope costs on a connection that is there: frame, TLS, TCP/IP, and the centre's ack.
pub const fn envelope_bytes(envelope: u64) -> u64 {
    let frame = envelope + 9;
    let records = frame.div_ceil(TLS_RECORD_CONTENT_BYTES);
    transfer_bytes(frame + records * TLS_RECORD_BYTES)
        + transfer_bytes(ACK_BYTES + TLS_RECORD_BYTES)
}

/// What one connection has cost so far.
#[derive(Debug, Default)]
pub(crate) struct Bill {
    sent: AtomicU64,
    received: AtomicU64,
    charged: AtomicU64,
}

impl Bill {
    /// A connection was begun, whether or not anyone answers.
    pub(crate) fn connect(&self) {
        self.charged.fetch_add(CONNECTION_BYTES, Ordering::Relaxed);
    }

    /// So many bytes were written into the socket at once.
    pub(crate) fn write(&self, bytes: usize) {
        Self::add(&self.sent, &self.charged, bytes);
    }

    /// So many bytes were read from the socket at once.
    pub(crate) fn read(&self, bytes: usize) {
        Self::add(&self.received, &self.charged, bytes);
    }

    fn add(counter: &AtomicU64, charged: &AtomicU64, bytes: usize) {
        let bytes = bytes as u64;
        counter.fetch_add(bytes, Ordering::Relaxed);
        charged.fetch_add(transfer_bytes(bytes), Ordering::Relaxed);
    }

    /// Bytes that were not asked for before.
    pub(crate) fn take(&self) -> u64 {
        self.charged.swap(0, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_on_the_bill() {
        // One segment and its acknowledgement, both ways.
        assert_eq!(envelope_bytes(300), 300 + 9 + 22 + 144 + 85 + 22 + 144);
        // Two TLS records, fourteen segments.
        assert_eq!(
            envelope_bytes(16_400),
            16_400 + 9 + 44 + 14 * 144 + 85 + 22 + 144
        );
        let bill = Bill::default();
        bill.connect();
        bill.write(1_201);
        bill.read(1);
        assert_eq!(bill.take(), 520 + 1_201 + 288 + 1 + 144);
        assert_eq!(bill.take(), 0);
    }
}
