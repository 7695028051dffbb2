//! Reads what is on disk in an outbox, as a third party who has the disk would.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::{fs, path::Path};

use lapwing_outbox::{Keyslot, peek, segment::scan, status};
use lapwing_wire::{Lane, Record};

/// A record and where it stands.
#[derive(Debug)]
pub struct Stored {
    pub lane: Lane,
    pub number: u64,
    pub record: Record,
}

/// Every record in the segments of an outbox, by lane and number, opened with the key beside it if there is one. Torn tails are passed
/// over; damage is not.
#[track_caller]
pub fn stored_records(outbox: &Path) -> Vec<Stored> {
    let epoch = status(outbox).unwrap().epoch.unwrap();
    let mut whole = 0;
    for file in fs::read_dir(outbox.join("records")).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let (lane, first) = name.split_once('-').unwrap();
        let lane = Lane::ALL
            .into_iter()
            .find(|known| known.name() == lane)
            .unwrap();
        let bytes = fs::read(&path).unwrap();
        let found = scan(&bytes, epoch, lane, first.parse().unwrap());
        assert_eq!(found.damaged_bytes, 0, "{name}");
        whole += found.records.len();
    }
    let key = fs::read_to_string(outbox.with_file_name("outbox.key")).ok();
    let keyslot = key.map(|key| {
        let bytes = hex::decode(key.trim()).unwrap();
        Keyslot::new(bytes.try_into().unwrap())
    });
    let records = peek(outbox, usize::MAX, keyslot.as_ref()).unwrap();
    assert_eq!(records.len(), whole, "every one can be read");
    let mut stored: Vec<_> = records
        .into_iter()
        .map(|record| Stored {
            lane: record.header.lane,
            number: record.header.number.0,
            record,
        })
        .collect();
    stored.sort_by_key(|stored| (stored.lane, stored.number));
    stored
}
