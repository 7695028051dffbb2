//! `rpc`: whether a packet's payload begins with a call of ONC RPC (RFC 5531, section 9).

use lapwing_rules::model::RpcCall;

use crate::decode::{Packet, Transport};

/// Over a stream a record mark stands before the call (RFC 5531, section 11).
const RECORD_MARK_BYTES: usize = 4;

/// Whether the packet holds such a call from its first byte on. As in the reference the version of RPC may be any.
pub(super) fn is_in(packet: &Packet<'_>, wanted: &RpcCall) -> bool {
    let message = match &packet.transport {
        Transport::Tcp(_) => packet.payload.get(RECORD_MARK_BYTES..),
        Transport::Udp { .. } => Some(packet.payload),
        _ => None,
    };
    message.is_some_and(|message| is_call(message, wanted))
}

fn is_call(message: &[u8], wanted: &RpcCall) -> bool {
    let Some((header, _)) = message.split_first_chunk::<24>() else {
        return false;
    };
    let word = |at: usize| {
        u32::from_be_bytes([
            header[4 * at],
            header[4 * at + 1],
            header[4 * at + 2],
            header[4 * at + 3],
        ])
    };
    let is_asked = |number: Option<u32>, at| number.is_none_or(|number| number == word(at));
    word(1) == 0
        && word(3) == wanted.program
        && is_asked(wanted.version, 4)
        && is_asked(wanted.procedure, 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn program_version_and_procedure_are_compared() {
        let mut call = Vec::new();
        for word in [7_u32, 0, 2, 100_003, 3, 6] {
            call.extend(word.to_be_bytes());
        }
        let wanted = |version, procedure| RpcCall {
            program: 100_003,
            version,
            procedure,
        };
        assert!(is_call(&call, &wanted(Some(3), Some(6))));
        assert!(is_call(&call, &wanted(None, None)));
        assert!(!is_call(&call, &wanted(Some(2), Some(6))));
        assert!(!is_call(&call, &wanted(None, Some(7))));
        assert!(!is_call(&call[..23], &wanted(None, None)));
        call[7] = 1;
        assert!(!is_call(&call, &wanted(None, None)), "a reply");
    }
}
