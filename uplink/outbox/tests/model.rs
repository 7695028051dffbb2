//! Any sequence of appends, seals, acks, kills, power cuts, full disks and changes of the keyslot, against a model.
//!
//! The model knows which record each number stands for, and which records must survive. At the
//! end everything is drained to a centre, and every number of every lane must be there once,
//! or told as evicted once, never both.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::centre::Centre;
use common::simulated::Simulated;
use common::{SENSOR, finding, heartbeat, random, sealer};
use lapwing_outbox::{
    AckOutcome, Keyslot, LaneSet, OutboxError, OutboxSender, OutboxWriter, SealLimits, Settings,
};
use lapwing_wire::*;
use proptest::prelude::*;

const FOLDER: &str = "/outbox";
const MAX_BYTES: u64 = 64 * 1024;
const DAY_MILLISECONDS: u64 = 24 * 3_600_000;
const LIMITS: SealLimits = SealLimits {
    max_records: 12,
    max_record_bytes: 6_000,
    max_outstanding: 4,
    lanes: LaneSet::ALL,
    with_facts: true,
};

#[derive(Debug, Clone)]
enum Step {
    Append {
        lane: Lane,
        size: usize,
        times: usize,
    },
    Heartbeat,
    Commit,
    Tick,
    /// Segments are closed for their age, and another key follows.
    Day,
    /// What was made before a time is dropped, and every record was.
    Retention,
    /// What is sealed is withdrawn for its age, and every batch with a finding is old.
    Withdraw,
    /// The next processes find a key in the keyslot, or another one than those before.
    KeyslotChanges,
    Seal,
    /// Sends the n-th outstanding batch; the centre stores it and the ack arrives or is lost.
    Send {
        which: usize,
        ack_arrives: bool,
    },
    WrongAck,
    KillWriter,
    KillSender,
    PowerCut {
        seed: u64,
    },
    DiskFull {
        room: usize,
    },
    DiskFree,
}

fn step() -> impl Strategy<Value = Step> {
    let lane = prop::sample::select(vec![Lane::Critical, Lane::Normal, Lane::Low]);
    prop_oneof![
        8 => (lane, 0usize..2000, 1usize..12).prop_map(|(lane, size, times)| Step::Append { lane, size, times }),
        1 => Just(Step::Heartbeat),
        1 => Just(Step::Commit),
        2 => Just(Step::Tick),
        1 => Just(Step::Day),
        1 => Just(Step::KeyslotChanges),
        1 => Just(Step::Retention),
        1 => Just(Step::Withdraw),
        3 => Just(Step::Seal),
        3 => (0usize..4, prop::bool::weighted(0.8)).prop_map(|(which, ack_arrives)| Step::Send { which, ack_arrives }),
        1 => Just(Step::WrongAck),
        1 => Just(Step::KillWriter),
        1 => Just(Step::KillSender),
        1 => any::<u64>().prop_map(|seed| Step::PowerCut { seed }),
        1 => (0usize..3000).prop_map(|room| Step::DiskFull { room }),
        2 => Just(Step::DiskFree),
    ]
}

/// What is known of a record: its tag, whether it must survive a power cut, and whether one
/// came before it had to.
#[derive(Debug, Clone, Copy)]
struct Known {
    tag: u64,
    durable: bool,
    perhaps_lost: bool,
}

struct World {
    disk: Simulated,
    writer: Option<OutboxWriter<Simulated>>,
    sender: Option<OutboxSender<Simulated>>,
    centre: Centre,
    /// By lane code and number: what may have it, the newest last.
    model: BTreeMap<(u8, u64), Vec<Known>>,
    next_tag: u64,
    now_milliseconds: u64,
    seed: u64,
    /// How often the key in the keyslot changed; at first there is none.
    keyslots: u8,
}

impl World {
    fn new() -> Self {
        Self {
            disk: Simulated::default(),
            writer: None,
            sender: None,
            centre: Centre::default(),
            model: BTreeMap::new(),
            next_tag: 1,
            now_milliseconds: 0,
            seed: 0,
            keyslots: 0,
        }
    }

    fn settings(&self) -> Settings {
        let key = |number: u8| [number; 32];
        let former = (1..self.keyslots).map(key);
        let slot = Keyslot::new(key(self.keyslots));
        Settings {
            max_bytes: MAX_BYTES,
            commit_after_bytes: 8 * 1024,
            commit_after_milliseconds: 3_000,
            keyslot: (self.keyslots > 0).then(|| former.fold(slot, Keyslot::formerly)),
        }
    }

    /// The writer, opened again if it was killed; none while the disk has no room for that.
    fn writer(&mut self) -> Option<&mut OutboxWriter<Simulated>> {
        if self.writer.is_none() {
            self.writer = unless_full(OutboxWriter::open_on(
                self.disk.clone(),
                Path::new(FOLDER),
                self.settings(),
            ));
        }
        self.writer.as_mut()
    }

    fn sender(&mut self) -> Option<&mut OutboxSender<Simulated>> {
        if self.sender.is_none() {
            self.sender = unless_full(OutboxSender::open_on(
                self.disk.clone(),
                Path::new(FOLDER),
                self.settings(),
            ));
        }
        self.sender.as_mut()
    }

    fn all_durable(&mut self) {
        for known in self.model.values_mut().filter_map(|known| known.last_mut()) {
            known.durable = !known.perhaps_lost;
        }
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Append { lane, size, times } => {
                for _ in 0..times {
                    let tag = self.next_tag;
                    self.next_tag += 1;
                    let Some(writer) = self.writer() else { return };
                    let Some(number) = unless_full(writer.append(finding(lane, tag, size))) else {
                        continue;
                    };
                    let known = self.model.entry((lane.code(), number.0)).or_default();
                    assert!(
                        known.iter().all(|known| !known.durable),
                        "{lane} {number} was given twice"
                    );
                    known.push(Known {
                        tag,
                        durable: false,
                        perhaps_lost: false,
                    });
                    if lane == Lane::Critical {
                        self.all_durable();
                    }
                }
            }
            Step::Heartbeat => {
                let tag = self.next_tag;
                let Some(writer) = self.writer() else { return };
                unless_full(writer.append(heartbeat(tag)));
            }
            Step::Commit => {
                let Some(writer) = self.writer() else { return };
                if unless_full(writer.commit()).is_some() {
                    self.all_durable();
                }
            }
            Step::Tick => {
                self.now_milliseconds += 2_000;
                let now = self.now_milliseconds;
                let Some(writer) = self.writer() else { return };
                unless_full(writer.tick(now));
            }
            Step::Day => {
                self.now_milliseconds += DAY_MILLISECONDS;
                let now = self.now_milliseconds;
                let Some(writer) = self.writer() else { return };
                unless_full(writer.tick(now));
            }
            Step::Retention => {
                let Some(writer) = self.writer() else { return };
                unless_full(writer.evict_older_than(u64::MAX));
            }
            Step::Withdraw => {
                let Some(sender) = self.sender() else { return };
                unless_full(sender.withdraw_older_than(u64::MAX));
            }
            Step::KeyslotChanges => {
                (self.writer, self.sender) = (None, None);
                self.keyslots += 1;
            }
            Step::Seal => self.seal(),
            Step::Send { which, ack_arrives } => self.send(which, ack_arrives),
            Step::WrongAck => {
                let Some(sender) = self.sender() else { return };
                let Some(number) = sender.outstanding().next() else {
                    return;
                };
                let identity = BatchIdentity {
                    sensor: SENSOR,
                    epoch: sender.epoch(),
                    number,
                };
                let ack = Ack {
                    identity,
                    digest: BatchDigest([9; 32]),
                    state: AckState::Stored,
                };
                assert_eq!(
                    sender.acknowledge(&ack, 1).unwrap(),
                    AckOutcome::OtherDigest
                );
            }
            Step::KillWriter => self.writer = None,
            Step::KillSender => self.sender = None,
            Step::PowerCut { seed } => {
                (self.writer, self.sender) = (None, None);
                self.disk.power_cut(&mut random(seed));
                for known in self.model.values_mut().flatten() {
                    known.perhaps_lost |= !known.durable;
                }
            }
            Step::DiskFull { room } => self.disk.set_room(Some(room)),
            Step::DiskFree => self.disk.set_room(None),
        }
        let used = self.disk.bytes_in("records") + self.disk.bytes_in("sealed");
        assert!(used as u64 <= MAX_BYTES + 4096, "{used} bytes");
    }

    fn seal(&mut self) {
        self.seed += 1;
        let mut rng = random(self.seed);
        let Some(sender) = self.sender() else { return };
        unless_full(sender.seal_next(SENSOR, &sealer(), &LIMITS, &mut rng));
    }

    fn send(&mut self, which: usize, ack_arrives: bool) {
        let Some(sender) = self.sender() else { return };
        let outstanding: Vec<_> = sender.outstanding().collect();
        let Some(number) = outstanding.get(which % outstanding.len().max(1)) else {
            return;
        };
        let envelope = sender.envelope(SENSOR, *number).unwrap();
        let ack = self.centre.receive(envelope);
        if ack_arrives {
            let sender = self.sender.as_mut().unwrap();
            if let Some(outcome) = unless_full(sender.acknowledge(&ack, 1)) {
                assert_eq!(outcome, AckOutcome::Forgotten);
            }
        }
    }

    /// Everything that waits goes to the centre.
    fn drain(&mut self) {
        self.disk.set_room(None);
        let mut idle = 0;
        while idle < 4 {
            // The writer turns reports of damage into records.
            self.now_milliseconds += 6_000;
            let now = self.now_milliseconds;
            self.writer().unwrap().tick(now).unwrap();
            self.seal();
            let outstanding = self.sender().unwrap().outstanding().count();
            self.send(0, true);
            idle = if outstanding == 0 { idle + 1 } else { 0 };
        }
        let sender = self.sender.as_ref().unwrap();
        assert_eq!(sender.outstanding().count(), 0);
        self.centre.check_chain();
    }

    fn check(&mut self) {
        let (queue, account) = self.writer().unwrap().books().unwrap();
        assert_eq!(queue.records, 0, "records were left behind: {queue:?}");
        let told: u64 = self
            .centre
            .evictions()
            .iter()
            .map(|known| known.count)
            .sum();
        assert_eq!(queue.evicted_records, told, "evictions and their records");
        for lane in Lane::ALL {
            let mut evicted = self.centre.evicted(lane);
            // What came in a batch that was withdrawn before its ack arrived is told as well, and is there.
            let came = |number: &u64| self.centre.records.contains_key(&(lane.code(), *number));
            let withdrawn = self.centre.withdrawn_of(lane);
            evicted.retain(|number, _| !(withdrawn.contains(number) && came(number)));
            let stored = self
                .centre
                .records
                .range((lane.code(), 0)..(lane.code() + 1, 0));
            let mut numbers: Vec<u64> = stored.clone().map(|((_, number), _)| *number).collect();
            numbers.extend(evicted.keys());
            numbers.sort_unstable();
            let produced = numbers.last().map_or(0, |last| last + 1);
            assert_eq!(
                numbers,
                (0..produced).collect::<Vec<_>>(),
                "{lane}: each number once"
            );
            let books = account.lane(lane);
            assert_eq!(books.next, produced, "{lane}: the books and the centre");
            for number in books.settled..produced {
                assert!(
                    evicted.contains_key(&number),
                    "{lane} {number} is stored and not settled: {books:?}"
                );
            }
            for ((_, number), body) in stored {
                let RecordBody::Finding(finding) = body else {
                    continue;
                };
                let known = &self.model[&(lane.code(), *number)];
                let required = known.iter().rev().find(|known| known.durable);
                let fits = match required {
                    Some(required) => finding.count == required.tag,
                    None => known.iter().any(|known| known.tag == finding.count),
                };
                assert!(
                    fits,
                    "{lane} {number} has the tag {}, not one of {known:?}",
                    finding.count
                );
            }
        }
        for ((code, number), known) in &self.model {
            let lane = Lane::from_code(*code).unwrap();
            if known.iter().any(|known| known.durable) {
                let stored = self.centre.records.contains_key(&(*code, *number));
                let reason = self.centre.evicted(lane).get(number).copied();
                let dropped = matches!(
                    reason,
                    Some(
                        EvictionReason::OutboxFull
                            | EvictionReason::DiskFull
                            | EvictionReason::TooOld
                    )
                );
                assert!(
                    stored || dropped,
                    "{lane} {number} was durable and is neither stored nor evicted: {reason:?}"
                );
            }
        }
    }
}

/// The value, or none when the disk is full; every other error is a failure of the test.
fn unless_full<T>(result: Result<T, OutboxError>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(OutboxError::Full) => None,
        Err(OutboxError::Io { cause, .. }) if cause.kind() == std::io::ErrorKind::StorageFull => {
            None
        }
        Err(error) => panic!("{error:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_record_is_stored_once_or_told_as_evicted_once(steps in prop::collection::vec(step(), 1..80)) {
        let mut world = World::new();
        for step in &steps {
            world.run(step);
        }
        world.drain();
        world.check();
    }
}
