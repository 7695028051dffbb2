//! Three processes of one centre behind two addresses, over one PostgreSQL: each is killed in turn, and the server too,
//! while sensors send and some do not hear the answer. What was acknowledged is stored, and once.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lapwing_cirt::query::Scope;
use lapwing_cirt::store::Store;
use lapwing_wire::{AckState, Message, SealedEnvelope};
use tokio::net::{TcpListener, TcpStream};

use crate::database::{Database, OwnServer};
use crate::support::{Device, Sample, TestCentre, eventually};

const SENSORS: u64 = 6;
const BATCHES: u64 = 80;
const FINDINGS: u64 = 5;
/// One answer in so many is not waited for.
const UNHEARD: u64 = 12;
/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_secs(120);

/// One process of the centre; it ends with the test.
struct Part {
    folder: PathBuf,
    role: &'static str,
    listen: SocketAddr,
    child: Child,
}

impl Part {
    /// A process in a folder of its own, which has the keys and the settings of the centre.
    fn start(centre: &TestCentre, number: usize, role: &'static str) -> Self {
        let folder = centre.temporary.path().join(format!("part{number}"));
        copy(&centre.folder.key(""), &folder.join("keys"));
        std::fs::copy(centre.folder.settings(), folder.join("settings.toml")).unwrap();
        let any = "127.0.0.1:0".parse().unwrap();
        let (child, listen) = serve(&folder, role, any);
        Self {
            folder,
            role,
            listen,
            child,
        }
    }

    /// Ends it as a power cut would, and starts it again where it was.
    fn kill_and_start(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        (self.child, _) = serve(&self.folder, self.role, self.listen);
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// Starts a process until it runs: a server that has just been killed may not answer it yet.
fn serve(folder: &Path, role: &str, listen: SocketAddr) -> (Child, SocketAddr) {
    let begun = Instant::now();
    loop {
        let ready = folder.join("ready.json");
        drop(std::fs::remove_file(&ready));
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(folder.join("serve.log"))
            .unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_lapwing-cirt"))
            .args(["serve", "--role", role, "--web-listen", "127.0.0.1:0"])
            .args(["--listen", &listen.to_string(), "--data"])
            .arg(folder)
            .arg("--ready-file")
            .arg(&ready)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        while child.try_wait().unwrap().is_none() {
            if let Ok(text) = std::fs::read_to_string(&ready) {
                let ready: serde_json::Value = serde_json::from_str(&text).unwrap();
                let address = ready["collector"].as_str().unwrap().parse().unwrap();
                return (child, address);
            }
            let log = || std::fs::read_to_string(folder.join("serve.log")).unwrap();
            assert!(begun.elapsed() < PATIENCE, "{}", log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// One address with several processes behind it: each connection goes to the next one that takes it.
async fn balance(parts: Vec<SocketAddr>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let turn = AtomicUsize::new(0);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            for _ in 0..parts.len() {
                let next = turn.fetch_add(1, Ordering::Relaxed) % parts.len();
                if let Ok(mut part) = TcpStream::connect(parts[next]).await {
                    tokio::spawn(async move {
                        drop(tokio::io::copy_bidirectional(&mut client, &mut part).await);
                    });
                    break;
                }
            }
        }
    });
    address
}

/// What senders were told, and whether they may go on.
#[derive(Default)]
struct Told {
    acknowledged: Mutex<BTreeSet<(u64, u64)>>,
    again: AtomicUsize,
    unheard: AtomicUsize,
    is_over: AtomicBool,
}

/// Sends the batches of one sensor in their order, each until it is acknowledged.
async fn send(
    centre: Arc<TestCentre>,
    addresses: [SocketAddr; 2],
    sensor: u64,
    device: Device,
    envelopes: Vec<SealedEnvelope>,
    told: Arc<Told>,
) {
    let mut attempt = sensor;
    let mut link = None;
    for (number, envelope) in (0u64..).zip(&envelopes) {
        let begun = Instant::now();
        loop {
            assert!(
                begun.elapsed() < PATIENCE,
                "sensor {sensor}, batch {number}"
            );
            attempt += 1;
            let mut client = match link.take() {
                Some(client) => client,
                None => {
                    let to = addresses[usize::try_from(attempt % 2).unwrap()];
                    let client = centre.try_connect(to, &device).await.ok();
                    let Some(mut client) = client else {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        continue;
                    };
                    if !client.try_greet().await {
                        continue;
                    }
                    client
                }
            };
            if !client
                .try_send(&Message::Envelope(envelope.bytes.clone()))
                .await
            {
                continue;
            }
            if attempt.is_multiple_of(UNHEARD) {
                // The answer comes, and nobody is there to hear it.
                told.unheard.fetch_add(1, Ordering::Relaxed);
                drop(client.next().await);
                continue;
            }
            if let Some(Message::Ack(ack)) = client.next().await {
                assert_eq!(ack.digest, envelope.digest);
                if ack.state == AckState::AlreadyStored {
                    told.again.fetch_add(1, Ordering::Relaxed);
                } else {
                    assert_eq!(ack.state, AckState::Stored);
                }
                told.acknowledged.lock().unwrap().insert((sensor, number));
                link = Some(client);
                break;
            }
        }
    }
}

fn batches(centre: &TestCentre, device: &Device) -> Vec<SealedEnvelope> {
    let sealing = centre.sealing_key();
    (0..BATCHES)
        .map(|batch| {
            let numbers = batch * FINDINGS..(batch + 1) * FINDINGS;
            let records: Vec<_> = numbers
                .map(|number| Sample::numbered(number).record())
                .collect();
            device.seal(sealing, batch, &records)
        })
        .collect()
}

/// All findings in the order of loading, by sensor and number.
fn findings(store: &Store) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    let mut after = 0;
    loop {
        let page = store.findings_in_order(after, 500).unwrap();
        let Some((last, _)) = page.last() else {
            return found;
        };
        after = *last;
        found.extend(page.into_iter().map(|(_, row)| {
            let number = row.id.rsplit('-').next().unwrap().parse().unwrap();
            (row.sensor, number)
        }));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_is_killed_what_was_acknowledged_is_stored_once() {
    let Some(server) = OwnServer::start() else {
        return;
    };
    let shared = tempfile::tempdir().unwrap();
    let findings_place = shared.path().join("findings").display().to_string();
    let database = Database::on(server.address());
    let centre = Arc::new(TestCentre::with(Some(database), Some(findings_place)));
    let mut devices = Vec::new();
    for sensor in 0..SENSORS {
        let mut device = centre.enrolled_device(&format!("isp-{sensor}"));
        device.certificate = Some(centre.certificate_that_ended(&device, -10));
        devices.push(device);
    }
    let mut parts = vec![
        Part::start(&centre, 0, "whole"),
        Part::start(&centre, 1, "whole"),
        Part::start(&centre, 2, "collector"),
    ];
    let listen: Vec<SocketAddr> = parts.iter().map(|part| part.listen).collect();
    let addresses = [
        balance(vec![listen[0], listen[1]]).await,
        balance(vec![listen[2], listen[1]]).await,
    ];

    let told = Arc::new(Told::default());
    let mut senders = Vec::new();
    for (sensor, device) in (0u64..).zip(devices) {
        let envelopes = batches(&centre, &device);
        let (centre, told) = (Arc::clone(&centre), Arc::clone(&told));
        senders.push(tokio::spawn(send(
            centre, addresses, sensor, device, envelopes, told,
        )));
    }
    // After every so many acknowledgements somebody is killed: each of the three, and twice the server.
    let killer = {
        let told = Arc::clone(&told);
        tokio::task::spawn_blocking(move || {
            let all = usize::try_from(SENSORS * BATCHES).unwrap();
            for (kill, whom) in (1usize..).zip([0, 3, 1, 2, 3, 0]) {
                let begun = Instant::now();
                while told.acknowledged.lock().unwrap().len() < all * kill / 7 {
                    assert!(begun.elapsed() < PATIENCE, "kill {kill}");
                    if told.is_over.load(Ordering::Relaxed) {
                        return (parts, server, kill - 1);
                    }
                    std::thread::sleep(Duration::from_millis(2));
                }
                match parts.get_mut(whom) {
                    Some(part) => part.kill_and_start(),
                    None => server.kill_and_start(),
                }
            }
            (parts, server, 6)
        })
    };
    for sender in senders {
        sender.await.unwrap();
    }
    told.is_over.store(true, Ordering::Relaxed);
    let (parts, server, kills) = killer.await.unwrap();
    assert_eq!(kills, 6, "all of them were killed while sensors sent");

    let acknowledged = told.acknowledged.lock().unwrap().len();
    assert_eq!(acknowledged, usize::try_from(SENSORS * BATCHES).unwrap());
    let store = centre.store();
    eventually("everything is loaded by one of the processes", || {
        store.inbox_totals().is_ok_and(|totals| totals.waiting == 0)
    })
    .await;
    let totals = store.inbox_totals().unwrap();
    assert_eq!((totals.batches, totals.unreadable), (SENSORS * BATCHES, 0));
    for books in store.sensor_totals(Scope::Nation).unwrap() {
        assert_eq!(
            (
                books.stored,
                books.findings,
                books.missing,
                books.doubled,
                books.repeated
            ),
            (BATCHES * FINDINGS, BATCHES * FINDINGS, 0, 0, 0),
            "{}",
            books.name
        );
        assert_eq!(books.batches_conflicting, 0);
    }
    let found = findings(&store);
    let expected: BTreeSet<(String, u64)> = (0..SENSORS)
        .flat_map(|sensor| {
            (0..BATCHES * FINDINGS).map(move |number| (format!("isp-{sensor}"), number))
        })
        .collect();
    assert_eq!(found.len(), expected.len(), "nothing is there twice");
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
    let verdict = store.verify_audit().unwrap();
    assert_eq!(verdict.broken_at, None);
    assert!(told.unheard.load(Ordering::Relaxed) > 0 && told.again.load(Ordering::Relaxed) > 0);
    drop((parts, store, server));
}
