//! Records of a stream, and what is made of messages.

use lapwing_rules::model::AppProtocol;

use super::message::{self, KerberosMessage, Read};
use crate::{
    app_layer::{
        Feed, Transport, limits,
        messages::{Cut, MessageProtocol, OneMessage},
        transactions::Transactions,
    },
    direction::Direction,
};

/// Bytes of the record mark: the length of what follows.
const MARK_BYTES: usize = 4;

/// Kerberos of one flow. Every record of a stream is read, where the reference's version 7.0 reads the first one only.
#[derive(Debug)]
pub(in crate::app_layer) struct KerberosProtocol {
    transport: Transport,
}

impl KerberosProtocol {
    pub(in crate::app_layer) fn new(transport: Transport) -> Self {
        Self { transport }
    }
}

impl MessageProtocol for KerberosProtocol {
    type Transaction = OneMessage<KerberosMessage>;

    fn protocol(&self) -> AppProtocol {
        AppProtocol::Krb5
    }

    fn cut(&mut self, _: Direction, bytes: &[u8]) -> Cut {
        let Some((mark, _)) = bytes.split_first_chunk::<MARK_BYTES>() else {
            return Cut::More;
        };
        match usize::try_from(u32::from_be_bytes(*mark)) {
            Ok(length) if length <= limits::KERBEROS_RECORD_BYTES_MAX => {
                Cut::Message(MARK_BYTES + length)
            }
            _ => Cut::Lost,
        }
    }

    fn message(
        &mut self,
        direction: Direction,
        message: &[u8],
        transactions: &mut Transactions<Self::Transaction>,
    ) -> Feed {
        let message = match self.transport {
            Transport::Tcp => message.get(MARK_BYTES..).unwrap_or_default(),
            Transport::Udp => message,
        };
        match message::read(message) {
            Read::Message(message) => {
                let mut transaction = OneMessage::new(direction, message);
                if transaction.message.is_weakly_encrypted {
                    transaction.events.add("weak_encryption");
                }
                transactions.push(transaction);
                Feed::More
            }
            Read::Passed => Feed::More,
            Read::Malformed => {
                if let Some(newest) = transactions.newest_mut() {
                    newest.events.add("malformed_data");
                }
                Feed::Stop
            }
        }
    }
}
