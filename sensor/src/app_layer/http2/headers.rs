//! The header fields of one direction of a stream, and the buffers rules see of them.

use super::hpack::Field;
use crate::{app_layer::limits, direction::Direction};

/// Fields in the order of their coming; pseudo fields (`:path`) are fields like others.
#[derive(Debug, Default)]
pub(super) struct HeaderList {
    /// By name; the values of a repeated field are joined.
    joined: Vec<Field>,
    /// `http.header`: without cookies, values without white space around them.
    pub(super) normal: Vec<u8>,
    /// `http.header.raw`
    pub(super) raw: Vec<u8>,
    /// `http.header_names`, without the empty line at its end.
    pub(super) names: Vec<u8>,
    /// `http.header_names`
    pub(super) names_closed: Vec<u8>,
    /// `http.request_header`, `http.response_header`: one a field.
    pub(super) lines: Vec<Vec<u8>>,
    /// `http2.header_name`: where the name ends in each line.
    name_ends: Vec<usize>,
}

impl HeaderList {
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The value of a field; several are joined.
    pub(super) fn value(&self, name: &[u8]) -> Option<&[u8]> {
        self.joined
            .iter()
            .find(|field| field.name == name)
            .map(|field| field.value.as_slice())
    }

    pub(super) fn name(&self, index: usize) -> Option<&[u8]> {
        self.lines.get(index)?.get(..*self.name_ends.get(index)?)
    }

    /// Takes the fields of a block; those of trailers stand behind the others.
    pub(super) fn extend(&mut self, fields: &[Field], direction: Direction) {
        for field in fields {
            if self.lines.len() >= limits::HTTP2_HEADERS_MAX {
                return;
            }
            self.lines.push(line(field, &field.value));
            self.name_ends.push(field.name.len());
            self.add(field, direction);
        }
        self.names_closed.clone_from(&self.names);
        self.names_closed.extend_from_slice(b"\r\n");
    }

    fn add(&mut self, field: &Field, direction: Direction) {
        if self.names.is_empty() {
            self.names.extend_from_slice(b"\r\n");
        }
        self.names.extend_from_slice(&field.name);
        self.names.extend_from_slice(b"\r\n");
        self.raw.extend_from_slice(&line(field, &field.value));
        self.raw.extend_from_slice(b"\r\n");
        let cookie: &[u8] = match direction {
            Direction::ToServer => b"cookie",
            Direction::ToClient => b"set-cookie",
        };
        if !field.name.eq_ignore_ascii_case(cookie) {
            self.normal
                .extend_from_slice(&line(field, trimmed(&field.value)));
            self.normal.extend_from_slice(b"\r\n");
        }
        match self.joined.iter_mut().find(|held| held.name == field.name) {
            // A pseudo field stands once; of several the first counts.
            Some(_) if field.name.starts_with(b":") && field.name != b":authority" => {}
            Some(held) => {
                held.value.extend_from_slice(b", ");
                held.value.extend_from_slice(&field.value);
            }
            None => self.joined.push(field.clone()),
        }
    }

    pub(super) fn held_bytes(&self) -> usize {
        let joined: usize = self.joined.iter().map(Field::held_bytes).sum();
        let lines: usize = self
            .lines
            .iter()
            .map(|line| line.capacity() + size_of::<(Vec<u8>, usize)>())
            .sum();
        joined
            + lines
            + self.normal.capacity()
            + self.raw.capacity()
            + self.names.capacity()
            + self.names_closed.capacity()
    }
}

fn line(field: &Field, value: &[u8]) -> Vec<u8> {
    let mut line = Vec::with_capacity(field.name.len() + 2 + value.len());
    line.extend_from_slice(&field.name);
    line.extend_from_slice(b": ");
    line.extend_from_slice(value);
    line
}

/// Without spaces and tabs at both ends.
fn trimmed(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// `http.host`: lower case, without port and user information.
pub(super) fn normal_host(authority: &[u8]) -> Vec<u8> {
    let host = match memchr::memchr(b'@', authority) {
        Some(at) => &authority[at + 1..],
        None => authority,
    };
    let end = memchr::memchr(b':', host).unwrap_or(host.len());
    host[..end].to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, value: &str) -> Field {
        Field {
            name: name.as_bytes().to_vec(),
            value: value.as_bytes().to_vec(),
        }
    }

    #[test]
    fn the_buffers_of_a_request() {
        let mut list = HeaderList::default();
        let fields = [
            field(":path", "/a"),
            field("cookie", "a=1"),
            field("cookie", "b=2"),
            field("x-h", " v\t"),
        ];
        list.extend(&fields, Direction::ToServer);
        assert_eq!(list.normal, b":path: /a\r\nx-h: v\r\n");
        assert_eq!(
            list.raw,
            b":path: /a\r\ncookie: a=1\r\ncookie: b=2\r\nx-h:  v\t\r\n"
        );
        assert_eq!(
            list.names_closed,
            b"\r\n:path\r\ncookie\r\ncookie\r\nx-h\r\n\r\n"
        );
        assert_eq!(list.value(b"cookie"), Some(&b"a=1, b=2"[..]));
        assert_eq!(list.name(3), Some(&b"x-h"[..]));
        assert_eq!(list.lines[0], b":path: /a");
        let before = list.raw.clone();
        list.extend(&[field("grpc-status", "0")], Direction::ToServer);
        assert_eq!(list.raw, [&before[..], b"grpc-status: 0\r\n"].concat());
        assert_eq!(list.lines[4], b"grpc-status: 0");
    }

    #[test]
    fn a_host_is_lowered_and_loses_its_port_and_user() {
        assert_eq!(normal_host(b"u:p@Host:80"), b"host");
        assert_eq!(normal_host(b"Www.Example:80"), b"www.example");
    }
}
