//! Frames of a stream, put together to messages.

use lapwing_rules::model::AppProtocol;

use super::{
    link::{self, HEADER_BYTES, Header, Refusal},
    objects,
    transaction::Dnp3Transaction,
};
use crate::{
    app_layer::{
        Feed, limits,
        messages::{Cut, MessageProtocol},
        transactions::Transactions,
    },
    direction::Direction,
};

/// The byte of the transport function in front of every frame's data: last and first frame of a message, and a number.
const LAST: u8 = 0x80;
const FIRST: u8 = 0x40;
const SEQUENCE: u8 = 0x3f;

/// Function of the application layer that confirms a response; it is no message of its own.
const CONFIRM: u8 = 0;

/// Control and function, and two bytes of indications in a response.
fn application_header_bytes(direction: Direction) -> usize {
    match direction {
        Direction::ToServer => 2,
        Direction::ToClient => 4,
    }
}

/// DNP3 of one connection.
#[derive(Debug, Default)]
pub(in crate::app_layer) struct Dnp3Protocol {
    /// Direction of the newest message, if there was any.
    newest: Option<Direction>,
}

impl Dnp3Protocol {
    /// Tells an event with the newest message, as the reference does, also where that is inspected and gone.
    fn tell(&self, event: &'static str, transactions: &mut Transactions<Dnp3Transaction>) {
        let Some(direction) = self.newest else { return };
        if transactions.newest_mut().is_none() {
            let mut placeholder = Dnp3Transaction::new(direction, [0; 4]);
            placeholder.objects = Some(objects::Objects::default());
            transactions.push(placeholder);
        }
        if let Some(newest) = transactions.newest_mut() {
            newest.events.add(event);
        }
    }

    /// Takes the data of a frame: a byte of the transport function, then a part of a message.
    fn take(
        &mut self,
        direction: Direction,
        header: &Header,
        data: &[u8],
        transactions: &mut Transactions<Dnp3Transaction>,
    ) {
        let Some((&transport, part)) = data.split_first() else {
            return;
        };
        let sequence = transport & SEQUENCE;
        if transport & FIRST != 0 {
            if direction == Direction::ToServer && part.get(1) == Some(&CONFIRM) {
                return;
            }
            self.newest = Some(direction);
            transactions.push(Dnp3Transaction::new(direction, header.ends));
        }
        let open = transactions.iter_mut().find(|transaction| {
            transaction.direction == direction
                && transaction.objects.is_none()
                && transaction.ends == header.ends
                && if transport & FIRST != 0 {
                    transaction.data.is_empty()
                } else {
                    (transaction.sequence + 1) & SEQUENCE == sequence
                }
        });
        let Some(open) = open else { return };
        open.sequence = sequence;
        let room = limits::DNP3_MESSAGE_BYTES_MAX.saturating_sub(open.data.len());
        open.data.extend_from_slice(&part[..part.len().min(room)]);
        if transport & LAST != 0 {
            let objects = open.data.get(application_header_bytes(direction)..);
            let objects = objects::read(objects.unwrap_or_default());
            if objects.has_unknown {
                open.events.add("unknown_object");
            }
            open.objects = Some(objects);
        }
    }
}

impl MessageProtocol for Dnp3Protocol {
    type Transaction = Dnp3Transaction;

    fn protocol(&self) -> AppProtocol {
        AppProtocol::Dnp3
    }

    fn cut(&mut self, _: Direction, bytes: &[u8]) -> Cut {
        match bytes.first_chunk().map(Header::parse) {
            None => Cut::More,
            Some(Ok(header)) => Cut::Message(header.frame_bytes()),
            // What is wrong is told when it is taken.
            Some(Err(_)) => Cut::Message(HEADER_BYTES),
        }
    }

    fn message(
        &mut self,
        direction: Direction,
        frame: &[u8],
        transactions: &mut Transactions<Self::Transaction>,
    ) -> Feed {
        let Some((header, blocks)) = frame.split_first_chunk() else {
            return Feed::Stop;
        };
        let header = match Header::parse(header) {
            Ok(header) => header,
            Err(refusal) => {
                match refusal {
                    Refusal::Start => {}
                    Refusal::Checksum => self.tell("bad_link_crc", transactions),
                    Refusal::Length => self.tell("len_too_small", transactions),
                }
                return Feed::Stop;
            }
        };
        if !header.is_user_data() {
            return Feed::More;
        }
        if header.data_bytes() < 1 + application_header_bytes(direction) {
            self.tell("len_too_small", transactions);
            return match direction {
                Direction::ToServer => Feed::More,
                Direction::ToClient => Feed::Stop,
            };
        }
        match link::data(blocks) {
            Some(data) => self.take(direction, &header, &data, transactions),
            None => self.tell("bad_transport_crc", transactions),
        }
        Feed::More
    }
}
