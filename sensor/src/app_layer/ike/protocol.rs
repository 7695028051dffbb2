//! A transaction for each datagram.

use lapwing_rules::model::AppProtocol;

use super::{
    message::{IkeHeader, IkeMessage},
    version1, version2,
};
use crate::{
    app_layer::{
        Feed,
        messages::{MessageProtocol, OneMessage},
        transactions::Transactions,
    },
    direction::Direction,
};

/// IKE of one flow.
#[derive(Debug, Default)]
pub(in crate::app_layer) struct IkeProtocol;

impl MessageProtocol for IkeProtocol {
    type Transaction = OneMessage<IkeMessage>;

    fn protocol(&self) -> AppProtocol {
        AppProtocol::Ike
    }

    fn message(
        &mut self,
        direction: Direction,
        message: &[u8],
        transactions: &mut Transactions<Self::Transaction>,
    ) -> Feed {
        let parsed =
            IkeHeader::parse(message).filter(|(header, _)| matches!(header.major_version, 1 | 2));
        let Some((header, payloads)) = parsed else {
            return Feed::Stop;
        };
        let mut transaction = OneMessage::new(direction, IkeMessage::new(&header));
        if header.major_version == 2 {
            version2::read(direction, header.next_payload, payloads, &mut transaction);
        } else if !header.is_encrypted() {
            let read = version1::read(
                direction,
                header.next_payload,
                payloads,
                &mut transaction.message,
            );
            if read.is_none() {
                return Feed::Stop;
            }
        }
        transactions.push(transaction);
        Feed::More
    }
}
