//! Old databases open with the new program.

use lapwing_cirt::query::FindingFilter;
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
    let sensor = store.sensor("isp-a").unwrap();
    assert_eq!(sensor.state, EnrolmentState::Active);
    assert_eq!(sensor.public_key, [0x22; 32]);
    assert_eq!(store.audit_trail(10).unwrap().len(), 2);
    // What came later is there and empty.
    assert!(
        store
            .findings(&FindingFilter::default(), None, 10)
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
