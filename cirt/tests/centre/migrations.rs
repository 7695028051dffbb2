//! Old databases open with the new program.

use lapwing_cirt::query::{FindingQuery, Scope};
use lapwing_cirt::store::{EnrolmentState, Store, StoreError};

/// A database of schema version 1 as it was written then, as SQL.
const VERSION_1: &str = include_str!("golden/store_version_1.sql");

#[test]
fn a_database_of_version_1_keeps_its_contents() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("centre.db");
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch(VERSION_1)
        .unwrap();

    let store = Store::open(&path).unwrap();
    let users = store.users().unwrap();
    assert_eq!(
        users
            .iter()
            .map(|user| user.name.as_str())
            .collect::<Vec<_>>(),
        ["admin", "ana"]
    );
    assert!(users[1].disabled.is_some());
    let sensor = store.sensor(Scope::Nation, "isp-a").unwrap();
    assert_eq!(sensor.state, EnrolmentState::Active);
    assert_eq!(sensor.public_key, [0x22; 32]);
    assert_eq!(store.audit_trail(10).unwrap().len(), 2);
    // What came later is there and empty.
    assert!(
        store
            .findings(&FindingQuery::all(Scope::Nation), None, 10)
            .unwrap()
            .findings
            .is_empty()
    );

    drop(store);
    Store::open(&path).unwrap();
}

#[test]
fn a_database_of_the_future_is_left_alone() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("centre.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .pragma_update(None, "user_version", 4_000)
        .unwrap();
    let error = Store::open(&path).err().unwrap();
    assert!(
        matches!(error, StoreError::Newer { found: 4_000, .. }),
        "{error}"
    );
}

#[test]
fn the_audit_trail_cannot_be_changed() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("centre.db");
    let store = Store::create(&path).unwrap();
    store.record_audit("test", "act", "subject").unwrap();
    let connection = rusqlite::Connection::open(&path).unwrap();
    assert!(connection.execute("DELETE FROM audit", []).is_err());
    assert!(
        connection
            .execute("UPDATE audit SET actor = 'x'", [])
            .is_err()
    );
    assert_eq!(store.audit_trail(10).unwrap().len(), 1);
}

/// Who holds the file can take the triggers away; the chain tells all the same.
#[test]
fn an_edit_behind_the_programs_back_is_seen() {
    let edits = [
        "UPDATE audit SET subject = 'another' WHERE id = 2",
        "DELETE FROM audit WHERE id = 2",
        "INSERT INTO audit (at_ms, actor, action, subject, digest) VALUES (0, 'x', 'y', 'z', zeroblob(32))",
    ];
    for edit in edits {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("centre.db");
        let store = Store::create(&path).unwrap();
        for subject in ["one", "two", "three"] {
            store.record_audit("test", "act", subject).unwrap();
        }
        let before = store.verify_audit().unwrap();
        assert_eq!((before.lines, before.broken_at), (3, None));
        rusqlite::Connection::open(&path)
            .unwrap()
            .execute_batch(&format!(
                "DROP TRIGGER audit_is_not_rewritten; DROP TRIGGER audit_is_not_deleted; {edit}"
            ))
            .unwrap();
        assert!(store.verify_audit().unwrap().broken_at.is_some(), "{edit}");
    }
}

/// Lines from before the chain are covered by its first link.
#[test]
fn lines_older_than_the_chain_are_covered_by_it() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("centre.db");
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch(VERSION_1)
        .unwrap();
    let store = Store::open(&path).unwrap();
    store
        .record_audit("test", "act", "first in the chain")
        .unwrap();
    assert_eq!(store.verify_audit().unwrap().broken_at, None);
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch(
            "DROP TRIGGER audit_is_not_rewritten; UPDATE audit SET actor = 'x' WHERE id = 1",
        )
        .unwrap();
    assert!(store.verify_audit().unwrap().broken_at.is_some());
}
