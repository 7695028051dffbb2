//! The page on the management port, where the site asks for it: what the screen shows, for a technician's telephone. It can only be read.
//!
//! It is served by a process of its own, under a user of its own who may read that one file, as `/sbin/init page ADDRESS`; process 1 reads
//! nothing that comes over the network. One connection is answered at a time, within a few seconds.

use std::{
    fs,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use crate::{
    layout,
    limits::{PAGE_MAX_BYTES, PAGE_REQUEST_MAX_BYTES},
    whole_file,
};

/// The word that starts it.
pub const WORD: &str = "page";
/// What one connection gets, from its first byte to the last.
const PATIENCE: Duration = Duration::from_secs(3);
/// After an accept that failed.
const PAUSE: Duration = Duration::from_secs(1);
const END_OF_HEAD: &[u8] = b"\r\n\r\n";
const HEAD: &str = "Content-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\nContent-Security-Policy: default-src 'none'\r\n\
                    X-Content-Type-Options: nosniff\r\nConnection: close\r\n";

/// Serves the page at an address with a port. Ends only when it cannot.
#[must_use]
pub fn run(address: &str) -> ExitCode {
    match TcpListener::bind(address) {
        Ok(listener) => serve(&listener, Path::new(layout::STATUS_PAGE)),
        Err(error) => {
            let _written = writeln!(io::stderr(), "lapwing: no page at {address}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Puts a new text on the page.
pub(crate) fn write(text: &str) -> io::Result<()> {
    let path = Path::new(layout::STATUS_PAGE);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    whole_file::replace(path, text.as_bytes())
}

fn serve(listener: &TcpListener, text: &Path) -> ! {
    loop {
        let answered = listener.accept();
        match answered {
            // Who hangs up early has what he wanted.
            Ok((stream, _)) => drop(answer(stream, text)),
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

fn answer(mut stream: TcpStream, text: &Path) -> io::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = request(&mut stream, deadline)?;
    let line = request.split(|byte| *byte == b'\r').next();
    let is_page = line.is_some_and(|line| {
        [b"GET / HTTP/1.".as_slice(), b"GET /? HTTP/1."]
            .iter()
            .any(|wanted| line.starts_with(wanted))
    });
    let (status, body) = if is_page {
        let text = whole_file::read(text, PAGE_MAX_BYTES).unwrap_or_default();
        ("200 OK", page(&String::from_utf8_lossy(&text)))
    } else {
        ("404 Not Found", page("There is one page here: /\n"))
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\n{HEAD}Content-Length: {length}\r\n\r\n{body}"
    )
}

/// The head of a request.
fn request(stream: &mut TcpStream, deadline: Instant) -> io::Result<Vec<u8>> {
    let mut request = Vec::new();
    let mut room = [0; 512];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        let count = stream.read(&mut room)?;
        request.extend(room.get(..count).unwrap_or_default());
        let is_whole = request
            .windows(END_OF_HEAD.len())
            .any(|window| window == END_OF_HEAD);
        if is_whole {
            return Ok(request);
        }
        if count == 0 || request.len() > PAGE_REQUEST_MAX_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
}

fn page(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            _ => escaped.push(character),
        }
    }
    format!(
        "<!doctype html><html><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"refresh\" content=\"10\"><title>Lapwing</title></head><body><pre>{escaped}</pre></body></html>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(request: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("text");
        fs::write(&text, "board      PASS <&>\n").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        stream.write_all(request).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let (taken, _) = listener.accept().unwrap();
        drop(answer(taken, &text));
        let mut answer = String::new();
        // What is too long is not read to its end, and the connection is reset.
        drop(stream.read_to_string(&mut answer));
        answer
    }

    #[test]
    fn the_page_says_what_the_screen_says() {
        let answer = asked(b"GET / HTTP/1.1\r\nHost: 192.0.2.10\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("<pre>board      PASS &lt;&amp;&gt;\n</pre>"));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}", body.len())));
    }

    #[test]
    fn nothing_else_can_be_asked_for() {
        for request in [
            "GET /../etc/passwd HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\n\r\n",
            "PUT /site HTTP/1.1\r\n\r\n",
            "\r\n\r\n",
        ] {
            let answer = asked(request.as_bytes());
            assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
        }
        assert_eq!(asked(b"GET / HTTP/1.1\r\n"), "");
        assert_eq!(asked(&vec![b'a'; 10 * PAGE_REQUEST_MAX_BYTES]), "");
    }
}
