//! A real HTTPS server that takes webhooks: it keeps what it was sent and answers what it was told to.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// What it was sent once.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) line: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }
}

/// The server; its thread ends with the test's process.
pub(crate) struct HookServer {
    pub(crate) port: u16,
    /// Its certificate, as PEM.
    pub(crate) authority: String,
    requests: Arc<Mutex<Vec<Request>>>,
    answers: Arc<Mutex<VecDeque<&'static str>>>,
}

impl HookServer {
    pub(crate) fn start() -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            authority: made.cert.pem(),
            requests: Arc::default(),
            answers: Arc::default(),
        };
        let (requests, answers) = (Arc::clone(&server.requests), Arc::clone(&server.answers));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let stream = StreamOwned::new(connection, stream.unwrap());
                // A client that does not like our certificate ends here.
                drop(serve(stream, &requests, &answers));
            }
        });
        server
    }

    pub(crate) fn address(&self) -> String {
        format!("https://localhost:{}/hook?from=cirt", self.port)
    }

    /// Status lines of the next answers, with further headers if need be; an empty one breaks the connection off after
    /// the request. Behind them it is always 204.
    pub(crate) fn answer(&self, lines: &[&'static str]) {
        self.answers.lock().unwrap().extend(lines);
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn serve(
    stream: StreamOwned<ServerConnection, std::net::TcpStream>,
    requests: &Mutex<Vec<Request>>,
    answers: &Mutex<VecDeque<&'static str>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim_end().split_once(": ") else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let mut request = Request {
        line: line.trim_end().to_owned(),
        headers,
        body: String::new(),
    };
    let length = request.header("content-length").parse().unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    request.body = String::from_utf8(body).unwrap();
    requests.lock().unwrap().push(request);
    let answer = answers.lock().unwrap().pop_front();
    let answer = answer.unwrap_or("HTTP/1.1 204 No Content");
    if answer.is_empty() {
        return Ok(());
    }
    let mut stream = reader.into_inner();
    stream.write_all(
        format!("{answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").as_bytes(),
    )?;
    stream.conn.send_close_notify();
    stream.flush()
}
