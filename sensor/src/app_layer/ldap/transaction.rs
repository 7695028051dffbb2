//! A request with its responses.

use lapwing_rules::model::{
    Buffer, HeaderField, LdapResponses, LdapWhich, NumberRange, PacketCondition,
};

use super::message::{Request, Response};
use crate::{
    app_layer::{
        BufferView, FactKind, Transaction, TransactionField, limits, messages::HeldTransaction,
        transactions::Events,
    },
    direction::Direction,
};

/// Texts of one kind, bounded in number and bytes together.
#[derive(Debug, Default)]
struct Texts {
    kept: Vec<Vec<u8>>,
    bytes: usize,
}

impl Texts {
    fn push(&mut self, text: Vec<u8>) {
        let bytes = self.bytes + text.len();
        if self.kept.len() < limits::LDAP_TEXTS_MAX && bytes <= limits::LDAP_TEXTS_BYTES_MAX {
            self.bytes = bytes;
            self.kept.push(text);
        }
    }

    fn held_bytes(&self) -> usize {
        self.bytes + self.kept.capacity() * size_of::<Vec<u8>>()
    }
}

/// A request with its responses; a response that nobody asked for is one without a request.
#[derive(Debug, Default)]
pub(in crate::app_layer) struct LdapTransaction {
    /// The message's number.
    number: u32,
    request: Option<Request>,
    /// Operation and result of each response. Where there are more than are kept, the newest has the last place.
    responses: Vec<(u8, Option<u32>)>,
    /// All of them.
    response_count: u64,
    names: Texts,
    messages: Texts,
    attributes: Texts,
    /// No further response comes.
    is_answered: bool,
    /// The flow is over.
    is_over: [bool; 2],
    pub(super) events: Events,
    steps: u32,
}

impl LdapTransaction {
    pub(super) fn asked(number: u32, request: Request) -> Self {
        Self {
            number,
            request: Some(request),
            ..Self::default()
        }
    }

    /// What was told unasked.
    pub(super) fn unasked() -> Self {
        Self::default()
    }

    /// The request that waits for a response of this number.
    pub(super) fn awaited(&self, number: u32) -> Option<&Request> {
        self.request
            .as_ref()
            .filter(|_| self.number == number && !self.is_answered)
    }

    /// Nothing more comes.
    pub(super) fn close(&mut self) {
        self.is_answered = true;
        self.steps = self.steps.wrapping_add(1);
    }

    pub(super) fn answer(&mut self, response: Response) {
        self.is_answered |= response.is_last();
        self.steps = self.steps.wrapping_add(1);
        self.response_count += 1;
        let numbers = (response.operation, response.result);
        match self.responses.last_mut() {
            Some(last) if self.response_count > limits::LDAP_RESPONSES_MAX => *last = numbers,
            _ => self.responses.push(numbers),
        }
        self.names.push(response.name);
        self.messages.push(response.text);
        for attribute in response.attributes {
            self.attributes.push(attribute);
        }
    }

    /// Whether one of the responses, or all, or that at a place have a number in a range. Where that hangs on the last one it is
    /// not so before there is a last one.
    fn responses_hold(
        &self,
        which: LdapWhich,
        range: NumberRange,
        number: impl Fn(&(u8, Option<u32>)) -> Option<u64>,
    ) -> bool {
        let fits = |response: &(u8, Option<u32>)| {
            number(response).is_some_and(|number| range.contains(number))
        };
        let at = |place: u32| usize::try_from(place).ok();
        match which {
            LdapWhich::Any => self.responses.iter().any(fits),
            LdapWhich::All => {
                let mut numbers = self.responses.iter().filter_map(&number).peekable();
                self.is_answered
                    && numbers.peek().is_some()
                    && numbers.all(|number| range.contains(number))
            }
            LdapWhich::FromFirst(place) => at(place)
                .and_then(|place| self.responses.get(place))
                .is_some_and(fits),
            LdapWhich::FromLast(place) => {
                self.is_answered
                    && at(place)
                        .and_then(|place| self.responses.len().checked_sub(place))
                        .and_then(|place| self.responses.get(place))
                        .is_some_and(fits)
            }
        }
    }

    /// Whether the number of responses is in a range: once there are no more, or where more would not change it.
    fn count_holds(&self, range: NumberRange) -> bool {
        let is_final = self.is_answered || range.max == u64::MAX && !range.negated;
        is_final && range.contains(self.response_count)
    }
}

impl Transaction for LdapTransaction {
    fn buffer(&self, buffer: Buffer, direction: Direction, index: usize) -> BufferView<'_> {
        let request = self
            .request
            .as_ref()
            .filter(|_| direction == Direction::ToServer);
        let text = match (buffer, direction) {
            (Buffer::LdapRequestDn, _) if index == 0 => {
                request.and_then(|request| request.name.as_ref())
            }
            (Buffer::LdapRequestAttributeType, _) => {
                request.and_then(|request| request.attributes.get(index))
            }
            (Buffer::LdapResponsesDn, Direction::ToClient) => self.names.kept.get(index),
            (Buffer::LdapResponsesMessage, Direction::ToClient) => self.messages.kept.get(index),
            (Buffer::LdapResponsesAttributeType, Direction::ToClient) => {
                self.attributes.kept.get(index)
            }
            _ => None,
        };
        text.map_or(BufferView::Absent, |text| BufferView::Complete(text))
    }

    fn field(&self, field: TransactionField, direction: Direction, index: usize) -> Option<u64> {
        match (field, direction, index) {
            (HeaderField::LdapRequestOperation, Direction::ToServer, 0) => {
                let request = self.request.as_ref()?;
                Some(u64::from(request.operation))
            }
            _ => None,
        }
    }

    fn holds(&self, condition: &PacketCondition<'_>, direction: Direction) -> bool {
        let PacketCondition::LdapResponses(wanted) = condition else {
            return false;
        };
        direction == Direction::ToClient
            && match *wanted {
                LdapResponses::Operation(which, range) => {
                    self.responses_hold(which, range, |(operation, _)| Some(u64::from(*operation)))
                }
                LdapResponses::ResultCode(which, range) => {
                    self.responses_hold(which, range, |(_, result)| result.map(u64::from))
                }
                LdapResponses::Count(range) => self.count_holds(range),
            }
    }

    fn only_direction(&self) -> Option<Direction> {
        self.request.is_none().then_some(Direction::ToClient)
    }

    fn progress(&self, direction: Direction) -> u32 {
        match direction {
            Direction::ToServer => 1,
            Direction::ToClient => self.steps,
        }
    }

    fn is_complete(&self, direction: Direction) -> bool {
        direction == Direction::ToServer || self.is_answered || self.is_over[direction.index()]
    }

    fn events(&self) -> &[&'static str] {
        self.events.names()
    }

    fn facts(&self, _: &mut Vec<(FactKind, Vec<u8>)>) {}
}

impl HeldTransaction for LdapTransaction {
    fn finish(&mut self, direction: Direction) {
        self.is_over[direction.index()] = true;
    }

    fn held_bytes(&self) -> usize {
        let request = self.request.as_ref().map_or(0, |request| {
            let attributes = request.attributes.iter();
            let names = request.name.iter().chain(attributes);
            names.map(Vec::capacity).sum::<usize>()
        });
        let texts = [&self.names, &self.messages, &self.attributes];
        size_of::<Self>()
            + request
            + self.responses.capacity() * size_of::<(u8, Option<u32>)>()
            + texts.into_iter().map(Texts::held_bytes).sum::<usize>()
    }
}
