//! DNS messages (RFC 1035, section 4): header, names, sections.

use std::ops::Range;

use super::record_data;
use crate::app_layer::{limits, reader::Reader};

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) name: Vec<u8>,
    pub(super) kind: u16,
}

/// A resource record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) name: Vec<u8>,
    pub(super) kind: u16,
    /// Where its data stand in the message.
    data: Range<usize>,
}

impl Record {
    /// Whether its data are what its type says.
    fn is_sound(&self, message: &[u8], anomalies: &mut Anomalies) -> bool {
        record_data::is_sound(message, self.kind, self.data.clone(), anomalies)
    }
}

/// A message as far as it could be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) id: u16,
    pub(super) flags: u16,
    pub(super) questions: Vec<Question>,
    pub(super) answers: Vec<Record>,
    pub(super) anomalies: Anomalies,
}

/// What was odd about a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Anomalies {
    pub(super) name_too_long: bool,
    pub(super) pointer_loop: bool,
    pub(super) too_many_labels: bool,
}

impl Anomalies {
    /// To the reference such a name is too long as well.
    pub(super) fn note_too_many_labels(&mut self) {
        self.too_many_labels = true;
        self.name_too_long = true;
    }
}

impl Message {
    pub(super) fn is_response(&self) -> bool {
        self.flags & 0x8000 != 0
    }

    pub(super) fn opcode(&self) -> u8 {
        self.flags.to_be_bytes()[0] >> 3 & 0x0f
    }

    pub(super) fn response_code(&self) -> u8 {
        self.flags.to_be_bytes()[1] & 0x0f
    }

    /// The bit that must be zero.
    pub(super) fn reserved_bit(&self) -> bool {
        self.flags & 0x0040 != 0
    }
}

/// Bytes of the header.
const HEADER_BYTES: usize = 12;

/// Whether bytes of a message of `length_bytes`, of which some may still be missing, can be the beginning of one: room for all
/// that the header promises, each entry taking two bytes at least, and names of questions that are none in no place.
pub(in crate::app_layer) fn may_be_message(bytes: &[u8], length_bytes: usize) -> bool {
    let mut reader = Reader::new(bytes);
    let (Some(_), Some(questions)) = (reader.u32(), reader.u16()) else {
        return false;
    };
    let mut entries = usize::from(questions);
    for _ in 0..3 {
        let Some(more) = reader.u16() else {
            return false;
        };
        entries += usize::from(more);
    }
    if HEADER_BYTES + 2 * entries > length_bytes {
        return false;
    }
    match bytes.get(..length_bytes) {
        // As in the reference: a message that is not there in whole is told by its header.
        None => true,
        Some(whole) => questions_may_be(whole, questions),
    }
}

/// Whether the names of the questions are made of labels and pointers into the message, as far as there are bytes.
fn questions_may_be(message: &[u8], questions: u16) -> bool {
    let mut reader = Reader::at(message, HEADER_BYTES);
    for _ in 0..usize::from(questions).min(limits::DNS_SECTION_ENTRIES_MAX) {
        match name_end(&mut reader, message) {
            NameEnd::Found => {}
            NameEnd::Missing => return true,
            NameEnd::Wrong => return false,
        }
        if reader.u32().is_none() {
            return true;
        }
    }
    true
}

enum NameEnd {
    Found,
    Missing,
    Wrong,
}

impl NameEnd {
    /// Of a name that goes round and round: where it ends is known once a pointer was followed.
    fn of_loop(jumped: bool) -> Self {
        if jumped { Self::Found } else { Self::Wrong }
    }
}

/// Moves `reader` behind a name.
fn name_end<'a>(reader: &mut Reader<'a>, message: &'a [u8]) -> NameEnd {
    let mut labels = *reader;
    let mut jumped = false;
    for _ in 0..=limits::DNS_NAME_HOPS_MAX {
        let at = labels.position();
        match labels.u8() {
            None => return NameEnd::Missing,
            Some(0) => {
                if !jumped {
                    *reader = labels;
                }
                return NameEnd::Found;
            }
            Some(length @ 1..=0x3f) => {
                if labels.take(usize::from(length)).is_none() {
                    return NameEnd::Missing;
                }
            }
            Some(high @ 0xc0..) => {
                let Some(low) = labels.u8() else {
                    return NameEnd::Missing;
                };
                let target = usize::from(u16::from_be_bytes([high & 0x3f, low]));
                if target > message.len() {
                    return NameEnd::Wrong;
                }
                if target == at {
                    return NameEnd::of_loop(jumped);
                }
                if !jumped {
                    *reader = labels;
                    jumped = true;
                }
                labels = Reader::at(message, target);
            }
            Some(_) => return NameEnd::Wrong,
        }
    }
    NameEnd::of_loop(jumped)
}

/// Reads a message: of a request its questions, of a response also its answers and authorities, whose data must be sound.
pub(super) fn parse(bytes: &[u8]) -> Option<Message> {
    let mut reader = Reader::new(bytes);
    let mut message = Message {
        id: reader.u16()?,
        flags: reader.u16()?,
        ..Message::default()
    };
    let mut counts = [0usize; 4];
    for count in &mut counts {
        *count = usize::from(reader.u16()?);
    }
    // The last section is not looked at.
    let [questions, answers, authorities, _] = counts;
    for _ in 0..questions.min(limits::DNS_SECTION_ENTRIES_MAX) {
        let name = read_name(&mut reader, bytes, &mut message.anomalies)?;
        let kind = reader.u16()?;
        reader.u16()?;
        message.questions.push(Question { name, kind });
    }
    if questions > limits::DNS_SECTION_ENTRIES_MAX {
        return Some(message);
    }
    // As in the reference: of a request nothing further is looked at.
    if !message.is_response() {
        return Some(message);
    }
    for _ in 0..answers.min(limits::DNS_SECTION_ENTRIES_MAX) {
        let record = read_record(&mut reader, bytes, &mut message.anomalies)?;
        if !record.is_sound(bytes, &mut message.anomalies) {
            return None;
        }
        message.answers.push(record);
    }
    if answers > limits::DNS_SECTION_ENTRIES_MAX {
        return Some(message);
    }
    for _ in 0..authorities.min(limits::DNS_SECTION_ENTRIES_MAX) {
        let record = read_record(&mut reader, bytes, &mut message.anomalies)?;
        if !record.is_sound(bytes, &mut message.anomalies) {
            return None;
        }
    }
    Some(message)
}

fn read_record<'a>(
    reader: &mut Reader<'a>,
    bytes: &'a [u8],
    anomalies: &mut Anomalies,
) -> Option<Record> {
    let name = read_name(reader, bytes, anomalies)?;
    let kind = reader.u16()?;
    reader.u16()?;
    reader.u32()?;
    let data_bytes = reader.prefixed_u16()?.len();
    let data = reader.position() - data_bytes..reader.position();
    Some(Record { name, kind, data })
}

/// A name as text: labels joined by dots, no dot at the end. Moves `reader` behind it.
fn read_name<'a>(
    reader: &mut Reader<'a>,
    bytes: &'a [u8],
    anomalies: &mut Anomalies,
) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    let mut labels = *reader;
    let mut jumped = false;
    for _ in 0..=limits::DNS_NAME_HOPS_MAX {
        let at = labels.position();
        // A name may end where the message ends.
        let length = labels.u8().unwrap_or(0);
        match length {
            0 => {
                if !jumped {
                    *reader = labels;
                }
                return Some(text);
            }
            1..=0x3f => {
                let label = labels.take(usize::from(length))?;
                if !text.is_empty() {
                    text.push(b'.');
                }
                text.extend_from_slice(label);
                if text.len() > limits::DNS_NAME_BYTES_MAX {
                    anomalies.name_too_long = true;
                    text.truncate(limits::DNS_NAME_BYTES_MAX);
                    if jumped {
                        // Where it ends is known, and no more of it is kept.
                        return Some(text);
                    }
                }
            }
            0xc0.. => {
                let low = labels.u8()?;
                let target = usize::from(u16::from_be_bytes([length & 0x3f, low]));
                if target > bytes.len() {
                    return None;
                }
                if target == at {
                    anomalies.pointer_loop = true;
                    return jumped.then_some(text);
                }
                if !jumped {
                    *reader = labels;
                    jumped = true;
                }
                labels = Reader::at(bytes, target);
            }
            _ => return None,
        }
    }
    anomalies.note_too_many_labels();
    jumped.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"\x12\x34\x81\x83\x00\x01\x00\x01\x00\x00\x00\x00\
        \x03WwW\x07example\x00\x00\x01\x00\x01\
        \xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x02\xc0\x10";

    #[test]
    fn an_answer_is_read_with_compressed_names() {
        let message = parse(ANSWER).unwrap();
        assert!(message.is_response());
        assert_eq!((message.opcode(), message.response_code()), (0, 3));
        assert_eq!(message.questions[0].name, b"WwW.example");
        assert_eq!(
            (&message.answers[0].name[..], message.answers[0].kind),
            (&b"WwW.example"[..], 5)
        );
    }

    #[test]
    fn pointers_do_not_loop() {
        let mut looping = ANSWER[..12].to_vec();
        looping.extend_from_slice(b"\xc0\x0c\x00\x01\x00\x01");
        looping[7] = 0;
        assert_eq!(parse(&looping), None, "where it ends cannot be known");
        let mut pair = ANSWER[..12].to_vec();
        pair.extend_from_slice(b"\x01a\xc0\x0c\x00\x01\x00\x01");
        pair[7] = 0;
        assert!(parse(&pair).unwrap().anomalies.too_many_labels);
        assert!(may_be_message(&pair, pair.len()));
        let mut behind = ANSWER[..12].to_vec();
        behind.extend_from_slice(b"\xc0\x0e\xc0\x0e\x00\x01");
        behind[7] = 0;
        assert!(parse(&behind).unwrap().anomalies.pointer_loop);
    }

    #[test]
    fn what_may_be_a_message_has_room_for_what_it_promises() {
        let question = &ANSWER[..29];
        let mut plain = question.to_vec();
        plain[7] = 0;
        let is_one = |bytes: &[u8]| may_be_message(bytes, bytes.len());
        assert!(is_one(&plain) && is_one(ANSWER));
        for length in 0..12 {
            assert!(!is_one(&plain[..length]));
        }
        assert!(!is_one(&plain[..13]), "no room for the question");
        assert!(is_one(&plain[..14]), "its rest may follow");
        for (entries, expected) in [(8, true), (9, false)] {
            let mut promising = plain.clone();
            promising[11] = entries - 1;
            assert_eq!(is_one(&promising), expected, "{entries}");
        }
        for (first, expected) in [
            ([0x40, 0], false),
            ([0x80, 0], false),
            ([0xc0, 12], false),
            ([0xc0, 29], true),
            ([0xc0, 30], false),
            ([0xff, 0xff], false),
        ] {
            let mut odd = plain.clone();
            odd[12..14].copy_from_slice(&first);
            assert_eq!(is_one(&odd), expected, "{first:?}");
        }
        let mut cut = plain.clone();
        cut[12] = 0x80;
        assert!(
            may_be_message(&cut[..20], 29),
            "only the header is looked at"
        );
    }

    #[test]
    fn cut_messages_are_refused() {
        for length in 0..ANSWER.len() {
            assert_eq!(parse(&ANSWER[..length]), None, "{length}");
        }
    }
}
