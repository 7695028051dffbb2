//! DNS messages (RFC 1035, section 4): header, names, sections.

use crate::app_layer::{limits, reader::Reader};

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) name: Vec<u8>,
    pub(super) kind: u16,
}

/// A resource record; its data stays unread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) name: Vec<u8>,
    pub(super) kind: u16,
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
    pub(super) bad_authorities: bool,
    pub(super) bad_additionals: bool,
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

/// Reads a message. Questions and answers must be whole; odd further sections are only told.
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
    let [questions, answers, authorities, additionals] = counts;
    for _ in 0..questions.min(limits::DNS_SECTION_ENTRIES_MAX) {
        let name = name(&mut reader, bytes, &mut message.anomalies)?;
        let kind = reader.u16()?;
        reader.u16()?;
        message.questions.push(Question { name, kind });
    }
    if questions > limits::DNS_SECTION_ENTRIES_MAX {
        return Some(message);
    }
    for _ in 0..answers.min(limits::DNS_SECTION_ENTRIES_MAX) {
        let record = record(&mut reader, bytes, &mut message.anomalies)?;
        message.answers.push(record);
    }
    if answers > limits::DNS_SECTION_ENTRIES_MAX {
        return Some(message);
    }
    if !skip(&mut reader, bytes, authorities, &mut message.anomalies) {
        message.anomalies.bad_authorities = true;
    } else if !skip(&mut reader, bytes, additionals, &mut message.anomalies) {
        message.anomalies.bad_additionals = true;
    }
    Some(message)
}

fn skip<'a>(
    reader: &mut Reader<'a>,
    bytes: &'a [u8],
    count: usize,
    anomalies: &mut Anomalies,
) -> bool {
    (0..count.min(limits::DNS_SECTION_ENTRIES_MAX))
        .all(|_| record(reader, bytes, anomalies).is_some())
}

fn record<'a>(
    reader: &mut Reader<'a>,
    bytes: &'a [u8],
    anomalies: &mut Anomalies,
) -> Option<Record> {
    let name = name(reader, bytes, anomalies)?;
    let kind = reader.u16()?;
    reader.u16()?;
    reader.u32()?;
    reader.prefixed_u16()?;
    Some(Record { name, kind })
}

/// A name as text: labels joined by dots, no dot at the end. Moves `reader` behind it.
fn name<'a>(
    reader: &mut Reader<'a>,
    bytes: &'a [u8],
    anomalies: &mut Anomalies,
) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    let mut labels = *reader;
    let mut jumped = false;
    for _ in 0..limits::DNS_NAME_HOPS_MAX {
        let at = labels.position();
        let length = labels.u8()?;
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
                }
            }
            0xc0.. => {
                let target = usize::from(u16::from_be_bytes([length & 0x3f, labels.u8()?]));
                if !jumped {
                    *reader = labels;
                    jumped = true;
                }
                if target == at {
                    anomalies.pointer_loop = true;
                    return Some(text);
                }
                labels = Reader::at(bytes, target);
            }
            _ => return None,
        }
    }
    anomalies.too_many_labels = true;
    if jumped { Some(text) } else { None }
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
        let message = parse(&looping).unwrap();
        assert!(message.anomalies.pointer_loop);
        let mut pair = ANSWER[..12].to_vec();
        pair.extend_from_slice(b"\x01a\xc0\x0c\x00\x01\x00\x01");
        pair[7] = 0;
        assert!(parse(&pair).unwrap().anomalies.too_many_labels);
    }

    #[test]
    fn cut_messages_are_refused() {
        for length in 0..ANSWER.len() {
            assert_eq!(parse(&ANSWER[..length]), None, "{length}");
        }
    }
}
