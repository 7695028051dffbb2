//! A hostile centre: it has every key of the real one, answers at its address, and says every message of the protocol with every kind
//! of mutation. What the edge says to it, it writes down as it comes out of TLS.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result};
use lapwing_cirt::collector::collector_tls;
use lapwing_cirt::enrolment::{CertificateAuthority, ServerCertificate};
use lapwing_cirt::settings::DataFolder;
use lapwing_wire::frame::{Frame, FrameDecoder};
use lapwing_wire::{
    Ack, AckState, AskForLess, BatchDigest, BatchIdentity, BatchNumber, Busy, CENTRE_SERVER_NAME,
    ControlAnswer, ControlRequest, EnrolApproval, EnrolPending, EnrolRefused, Epoch, ErrorCode,
    FileAbsent, FilePart, FileRequest, Hello, HelloAnswer, Lane, Message, ReceivedEnvelope,
    RenewApproval, RenewRefused, RepositoryPath, Revocation, SealingPrivateKey, SensorId,
    SessionError,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::traffic::entropy::Entropy;

/// Messages of one session, if it lives so long.
const MESSAGES_A_SESSION: u64 = 40;
/// How long it listens between two messages.
const LISTEN: Duration = Duration::from_millis(3);
/// How long it waits for what it is told first once it was believed; there may be nothing.
const FIRST_WORDS: Duration = Duration::from_millis(80);
/// How long it listens for the first word of a session.
const GREETING: Duration = Duration::from_secs(2);

/// What a hostile centre was told, and how much it said for it.
#[derive(Debug, Default)]
pub struct Heard {
    /// Every byte that came out of TLS.
    pub bytes: Vec<u8>,
    /// The messages in them.
    pub messages: Vec<Message>,
    /// Messages that it said.
    pub said: usize,
    /// Sessions in which it was told something.
    pub sessions: usize,
    /// What was told and is no message.
    pub unreadable: usize,
}

/// A hostile centre at work.
#[derive(Debug)]
pub struct HostileCentre {
    heard: Arc<Mutex<Heard>>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl HostileCentre {
    /// Takes over from a centre that was killed: its address, its data folder with its keys.
    ///
    /// # Errors
    /// When the keys or the address cannot be used.
    pub fn take_over(
        data: &Path,
        address: SocketAddr,
        sensor: SensorId,
        seed: u64,
    ) -> Result<Self> {
        let authority = Arc::new(CertificateAuthority::load(&DataFolder::new(data))?);
        let hosts = vec![CENTRE_SERVER_NAME.to_owned()];
        let identity = ServerCertificate::new(Arc::clone(&authority), hosts)?;
        let trusted = [authority.root().clone(), authority.issuing().clone()];
        let tls = collector_tls(Arc::new(identity), &trusted)?;
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let heard = Arc::new(Mutex::new(Heard::default()));
        let (stop, mut stopped) = watch::channel(false);
        let hostile = Hostile {
            authority,
            sensor,
            entropy: Entropy::new(seed),
            heard: Arc::clone(&heard),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = thread::spawn(move || {
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener)?;
                let acceptor = TlsAcceptor::from(Arc::new(tls));
                tokio::select! {
                    result = hostile.serve(&listener, &acceptor) => result,
                    _ = stopped.wait_for(|stop| *stop) => Ok(()),
                }
            })
        });
        Ok(Self {
            heard,
            stop,
            thread: Some(thread),
        })
    }

    /// What it heard so far.
    pub fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends it.
    ///
    /// # Errors
    /// When it ended before, by an error of its own.
    pub fn stop(mut self) -> Result<()> {
        self.stop.send_replace(true);
        let thread = self.thread.take().context("it was stopped before")?;
        thread
            .join()
            .map_err(|_| anyhow::anyhow!("the hostile centre panicked"))?
    }
}

struct Hostile {
    authority: Arc<CertificateAuthority>,
    sensor: SensorId,
    entropy: Entropy,
    heard: Arc<Mutex<Heard>>,
}

impl Hostile {
    async fn serve(mut self, listener: &TcpListener, acceptor: &TlsAcceptor) -> Result<()> {
        loop {
            let (stream, _) = listener.accept().await?;
            // A connection that breaks is what it is here for.
            if let Ok(mut stream) = acceptor.accept(stream).await {
                self.converse(&mut stream).await?;
            }
        }
    }

    async fn converse(
        &mut self,
        stream: &mut tokio_rustls::server::TlsStream<TcpStream>,
    ) -> Result<()> {
        let mut decoder = FrameDecoder::default();
        if !self.listen(stream, &mut decoder, GREETING).await {
            return Ok(());
        }
        self.heard().sessions += 1;
        if self.entropy.below(10) > 0 {
            let mut hello = Vec::new();
            Message::HelloAnswer(hello_answer()).write(&mut hello)?;
            if stream.write_all(&hello).await.is_err()
                || !self.listen(stream, &mut decoder, FIRST_WORDS).await
            {
                return Ok(());
            }
        }
        for _ in 0..MESSAGES_A_SESSION {
            if !self.listen(stream, &mut decoder, LISTEN).await {
                return Ok(());
            }
            let bytes = self.next_words()?;
            self.heard().said += 1;
            if stream.write_all(&bytes).await.is_err() || stream.flush().await.is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Takes in what comes within a time; whether the connection is still there.
    async fn listen(
        &self,
        stream: &mut tokio_rustls::server::TlsStream<TcpStream>,
        decoder: &mut FrameDecoder,
        at_most: Duration,
    ) -> bool {
        let mut buffer = vec![0; 64 * 1024];
        let Ok(read) = timeout(at_most, stream.read(&mut buffer)).await else {
            return true;
        };
        let Ok(count @ 1..) = read else {
            return false;
        };
        let bytes = buffer.get(..count).unwrap_or_default();
        let mut heard = self.heard();
        heard.bytes.extend_from_slice(bytes);
        decoder.push(bytes);
        loop {
            match decoder.next_frame().map(|frame| frame.map(Message::read)) {
                Ok(None) => return true,
                Ok(Some(Ok(message))) => heard.messages.push(message),
                Ok(Some(Err(_))) | Err(_) => {
                    heard.unreadable += 1;
                    return false;
                }
            }
        }
    }

    /// What it says next: about a batch that it heard of, or made up.
    fn next_words(&mut self) -> Result<Vec<u8>> {
        let last = self.heard().messages.iter().rev().find_map(|message| {
            let Message::Envelope(bytes) = message else {
                return None;
            };
            let envelope = ReceivedEnvelope::parse(bytes.clone()).ok()?;
            Some((envelope.header().identity, envelope.digest()))
        });
        let (identity, digest) = last.unwrap_or((
            BatchIdentity {
                sensor: self.sensor,
                epoch: Epoch(1),
                number: BatchNumber(0),
            },
            BatchDigest([6; 32]),
        ));
        let all = messages(identity, digest)?;
        // Signed as the real centre signs it: as wide as can be said, and in an order that is none.
        let signed = match self.entropy.below(all.len() as u64 + 2) {
            0 => Some(vec![Message::AskForLess(AskForLess {
                rung_max: u8::MAX,
                lightest: Lane::Evidence,
                until_milliseconds: u64::MAX,
            })]),
            1 => Some(all.clone()),
            _ => None,
        };
        let message = match signed {
            Some(orders) => {
                let made = self.entropy.next_u64() / 2;
                let answer = self.authority.sign_answer(self.sensor, made, &orders)?;
                Message::ControlAnswer(ControlAnswer { answer })
            }
            None => self.entropy.pick(&all).clone(),
        };
        mutated(&mut self.entropy, &message)
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Every message of the protocol, as a centre could say it, and some that only an edge says.
///
/// # Errors
/// When one of them cannot be made.
pub fn messages(identity: BatchIdentity, digest: BatchDigest) -> Result<Vec<Message>> {
    let ack = |digest, state| {
        Message::Ack(Ack {
            identity,
            digest,
            state,
        })
    };
    let key = SealingPrivateKey::from_bytes([9; 32])?.public_key()?;
    let policy =
        RepositoryPath::new("targets/policy.signed").context("a path of a repository is one")?;
    Ok(vec![
        Message::HelloAnswer(hello_answer()),
        ack(digest, AckState::Stored),
        ack(BatchDigest([5; 32]), AckState::Stored),
        Message::Busy(Busy {
            identity,
            retry_after_seconds: 1,
        }),
        Message::Error(SessionError {
            code: ErrorCode::NotAllowed,
            text: "send everything".to_owned(),
        }),
        Message::EnrolPending(EnrolPending {
            retry_after_seconds: 1,
        }),
        Message::EnrolApproval(EnrolApproval {
            sensor: SensorId([1; 16]),
            certificate: vec![1; 40],
            issuing_chain: vec![vec![2; 40]],
            sealing_key: key,
            certificate_lifetime_seconds: 1,
            proof: Some([3; 32]),
        }),
        Message::EnrolRefused(EnrolRefused {
            reason: "no".to_owned(),
        }),
        Message::RenewApproval(RenewApproval {
            certificate: vec![1; 40],
            issuing_chain: vec![vec![2; 40]],
            sealing_key: key,
            certificate_lifetime_seconds: 1,
        }),
        Message::RenewRefused(RenewRefused {
            reason: "no".to_owned(),
        }),
        Message::Hello(Hello {
            oldest_version: 1,
            newest_version: 1,
            software: "hostile".to_owned(),
        }),
        Message::Envelope(vec![0x4c; 300]),
        Message::AskForLess(AskForLess {
            rung_max: u8::MAX,
            lightest: Lane::Status,
            until_milliseconds: 0,
        }),
        Message::ControlAnswer(ControlAnswer {
            answer: vec![0xff; 60],
        }),
        Message::ControlRequest(ControlRequest {
            known_milliseconds: 0,
        }),
        Message::FilePart(FilePart {
            path: policy.clone(),
            offset: 0,
            total_bytes: 4,
            bytes: vec![1; 4],
        }),
        Message::FileRequest(FileRequest {
            path: policy.clone(),
            offset: 0,
        }),
        Message::FileAbsent(FileAbsent {
            path: policy.clone(),
        }),
        Message::Revocation(Revocation {
            reason: "all".to_owned(),
        }),
    ])
}

/// How it begins where it wants to be believed.
#[must_use]
pub fn hello_answer() -> HelloAnswer {
    HelloAnswer {
        version: 2,
        software: "hostile".to_owned(),
        wall_milliseconds: u64::MAX,
        window: u32::MAX,
    }
}

/// Bytes on the link that a hostile centre says in place of a message.
///
/// # Errors
/// When the message cannot be written down.
pub fn mutated(entropy: &mut Entropy, message: &Message) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    message.write(&mut bytes)?;
    let mut decoder = FrameDecoder::default();
    decoder.push(&bytes);
    let mut frame = decoder.next_frame()?.context("a message is one frame")?;
    match entropy.below(8) {
        0 => {}
        1 => frame.kind = any_byte(entropy),
        2 => {
            let kept = any_index(entropy, frame.body.len() + 1);
            frame.body.truncate(kept);
        }
        3 => frame.body.extend(entropy.bytes(20)),
        4 => frame.body = entropy.bytes(64),
        5 => {
            frame.kind = any_byte(entropy);
            frame.body = entropy.bytes(64);
        }
        6 => {
            // A frame that is broken in itself: length, type, checksum or body.
            let at = any_index(entropy, bytes.len());
            flip(entropy, bytes.get_mut(at));
            return Ok(bytes);
        }
        _ => {
            for _ in 0..=entropy.below(4) {
                if !frame.body.is_empty() {
                    let at = any_index(entropy, frame.body.len());
                    flip(entropy, frame.body.get_mut(at));
                }
            }
        }
    }
    let mut out = Vec::new();
    Frame::write(frame.kind, &frame.body, &mut out)?;
    Ok(out)
}

fn any_byte(entropy: &mut Entropy) -> u8 {
    entropy.bytes(1).first().copied().unwrap_or_default()
}

fn any_index(entropy: &mut Entropy, length: usize) -> usize {
    usize::try_from(entropy.below(length as u64)).unwrap_or_default()
}

fn flip(entropy: &mut Entropy, byte: Option<&mut u8>) {
    if let Some(byte) = byte {
        *byte ^= 1 << entropy.below(8);
    }
}
