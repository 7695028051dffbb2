//! A centre in its own folder, a device with its own key, and records to send.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::DecodePrivateKey as _;
use jiff::Timestamp;
use lapwing_cirt::centre::Centre;
use lapwing_cirt::enrolment::{
    CertificateAuthority, NewVoucher, create_sealing_key, load_sealing_key, secret_hash,
    write_voucher,
};
use lapwing_cirt::loader::Loader;
use lapwing_cirt::people::Role;
use lapwing_cirt::secrets::hash_password;
use lapwing_cirt::settings::{DataFolder, Settings};
use lapwing_cirt::store::Store;
use lapwing_wire::frame::FrameDecoder;
use lapwing_wire::{
    Action, BatchDigest, BatchIdentity, BatchNumber, BootId, CENTRE_SERVER_NAME, ClockQuality,
    CompressionLevel, Direction, DisclosedAddress, Endpoint, EnrolRequest, Epoch, FactKind, Facts,
    Finding, Hello, Lane, Message, PolicyDigest, ReceivedEnvelope, Record, RecordBody,
    RecordHeader, RecordNumber, RuleId, SealedEnvelope, Sealer, SealingPublicKey, SensorId,
    Severity, Stamp, Traffic, Voucher,
};
use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::database::Database;

/// Nothing in a test takes longer.
const DEADLINE: Duration = Duration::from_secs(60);
/// Password of the administrator `admin`.
pub(crate) const PASSWORD: &str = "correct-horse-battery";

/// A centre's data folder.
pub(crate) struct TestCentre {
    pub(crate) temporary: TempDir,
    pub(crate) folder: DataFolder,
    /// Where it is not a file.
    pub(crate) database: Option<Database>,
}

impl TestCentre {
    /// A new centre with one administrator.
    pub(crate) fn new() -> Self {
        Self::with(Database::of_environment(), None)
    }

    /// The same over a database on a server, if one is given, and with its findings at a place, if one is given.
    pub(crate) fn with(database: Option<Database>, findings: Option<String>) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let folder = DataFolder::new(&temporary.path().join("data"));
        folder.create().unwrap();
        CertificateAuthority::create(&folder, "test").unwrap();
        create_sealing_key(&folder).unwrap();
        let settings = Settings {
            name: "test".parse().unwrap(),
            listen: "127.0.0.1:0".parse().unwrap(),
            web_listen: "127.0.0.1:0".parse().unwrap(),
            public_address: None,
            renew_expired_days: 400,
            findings,
            keep_findings_days: None,
            store: database.as_ref().map(Database::server),
        };
        settings.save(&folder).unwrap();
        let store = match database {
            None => Store::create(&folder.database()).unwrap(),
            Some(_) => Store::of(&folder, &settings).unwrap(),
        };
        let hash = hash_password(PASSWORD).unwrap();
        store
            .add_user(
                "test",
                &"admin".parse().unwrap(),
                Role::Administrator,
                None,
                &hash,
            )
            .unwrap();
        Self {
            temporary,
            folder,
            database,
        }
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings::load(&self.folder).unwrap()
    }

    /// Runs SQL behind the program's back.
    pub(crate) fn try_sql(&self, sql: &str) -> Result<(), String> {
        match &self.database {
            Some(database) => database.try_sql(sql),
            None => rusqlite::Connection::open(self.folder.database())
                .unwrap()
                .execute_batch(sql)
                .map_err(|error| error.to_string()),
        }
    }

    /// The database, opened anew.
    pub(crate) fn store(&self) -> Store {
        Store::of(&self.folder, &self.settings()).unwrap()
    }

    /// The loader of this centre.
    pub(crate) fn loader(&self) -> Loader {
        Loader::new(load_sealing_key(&self.folder).unwrap())
    }

    /// The key that batches are sealed to.
    pub(crate) fn sealing_key(&self) -> SealingPublicKey {
        load_sealing_key(&self.folder)
            .unwrap()
            .public_key()
            .unwrap()
    }

    /// A voucher for a sensor.
    pub(crate) fn voucher(&self, sensor: &str, pre_approved: bool) -> Voucher {
        let new = NewVoucher {
            sensor: &sensor.parse().unwrap(),
            addresses: vec!["127.0.0.1:1".to_owned()],
            root_fingerprint: CertificateAuthority::load(&self.folder)
                .unwrap()
                .root_fingerprint(),
            valid_hours: 1,
            pre_approved,
        };
        let text = write_voucher(&self.store(), "test", new).unwrap().text;
        Voucher::decode(&text).unwrap()
    }

    /// Puts a backup in the place of the database; no store may be open.
    pub(crate) fn restore(&self, backup: &std::path::Path) {
        if let Some(database) = &self.database {
            database.clear();
            drop(std::fs::remove_dir_all(
                self.folder.database().with_extension("lake"),
            ));
            let settings = self.settings();
            let findings = settings.findings_place(&self.folder).unwrap();
            return Store::restore(backup, &settings.database(&self.folder), findings).unwrap();
        }
        let database = self.folder.database();
        for ending in ["-wal", "-shm"] {
            let mut path = database.clone().into_os_string();
            path.push(ending);
            drop(std::fs::remove_file(path));
        }
        std::fs::copy(backup, database).unwrap();
    }

    /// A certificate of thirty days for a device's key that ended so many days ago, as this centre would have issued it; a number
    /// below zero is of days to come.
    pub(crate) fn certificate_that_ended(
        &self,
        device: &Device,
        days_ago: i64,
    ) -> Vec<CertificateDer<'static>> {
        let read = |name: &str| std::fs::read_to_string(self.folder.key(name)).unwrap();
        let key = rcgen::KeyPair::from_pem(&read("issuing.key.pem")).unwrap();
        let issuer = rcgen::Issuer::from_ca_cert_pem(&read("issuing.crt.pem"), key).unwrap();
        let now = Timestamp::now();
        let day = |days: i64| {
            std::time::SystemTime::from(now - jiff::SignedDuration::from_hours(24 * days))
        };
        let mut params = rcgen::CertificateParams::default();
        params.not_before = day(days_ago + 30).into();
        params.not_after = day(days_ago).into();
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        let own = rcgen::KeyPair::try_from(device.key_der.as_slice()).unwrap();
        let certificate = params.signed_by(&own, &issuer).unwrap();
        let authority = CertificateAuthority::load(&self.folder).unwrap();
        vec![certificate.der().clone(), authority.issuing().clone()]
    }

    /// A device that is enrolled without any network.
    pub(crate) fn enrolled_device(&self, sensor: &str) -> Device {
        self.enrolled_device_named(sensor, rand::random())
    }

    /// The same with a given identity.
    pub(crate) fn enrolled_device_named(&self, sensor: &str, identity: [u8; 16]) -> Device {
        let mut device = Device::new();
        let voucher = self.voucher(sensor, true);
        let enrolment = self
            .store()
            .redeem_voucher(
                &secret_hash(&voucher.secret),
                &device.public_key(),
                &identity,
                "model=test\n",
                Timestamp::now(),
            )
            .unwrap()
            .unwrap();
        device.sensor = SensorId(enrolment.identity);
        device
    }

    /// Stores a batch of a device, as if it had come over the network, and loads it.
    pub(crate) fn take(&self, store: &Store, device: &Device, batch: u64, records: &[Record]) {
        self.take_sealed(
            store,
            device,
            device.seal(self.sealing_key(), batch, records),
        );
    }

    /// The same with a batch that is sealed already.
    pub(crate) fn take_sealed(&self, store: &Store, device: &Device, envelope: SealedEnvelope) {
        accept(store, device, envelope);
        self.loader().run(store).unwrap();
    }

    /// Starts serving; stops when the handle is dropped or told to.
    pub(crate) async fn start(&self) -> RunningCentre {
        let settings = self.settings();
        let centre = Centre::open(&self.folder, &settings).await.unwrap();
        let collector = centre.addresses().collector;
        let web = centre.addresses().web.unwrap();
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(centre.run(stopped));
        RunningCentre {
            collector,
            web,
            stop,
            task,
        }
    }

    /// Connects as a device, with its certificate if it has one.
    pub(crate) async fn connect(&self, running: &RunningCentre, device: &Device) -> Client {
        self.try_connect(running.collector, device).await.unwrap()
    }

    /// The same at an address where perhaps nobody is.
    pub(crate) async fn try_connect(
        &self,
        to: SocketAddr,
        device: &Device,
    ) -> std::io::Result<Client> {
        let authority = CertificateAuthority::load(&self.folder).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(authority.root().clone()).unwrap();
        let builder = rustls::ClientConfig::builder_with_provider(Arc::new(
            rustls::crypto::aws_lc_rs::default_provider(),
        ))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots);
        let mut config = match &device.certificate {
            Some(chain) => builder
                .with_client_auth_cert(chain.clone(), device.private_key())
                .unwrap(),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![lapwing_wire::ALPN.to_vec()];
        let stream = TcpStream::connect(to).await?;
        let name = CENTRE_SERVER_NAME.try_into().unwrap();
        let stream = TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await?;
        Ok(Client {
            stream,
            decoder: FrameDecoder::default(),
        })
    }
}

/// A centre that serves.
pub(crate) struct RunningCentre {
    pub(crate) collector: SocketAddr,
    pub(crate) web: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl RunningCentre {
    /// Stops in order.
    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        tokio::time::timeout(DEADLINE, self.task)
            .await
            .unwrap()
            .unwrap();
    }
}

/// The edge's end of a connection.
pub(crate) struct Client {
    stream: TlsStream<TcpStream>,
    decoder: FrameDecoder,
}

impl Client {
    pub(crate) async fn send(&mut self, message: &Message) {
        let mut bytes = Vec::new();
        message.write(&mut bytes).unwrap();
        self.send_bytes(&bytes).await;
    }

    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        self.try_send_bytes(bytes).await.unwrap();
    }

    async fn try_send_bytes(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Sends a message to whoever may be gone; says whether it left.
    pub(crate) async fn try_send(&mut self, message: &Message) -> bool {
        let mut bytes = Vec::new();
        message.write(&mut bytes).unwrap();
        self.try_send_bytes(&bytes).await.is_ok()
    }

    /// The next message, or none when the centre closed the connection.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        tokio::time::timeout(DEADLINE, async {
            let mut buffer = [0; 4096];
            loop {
                if let Some(frame) = self.decoder.next_frame().unwrap() {
                    return Some(Message::read(frame).unwrap());
                }
                match self.stream.read(&mut buffer).await {
                    Ok(0) | Err(_) => return None,
                    Ok(length) => self.decoder.push(&buffer[..length]),
                }
            }
        })
        .await
        .unwrap()
    }

    pub(crate) async fn greet(&mut self) {
        assert!(self.try_greet().await);
    }

    /// Greets whoever may be gone; says whether the greeting was answered.
    pub(crate) async fn try_greet(&mut self) -> bool {
        let hello = Message::Hello(Hello {
            oldest_version: 1,
            newest_version: 1,
            software: "test".to_owned(),
        });
        self.try_send(&hello).await && matches!(self.next().await, Some(Message::HelloAnswer(_)))
    }

    pub(crate) async fn send_envelope(&mut self, envelope: &SealedEnvelope) -> Option<Message> {
        self.send(&Message::Envelope(envelope.bytes.clone())).await;
        self.next().await
    }
}

/// A device: its key, and what the centre gave it.
#[derive(Clone)]
pub(crate) struct Device {
    key_der: Vec<u8>,
    pub(crate) sensor: SensorId,
    pub(crate) epoch: Epoch,
    pub(crate) certificate: Option<Vec<CertificateDer<'static>>>,
}

impl Device {
    pub(crate) fn new() -> Self {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        Self {
            key_der: key.serialize_der(),
            sensor: SensorId([0; 16]),
            epoch: Epoch(7),
            certificate: None,
        }
    }

    pub(crate) fn signing_key(&self) -> SigningKey {
        SigningKey::from_pkcs8_der(&self.key_der).unwrap()
    }

    pub(crate) fn public_key(&self) -> [u8; 32] {
        self.signing_key().verifying_key().to_bytes()
    }

    fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.key_der.clone().into())
    }

    pub(crate) fn certificate_request(&self) -> Vec<u8> {
        let key = rcgen::KeyPair::try_from(self.key_der.as_slice()).unwrap();
        let request = rcgen::CertificateParams::default()
            .serialize_request(&key)
            .unwrap();
        request.der().to_vec()
    }

    pub(crate) fn enrol_request(&self, voucher: &Voucher) -> EnrolRequest {
        EnrolRequest {
            claim: lapwing_wire::VoucherClaim::Secret(voucher.secret),
            certificate_request: self.certificate_request(),
            device_public_key: self.public_key(),
            sensor_name: "on the box".to_owned(),
            machine_facts: Vec::new(),
        }
    }

    /// Seals records into a batch.
    pub(crate) fn seal(
        &self,
        centre: SealingPublicKey,
        batch: u64,
        records: &[Record],
    ) -> SealedEnvelope {
        self.seal_behind(centre, BatchDigest::NONE, batch, records)
    }

    /// The same, naming the digest of the batch before it.
    pub(crate) fn seal_behind(
        &self,
        centre: SealingPublicKey,
        previous: BatchDigest,
        batch: u64,
        records: &[Record],
    ) -> SealedEnvelope {
        let identity = BatchIdentity {
            sensor: self.sensor,
            epoch: self.epoch,
            number: BatchNumber(batch),
        };
        Sealer::new(self.signing_key(), centre, CompressionLevel::DEFAULT)
            .seal(identity, previous, records, &mut rand::rng())
            .unwrap()
    }
}

/// What a test changes about a finding.
#[derive(Clone)]
pub(crate) struct Sample {
    pub(crate) lane: Lane,
    pub(crate) number: u64,
    pub(crate) time: &'static str,
    pub(crate) sid: u32,
    pub(crate) priority: u32,
    pub(crate) source: DisclosedAddress,
    pub(crate) destination: DisclosedAddress,
    pub(crate) facts: Vec<(FactKind, &'static [u8])>,
}

impl Sample {
    pub(crate) fn numbered(number: u64) -> Self {
        Self {
            lane: Lane::Normal,
            number,
            time: "2026-05-01T12:00:00.125Z",
            sid: 9_000_001,
            priority: 2,
            source: clear("192.0.2.10"),
            destination: clear("198.51.100.20"),
            facts: vec![(FactKind::HttpHost, b"www.example.org")],
        }
    }

    pub(crate) fn record(&self) -> Record {
        let milliseconds =
            u64::try_from(self.time.parse::<Timestamp>().unwrap().as_millisecond()).unwrap();
        let mut facts = Facts::default();
        for (kind, value) in &self.facts {
            assert!(facts.push(*kind, value));
        }
        let finding = Finding {
            first_milliseconds: milliseconds - 1_500,
            last_milliseconds: milliseconds,
            count: 3,
            rule: RuleId {
                gid: 1,
                sid: self.sid,
                rev: 2,
            },
            severity: Severity::from_priority(self.priority),
            action: Action::Alert,
            source: Endpoint {
                address: self.source,
                port: Some(40_000),
            },
            destination: Endpoint {
                address: self.destination,
                port: Some(80),
            },
            protocol: 6,
            app_protocol: Some("http".to_owned()),
            direction: Direction::ToServer,
            traffic: Traffic {
                packets_to_server: 5,
                bytes_to_server: 700,
                packets_to_client: 4,
                bytes_to_client: 9_000,
            },
            flow_start_milliseconds: Some(milliseconds - 2_000),
            facts,
        };
        Record::new(
            header(self.lane, self.number, milliseconds),
            RecordBody::Finding(finding),
        )
        .unwrap()
    }
}

pub(crate) fn header(lane: Lane, number: u64, milliseconds: u64) -> RecordHeader {
    RecordHeader {
        lane,
        number: RecordNumber(number),
        time: Stamp {
            wall_milliseconds: milliseconds,
            monotonic_milliseconds: 1_000,
            boot: BootId([5; 16]),
            quality: ClockQuality::Network,
        },
        policy: Some(PolicyDigest([0xab; 32])),
    }
}

pub(crate) fn clear(address: &str) -> DisclosedAddress {
    DisclosedAddress::Clear(address.parse::<IpAddr>().unwrap())
}

/// Waits until a condition holds.
pub(crate) async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < DEADLINE, "never came true: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Stores a batch of a device, as if it had come over the network.
pub(crate) fn accept(store: &Store, device: &Device, envelope: SealedEnvelope) {
    let enrolment = store.enrolment(&device.public_key()).unwrap().unwrap();
    let verified = ReceivedEnvelope::parse(envelope.bytes)
        .unwrap()
        .verify(&device.public_key())
        .unwrap();
    store
        .accept_batch(enrolment.sensor, &verified, Timestamp::now())
        .unwrap();
}
