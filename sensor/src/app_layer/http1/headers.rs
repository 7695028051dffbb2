//! Header blocks: lines to fields, folding undone, repeated fields joined.

use memchr::memchr;

use super::text::{self, is_token};
use crate::{app_layer::limits, direction::Direction};

/// One field; a repeated one holds all its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: Vec<u8>,
    pub(super) value: Vec<u8>,
    pub(super) repeated: bool,
}

/// What was odd about a field line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Oddities {
    pub(super) missing_colon: bool,
    pub(super) invalid_name: bool,
    pub(super) ambiguous_content_length: bool,
    pub(super) too_many: bool,
}

/// The fields of a message, in the order of their first appearance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Headers {
    fields: Vec<Field>,
    repetitions: usize,
}

impl Headers {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter()
    }

    /// The instance at `index`.
    pub(super) fn at(&self, index: usize) -> Option<&Field> {
        self.fields.get(index)
    }

    /// A field by name, in any case; NUL bytes in the name are passed over, as in the reference.
    pub(super) fn get(&self, name: &[u8]) -> Option<&Field> {
        self.fields.iter().find(|field| {
            let letters = field.name.iter().filter(|&&byte| byte != 0);
            letters
                .map(u8::to_ascii_lowercase)
                .eq(name.iter().map(u8::to_ascii_lowercase))
        })
    }

    /// A field's value by name, in any case.
    pub(super) fn value(&self, name: &[u8]) -> Option<&[u8]> {
        self.get(name).map(|field| field.value.as_slice())
    }

    pub(super) fn clear(&mut self) {
        self.fields.clear();
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.fields
            .iter()
            .map(|field| field.name.capacity() + field.value.capacity() + size_of::<Field>())
            .sum()
    }

    /// Takes one unfolded line without its line end. What a client sends is read more strictly: a NUL ends a line before its colon.
    pub(super) fn add(&mut self, line: &[u8], direction: Direction) -> Oddities {
        let mut odd = Oddities::default();
        let is_padding = |byte: u8| match direction {
            Direction::ToServer => byte <= b' ',
            Direction::ToClient => text::is_space(byte),
        };
        let colon = memchr(b':', line).filter(|&colon| {
            direction == Direction::ToClient || memchr(0, &line[..colon]).is_none()
        });
        let (name, value) = match colon {
            Some(colon) => {
                let mut name = &line[..colon];
                while let [rest @ .., last] = name
                    && is_padding(*last)
                {
                    name = rest;
                    odd.invalid_name = true;
                }
                (name, text::trim(&line[colon + 1..]))
            }
            None => {
                // Kept under an empty name, so that its bytes are still inspected.
                odd.missing_colon = true;
                (&line[..0], text::trim(line))
            }
        };
        odd.invalid_name |=
            !odd.missing_colon && (name.is_empty() || !name.iter().copied().all(is_token));
        let existing = self
            .fields
            .iter_mut()
            .find(|field| field.name.eq_ignore_ascii_case(name));
        if let Some(field) = existing {
            if field.repeated {
                if self.repetitions >= limits::HTTP_HEADER_REPETITIONS_MAX {
                    return odd;
                }
                self.repetitions += 1;
            }
            field.repeated = true;
            if name.eq_ignore_ascii_case(b"content-length") {
                let before = text::content_length(&field.value).map(|length| length.bytes);
                let now = text::content_length(value).map(|length| length.bytes);
                odd.ambiguous_content_length = before != now;
            } else {
                field.value.extend_from_slice(b", ");
                field.value.extend_from_slice(value);
            }
        } else if self.fields.len() <= limits::HTTP_HEADERS_MAX {
            // As in the reference, one more than the limit finds its place.
            self.fields.push(Field {
                name: name.to_vec(),
                value: value.to_vec(),
                repeated: false,
            });
        } else {
            odd.too_many = true;
        }
        odd
    }
}

/// The buffers rules see of a header block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct HeaderBuffers {
    /// `http.header`: without cookies.
    pub(super) normal: Vec<u8>,
    /// `http.header_names`
    pub(super) names: Vec<u8>,
    /// `http.start`
    pub(super) start: Vec<u8>,
    /// `http.request_header`, `http.response_header`: one a field.
    pub(super) single: Vec<Vec<u8>>,
}

impl HeaderBuffers {
    pub(super) fn build(first_line: &[u8], headers: &Headers, cookie_name: &[u8]) -> Self {
        let mut buffers = Self::default();
        buffers.start.extend_from_slice(first_line);
        buffers.start.extend_from_slice(b"\r\n");
        buffers.names.extend_from_slice(b"\r\n");
        for field in headers.iter() {
            let mut line = Vec::with_capacity(field.name.len() + field.value.len() + 4);
            line.extend_from_slice(&field.name);
            line.extend_from_slice(b": ");
            line.extend_from_slice(&field.value);
            buffers.names.extend_from_slice(&field.name);
            buffers.names.extend_from_slice(b"\r\n");
            buffers.start.extend_from_slice(&line);
            buffers.start.extend_from_slice(b"\r\n");
            if !field.name.eq_ignore_ascii_case(cookie_name) {
                buffers.normal.extend_from_slice(&line);
                buffers.normal.extend_from_slice(b"\r\n");
            }
            buffers.single.push(line);
        }
        buffers.names.extend_from_slice(b"\r\n");
        if headers.at(0).is_some() {
            buffers.start.extend_from_slice(b"\r\n");
        }
        buffers
    }

    /// The blocks are not seen, single fields are.
    pub(super) fn hide_blocks(&mut self) {
        self.normal.clear();
        self.names.clear();
        self.start.clear();
    }

    pub(super) fn held_bytes(&self) -> usize {
        let single: usize = self
            .single
            .iter()
            .map(|line| line.capacity() + size_of::<Vec<u8>>())
            .sum();
        self.normal.capacity() + self.names.capacity() + self.start.capacity() + single
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_fields_are_joined_and_cookies_stay_out() {
        let mut headers = Headers::default();
        headers.add(b"Host:  a.example ", Direction::ToServer);
        headers.add(b"X-A: 1", Direction::ToServer);
        headers.add(b"Cookie: c=1", Direction::ToServer);
        headers.add(b"x-a: 2", Direction::ToServer);
        let buffers = HeaderBuffers::build(b"GET / HTTP/1.1", &headers, b"cookie");
        assert_eq!(buffers.normal, b"Host: a.example\r\nX-A: 1, 2\r\n");
        assert_eq!(buffers.names, b"\r\nHost\r\nX-A\r\nCookie\r\n\r\n");
        assert_eq!(
            buffers.start,
            b"GET / HTTP/1.1\r\nHost: a.example\r\nX-A: 1, 2\r\nCookie: c=1\r\n\r\n"
        );
    }

    #[test]
    fn a_field_is_found_by_a_name_with_nul_bytes() {
        let mut headers = Headers::default();
        headers.add(b"Transfer-Encoding\0: chunked", Direction::ToClient);
        assert_eq!(headers.value(b"transfer-encoding"), Some(&b"chunked"[..]));
        assert_eq!(headers.value(b"transfer"), None);
    }

    #[test]
    fn odd_lines_are_kept_and_told() {
        let mut headers = Headers::default();
        assert!(
            headers
                .add(b"no colon here", Direction::ToServer)
                .missing_colon
        );
        assert!(headers.add(b"Name : x", Direction::ToServer).invalid_name);
        assert_eq!(headers.value(b"name"), Some(&b"x"[..]));
        assert_eq!(headers.value(b""), Some(&b"no colon here"[..]));
        headers.add(b"Content-Length: 5", Direction::ToServer);
        let odd = headers.add(b"Content-Length: 6", Direction::ToServer);
        assert!(odd.ambiguous_content_length);
        assert_eq!(headers.value(b"content-length"), Some(&b"5"[..]));
    }
}
