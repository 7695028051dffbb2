//! A centre in this process: its own authority, real TLS sockets on loopback, and
//! `ReceiverSession`. What it stores it keeps through restarts.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use lapwing_outbox::{Draft, OutboxWriter};
use lapwing_uplink::{
    EnrolSettings, Identity, Settings, Stopper, UplinkError, enrol, run, shutdown,
};
use lapwing_wire::*;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::{CertificateDer, CertificateSigningRequestDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

pub(crate) const SENSOR: SensorId = SensorId([0x5e; 16]);
pub(crate) const SECRET: [u8; 16] = [7; 16];
const DEADLINE: Duration = Duration::from_secs(60);

/// A certificate authority and the centre's keys.
pub(crate) struct Authority {
    root: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
    sealing_key: SealingPrivateKey,
}

impl Authority {
    pub(crate) fn new() -> Arc<Self> {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let root = params.self_signed(&key).unwrap().der().clone();
        let issuer = Issuer::from_ca_cert_der(&root, key).unwrap();
        Arc::new(Self {
            root,
            issuer,
            sealing_key: SealingPrivateKey::generate(&mut rand::rng()),
        })
    }

    pub(crate) fn voucher(&self, address: SocketAddr) -> Voucher {
        let ca_digest = Sha256::digest(&self.root).into();
        Voucher {
            addresses: vec![address.to_string()],
            ca_digest,
            secret: SECRET,
        }
    }

    /// A certificate for the key of a request, for the time given.
    fn issue(&self, request: &[u8], not_before: Duration, lifetime: Duration) -> Vec<u8> {
        let request = CertificateSigningRequestDer::from(request);
        let parsed = CertificateSigningRequestParams::from_der(&request).unwrap();
        let mut params = CertificateParams::default();
        let begin = std::time::SystemTime::now() - not_before;
        params.not_before = begin.into();
        params.not_after = (begin + lifetime).into();
        params
            .signed_by(&parsed.public_key, &self.issuer)
            .unwrap()
            .der()
            .to_vec()
    }

    fn tls(&self) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![CENTRE_SERVER_NAME.to_owned()]).unwrap();
        params.not_before = (std::time::SystemTime::now() - Duration::from_secs(60)).into();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .allow_unauthenticated()
                .build()
                .unwrap();
        let chain = vec![certificate.der().clone(), self.root.clone()];
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .unwrap();
        config.alpn_protocols = vec![ALPN.to_vec()];
        config
    }
}

/// How a centre misbehaves.
#[derive(Debug, Clone, Default)]
pub(crate) struct Behaviour {
    /// Cuts each of the first connections after so many bytes from the sensor.
    pub(crate) cut_after_bytes: Vec<usize>,
    /// Acknowledges everything twice.
    pub(crate) acks_twice: bool,
    /// Acknowledges with another digest first.
    pub(crate) wrong_ack_first: bool,
    /// Says busy to each envelope the first time it sees it.
    pub(crate) busy_first: bool,
    /// Reads so many bytes at a time, with a pause of a millisecond between.
    pub(crate) reads_slowly: Option<usize>,
    /// Says "not decided yet" so often before it approves.
    pub(crate) pending_times: usize,
    /// Refuses enrolments.
    pub(crate) refuses: bool,
    /// Gives certificates of which all but this share of a day has passed, once.
    pub(crate) first_certificate_ends_in: Option<Duration>,
}

/// What a centre has stored and seen.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    pub(crate) batches: BTreeMap<BatchIdentity, BatchDigest>,
    /// Tags of findings by lane code and number.
    pub(crate) tags: BTreeMap<(u8, u64), u64>,
    pub(crate) connections: usize,
    pub(crate) sensor_sessions: usize,
    pub(crate) enrolments: usize,
    pub(crate) renewals: usize,
    pub(crate) seen: BTreeMap<BatchIdentity, usize>,
    device_key: Option<[u8; 32]>,
}

/// A centre that can be stopped and started again at its address.
pub(crate) struct Centre {
    pub(crate) address: SocketAddr,
    authority: Arc<Authority>,
    stored: Arc<Mutex<Stored>>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Centre {
    pub(crate) fn start(authority: &Arc<Authority>, behaviour: Behaviour) -> Self {
        Self::start_at(
            authority,
            behaviour,
            "127.0.0.1:0".parse().unwrap(),
            Arc::default(),
        )
    }

    fn start_at(
        authority: &Arc<Authority>,
        behaviour: Behaviour,
        address: SocketAddr,
        stored: Arc<Mutex<Stored>>,
    ) -> Self {
        let listener = std::net::TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, mut stopped) = watch::channel(false);
        let shared = Arc::new(Shared {
            authority: Arc::clone(authority),
            behaviour,
            stored: Arc::clone(&stored),
        });
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                let acceptor = TlsAcceptor::from(Arc::new(shared.authority.tls()));
                let serve = async {
                    loop {
                        let Ok((stream, _)) = listener.accept().await else {
                            continue;
                        };
                        tokio::spawn(serve(stream, acceptor.clone(), Arc::clone(&shared)));
                    }
                };
                tokio::select! {
                    () = serve => {}
                    _ = stopped.wait_for(|stop| *stop) => {}
                }
            });
        });
        Self {
            address,
            authority: Arc::clone(authority),
            stored,
            stop,
            thread: Some(thread),
        }
    }

    pub(crate) fn voucher(&self) -> Voucher {
        self.authority.voucher(self.address)
    }

    pub(crate) fn stored(&self) -> MutexGuard<'_, Stored> {
        self.stored.lock().unwrap()
    }

    /// Stops; gives what is needed to start again.
    pub(crate) fn stop(mut self) -> impl FnOnce(Behaviour) -> Self {
        self.halt();
        let (authority, address, stored) = (
            Arc::clone(&self.authority),
            self.address,
            Arc::clone(&self.stored),
        );
        move |behaviour| Self::start_at(&authority, behaviour, address, stored)
    }

    fn halt(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }

    /// Waits until a condition holds for what is stored.
    pub(crate) fn wait_until(&self, what: &str, holds: impl Fn(&Stored) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !holds(&self.stored()) {
            assert!(
                Instant::now() < deadline,
                "{what} did not happen: {:?}",
                self.stored()
            );
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Centre {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

struct Shared {
    authority: Arc<Authority>,
    behaviour: Behaviour,
    stored: Arc<Mutex<Stored>>,
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    let connection = {
        let mut stored = shared.stored.lock().unwrap();
        stored.connections += 1;
        stored.connections - 1
    };
    let Ok(mut stream) = acceptor.accept(stream).await else {
        return;
    };
    let certified = stream.get_ref().1.peer_certificates().is_some();
    let peer = if certified {
        Peer::Sensor(SENSOR)
    } else {
        Peer::Stranger
    };
    if certified {
        shared.stored.lock().unwrap().sensor_sessions += 1;
    }
    let mut session = ReceiverSession::new(peer, "test centre", 4, 1, 0);
    let most = shared
        .behaviour
        .cut_after_bytes
        .get(connection)
        .copied()
        .unwrap_or(usize::MAX);
    let (mut received, mut buffer) = (
        0,
        vec![0; shared.behaviour.reads_slowly.unwrap_or(16 * 1024)],
    );
    while !session.is_closed() {
        let Ok(count @ 1..) = stream.read(&mut buffer).await else {
            return;
        };
        let arrives = count.min(most - received);
        received += arrives;
        for event in session.receive(&buffer[..arrives]) {
            shared.handle(&mut session, event);
        }
        if stream.write_all(&session.take_output()).await.is_err() || stream.flush().await.is_err()
        {
            return;
        }
        if received == most {
            return;
        }
        if shared.behaviour.reads_slowly.is_some() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

impl Shared {
    fn handle(&self, session: &mut ReceiverSession, event: ReceiverEvent) {
        let mut stored = self.stored.lock().unwrap();
        match event {
            ReceiverEvent::Ready(_) | ReceiverEvent::Closed(_) => {}
            ReceiverEvent::Envelope(envelope) => self.store(&mut stored, session, envelope),
            ReceiverEvent::EnrolRequested(request) => {
                assert_eq!(request.claim, VoucherClaim::Secret(SECRET));
                let known = *stored.device_key.get_or_insert(request.device_public_key);
                assert_eq!(
                    known, request.device_public_key,
                    "a repeated request has the same key"
                );
                stored.enrolments += 1;
                if self.behaviour.refuses {
                    session.enrol_refuse("the voucher was used before");
                } else if stored.enrolments <= self.behaviour.pending_times {
                    session.enrol_pending(EnrolPending {
                        retry_after_seconds: 0,
                    });
                } else {
                    let issued = self.issued(
                        &request.certificate_request,
                        self.behaviour.first_certificate_ends_in,
                    );
                    session.enrol_approve(EnrolApproval {
                        sensor: SENSOR,
                        certificate: issued.certificate,
                        issuing_chain: issued.issuing_chain,
                        sealing_key: issued.sealing_key,
                        certificate_lifetime_seconds: issued.certificate_lifetime_seconds,
                        proof: None,
                    });
                }
            }
            ReceiverEvent::FileRequested(request) => {
                session.file_absent(FileAbsent { path: request.path });
            }
            ReceiverEvent::ControlRequested(_) => {
                session.control(ControlAnswer { answer: Vec::new() });
            }
            ReceiverEvent::RenewRequested(request) => {
                stored.renewals += 1;
                session.renew_approve(self.issued(&request.certificate_request, None));
            }
        }
    }

    fn issued(&self, request: &[u8], ends_in: Option<Duration>) -> RenewApproval {
        let day = Duration::from_secs(24 * 3600);
        let not_before = ends_in.map_or(Duration::from_secs(60), |rest| day - rest);
        RenewApproval {
            certificate: self.authority.issue(request, not_before, day),
            issuing_chain: vec![self.authority.root.to_vec()],
            sealing_key: self.authority.sealing_key.public_key().unwrap(),
            certificate_lifetime_seconds: day.as_secs(),
        }
    }

    fn store(
        &self,
        stored: &mut Stored,
        session: &mut ReceiverSession,
        envelope: ReceivedEnvelope,
    ) {
        let identity = envelope.header().identity;
        let seen = stored.seen.entry(identity).or_default();
        *seen += 1;
        if self.behaviour.busy_first && *seen == 1 {
            session.busy(Busy {
                identity,
                retry_after_seconds: 1,
            });
            return;
        }
        let verified = envelope.verify(&stored.device_key.unwrap()).unwrap();
        let digest = verified.digest();
        if self.behaviour.wrong_ack_first && *seen == 1 {
            session.acknowledge(Ack {
                identity,
                digest: BatchDigest([9; 32]),
                state: AckState::Stored,
            });
        }
        let state = match stored.batches.insert(identity, digest) {
            Some(known) => {
                assert_eq!(known, digest, "{identity} came with two contents");
                AckState::AlreadyStored
            }
            None => {
                for record in verified.open(&self.authority.sealing_key).unwrap().records {
                    let RecordBody::Finding(finding) = &record.body else {
                        continue;
                    };
                    let place = (record.header.lane.code(), record.header.number.0);
                    assert!(
                        stored.tags.insert(place, finding.count).is_none(),
                        "{place:?} came twice"
                    );
                }
                AckState::Stored
            }
        };
        for _ in 0..=usize::from(self.behaviour.acks_twice) {
            session.acknowledge(Ack {
                identity,
                digest,
                state,
            });
        }
    }
}

/// A sensor's folders, and the uplink over them.
pub(crate) struct Edge {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) settings: Settings,
    pub(crate) outbox: OutboxWriter,
    next_tag: u64,
}

impl Edge {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings =
            Settings::new(folder.path().join("identity"), folder.path().join("outbox"));
        settings.seal.max_records = 10;
        settings.send_interval = Duration::from_millis(10);
        settings.retry_max = Duration::from_millis(50);
        let outbox = OutboxWriter::open(&settings.outbox_folder, settings.outbox.clone()).unwrap();
        Self {
            folder,
            settings,
            outbox,
            next_tag: 1,
        }
    }

    pub(crate) fn enrol(
        &self,
        voucher: Voucher,
        pending: impl FnMut(KeyId, &str),
    ) -> Result<Identity, UplinkError> {
        let settings = EnrolSettings {
            invitation: voucher.into(),
            proxy: None,
            sensor_name: "north-1".to_owned(),
            machine_facts: Vec::new(),
            identity_folder: self.settings.identity_folder.clone(),
        };
        let (_stopper, shutdown) = shutdown();
        enrol(&settings, shutdown, pending)
    }

    pub(crate) fn produce(&mut self, count: u64) {
        for _ in 0..count {
            self.outbox.append(finding(self.next_tag)).unwrap();
            self.next_tag += 1;
        }
    }

    pub(crate) fn start(&self) -> Running {
        let (stopper, shutdown) = shutdown();
        let settings = self.settings.clone();
        Running {
            stopper,
            thread: thread::spawn(move || run(settings, shutdown)),
        }
    }

    pub(crate) fn outbox_folder(&self) -> &Path {
        &self.settings.outbox_folder
    }

    /// Waits until everything was acknowledged.
    pub(crate) fn wait_until_empty(&self) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let status = lapwing_outbox::status(self.outbox_folder()).unwrap();
            if status.queued_records + status.sealed_records == 0 {
                assert_eq!(status.acknowledged_records, status.produced_records);
                return;
            }
            assert!(
                Instant::now() < deadline,
                "the outbox does not empty: {status:?}"
            );
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// What the centre should have.
    pub(crate) fn produced(&self) -> BTreeMap<(u8, u64), u64> {
        (1..self.next_tag)
            .map(|tag| ((Lane::Normal.code(), tag - 1), tag))
            .collect()
    }
}

pub(crate) struct Running {
    stopper: Stopper,
    thread: JoinHandle<Result<(), UplinkError>>,
}

impl Running {
    pub(crate) fn stop(self) -> Result<(), UplinkError> {
        self.stopper.stop();
        self.thread.join().unwrap()
    }
}

fn finding(tag: u64) -> Draft {
    let mut facts = Facts::default();
    // Content that does not compress, so that a cut in the middle of an envelope can be had.
    let noise: Vec<u8> = Sha256::digest(tag.to_le_bytes())
        .iter()
        .copied()
        .cycle()
        .take(200)
        .collect();
    facts.push(FactKind::HttpUri, &noise);
    let nowhere = Endpoint {
        address: DisclosedAddress::Withheld,
        port: None,
    };
    Draft {
        lane: Lane::Normal,
        time: Stamp {
            wall_milliseconds: 1_790_000_000_000,
            monotonic_milliseconds: 1,
            boot: BootId([2; 16]),
            quality: ClockQuality::Network,
        },
        policy: Some(PolicyDigest([0xd1; 32])),
        body: RecordBody::Finding(Finding {
            first_milliseconds: 1_790_000_000_000,
            last_milliseconds: 1_790_000_000_000,
            count: tag,
            rule: RuleId {
                gid: 1,
                sid: 1,
                rev: 1,
            },
            severity: Severity::from_priority(2),
            action: Action::Alert,
            source: nowhere,
            destination: nowhere,
            protocol: 6,
            app_protocol: None,
            direction: Direction::ToServer,
            traffic: Traffic::default(),
            flow_start_milliseconds: None,
            facts,
        }),
    }
}
