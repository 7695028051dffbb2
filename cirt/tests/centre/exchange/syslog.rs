//! Findings over TLS to a server of syslog that asks who we are.

use std::sync::Arc;
use std::time::Duration;

use lapwing_cirt::exchange::forward::{ForwardError, Forwarded, SyslogServer, forward};
use lapwing_cirt::exchange::{PeerKind, Tlp};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use super::support::{centre, peer, producer};
use crate::support::TestCentre;

/// What a connection brought: messages of whole frames, and whether it was closed in order.
type Brought = (Vec<String>, bool);

/// A server that takes connections and tells what they brought; of the first it reads so many bytes, and drops it.
struct Receiver {
    server: SyslogServer,
    brought: mpsc::Receiver<Brought>,
}

fn file(centre: &TestCentre, name: &str, text: &str) -> std::path::PathBuf {
    let path = centre.temporary.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

impl Receiver {
    async fn start(centre: &TestCentre, drop_first_after: Option<usize>) -> Self {
        let theirs = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let ours = rcgen::generate_simple_self_signed(vec!["cirt.example".to_owned()]).unwrap();
        let mut trusted = RootCertStore::empty();
        trusted.add(ours.cert.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(trusted), Arc::clone(&provider))
                .build()
                .unwrap();
        let key = PrivateKeyDer::Pkcs8(theirs.signing_key.serialize_der().into());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![theirs.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, brought) = mpsc::channel(16);
        tokio::spawn(async move {
            let mut limit = drop_first_after;
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    tell.send((Vec::new(), false)).await.unwrap();
                    continue;
                };
                let mut bytes = Vec::new();
                let limit = limit.take();
                let in_order = match limit {
                    Some(limit) => {
                        let mut part = vec![0; limit];
                        stream.read_exact(&mut part).await.unwrap();
                        bytes = part;
                        // Gone without a word, as when the machine dies.
                        drop(stream);
                        false
                    }
                    None => {
                        let read = stream.read_to_end(&mut bytes).await.is_ok();
                        stream.shutdown().await.unwrap();
                        read
                    }
                };
                tell.send((messages(&bytes), in_order)).await.unwrap();
            }
        });
        let server = SyslogServer {
            peer: "siem".to_owned(),
            host: "localhost".to_owned(),
            port,
            authority: Some(file(centre, "server.pem", &theirs.cert.pem())),
            identity: Some((
                file(centre, "ours.pem", &ours.cert.pem()),
                file(centre, "ours.key", &ours.signing_key.serialize_pem()),
            )),
        };
        Self { server, brought }
    }

    async fn next(&mut self) -> Brought {
        tokio::time::timeout(Duration::from_secs(60), self.brought.recv())
            .await
            .unwrap()
            .unwrap()
    }
}

/// The whole frames of RFC 5425: a length, a space, the message.
fn messages(mut bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    while let Some(space) = bytes.iter().position(|byte| *byte == b' ') {
        let length: usize = std::str::from_utf8(&bytes[..space])
            .unwrap()
            .parse()
            .unwrap();
        let Some(message) = bytes.get(space + 1..space + 1 + length) else {
            break;
        };
        found.push(String::from_utf8(message.to_vec()).unwrap());
        bytes = &bytes[space + 1 + length..];
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_arrive_once_at_a_server_that_knows_us() {
    let centre = centre(9);
    let (store, producer) = (centre.store(), producer(&centre));
    peer(&store, "siem", PeerKind::Own, Tlp::AmberStrict);
    let red = super::support::all_findings(&store, &producer);
    {
        use lapwing_cirt::exchange::Shareable as _;
        store.mark("test", red[0].subject(), Tlp::Red).unwrap();
    }
    let mut receiver = Receiver::start(&centre, None).await;
    let done = forward(&store, &producer, &receiver.server).await.unwrap();
    assert_eq!(
        done,
        Forwarded {
            sent: 8,
            refused: 1,
            skipped: 0
        }
    );
    let (messages, in_order) = receiver.next().await;
    assert!(in_order, "the end was not told in TLS");
    assert_eq!(messages.len(), 8);
    for message in &messages {
        assert!(
            message.starts_with('<') && message.contains("[lapwing@32473 id=\""),
            "{message}"
        );
        // Our own tool is told which sensor it was.
        assert!(message.contains("sensor=\"isp-a\""), "{message}");
    }
    // Nothing new: no connection at all.
    let done = forward(&store, &producer, &receiver.server).await.unwrap();
    assert_eq!(done, Forwarded::default());
    let sent: u64 = store
        .sharing_register(Some("siem"), 100)
        .unwrap()
        .iter()
        .filter(|line| line.way == "syslog" && line.refusal.is_none())
        .map(|line| line.items)
        .sum();
    assert_eq!(sent, 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_gets_nothing_and_to_a_stranger_nothing_goes() {
    let centre = centre(3);
    let (store, producer) = (centre.store(), producer(&centre));
    peer(&store, "siem", PeerKind::Own, Tlp::AmberStrict);
    let mut receiver = Receiver::start(&centre, None).await;
    // A server whose certificate we do not know.
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let unknown = SyslogServer {
        authority: Some(file(&centre, "other.pem", &other.cert.pem())),
        ..receiver.server.clone()
    };
    let failure = forward(&store, &producer, &unknown).await.unwrap_err();
    assert!(matches!(failure, ForwardError::Connect(..)), "{failure:?}");
    assert_eq!(receiver.next().await, (Vec::new(), false));
    // Nor does the register claim that something went.
    assert!(store.sharing_register(Some("siem"), 10).unwrap().is_empty());
    // A server that does not know us.
    let nameless = SyslogServer {
        identity: None,
        ..receiver.server.clone()
    };
    assert!(forward(&store, &producer, &nameless).await.is_err());
    assert_eq!(receiver.next().await, (Vec::new(), false));
    // Nothing was lost.
    let done = forward(&store, &producer, &receiver.server).await.unwrap();
    assert_eq!(done.sent, 3);
    assert_eq!(receiver.next().await.0.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_broke_off_is_sent_again() {
    let centre = centre(40);
    let (store, producer) = (centre.store(), producer(&centre));
    peer(&store, "siem", PeerKind::Own, Tlp::AmberStrict);
    let mut receiver = Receiver::start(&centre, Some(1_500)).await;
    assert!(forward(&store, &producer, &receiver.server).await.is_err());
    assert!(receiver.next().await.0.len() < 40);
    let done = forward(&store, &producer, &receiver.server).await.unwrap();
    assert_eq!(done.sent, 40);
    assert_eq!(receiver.next().await.0.len(), 40);
}
