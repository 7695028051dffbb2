//! The header fields of one part (RFC 2045, section 5; RFC 2183), as far as they decide what becomes of its body.

use memchr::memmem;

use super::encoding::Encoding;
use crate::app_layer::{limits, transactions::Events};

/// What the fields said so far.
#[derive(Debug, Default)]
pub(super) struct Header {
    /// It has begun.
    has_fields: bool,
    /// The field being read, with its continuation lines.
    field: Vec<u8>,
    pub(super) encoding: Encoding,
    pub(super) boundary: Option<Vec<u8>>,
    pub(super) file_name: Option<Vec<u8>>,
    /// The body is a mail of its own.
    pub(super) is_message: bool,
}

/// A header with which the mail cannot be read on.
pub(super) struct Unreadable;

impl Header {
    /// Whether no line of it came yet.
    pub(super) fn is_new(&self) -> bool {
        !self.has_fields
    }

    /// Takes a line of the header block.
    pub(super) fn line(&mut self, line: &[u8], events: &mut Events) -> Result<(), Unreadable> {
        self.has_fields = true;
        if !matches!(line.first(), Some(b' ' | b'\t')) {
            self.end_field(events)?;
        }
        let room = limits::MIME_FIELD_BYTES_MAX.saturating_sub(self.field.len());
        self.field.extend_from_slice(&line[..line.len().min(room)]);
        Ok(())
    }

    /// The field, if any, is complete.
    pub(super) fn end_field(&mut self, events: &mut Events) -> Result<(), Unreadable> {
        let field = std::mem::take(&mut self.field);
        let Some(colon) = memchr::memchr(b':', &field) else {
            return Ok(());
        };
        let (name, value) = (&field[..colon], &field[colon + 1..]);
        if name.len() > limits::MIME_FIELD_NAME_BYTES_MAX {
            events.add("mime_long_header_name");
        }
        if value.trim_ascii_start().len() > limits::MIME_FIELD_VALUE_BYTES_MAX {
            events.add("mime_long_header_value");
        }
        match &name.trim_ascii().to_ascii_lowercase()[..] {
            b"content-transfer-encoding" => self.encoding = encoding(value),
            b"content-disposition" => self.name_file(parameter(value, b"filename="), events),
            b"content-type" => return self.content_type(value, events),
            _ => {}
        }
        Ok(())
    }

    fn content_type(&mut self, value: &[u8], events: &mut Events) -> Result<(), Unreadable> {
        self.is_message = value
            .trim_ascii_start()
            .to_ascii_lowercase()
            .starts_with(b"message/rfc822");
        if let Some(boundary) =
            parameter(value, b"boundary=").filter(|boundary| !boundary.is_empty())
        {
            if boundary.len() > limits::MIME_BOUNDARY_BYTES_MAX {
                events.add("mime_long_boundary");
                events.add("mime_parse_failed");
                return Err(Unreadable);
            }
            self.boundary = Some(boundary.to_vec());
        }
        if self.file_name.is_none() {
            self.name_file(parameter(value, b"name="), events);
        }
        Ok(())
    }

    fn name_file(&mut self, name: Option<&[u8]>, events: &mut Events) {
        let Some(name) = name else { return };
        if name.len() > limits::MIME_FILE_NAME_BYTES_MAX {
            events.add("mime_long_filename");
        }
        let length = name.len().min(limits::MIME_FILE_NAME_BYTES_MAX);
        self.file_name = Some(name[..length].to_vec());
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.field.capacity()
            + self.boundary.as_ref().map_or(0, Vec::capacity)
            + self.file_name.as_ref().map_or(0, Vec::capacity)
    }
}

fn encoding(value: &[u8]) -> Encoding {
    let lower = value.to_ascii_lowercase();
    if memmem::find(&lower, b"base64").is_some() {
        Encoding::Base64
    } else if memmem::find(&lower, b"quoted-printable").is_some() {
        Encoding::QuotedPrintable
    } else {
        Encoding::Plain
    }
}

/// Whether a line begins with the name of a field and a colon (RFC 5322, section 2.2).
pub(super) fn is_field(line: &[u8]) -> bool {
    let name = line.iter().take_while(|&&byte| byte != b':');
    memchr::memchr(b':', line).is_some_and(|colon| colon > 0)
        && name.into_iter().all(u8::is_ascii_graphic)
}

/// The value of a parameter, whose name is in lower case as the reference asks for it, in quotation marks or up to the next separator.
fn parameter<'a>(value: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let at = memmem::find(value, name)? + name.len();
    let value = &value[at..];
    let value = match value.strip_prefix(b"\"") {
        // Even of an empty name.
        Some(quoted) => return memchr::memchr(b'"', quoted).map(|end| &quoted[..end]),
        None => {
            let end = memchr::memchr3(b';', b' ', b'\t', value).unwrap_or(value.len());
            &value[..end]
        }
    };
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_quoted_or_not() {
        assert_eq!(
            parameter(b" attachment; filename=\"a b.txt\"; x=y", b"filename="),
            Some(&b"a b.txt"[..])
        );
        assert_eq!(parameter(b"x; FileName=\"a\"", b"filename="), None);
        assert_eq!(parameter(b"x; filename=\"\"", b"filename="), Some(&b""[..]));
        assert_eq!(parameter(b"x; name=a.txt;z", b"name="), Some(&b"a.txt"[..]));
        assert_eq!(parameter(b"x; boundary=\"open", b"boundary="), None);
        assert_eq!(parameter(b"x; filename*=utf-8''a", b"filename="), None);
    }

    #[test]
    fn a_field_begins_with_its_name() {
        assert!(is_field(b"X-a:") && is_field(b"To: b"));
        assert!(!is_field(b"no colon") && !is_field(b"X y: b") && !is_field(b": b"));
    }

    #[test]
    fn folded_fields_are_one() {
        let mut header = Header::default();
        let mut events = Events::default();
        for line in [
            &b"Content-Type: multipart/mixed;"[..],
            b"\tboundary=B",
            b"To: x",
        ] {
            assert!(header.line(line, &mut events).is_ok());
        }
        assert_eq!(header.boundary.as_deref(), Some(&b"B"[..]));
        assert!(events.names().is_empty());
    }
}
