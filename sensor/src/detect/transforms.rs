//! Transforms: what is made of a buffer before it is inspected.

use lapwing_rules::model::Transform;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::regex_cache::RegexCache;

/// Applies `transforms` to `bytes` one after the other. The result stands in `output`; `spare` is scratch.
pub(crate) fn apply(
    transforms: &[Transform<'_>],
    bytes: &[u8],
    output: &mut Vec<u8>,
    spare: &mut Vec<u8>,
    regexes: &mut RegexCache,
) {
    output.clear();
    output.extend_from_slice(bytes);
    for transform in transforms {
        std::mem::swap(output, spare);
        output.clear();
        apply_one(transform, spare, output, regexes);
    }
}

fn apply_one(
    transform: &Transform<'_>,
    input: &[u8],
    output: &mut Vec<u8>,
    regexes: &mut RegexCache,
) {
    match transform {
        Transform::DotPrefix => {
            output.push(b'.');
            output.extend_from_slice(input);
        }
        Transform::StripWhitespace => {
            output.extend(input.iter().copied().filter(|byte| !is_space(*byte)));
        }
        Transform::CompressWhitespace => compress_whitespace(input, output),
        Transform::ToLowercase => output.extend(input.iter().map(u8::to_ascii_lowercase)),
        Transform::ToUppercase => output.extend(input.iter().map(u8::to_ascii_uppercase)),
        Transform::UrlDecode => url_decode(input, output),
        Transform::ToMd5 => output.extend_from_slice(&Md5::digest(input)),
        Transform::ToSha1 => output.extend_from_slice(&Sha1::digest(input)),
        Transform::ToSha256 => output.extend_from_slice(&Sha256::digest(input)),
        Transform::HeaderLowercase => header_lowercase(input, output),
        Transform::StripPseudoHeaders => strip_pseudo_headers(input, output),
        Transform::Xor([]) => output.extend_from_slice(input),
        Transform::Xor(key) => {
            output.extend(input.iter().zip(key.iter().cycle()).map(|(a, b)| a ^ b));
        }
        // What the expression does not capture is left as it is, as in the reference.
        Transform::FirstCapture(regex) => match regexes.first_capture(*regex, input) {
            Some(range) => output.extend_from_slice(&input[range]),
            None => output.extend_from_slice(input),
        },
    }
}

/// C's `isspace`.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | 0x09..=0x0d)
}

/// Every run of white space becomes its first byte.
fn compress_whitespace(input: &[u8], output: &mut Vec<u8>) {
    let mut in_space = false;
    for &byte in input {
        let space = is_space(byte);
        if !(space && in_space) {
            output.push(byte);
        }
        in_space = space;
    }
}

/// `%XX` and `+`; what is not well-formed stays.
fn url_decode(input: &[u8], output: &mut Vec<u8>) {
    let digit = |at: usize| {
        input
            .get(at)
            .and_then(|byte| char::from(*byte).to_digit(16))
    };
    let mut at = 0;
    while let Some(&byte) = input.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                output.push(u8::try_from(high * 16 + low).unwrap_or(b'%'));
                at += 3;
            }
            (b'+', ..) => {
                output.push(b' ');
                at += 1;
            }
            _ => {
                output.push(byte);
                at += 1;
            }
        }
    }
}

/// Lower case for the names of `Name: value` lines.
fn header_lowercase(input: &[u8], output: &mut Vec<u8>) {
    for line in input.split_inclusive(|byte| *byte == b'\n') {
        let name_end = line
            .iter()
            .position(|byte| *byte == b':')
            .unwrap_or(line.len());
        output.extend(line[..name_end].iter().map(u8::to_ascii_lowercase));
        output.extend_from_slice(&line[name_end..]);
    }
}

/// Drops the lines of HTTP/2 pseudo headers (`:method: …`).
fn strip_pseudo_headers(input: &[u8], output: &mut Vec<u8>) {
    for line in input.split_inclusive(|byte| *byte == b'\n') {
        if !line.starts_with(b":") {
            output.extend_from_slice(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(function: impl Fn(&[u8], &mut Vec<u8>), input: &[u8]) -> Vec<u8> {
        let mut output = Vec::new();
        function(input, &mut output);
        output
    }

    #[test]
    fn white_space_is_compressed() {
        assert_eq!(change(compress_whitespace, b"a \t\nb  c"), b"a b c");
    }

    #[test]
    fn urls_are_decoded_once() {
        assert_eq!(change(url_decode, b"a%20b+c%zz%2525%"), b"a b c%zz%25%");
    }

    #[test]
    fn header_names_are_lowered_and_pseudo_headers_dropped() {
        assert_eq!(
            change(header_lowercase, b"Host: A\r\nX-Y: Z\r\n"),
            b"host: A\r\nx-y: Z\r\n"
        );
        assert_eq!(
            change(strip_pseudo_headers, b":method: GET\r\nhost: a\r\n"),
            b"host: a\r\n"
        );
    }
}
