//! HTTP/1.1 requests and responses (RFC 9112).

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Deserialize;

/// Bytes in one chunk of a chunked body.
const CHUNK_BYTES: usize = 32;

/// How a body travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Coding {
    /// As it is, with a content length.
    #[default]
    Plain,
    /// In chunks.
    Chunked,
    /// Compressed with gzip, with a content length.
    Gzip,
    /// Compressed with gzip, in chunks.
    GzipChunked,
}

/// A request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The method, `GET` when nothing is said.
    #[serde(default = "get")]
    pub method: String,
    /// The target as it stands in the request line.
    pub uri: String,
    /// The host header; none when empty.
    #[serde(default)]
    pub host: String,
    /// The user agent; none when empty.
    #[serde(default)]
    pub user_agent: String,
    /// Further header lines, without line ends.
    #[serde(default)]
    pub headers: Vec<String>,
    /// The body.
    #[serde(default)]
    pub body: String,
}

fn get() -> String {
    "GET".to_owned()
}

impl Request {
    /// A plain GET.
    #[must_use]
    pub fn get(host: &str, uri: &str) -> Self {
        Self {
            method: get(),
            uri: uri.to_owned(),
            host: host.to_owned(),
            user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
                .to_owned(),
            headers: vec!["Accept: */*".to_owned()],
            body: String::new(),
        }
    }

    /// A form sent with POST.
    #[must_use]
    pub fn post(host: &str, uri: &str, form: &str) -> Self {
        let mut request = Self::get(host, uri);
        request.method = "POST".to_owned();
        request
            .headers
            .push("Content-Type: application/x-www-form-urlencoded".to_owned());
        request.body = form.to_owned();
        request
    }

    /// The same request with one more header line.
    #[must_use]
    pub fn with_header(mut self, line: &str) -> Self {
        self.headers.push(line.to_owned());
        self
    }

    /// The request as bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.uri);
        if !self.host.is_empty() {
            push_line(&mut head, &format!("Host: {}", self.host));
        }
        if !self.user_agent.is_empty() {
            push_line(&mut head, &format!("User-Agent: {}", self.user_agent));
        }
        for line in &self.headers {
            push_line(&mut head, line);
        }
        if !self.body.is_empty() {
            push_line(&mut head, &format!("Content-Length: {}", self.body.len()));
        }
        head.push_str("\r\n");
        [head.as_bytes(), self.body.as_bytes()].concat()
    }
}

/// A response.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Response {
    /// The status code, 200 when nothing is said.
    #[serde(default = "ok")]
    pub status: u16,
    /// The reason phrase, `OK` when nothing is said.
    #[serde(default = "ok_reason")]
    pub reason: String,
    /// Further header lines, without line ends.
    #[serde(default)]
    pub headers: Vec<String>,
    /// The body before any coding.
    #[serde(default)]
    pub body: String,
    /// How the body travels.
    #[serde(default)]
    pub coding: Coding,
}

fn ok() -> u16 {
    200
}

fn ok_reason() -> String {
    "OK".to_owned()
}

impl Response {
    /// A page.
    #[must_use]
    pub fn page(body: &str, coding: Coding) -> Self {
        let headers = vec![
            "Server: nginx".to_owned(),
            "Content-Type: text/html; charset=utf-8".to_owned(),
        ];
        Self {
            status: ok(),
            reason: ok_reason(),
            headers,
            body: body.to_owned(),
            coding,
        }
    }

    /// An empty answer with a status.
    #[must_use]
    pub fn status(status: u16, reason: &str) -> Self {
        Self {
            status,
            reason: reason.to_owned(),
            ..Self::page("", Coding::Plain)
        }
    }

    /// The response as bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, self.reason);
        for line in &self.headers {
            push_line(&mut head, line);
        }
        let mut body = self.body.as_bytes().to_vec();
        if matches!(self.coding, Coding::Gzip | Coding::GzipChunked) {
            push_line(&mut head, "Content-Encoding: gzip");
            body = gzip(&body);
        }
        if matches!(self.coding, Coding::Chunked | Coding::GzipChunked) {
            push_line(&mut head, "Transfer-Encoding: chunked");
            body = chunked(&body);
        } else {
            push_line(&mut head, &format!("Content-Length: {}", body.len()));
        }
        head.push_str("\r\n");
        [head.as_bytes(), &body].concat()
    }
}

fn push_line(head: &mut String, line: &str) {
    head.push_str(line);
    head.push_str("\r\n");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
        .expect("writing to memory cannot fail")
}

fn chunked(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for chunk in bytes.chunks(CHUNK_BYTES) {
        out.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        out.extend_from_slice(chunk);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"0\r\n\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunked_body_has_its_sizes_and_its_end() {
        let bytes = Response::page(&"x".repeat(33), Coding::Chunked).bytes();
        let text = String::from_utf8(bytes).unwrap();
        let expected = format!("\r\n\r\n20\r\n{}\r\n1\r\nx\r\n0\r\n\r\n", "x".repeat(32));
        assert!(text.ends_with(&expected), "{text}");
    }

    #[test]
    fn a_form_carries_its_length() {
        let text =
            String::from_utf8(Request::post("a.example", "/login", "user=a").bytes()).unwrap();
        assert!(
            text.starts_with("POST /login HTTP/1.1\r\nHost: a.example\r\n"),
            "{text}"
        );
        assert!(text.ends_with("Content-Length: 6\r\n\r\nuser=a"), "{text}");
    }
}
