//! The attacks that the specification names, one test each: the attacker holds the repository, or
//! some of the keys, and the sensor keeps what it had.
#![allow(clippy::unwrap_used)]

mod made;

use lapwing_trust::TrustError;
use lapwing_trust::limits::{MAX_ROOT_ROTATIONS, MAX_TIMESTAMP_BYTES};
use lapwing_trust::tuf::{
    Signed, Snapshot, Targets, Timestamp, TrustedSet, TrustedState, TufError,
};
use made::{DAY, MADE, Made, PACK, assert_refused};

/// A repository that is one version ahead of a sensor.
fn ahead() -> (Made, TrustedState) {
    let mut made = Made::new();
    let state = made.updated();
    made.publish_next();
    (made, state)
}

/// The version of the targets that a state believes.
fn version(state: &TrustedState) -> u64 {
    let set = TrustedSet::open(state, MADE).unwrap();
    set.targets().unwrap().header.version
}

#[test]
fn wrong_key() {
    for (file, write) in [
        ("timestamp.json", Made::write_timestamp as fn(&mut Made)),
        ("2.snapshot.json", Made::write_snapshot),
        ("2.targets.json", Made::write_targets),
    ] {
        let (mut made, state) = ahead();
        let right = made.clone();
        (made.timestamp, made.snapshot, made.targets) = (40, 40, 40);
        write(&mut made);
        let forged = made.files[file].clone();
        // What names the forged file is signed by the right keys: only the signature is wrong.
        made = right;
        made.files.insert(file.to_owned(), forged);
        match file {
            "2.targets.json" => {
                made.write_snapshot();
                made.write_timestamp();
            }
            "2.snapshot.json" => made.write_timestamp(),
            _ => {}
        }
        let (kept, result) = made.update(&state);
        assert_refused!(result, file, TrustError::TooFewSignatures { valid: 0, .. });
        assert_eq!(version(&kept), 1, "{file}");
    }
}

#[test]
fn wrong_root_key() {
    let (mut made, state) = ahead();
    made.root_version = 2;
    made.roots = vec![41, 42];
    made.write_root(&[41, 42]);
    let (kept, result) = made.update(&state);
    assert_refused!(
        result,
        "2.root.json",
        TrustError::TooFewSignatures { valid: 0, .. }
    );
    assert_eq!(kept, state);
}

#[test]
fn changed_content_under_a_right_signature() {
    let (mut made, state) = ahead();
    made.edit("timestamp.json", |json| {
        json["signed"]["version"] = 9.into()
    });
    let (kept, result) = made.update(&state);
    assert_refused!(result, "timestamp.json", TrustError::BadSignature { .. });
    assert_eq!(kept, state);
}

#[test]
fn below_the_threshold() {
    let (mut made, state) = ahead();
    made.root_version = 2;
    made.write_root(&[1]);
    let (_, result) = made.update(&state);
    assert_refused!(
        result,
        "2.root.json",
        TrustError::TooFewSignatures {
            valid: 1,
            threshold: 2,
            ..
        }
    );
}

#[test]
fn a_root_that_its_own_keys_did_not_sign() {
    let (mut made, state) = ahead();
    (made.root_version, made.roots) = (2, vec![7, 8, 9]);
    made.write_root(&[1, 2, 7]);
    let (_, result) = made.update(&state);
    assert_refused!(
        result,
        "2.root.json",
        TrustError::TooFewSignatures { valid: 1, .. }
    );
}

#[test]
fn a_root_that_the_keys_before_it_did_not_sign() {
    let (mut made, state) = ahead();
    (made.root_version, made.roots) = (2, vec![7, 8, 9]);
    made.write_root(&[7, 8, 9, 3]);
    let (_, result) = made.update(&state);
    assert_refused!(
        result,
        "2.root.json",
        TrustError::TooFewSignatures { valid: 1, .. }
    );
}

#[test]
fn a_root_number_is_left_out() {
    let (mut made, state) = ahead();
    made.root_version = 3;
    made.write_root(&[1, 2]);
    let skipped = made.files.remove("3.root.json").unwrap();
    made.files.insert("2.root.json".to_owned(), skipped);
    let (_, result) = made.update(&state);
    assert_refused!(
        result,
        "2.root.json",
        TrustError::WrongVersion {
            found: 3,
            expected: 2
        }
    );
}

#[test]
fn one_signature_given_twice_counts_once() {
    let (mut made, state) = ahead();
    made.root_version = 2;
    made.write_root(&[1]);
    made.edit("2.root.json", |json| {
        let signatures = json["signatures"].as_array_mut().unwrap();
        signatures.push(signatures[0].clone());
    });
    let (_, result) = made.update(&state);
    assert_refused!(
        result,
        "2.root.json",
        TrustError::TooFewSignatures { valid: 1, .. }
    );
}

#[test]
fn one_key_under_two_ids_counts_once() {
    let mut made = Made::new();
    let mut root = made.root();
    // The same public key in an object with a member more: another id, and rightly so.
    let mut twin = made::public(1).to_json();
    twin["more"] = 1.into();
    let id = lapwing_trust::KeyId::of_json(&twin).unwrap().to_string();
    root.keys.insert(id.clone(), twin);
    root.roles.get_mut("root").unwrap().keyids.push(id.clone());
    made.write("1.root.json", root, &[1]);
    made.edit("1.root.json", |json| {
        let signatures = json["signatures"].as_array_mut().unwrap();
        let mut again = signatures[0].clone();
        again["keyid"] = id.into();
        signatures.push(again);
    });
    let result = TrustedSet::open(&made.anchor(), MADE);
    assert_refused!(
        result,
        "the trusted root",
        TrustError::TooFewSignatures { valid: 1, .. }
    );
}

#[test]
fn a_key_under_an_id_that_is_not_its_own() {
    let mut made = Made::new();
    let mut root = made.root();
    let id = made::public(4).id().to_string();
    root.keys.insert(id, made::public(40).to_json());
    made.files.insert("1.root.json".to_owned(), {
        let mut envelope = lapwing_trust::Envelope::new(serde_json::to_value(root).unwrap());
        envelope.sign(b"", &made::key(1)).unwrap();
        envelope.sign(b"", &made::key(2)).unwrap();
        envelope.to_bytes().unwrap()
    });
    let result = TrustedSet::open(&made.anchor(), MADE);
    assert_refused!(result, "the trusted root", TrustError::BadKeyId);
}

#[test]
fn rollback_of_the_timestamp() {
    let mut made = Made::new();
    let old = made.clone();
    made.publish_next();
    let state = made.updated();
    let mut old = old;
    let (kept, result) = old.update(&state);
    assert_refused!(
        result,
        "timestamp.json",
        TrustError::Rollback {
            version: 1,
            floor: 2
        }
    );
    assert_eq!(kept, state);
}

#[test]
fn rollback_of_the_snapshot() {
    // Who holds the timestamp's key names an old snapshot.
    let mut made = Made::new();
    let old_snapshot = made.files["1.snapshot.json"].clone();
    made.publish_next();
    let state = made.updated();
    let header = Signed::<Timestamp>::parse(&made.files["timestamp.json"]).unwrap();
    let mut header = header.metadata().header.clone();
    header.version = 3;
    let meta = lapwing_trust::tuf::FileMeta::of(1, &old_snapshot);
    made.write("timestamp.json", Timestamp::new(header, meta), &[4]);
    let (kept, result) = made.update(&state);
    assert_refused!(
        result,
        "timestamp.json",
        TrustError::Rollback {
            version: 1,
            floor: 2
        }
    );
    assert_eq!(kept, state);
}

#[test]
fn rollback_of_the_targets() {
    // Who holds the keys of timestamp and snapshot names old targets.
    let mut made = Made::new();
    let old_targets = made.files["1.targets.json"].clone();
    made.publish_next();
    let state = made.updated();
    made.version = 3;
    let mut snapshot: Snapshot = Signed::parse(&made.files["2.snapshot.json"])
        .unwrap()
        .into_metadata();
    snapshot.header.version = 3;
    snapshot.meta = [(
        "targets.json".to_owned(),
        lapwing_trust::tuf::FileMeta::of(1, &old_targets),
    )]
    .into();
    made.write("3.snapshot.json", snapshot, &[5]);
    made.write_timestamp();
    let (kept, result) = made.update(&state);
    assert_refused!(
        result,
        "3.snapshot.json",
        TrustError::Rollback {
            version: 1,
            floor: 2
        }
    );
    assert_eq!(version(&kept), 2);
}

#[test]
fn rollback_of_the_root() {
    let mut made = Made::new();
    made.root_version = 2;
    made.write_root(&[1, 2]);
    let state = made.updated();
    // Root 1 is shown in the place of root 3.
    made.files
        .insert("3.root.json".to_owned(), made.files["1.root.json"].clone());
    let (kept, result) = made.update(&state);
    assert_refused!(
        result,
        "3.root.json",
        TrustError::WrongVersion {
            found: 1,
            expected: 3
        }
    );
    assert_eq!(kept, state);
}

#[test]
fn a_snapshot_that_drops_a_role() {
    let (mut made, state) = ahead();
    let mut snapshot: Snapshot = Signed::parse(&made.files["2.snapshot.json"])
        .unwrap()
        .into_metadata();
    snapshot.meta.clear();
    made.write("2.snapshot.json", snapshot, &[5]);
    made.write_timestamp();
    let (_, result) = made.update(&state);
    assert_refused!(result, "2.snapshot.json", TrustError::Removed { .. });
}

#[test]
fn mix_and_match() {
    // Snapshot 2 as it was signed, with the targets of another state of the repository.
    let (mut made, state) = ahead();
    let mut other = made.clone();
    other.pack = b"pack 9".to_vec();
    other.write_targets();
    made.files.insert(
        "2.targets.json".to_owned(),
        other.files["2.targets.json"].clone(),
    );
    let (kept, result) = made.update(&state);
    assert_refused!(result, "2.targets.json", TrustError::WrongHash);
    assert_eq!(version(&kept), 1);
}

#[test]
fn mix_and_match_of_versions_without_hashes() {
    let (mut made, state) = ahead();
    let mut timestamp: Timestamp = Signed::parse(&made.files["timestamp.json"])
        .unwrap()
        .into_metadata();
    for meta in timestamp.meta.values_mut() {
        (meta.length, meta.hashes) = (None, Default::default());
    }
    made.write("timestamp.json", timestamp, &[4]);
    made.files.insert(
        "2.snapshot.json".to_owned(),
        made.files["1.snapshot.json"].clone(),
    );
    let (_, result) = made.update(&state);
    assert_refused!(
        result,
        "2.snapshot.json",
        TrustError::WrongVersion {
            found: 1,
            expected: 2
        }
    );
}

#[test]
fn metadata_of_another_kind() {
    let (mut made, state) = ahead();
    made.files.insert(
        "timestamp.json".to_owned(),
        made.files["2.targets.json"].clone(),
    );
    let (_, result) = made.update(&state);
    assert_refused!(result, "timestamp.json", TrustError::WrongKind { .. });
}

#[test]
fn freeze_with_a_good_clock() {
    let mut made = Made::new();
    let state = made.updated();
    // The same files for ever: the day comes on which the timestamp is over.
    let (kept, result) = made.update_at(&state, MADE + 31 * DAY);
    assert_refused!(&result, "timestamp.json", TrustError::Expired { .. });
    assert!(result.unwrap_err().is_expiry());
    assert_eq!(kept, state);
}

#[test]
fn freeze_of_each_role() {
    for (file, clock) in [
        ("timestamp.json", 30),
        ("2.snapshot.json", 90),
        ("2.targets.json", 180),
        ("1.root.json", 365),
    ] {
        let (mut made, state) = ahead();
        let far = MADE + 10 * 365 * DAY;
        (made.timestamp_ends, made.snapshot_ends, made.targets_ends) = (far, far, far);
        match file {
            "timestamp.json" => made.timestamp_ends = MADE + clock * DAY,
            "2.snapshot.json" => made.snapshot_ends = MADE + clock * DAY,
            "2.targets.json" => made.targets_ends = MADE + clock * DAY,
            _ => {}
        }
        made.publish();
        let mut early = made.clone();
        early.update_at(&state, MADE + clock * DAY - 1).1.unwrap();
        let (kept, result) = made.update_at(&state, MADE + clock * DAY);
        assert_refused!(result, file, TrustError::Expired { .. });
        assert_eq!(version(&kept), 1, "{file}");
    }
}

#[test]
fn expired_by_a_year_with_a_good_clock() {
    let (mut made, state) = ahead();
    let (kept, result) = made.update_at(&state, MADE + 395 * DAY);
    assert!(result.unwrap_err().is_expiry());
    assert_eq!(version(&kept), 1);
}

#[test]
fn a_clock_that_says_1970_refuses_nothing_that_is_in_order() {
    let (mut made, state) = ahead();
    let (state, result) = made.update_at(&state, 0);
    result.unwrap();
    assert_eq!(version(&state), 2);
    assert!(TrustedSet::open(&state, 0).unwrap().is_clock_behind());
}

#[test]
fn expired_by_a_year_with_a_clock_that_says_1970() {
    // The sensor believed something that was made a year after the repository it is now shown
    // ended. Its clock fell back to 1970 since: what was signed still says how late it is.
    let mut made = Made::new();
    let stale = made.clone();
    (made.version, made.issued) = (2, MADE + 395 * DAY);
    (made.timestamp_ends, made.snapshot_ends, made.targets_ends) =
        (MADE + 425 * DAY, MADE + 485 * DAY, MADE + 575 * DAY);
    (made.root_version, made.root_ends) = (2, MADE + 760 * DAY);
    made.write_root(&[1, 2]);
    made.publish();
    let anchor = made.anchor();
    let (state, result) = made.update_at(&anchor, MADE + 396 * DAY);
    result.unwrap();

    let mut shown = stale;
    shown
        .files
        .insert("2.root.json".to_owned(), made.files["2.root.json"].clone());
    shown.version = 3;
    shown.publish();
    let (kept, result) = shown.update_at(&state, 0);
    assert_refused!(
        result,
        "timestamp.json",
        TrustError::Expired {
            now_seconds: 1_834_128_000,
            ..
        }
    );
    assert_eq!(kept, state);
}

#[test]
fn endless_data() {
    let (mut made, state) = ahead();
    made.files.insert(
        "timestamp.json".to_owned(),
        vec![b' '; 10 * MAX_TIMESTAMP_BYTES],
    );
    let (_, result) = made.update(&state);
    assert_refused!(result, "timestamp.json", TrustError::TooLarge { .. });
    let (mut made, state) = ahead();
    let file = made.files.get_mut("2.targets.json").unwrap();
    file.resize(1 << 20, b' ');
    let (_, result) = made.update(&state);
    assert_refused!(result, "2.targets.json", TrustError::TooLarge { .. });
}

#[test]
fn endless_roots() {
    let mut made = Made::new();
    let state = made.anchor();
    for version in 2..=MAX_ROOT_ROTATIONS + 2 {
        made.root_version = version;
        made.write_root(&[1, 2]);
    }
    let (kept, result) = made.update(&state);
    assert!(
        matches!(result, Err(TufError::TooManyRoots { .. })),
        "{result:?}"
    );
    // The next update goes on where this one stopped.
    let (kept, result) = made.update(&kept);
    result.unwrap();
    assert_eq!(
        TrustedSet::open(&kept, MADE).unwrap().root().header.version,
        MAX_ROOT_ROTATIONS + 2
    );
}

#[test]
fn a_target_that_is_cut_off_or_changed() {
    let mut made = Made::new();
    let state = made.updated();
    let set = TrustedSet::open(&state, MADE).unwrap();
    let target = set.find_target(&mut made, PACK).unwrap();
    let check = |bytes: &[u8]| {
        let mut check = target.file.check().unwrap();
        check.update(bytes)?;
        check.finish()
    };
    check(b"pack one").unwrap();
    assert!(matches!(
        check(b"pack on"),
        Err(TrustError::WrongLength {
            found: 7,
            expected: 8
        })
    ));
    assert!(matches!(
        check(b"pack one!"),
        Err(TrustError::WrongLength { .. })
    ));
    assert!(matches!(check(b"pack 0ne"), Err(TrustError::WrongHash)));
}

#[test]
fn targets_that_were_emptied() {
    let (mut made, state) = ahead();
    let mut targets: Targets = Signed::parse(&made.files["2.targets.json"])
        .unwrap()
        .into_metadata();
    targets.targets.clear();
    made.write("2.targets.json", targets, &[6]);
    made.write_snapshot();
    made.write_timestamp();
    let (state, result) = made.update(&state);
    result.unwrap();
    let set = TrustedSet::open(&state, MADE).unwrap();
    let result = set.find_target(&mut made, PACK);
    assert!(
        matches!(result, Err(TufError::NoTarget { .. })),
        "{result:?}"
    );
}

#[test]
fn a_repository_that_was_emptied() {
    let (mut made, state) = ahead();
    made.files.clear();
    let (kept, result) = made.update(&state);
    assert!(
        matches!(result, Err(TufError::Missing { .. })),
        "{result:?}"
    );
    assert_eq!(kept, state);
}

#[test]
fn targets_with_names_that_leave_their_folder() {
    for name in ["../../etc/passwd", "/etc/passwd", "a\\b"] {
        let (mut made, state) = ahead();
        made.edit("2.targets.json", |json| {
            let file = json["signed"]["targets"][PACK].clone();
            json["signed"]["targets"] = serde_json::json!({name: file});
        });
        let signed: serde_json::Value =
            serde_json::from_slice(&made.files["2.targets.json"]).unwrap();
        let mut envelope = lapwing_trust::Envelope::new(signed["signed"].clone());
        envelope.sign(b"", &made::key(6)).unwrap();
        made.files
            .insert("2.targets.json".to_owned(), envelope.to_bytes().unwrap());
        made.write_snapshot();
        made.write_timestamp();
        let (_, result) = made.update(&state);
        assert_refused!(result, "2.targets.json", TrustError::UnsafeName { .. });
    }
}

#[test]
fn fast_forward_is_undone_by_a_new_key() {
    // A thief of the online keys raised all versions to the end.
    let mut made = Made::new();
    let honest = made.clone();
    made.version = u64::MAX;
    made.publish();
    let anchor = made.anchor();
    let (state, result) = made.update(&anchor);
    result.unwrap();
    // The honest repository is now behind.
    let mut honest = honest;
    honest.publish_next();
    let (_, result) = honest.update(&state);
    assert_refused!(result, "timestamp.json", TrustError::Rollback { .. });
    // A root with new keys for timestamp and snapshot makes it whole again.
    (honest.root_version, honest.timestamp, honest.snapshot) = (2, 34, 35);
    honest.write_root(&[1, 2]);
    honest.publish();
    let (state, result) = honest.update(&state);
    result.unwrap();
    assert_eq!(version(&state), 2);
}

#[test]
fn an_old_timestamp_key_signs_no_more() {
    let (mut made, state) = ahead();
    (made.root_version, made.timestamp) = (2, 34);
    made.write_root(&[1, 2]);
    let (kept, result) = made.update(&state);
    assert_refused!(
        result,
        "timestamp.json",
        TrustError::TooFewSignatures { .. }
    );
    // The new root holds all the same.
    assert_eq!(
        TrustedSet::open(&kept, MADE).unwrap().root().header.version,
        2
    );
}

#[test]
fn another_version_of_the_specification() {
    let mut made = Made::new();
    let mut root = made.root();
    root.header.spec_version = "2.0.0".to_owned();
    made.write("1.root.json", root, &[1, 2]);
    let result = TrustedSet::open(&made.anchor(), MADE);
    assert_refused!(result, "the trusted root", TrustError::SpecVersion { .. });
}
