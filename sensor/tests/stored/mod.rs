//! Reads what is on disk in an outbox, as a third party who has the disk would.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::{fs, path::Path};

use lapwing_outbox::{segment::scan, status};
use lapwing_wire::{Lane, Record, decode_records};

/// A record and where it stands.
#[derive(Debug)]
pub struct Stored {
    pub lane: Lane,
    pub number: u64,
    pub record: Record,
}

/// Every record in the segments of an outbox, by lane and number. Torn tails are passed over; damage is not.
#[track_caller]
pub fn stored_records(outbox: &Path) -> Vec<Stored> {
    let epoch = status(outbox).unwrap().epoch.unwrap();
    let mut stored = Vec::new();
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
        for record in found.records {
            let mut decoded = decode_records(&bytes[record.payload.clone()])
                .unwrap()
                .records;
            assert_eq!(decoded.len(), 1);
            stored.push(Stored {
                lane,
                number: record.number,
                record: decoded.remove(0),
            });
        }
    }
    stored.sort_by_key(|stored| (stored.lane, stored.number));
    stored
}
