//! Files in a `multipart/form-data` body (RFC 7578), found in what is kept of the body.

use std::ops::Range;

use memchr::memmem;

use crate::app_layer::limits;

/// A file: its name, and where its bytes stand in the kept body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) name: Vec<u8>,
    pub(super) range: Range<usize>,
}

/// The boundary a `Content-Type` value announces.
pub(super) fn boundary(content_type: &[u8]) -> Option<&[u8]> {
    let lower = content_type.to_ascii_lowercase();
    memmem::find(&lower, b"multipart/form-data")?;
    let at = memmem::find(&lower, b"boundary=")? + b"boundary=".len();
    let value = &content_type[at..];
    let value = match value.strip_prefix(b"\"") {
        Some(quoted) => &quoted[..quoted.iter().position(|&byte| byte == b'"')?],
        None => {
            let end = value
                .iter()
                .position(|byte| matches!(byte, b';' | b',' | b' ' | b'\r' | b'\n'))
                .unwrap_or(value.len());
            &value[..end]
        }
    };
    (!value.is_empty() && value.len() <= 200).then_some(value)
}

/// The parts that carry a file name; `tell` gets what is odd about any.
pub(super) fn files(body: &[u8], boundary: &[u8], mut tell: impl FnMut(&'static str)) -> Vec<Part> {
    let mut delimiter = b"--".to_vec();
    delimiter.extend_from_slice(boundary);
    let finder = memmem::Finder::new(&delimiter);
    let mut parts = Vec::new();
    let Some(first) = finder.find(body) else {
        return parts;
    };
    let mut at = first + delimiter.len();
    while parts.len() < limits::HTTP_MULTIPART_FILES_MAX {
        let rest = &body[at..];
        if rest.starts_with(b"--") {
            break;
        }
        let end = finder.find(rest).unwrap_or(rest.len());
        let Some(headers_end) = memmem::find(&rest[..end], b"\r\n\r\n") else {
            break;
        };
        if has_odd_line(rest[..headers_end].trim_ascii()) {
            tell("multipart_invalid_header");
        }
        if headers_end <= limits::HTTP_PART_HEADER_BYTES_MAX
            && let Some(name) = file_name(&rest[..headers_end])
        {
            let start = at + headers_end + 4;
            let mut stop = at + end;
            if end < rest.len() && body[start..stop].ends_with(b"\r\n") {
                stop -= 2;
            } else if end < rest.len() && start == stop {
                tell("multipart_no_filedata");
            }
            parts.push(Part {
                name,
                range: start..stop,
            });
        }
        if end == rest.len() {
            break;
        }
        at += end + delimiter.len();
    }
    parts
}

/// Whether a line of a part's header names no field, or one without value.
fn has_odd_line(mut headers: &[u8]) -> bool {
    while !headers.is_empty() {
        let end = memmem::find(headers, b"\r\n").unwrap_or(headers.len());
        let line = &headers[..end];
        let colon = line.iter().position(|&byte| byte == b':');
        if colon.is_none_or(|colon| colon + 1 == line.len()) {
            return true;
        }
        headers = headers.get(end + 2..).unwrap_or_default();
    }
    false
}

/// The `filename` of a part's `Content-Disposition`.
pub(super) fn file_name(headers: &[u8]) -> Option<Vec<u8>> {
    let lower = headers.to_ascii_lowercase();
    let at = memmem::find(&lower, b"content-disposition")?;
    let name = at + memmem::find(&lower[at..], b"filename=")? + b"filename=".len();
    let value = &headers[name..];
    let value = match value.strip_prefix(b"\"") {
        Some(quoted) => {
            &quoted[..quoted
                .iter()
                .position(|&byte| byte == b'"')
                .unwrap_or(quoted.len())]
        }
        None => {
            let end = value
                .iter()
                .position(|byte| matches!(byte, b';' | b'\r' | b'\n'))
                .unwrap_or(value.len());
            &value[..end]
        }
    };
    (!value.is_empty()).then(|| value.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_with_their_names() {
        let body = b"--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nvalue\r\n--B\r\n\
            Content-Disposition: form-data; name=\"f\"; filename=\"x.php\"\r\nContent-Type: text/plain\r\n\r\n<?php\r\n?>\r\n--B--\r\n";
        let parts = files(body, b"B", |odd| panic!("{odd}"));
        assert_eq!(parts.len(), 1);
        assert_eq!(parts[0].name, b"x.php");
        assert_eq!(&body[parts[0].range.clone()], b"<?php\r\n?>");
    }

    #[test]
    fn what_is_odd_about_a_part_is_told() {
        let told = |part: &[u8]| {
            let body = [b"--B\r\n", part, b"--B--\r\n"].concat();
            let mut told = Vec::new();
            files(&body, b"B", |odd| told.push(odd));
            told
        };
        let headers = b"Content-Disposition: form-data; name=f; filename=a.txt\r\n\r\n";
        assert_eq!(told(headers), ["multipart_no_filedata"]);
        assert!(told(&[&headers[..], b"\r\n"].concat()).is_empty());
        assert!(told(b"\r\nabc\r\n").is_empty());
        for line in [
            &b"Content-Disposition form-data"[..],
            b"X: y\r\nContent-Type:",
        ] {
            let part = [line, b"\r\n\r\nabc\r\n"].concat();
            assert_eq!(told(&part), ["multipart_invalid_header"]);
        }
    }

    #[test]
    fn boundaries_are_read_quoted_or_not() {
        assert_eq!(
            boundary(b"multipart/form-data; boundary=\"a b\""),
            Some(&b"a b"[..])
        );
        assert_eq!(
            boundary(b"Multipart/Form-Data; Boundary=xyz; charset=u"),
            Some(&b"xyz"[..])
        );
        assert_eq!(boundary(b"text/plain; boundary=xyz"), None);
    }
}
