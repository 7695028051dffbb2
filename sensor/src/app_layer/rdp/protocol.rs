//! A transaction for each step of the beginning of a connection.

use lapwing_rules::model::AppProtocol;

use super::unit::{self, Step};
use crate::{
    app_layer::{
        FactKind, Feed,
        messages::{Cut, Message, MessageProtocol, OneMessage},
        transactions::Transactions,
    },
    direction::Direction,
};

/// RDP of one connection.
#[derive(Debug, Default)]
pub(in crate::app_layer) struct RdpProtocol {
    /// The connection went on in TLS.
    is_tls: bool,
    /// What follows is not read.
    is_over: bool,
}

impl MessageProtocol for RdpProtocol {
    type Transaction = OneMessage<Step>;

    fn protocol(&self) -> AppProtocol {
        AppProtocol::Rdp
    }

    fn cut(&mut self, _: Direction, bytes: &[u8]) -> Cut {
        if self.is_over {
            return Cut::Message(bytes.len());
        }
        self.is_tls |= unit::begins_tls(bytes);
        if self.is_tls {
            unit::cut_record(bytes)
        } else {
            unit::cut_tpkt(bytes)
        }
    }

    fn message(
        &mut self,
        direction: Direction,
        message: &[u8],
        transactions: &mut Transactions<Self::Transaction>,
    ) -> Feed {
        if self.is_over {
            return Feed::More;
        }
        let step = if self.is_tls {
            unit::step_of_record(direction, message)
        } else {
            unit::step_of_tpkt(direction, message)
        };
        if let Some(step) = step {
            self.is_over = matches!(step, Step::ConferenceResponse | Step::Certificate(_));
            transactions.push(OneMessage::of_both(step));
        }
        Feed::More
    }
}

impl Message for Step {
    fn facts(&self, facts: &mut Vec<(FactKind, Vec<u8>)>) {
        let Step::Certificate(certificates) = self else {
            return;
        };
        let told = [
            (FactKind::TlsSubject, &certificates.subject),
            (FactKind::TlsIssuer, &certificates.issuer),
            (FactKind::TlsFingerprint, &certificates.fingerprint),
        ];
        for (kind, text) in told {
            facts.extend(text.clone().map(|text| (kind, text)));
        }
    }

    fn held_bytes(&self) -> usize {
        match self {
            Step::Certificate(certificates) => {
                size_of_val(&**certificates) + certificates.held_bytes()
            }
            _ => 0,
        }
    }
}
