//! Looks at text protocols whose first word alone does not decide.

use lapwing_rules::model::AppProtocol as P;

use super::Verdict;
use crate::{app_layer::sip, direction::Direction};

/// SIP: a whole message of the direction (RFC 3261, section 7).
pub(super) fn sip(direction: Direction, bytes: &[u8]) -> Verdict {
    if sip::is_message(direction, bytes) {
        Verdict::Identified(P::Sip)
    } else {
        Verdict::Unknown
    }
}
