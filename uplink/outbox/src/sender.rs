//! The uplink's end: seals records into batches, keeps each until it is acknowledged.

use std::path::Path;

use lapwing_wire::{
    Ack, BatchDigest, BatchIdentity, BatchNumber, EncodeError, Epoch, Eviction, EvictionReason,
    Facts, Lane, Record, RecordBody, SealedEnvelope, Sealer, SensorId, Severity,
};
use rand::CryptoRng;

use crate::error::OutboxError;
use crate::filesystem::{ASIDE, Disk, Filesystem, replace};
use crate::keys::KeyRing;
use crate::lanes::{LaneSet, PerLane};
use crate::layout::{Layout, SegmentName};
use crate::retention::is_judged;
use crate::sealed_file::{MAX_TOLD, SealedHeader, read_envelope};
use crate::segment_reader::SegmentReader;
use crate::sender_state::{
    BatchDigestOrNone, Damage, MAX_DAMAGE_REPORTS, Outstanding, Place, SenderState,
};
use crate::settings::Settings;
use crate::writer_state::WriterState;

/// Bytes that a batch file may have beyond its records.
const BATCH_OVERHEAD_BYTES: u64 = 512;

/// How much goes into one batch, and how many may wait for their ack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealLimits {
    /// Records of a batch.
    pub max_records: usize,
    /// Bytes of a batch's records as they are on disk, before compression.
    pub max_record_bytes: usize,
    /// Sealed batches that are not acknowledged.
    pub max_outstanding: usize,
    /// Lanes whose records may go.
    pub lanes: LaneSet,
    /// Whether findings outside the critical lane take their facts along.
    pub with_facts: bool,
}

impl Default for SealLimits {
    fn default() -> Self {
        Self {
            max_records: 1000,
            max_record_bytes: 512 * 1024,
            max_outstanding: 8,
            lanes: LaneSet::ALL,
            with_facts: true,
        }
    }
}

/// A batch that waits for its ack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedBatch {
    /// Its number.
    pub number: BatchNumber,
    /// Bytes of its file, a little more than its envelope has.
    pub bytes: u64,
    /// Its records.
    pub records: u64,
    /// The lanes they are of.
    pub lanes: LaneSet,
    /// Whether it may leave although no policy is in force.
    pub is_of_the_books: bool,
}

/// What an ack did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AckOutcome {
    /// The batch was forgotten.
    Forgotten,
    /// No such batch waits: it was acknowledged before, or is of another outbox.
    NotOutstanding,
    /// The batch waits, but the ack is for other bytes; it was kept.
    OtherDigest,
}

/// The one process that seals and sends.
#[derive(Debug)]
pub struct OutboxSender<F: Filesystem = Disk> {
    pub(crate) filesystem: F,
    pub(crate) layout: Layout,
    _role: F::Lock,
    epoch: Epoch,
    settings: Settings,
    pub(crate) state: SenderState,
    pub(crate) outstanding: Vec<Outstanding>,
}

impl OutboxSender<Disk> {
    /// Opens the outbox in a folder, and makes it when there is none.
    ///
    /// # Errors
    /// [`OutboxError::InUse`] when another process is its sender, and others when the folder
    /// cannot be used.
    pub fn open(folder: &Path, settings: Settings) -> Result<Self, OutboxError> {
        Self::open_on(Disk, folder, settings)
    }
}

impl<F: Filesystem> OutboxSender<F> {
    /// Opens the outbox on a given file system.
    ///
    /// # Errors
    /// As [`OutboxSender::open`].
    pub fn open_on(filesystem: F, folder: &Path, settings: Settings) -> Result<Self, OutboxError> {
        let layout = Layout::new(folder);
        let epoch = layout.open(&filesystem)?;
        let role = layout.role(&filesystem, layout.sender_lock())?;
        for (name, _) in filesystem
            .list(&layout.sealed())
            .map_err(OutboxError::io("list", layout.sealed()))?
        {
            if name.ends_with(ASIDE) {
                let path = layout.sealed().join(name);
                filesystem
                    .remove(&path)
                    .map_err(OutboxError::io("remove", path))?;
            }
        }
        let (state, outstanding) = SenderState::load(&filesystem, &layout)?;
        let mut sender = Self {
            filesystem,
            layout,
            _role: role,
            epoch,
            settings,
            state,
            outstanding,
        };
        sender.remove_acknowledged()?;
        Ok(sender)
    }

    /// Which life of the outbox this is.
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The batches that wait for their ack, oldest first.
    pub fn outstanding(&self) -> impl Iterator<Item = BatchNumber> {
        self.outstanding
            .iter()
            .map(|batch| BatchNumber(batch.number))
    }

    /// The folder of the outbox.
    pub fn folder(&self) -> &Path {
        self.layout.folder()
    }

    /// The batches that wait for their ack, oldest first, with what is known of them.
    pub fn sealed(&self) -> impl Iterator<Item = SealedBatch> {
        self.outstanding.iter().map(|batch| SealedBatch {
            number: BatchNumber(batch.number),
            bytes: batch.file_bytes,
            records: batch.records,
            lanes: batch.lanes,
            is_of_the_books: batch.is_of_the_books,
        })
    }

    /// A sealed batch, byte for byte as it was sealed.
    ///
    /// # Errors
    /// [`OutboxError::Damaged`] when its bytes are no longer those.
    pub fn envelope(
        &self,
        sensor: SensorId,
        number: BatchNumber,
    ) -> Result<SealedEnvelope, OutboxError> {
        let path = self.layout.batch(number.0);
        let bytes = read_envelope(&self.filesystem, &path)?;
        let digest = BatchDigest::of(&bytes);
        match self
            .outstanding
            .iter()
            .find(|batch| batch.number == number.0)
        {
            Some(batch) if batch.digest == digest => Ok(SealedEnvelope {
                identity: BatchIdentity {
                    sensor,
                    epoch: self.epoch,
                    number,
                },
                digest,
                bytes,
            }),
            _ => Err(OutboxError::Damaged { path }),
        }
    }

    /// Seals the next records into a batch; none when there are no records, or enough batches
    /// wait. Critical records come first. Returns once the batch is durable.
    ///
    /// # Errors
    /// [`OutboxError::Seal`] when the centre's key cannot be used, and others when the folder
    /// cannot be. Nothing was sealed then.
    pub fn seal_next(
        &mut self,
        sensor: SensorId,
        sealer: &Sealer,
        limits: &SealLimits,
        rng: &mut impl CryptoRng,
    ) -> Result<Option<BatchNumber>, OutboxError> {
        let sealed_bytes: u64 = self.outstanding.iter().map(|batch| batch.file_bytes).sum();
        let room = self
            .settings
            .sealed_bound_bytes()
            .saturating_sub(sealed_bytes + BATCH_OVERHEAD_BYTES);
        if self.outstanding.len() >= limits.max_outstanding || room == 0 {
            return Ok(None);
        }
        // Without a policy only heartbeats go; they have one lane.
        let lanes = if sealer.is_closed() {
            limits.lanes.intersection(LaneSet::STATUS)
        } else {
            limits.lanes
        };
        let limits = SealLimits {
            lanes,
            max_record_bytes: limits
                .max_record_bytes
                .min(usize::try_from(room).unwrap_or(usize::MAX)),
            ..*limits
        };
        let exchange = self.layout.exchange(&self.filesystem)?;
        let mut records = self.gather(&limits)?;
        sealer.hold_back(&mut records);
        sealer.filter(&mut records);
        let facts_held_back = if limits.with_facts {
            vec![0; records.len()]
        } else {
            records.iter_mut().map(leave_facts_behind).collect()
        };
        let identity = BatchIdentity {
            sensor,
            epoch: self.epoch,
            number: BatchNumber(self.state.next_batch),
        };
        while !records.is_empty() {
            match sealer.seal(identity, self.state.previous.0, &records, rng) {
                Ok(envelope) => {
                    let facts = facts_held_back.iter().take(records.len()).sum();
                    self.keep(&records, envelope, facts)?;
                    drop(exchange);
                    return Ok(Some(identity.number));
                }
                Err(EncodeError::TooLarge { .. } | EncodeError::TooManyRecords { .. })
                    if records.len() > 1 =>
                {
                    records.truncate(records.len() / 2);
                }
                Err(error) => return Err(OutboxError::Seal(error)),
            }
        }
        Ok(None)
    }

    /// Takes an ack: the batch is forgotten when identity and digest are its own.
    ///
    /// # Errors
    /// [`OutboxError::Io`]; the batch is kept then.
    pub fn acknowledge(
        &mut self,
        ack: &Ack,
        wall_milliseconds: u64,
    ) -> Result<AckOutcome, OutboxError> {
        let number = ack.identity.number.0;
        let Some(position) = self
            .outstanding
            .iter()
            .position(|batch| batch.number == number)
        else {
            return Ok(AckOutcome::NotOutstanding);
        };
        let Some(batch) = self.outstanding.get(position).copied() else {
            return Ok(AckOutcome::NotOutstanding);
        };
        if ack.identity.epoch != self.epoch || ack.digest != batch.digest {
            return Ok(AckOutcome::OtherDigest);
        }
        let place = self.place_of(number);
        self.change_state(|state| {
            state.settle(&batch, place);
            state.acknowledged_batches += 1;
            state.acknowledged_records += batch.records;
            state.last_ack_milliseconds = wall_milliseconds;
        })?;
        self.outstanding.remove(position);
        self.remove_acknowledged()?;
        Ok(AckOutcome::Forgotten)
    }

    /// Where a batch stands among those that wait.
    pub(crate) fn place_of(&self, number: u64) -> Place {
        let mut others = self.outstanding.iter().map(|other| other.number);
        let is_oldest = others.clone().all(|other| other >= number);
        if others.all(|other| other == number) {
            Place::Only
        } else if is_oldest {
            Place::Oldest
        } else {
            Place::BehindOthers
        }
    }

    /// Notes which lanes wait for budget and not for the link, so that heartbeats tell it.
    ///
    /// # Errors
    /// [`OutboxError::Io`]; nothing was noted then.
    pub fn hold(&mut self, lanes: LaneSet) -> Result<(), OutboxError> {
        if self.state.held == lanes {
            return Ok(());
        }
        self.change_state(|state| state.held = lanes)
    }

    /// Writes the batch file: from the moment it has its name, the records are sealed.
    fn keep(
        &mut self,
        records: &[Record],
        envelope: SealedEnvelope,
        facts_held_back: u64,
    ) -> Result<(), OutboxError> {
        let mut next_to_seal = self.state.next_to_seal;
        for record in records {
            let next = &mut next_to_seal[record.header.lane];
            *next = (*next).max(record.header.number.0.saturating_add(1));
        }
        let number = envelope.identity.number.0;
        let lanes: Vec<Lane> = records.iter().map(|record| record.header.lane).collect();
        let lanes = LaneSet::of(&lanes);
        let header = SealedHeader {
            oldest_milliseconds: oldest_of(records),
            if_withdrawn: evictions_of(records),
            tells: records.iter().filter_map(told_by).take(MAX_TOLD).collect(),
            lanes,
            is_of_the_books: records.iter().all(Record::is_of_the_books),
            number,
            records: records.len() as u64,
            digest: envelope.digest,
            next_to_seal,
            facts_held_back: self.state.facts_held_back.saturating_add(facts_held_back),
        };
        let bytes = header.to_bytes(&envelope.bytes);
        let path = self.layout.batch(number);
        replace(&self.filesystem, &path, &bytes).map_err(OutboxError::io("write", path))?;
        self.outstanding.push(Outstanding {
            number,
            records: header.records,
            digest: header.digest,
            file_bytes: bytes.len() as u64,
            next_to_seal,
            lanes,
            is_of_the_books: header.is_of_the_books,
            oldest_milliseconds: header.oldest_milliseconds,
        });
        self.state.next_batch = number + 1;
        self.state.previous = BatchDigestOrNone(header.digest);
        self.state.next_to_seal = next_to_seal;
        self.state.facts_held_back = header.facts_held_back;
        Ok(())
    }

    /// The next records of all lanes, in the order the lanes are sent.
    fn gather(&mut self, limits: &SealLimits) -> Result<Vec<Record>, OutboxError> {
        let writer = WriterState::load(&self.filesystem, &self.layout)?;
        let untaken = usize::try_from(
            self.state
                .damage_reports
                .saturating_sub(writer.damage_taken),
        );
        let excess = self
            .state
            .damage
            .len()
            .saturating_sub(untaken.unwrap_or(usize::MAX));
        self.state.damage.drain(..excess);

        let slot = self.settings.keyslot.as_ref();
        let (keys, _) = KeyRing::load(&self.filesystem, &self.layout, self.epoch, slot)?;
        let mut segments = PerLane::<Vec<SegmentName>>::from_fn(|_| Vec::new());
        for (name, _) in self.layout.segments(&self.filesystem)? {
            segments[name.lane].push(name);
        }
        let mut gathered = Gathered {
            records: Vec::new(),
            bytes: 0,
            limits: *limits,
            evictions: 0,
            nothing_outstanding: self.outstanding.is_empty(),
        };
        for lane in Lane::ALL {
            if !limits.lanes.contains(lane) {
                continue;
            }
            self.state.next_to_seal[lane] =
                self.state.next_to_seal[lane].max(writer.evicted_to[lane]);
            let found = gathered.records.len();
            while let Some(gap) = self.gather_lane(lane, &segments[lane], &keys, &mut gathered)? {
                // A gap behind records of this batch is looked at again for the next one.
                if gathered.records.len() > found || self.state.damage.len() >= MAX_DAMAGE_REPORTS {
                    break;
                }
                self.report_damage(gap)?;
            }
        }
        Ok(gathered.records)
    }

    /// Adds records of one lane until the batch is full, or numbers are missing: gives those.
    fn gather_lane(
        &self,
        lane: Lane,
        segments: &[SegmentName],
        keys: &KeyRing,
        gathered: &mut Gathered,
    ) -> Result<Option<Damage>, OutboxError> {
        let mut expected = self.state.next_to_seal[lane];
        let begin = segments
            .partition_point(|segment| segment.first <= expected)
            .saturating_sub(1);
        for name in segments.iter().skip(begin) {
            if gathered.is_full() {
                return Ok(None);
            }
            let read =
                SegmentReader::read(&self.filesystem, &self.layout, self.epoch, *name, keys)?;
            let Some(segment) = read else {
                // Evicted: the writer moved on before it removed the segment.
                continue;
            };
            for stored in &segment.scan.records {
                if stored.number < expected {
                    continue;
                }
                if stored.number > expected {
                    return Ok(Some(Damage {
                        lane,
                        first: expected,
                        last: stored.number - 1,
                    }));
                }
                let Some(record) = segment.record(stored) else {
                    return Ok(Some(Damage {
                        lane,
                        first: expected,
                        last: expected,
                    }));
                };
                if !gathered.add(record, stored.payload.len()) {
                    return Ok(None);
                }
                expected += 1;
            }
        }
        Ok(None)
    }

    /// Passes over records that cannot be read, and leaves word for the writer.
    fn report_damage(&mut self, damage: Damage) -> Result<(), OutboxError> {
        tracing::warn!(
            lane = damage.lane.name(),
            first = damage.first,
            last = damage.last,
            "records damaged on disk"
        );
        self.change_state(|state| {
            state.damage.push(damage);
            state.damage_reports += 1;
            state.next_to_seal[damage.lane] = damage.last.saturating_add(1);
        })
    }

    /// Changes the state, in memory only if it became durable.
    pub(crate) fn change_state(
        &mut self,
        change: impl FnOnce(&mut SenderState),
    ) -> Result<(), OutboxError> {
        let mut state = self.state.clone();
        change(&mut state);
        state.store(&self.filesystem, &self.layout)?;
        self.state = state;
        Ok(())
    }

    /// Removes the files of acknowledged batches, and forgets their numbers once that is
    /// durable.
    pub(crate) fn remove_acknowledged(&mut self) -> Result<(), OutboxError> {
        if self.state.acknowledged.is_empty() {
            return Ok(());
        }
        for (number, _) in self.layout.batches(&self.filesystem)? {
            if self.state.acknowledged.contains(&number) {
                let path = self.layout.batch(number);
                self.filesystem
                    .remove(&path)
                    .map_err(OutboxError::io("remove", path))?;
            }
        }
        let folder = self.layout.sealed();
        self.filesystem
            .sync_folder(&folder)
            .map_err(OutboxError::io("sync", folder))?;
        self.state.acknowledged.clear();
        Ok(())
    }
}

/// Takes the facts off a finding that is not critical; gives how many.
fn leave_facts_behind(record: &mut Record) -> u64 {
    match &mut record.body {
        RecordBody::Finding(finding) if record.header.lane != Lane::Critical => {
            std::mem::take::<Facts>(&mut finding.facts).iter().count() as u64
        }
        _ => 0,
    }
}

/// Wall time of the oldest record whose age is known, milliseconds since 1970; 0 for none.
fn oldest_of(records: &[Record]) -> u64 {
    let judged = records.iter().filter(|record| is_judged(record));
    let times = judged.map(|record| record.header.time.wall_milliseconds);
    times.min().unwrap_or(0)
}

/// What is to be told of records if their batch is withdrawn: one eviction a lane, whose records follow each other.
fn evictions_of(records: &[Record]) -> Vec<Eviction> {
    let mut evictions = Vec::<Eviction>::new();
    for record in records {
        let number = record.header.number;
        let lane = record.header.lane;
        let at = evictions.iter().position(|known| known.lane == lane);
        let at = at.unwrap_or_else(|| {
            evictions.push(Eviction {
                lane,
                first: number,
                last: number,
                count: 0,
                findings_by_severity: [0; Severity::CLASSES],
                reason: EvictionReason::TooOld,
                withdrawn: None,
            });
            evictions.len() - 1
        });
        let Some(eviction) = evictions.get_mut(at) else {
            continue;
        };
        eviction.first = eviction.first.min(number);
        eviction.last = eviction.last.max(number);
        eviction.count += 1;
        match &record.body {
            RecordBody::Finding(finding) => {
                let class = finding.severity.class();
                if let Some(count) = eviction.findings_by_severity.get_mut(class) {
                    *count += 1;
                }
            }
            // A finding was in its place, which the policy took away.
            RecordBody::Eviction(own) if own.count == 0 => {
                let counts = eviction.findings_by_severity.iter_mut();
                for (count, more) in counts.zip(own.findings_by_severity) {
                    *count = count.saturating_add(more);
                }
            }
            _ => {}
        }
    }
    evictions
}

fn told_by(record: &Record) -> Option<Eviction> {
    match record.body {
        // One that stands in a record's own place counts none, and goes with it.
        RecordBody::Eviction(eviction) => Some(eviction).filter(|eviction| eviction.count > 0),
        _ => None,
    }
}

/// Records for one batch.
struct Gathered {
    records: Vec<Record>,
    bytes: usize,
    limits: SealLimits,
    evictions: usize,
    nothing_outstanding: bool,
}

impl Gathered {
    fn is_full(&self) -> bool {
        self.records.len() >= self.limits.max_records || self.bytes >= self.limits.max_record_bytes
    }

    /// False when the batch is full.
    fn add(&mut self, record: Record, bytes: usize) -> bool {
        // A record alone is always let in: the writer takes none that a batch cannot hold.
        let alone = self.records.is_empty() && self.nothing_outstanding;
        if self.is_full() || (!alone && self.bytes + bytes > self.limits.max_record_bytes) {
            return false;
        }
        if matches!(record.body, RecordBody::Eviction(_)) {
            if self.evictions == MAX_TOLD {
                return false;
            }
            self.evictions += 1;
        }
        self.bytes += bytes;
        self.records.push(record);
        true
    }
}
