//! What a client of a repository takes, and in which order.
#![allow(clippy::unwrap_used)]

mod made;

use std::collections::BTreeMap;

use lapwing_trust::TrustError;
use lapwing_trust::tuf::{
    DelegatedRole, Delegations, FileMeta, Header, RoleKeys, Snapshot, TargetFile, Targets,
    TrustedSet, TrustedState, TufError, UtcTime,
};
use made::{DAY, MADE, Made, PACK, assert_refused, public};
use proptest::prelude::*;

#[test]
fn a_repository_is_taken_step_by_step() {
    let mut made = Made::new();
    let state = made.updated();
    assert_eq!(
        made.asked,
        [
            "2.root.json",
            "timestamp.json",
            "1.snapshot.json",
            "1.targets.json"
        ]
    );
    let set = TrustedSet::open(&state, MADE).unwrap();
    let target = set.find_target(&mut made, PACK).unwrap();
    assert_eq!(target.file.length, 8);
    assert_eq!(
        target.path,
        format!("{}.{PACK}", target.file.sha256().unwrap())
    );
}

#[test]
fn what_is_believed_already_is_not_asked_for_again() {
    let mut made = Made::new();
    let state = TrustedState::from_bytes(&made.updated().to_bytes().unwrap()).unwrap();
    made.asked.clear();
    let (same, result) = made.update(&state);
    result.unwrap();
    assert_eq!(same, state);
    assert_eq!(made.asked, ["2.root.json", "timestamp.json"]);
}

#[test]
fn an_update_that_broke_off_is_taken_up_again() {
    let mut made = Made::new();
    let state = made.updated();
    made.publish_next();
    let snapshot = made.files.remove("2.snapshot.json").unwrap();
    let (state, result) = made.update(&state);
    assert!(
        matches!(result, Err(TufError::Missing { .. })),
        "{result:?}"
    );
    made.files.insert("2.snapshot.json".to_owned(), snapshot);
    let (state, result) = made.update(&state);
    result.unwrap();
    let set = TrustedSet::open(&state, MADE).unwrap();
    assert_eq!(set.targets().unwrap().header.version, 2);
}

#[test]
fn every_root_of_the_chain_is_taken_also_those_that_ended() {
    let mut made = Made::new();
    let state = made.updated();
    // Root 2 replaces all three root keys and ended long ago; root 3 replaces the timestamp's.
    (made.root_version, made.roots, made.root_ends) = (2, vec![11, 12, 13], MADE);
    made.write_root(&[1, 3, 11, 12]);
    (made.root_version, made.timestamp, made.root_ends) = (3, 14, MADE + 365 * DAY);
    made.write_root(&[12, 13]);
    made.publish_next();
    let (state, result) = made.update(&state);
    result.unwrap();
    let set = TrustedSet::open(&state, MADE).unwrap();
    assert_eq!(
        (
            set.root().header.version,
            set.timestamp().unwrap().header.version
        ),
        (3, 2)
    );
}

#[test]
fn members_and_keys_that_are_not_known_are_passed_over() {
    let mut made = Made::new();
    let mut root = made.root();
    let foreign = serde_json::json!({
        "keytype": "ecdsa", "scheme": "ecdsa-sha2-nistp256", "keyval": {"public": "PEM"}, "more": 1
    });
    let id = lapwing_trust::KeyId::of_json(&foreign).unwrap().to_string();
    root.roles
        .get_mut("timestamp")
        .unwrap()
        .keyids
        .push(id.clone());
    root.keys.insert(id, foreign);
    root.other
        .insert("x-later".to_owned(), serde_json::json!({"a": [null]}));
    made.write("1.root.json", root, &[1, 2]);
    made.edit("timestamp.json", |json| {
        json["later"] = 1.into();
        json["signatures"][0]["later"] = 1.into();
    });
    made.updated();
}

#[test]
fn layout_and_order_of_the_json_do_not_matter() {
    let mut made = Made::new();
    for bytes in made.files.values_mut() {
        let json: serde_json::Value = serde_json::from_slice(bytes).unwrap();
        let signatures = serde_json::to_string_pretty(&json["signatures"]).unwrap();
        let signed = json["signed"]
            .to_string()
            .replace("\"version\"", "\n\t \"versi\\u006fn\"");
        *bytes = format!("{{\"signatures\":{signatures},\r\n\"signed\":{signed}}}").into_bytes();
    }
    // The lengths and hashes that were signed are those of other bytes: leave them out.
    let header = |kind: &str, version| Header {
        kind: kind.to_owned(),
        spec_version: "1.0.0".to_owned(),
        version,
        expires: UtcTime::from_seconds(MADE + DAY * 2),
        issued: None,
    };
    let bare = |version| FileMeta {
        version,
        length: None,
        hashes: BTreeMap::new(),
    };
    let meta = BTreeMap::from([("targets.json".to_owned(), bare(1))]);
    made.write(
        "1.snapshot.json",
        Snapshot::new(header("snapshot", 1), meta),
        &[5],
    );
    let timestamp = lapwing_trust::tuf::Timestamp::new(header("timestamp", 1), bare(1));
    made.write("timestamp.json", timestamp, &[4]);
    made.updated();
}

#[test]
fn without_consistent_snapshots_names_carry_no_numbers() {
    let mut made = Made::new();
    let mut root = made.root();
    root.consistent_snapshot = false;
    made.write("1.root.json", root, &[1, 2]);
    for name in ["snapshot.json", "targets.json"] {
        let bytes = made.files.remove(&format!("1.{name}")).unwrap();
        made.files.insert(name.to_owned(), bytes);
    }
    let state = made.updated();
    let set = TrustedSet::open(&state, MADE).unwrap();
    assert_eq!(set.find_target(&mut made, PACK).unwrap().path, PACK);
}

/// `targets` delegates `north/*` to a role with key 20, which delegates `north/*` on to key 21.
fn delegating(terminating: bool) -> Made {
    let mut made = Made::new();
    let delegations = |name: &str, number: u8, terminating: bool, path: &str| DelegatedRole {
        name: name.to_owned(),
        keys: RoleKeys {
            keyids: vec![public(number).id().to_string()],
            threshold: 1,
        },
        terminating,
        paths: Some(vec![path.to_owned()]),
        path_hash_prefixes: None,
    };
    let keys = |numbers: &[u8]| {
        let named = |number: &u8| (public(*number).id().to_string(), public(*number).to_json());
        numbers.iter().map(named).collect()
    };
    let header = || {
        Header::new::<Targets>(
            1,
            UtcTime::from_seconds(MADE),
            UtcTime::from_seconds(MADE + 9 * DAY),
        )
    };
    let target = |name: &str| BTreeMap::from([(name.to_owned(), TargetFile::of(b"x", None))]);

    let mut top = Targets::new(header(), BTreeMap::new());
    top.delegations = Some(Delegations {
        keys: keys(&[20, 22]),
        roles: vec![
            delegations("first", 20, terminating, "north/*"),
            delegations("second", 22, false, "north/*"),
        ],
    });
    let mut first = Targets::new(header(), target("north/a"));
    first.delegations = Some(Delegations {
        keys: keys(&[21]),
        roles: vec![delegations("below", 21, false, "north/b")],
    });
    made.write("1.targets.json", top, &[6]);
    made.write("1.first.json", first, &[20]);
    made.write(
        "1.below.json",
        Targets::new(header(), target("north/b")),
        &[21],
    );
    made.write(
        "1.second.json",
        Targets::new(header(), target("north/c")),
        &[22],
    );
    let meta = ["targets", "first", "below", "second"]
        .map(|role| {
            let bytes = &made.files[&format!("1.{role}.json")];
            (format!("{role}.json"), FileMeta::of(1, bytes))
        })
        .into();
    let header = Header::new::<Snapshot>(
        1,
        UtcTime::from_seconds(MADE),
        UtcTime::from_seconds(MADE + 9 * DAY),
    );
    made.write("1.snapshot.json", Snapshot::new(header, meta), &[5]);
    made.write_timestamp();
    made
}

#[test]
fn delegated_roles_are_asked_in_their_order_and_in_depth() {
    let mut made = delegating(false);
    let state = made.updated();
    let set = TrustedSet::open(&state, MADE).unwrap();
    for name in ["north/a", "north/b", "north/c"] {
        assert!(set.find_target(&mut made, name).is_ok(), "{name}");
    }
    for name in ["north/d", "south/a"] {
        let result = set.find_target(&mut made, name);
        assert!(
            matches!(result, Err(TufError::NoTarget { .. })),
            "{result:?}"
        );
    }
}

#[test]
fn a_terminating_role_has_the_last_word() {
    let mut made = delegating(true);
    let state = made.updated();
    let set = TrustedSet::open(&state, MADE).unwrap();
    assert!(set.find_target(&mut made, "north/b").is_ok());
    let result = set.find_target(&mut made, "north/c");
    assert!(
        matches!(result, Err(TufError::NoTarget { .. })),
        "{result:?}"
    );
}

#[test]
fn a_delegated_role_signed_by_another_key_is_refused() {
    let mut made = delegating(false);
    let mut first: Targets = {
        let bytes = &made.files["1.first.json"];
        lapwing_trust::tuf::Signed::parse(bytes)
            .unwrap()
            .into_metadata()
    };
    first.other.insert("x".to_owned(), 1.into());
    made.write("1.first.json", first, &[22]);
    let bytes = made.files["1.first.json"].clone();
    let mut snapshot: Snapshot = lapwing_trust::tuf::Signed::parse(&made.files["1.snapshot.json"])
        .unwrap()
        .into_metadata();
    snapshot
        .meta
        .insert("first.json".to_owned(), FileMeta::of(1, &bytes));
    made.write("1.snapshot.json", snapshot, &[5]);
    made.write_timestamp();
    let state = made.updated();
    let set = TrustedSet::open(&state, MADE).unwrap();
    assert_refused!(
        set.find_target(&mut made, "north/a"),
        "1.first.json",
        TrustError::TooFewSignatures { valid: 0, .. }
    );
}

proptest! {
    /// Whatever byte is changed in whatever file: no version and no target changes.
    #[test]
    fn no_changed_byte_changes_what_is_believed(
        file in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        value: u8,
    ) {
        let mut made = Made::new();
        let state = made.updated();
        made.publish_next();
        let (expected, result) = made.update(&state);
        result.unwrap();
        let believed = |state: &TrustedState| {
            let set = TrustedSet::open(state, MADE).unwrap();
            (set.root().clone(), set.timestamp().cloned(), set.snapshot().cloned(), set.targets().cloned())
        };
        let names: Vec<String> = made.files.keys().cloned().collect();
        let bytes = made.files.get_mut(file.get(&names)).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = value;
        let (found, result) = made.update(&state);
        if result.is_ok() {
            prop_assert_eq!(believed(&found), believed(&expected));
        }
    }

    #[test]
    fn random_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut made = Made::new();
        let state = made.updated();
        made.files.insert("timestamp.json".to_owned(), bytes);
        let (kept, result) = made.update(&state);
        prop_assert!(result.is_err());
        prop_assert_eq!(kept, state);
    }
}
