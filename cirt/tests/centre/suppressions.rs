//! Suppressions: what they keep out of the inbox is stored, counted and shown.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use lapwing_cirt::people::{Permission, PermissionSet, Role};
use lapwing_cirt::query::{FindingQuery, Scope, TenantKey};
use lapwing_cirt::secrets::{api_token, hash_password, token_hash};
use lapwing_cirt::store::{
    GroupChange, GroupState, NewSuppression, Store, StoreError, Suppression, TenantKind,
};
use proptest::prelude::*;

use crate::browser::{Browser, form_token};
use crate::support::{Device, PASSWORD, Sample, TestCentre, clear};

const SENSORS: [&str; 3] = ["a1", "a2", "b1"];

/// Two sensors at one provider, one at another.
fn centre() -> (TestCentre, [Device; 3]) {
    let centre = TestCentre::new();
    let store = centre.store();
    for tenant in ["isp-a", "isp-b"] {
        let name = tenant.parse().unwrap();
        store
            .add_tenant("test", &name, TenantKind::Provider, tenant)
            .unwrap();
    }
    let devices = SENSORS.map(|sensor| {
        let device = centre.enrolled_device(sensor);
        let tenant = if sensor == "b1" { "isp-b" } else { "isp-a" };
        store.place_sensor("test", sensor, Some(tenant)).unwrap();
        device
    });
    (centre, devices)
}

fn tenant(store: &Store, name: &str) -> TenantKey {
    let tenants = store.tenants(Scope::Nation).unwrap();
    tenants
        .iter()
        .find(|tenant| tenant.name == name)
        .unwrap()
        .key
}

fn of_rule(sid: u32) -> NewSuppression {
    NewSuppression {
        rule: Some((1, sid)),
        reason: "a scanner of ours".to_owned(),
        days: 30,
        ..NewSuppression::default()
    }
}

fn in_groups(store: &Store) -> u64 {
    let groups = [false, true].map(|closed| {
        store
            .groups(Scope::Nation, closed, Timestamp::now())
            .unwrap()
    });
    groups.iter().flatten().map(|group| group.findings).sum()
}

fn listed(store: &Store) -> Vec<Suppression> {
    store.suppressions(Scope::Nation, Timestamp::now()).unwrap()
}

#[test]
fn what_is_suppressed_leaves_the_groups_and_is_counted() {
    let (centre, devices) = centre();
    let store = centre.store();
    let send = |device: usize, number: u64| {
        let sample = Sample {
            sid: 1,
            ..Sample::numbered(number)
        };
        centre.take(&store, &devices[device], number, &[sample.record()]);
    };
    send(0, 0);
    let now = Timestamp::now();
    let at_a1 = NewSuppression {
        sensor: Some("a1".to_owned()),
        ..of_rule(1)
    };
    // One that is over took nothing and takes nothing.
    let long_ago = now - SignedDuration::from_hours(24 * 40);
    store
        .suppress(Scope::Nation, "ana", &of_rule(1), long_ago)
        .unwrap();
    let key = store.suppress(Scope::Nation, "ana", &at_a1, now).unwrap();
    send(0, 1);
    send(0, 2);
    send(2, 0);
    let check = || {
        assert_eq!(
            in_groups(&store),
            2,
            "what came before, and the other sensor"
        );
        let all = store
            .findings(&FindingQuery::all(Scope::Nation), None, 10)
            .unwrap();
        assert_eq!(all.findings.len(), 4, "all are stored");
        let suppressed: Vec<Option<i64>> = all
            .findings
            .iter()
            .map(|finding| store.suppression_of(finding).unwrap().map(|(key, _)| key))
            .collect();
        assert_eq!(
            suppressed.iter().filter(|one| **one == Some(key)).count(),
            2
        );
        assert_eq!(suppressed.iter().flatten().count(), 2);
        let listed = listed(&store);
        assert_eq!(listed[0].key, key, "what holds comes first");
        assert_eq!((listed[0].week_findings, listed[0].week_hits), (2, 6));
        assert_eq!((listed[1].state(now), listed[1].findings), ("expired", 0));
        let week = |rule| {
            store
                .suppressed_this_week(Scope::Nation, rule, now)
                .unwrap()
        };
        assert_eq!(
            (week(None), week(Some((1, 1))), week(Some((1, 2)))),
            (2, 2, 0)
        );
    };
    check();
    store.reset_derived("test").unwrap();
    centre.loader().run(&store).unwrap();
    check();

    store
        .end_suppression(Scope::Nation, "bob", key, Timestamp::now())
        .unwrap();
    send(0, 3);
    assert_eq!(in_groups(&store), 3, "an ended one takes nothing more");
    let again = store.end_suppression(Scope::Nation, "bob", key, Timestamp::now());
    assert!(matches!(again, Err(StoreError::Absent { .. })), "{again:?}");
    let ended = &listed(&store)
        .into_iter()
        .find(|one| one.key == key)
        .unwrap();
    assert_eq!(ended.ended.as_ref().unwrap().1, "bob");
    let trail = store.audit_trail(10).unwrap();
    let subject = |action: &str| {
        let line = trail.iter().find(|line| line.action == action).unwrap();
        (line.actor.clone(), line.subject.clone())
    };
    let (actor, added) = subject("suppression.add");
    assert_eq!(actor, "ana");
    assert!(
        added.contains("rule 1:1, sensor a1 for 30 days: a scanner of ours"),
        "{added}"
    );
    assert_eq!(
        subject("suppression.end"),
        ("bob".to_owned(), format!("#{key}"))
    );
}

#[test]
fn a_closed_group_stays_closed() {
    let (centre, devices) = centre();
    let store = centre.store();
    let send = |number: u64, time: &'static str| {
        let sample = Sample {
            sid: 1,
            time,
            ..Sample::numbered(number)
        };
        centre.take(&store, &devices[0], number, &[sample.record()]);
    };
    send(0, "2026-05-01T12:00:00Z");
    let now = Timestamp::now();
    let key = store.group_of_rule(1, 1).unwrap().unwrap();
    let close = GroupChange::Close(String::new());
    store
        .change_group(Scope::Nation, "ana", key, &close, now)
        .unwrap();
    let suppression = store
        .suppress(Scope::Nation, "ana", &of_rule(1), now)
        .unwrap();
    let later = (now + SignedDuration::from_hours(1)).to_string();
    let later: &'static str = Box::leak(later.into_boxed_str());
    send(1, later);
    let state = || store.group(Scope::Nation, key, now).unwrap().unwrap().state;
    assert_eq!(state(), GroupState::Closed);
    store
        .end_suppression(Scope::Nation, "ana", suppression, Timestamp::now())
        .unwrap();
    send(2, later);
    assert_eq!(state(), GroupState::Open);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let (centre, _) = centre();
    let store = centre.store();
    let now = Timestamp::now();
    let refused = |new: NewSuppression| {
        store
            .suppress(Scope::Nation, "ana", &new, now)
            .unwrap_err()
            .to_string()
    };
    let nothing = NewSuppression {
        rule: None,
        ..of_rule(1)
    };
    let without_reason = NewSuppression {
        reason: String::new(),
        ..of_rule(1)
    };
    let for_ever = NewSuppression {
        days: 367,
        ..of_rule(1)
    };
    let nowhere = NewSuppression {
        sensor: Some("z9".to_owned()),
        ..of_rule(1)
    };
    assert!(refused(nothing).contains("name a rule"));
    assert!(refused(without_reason).contains("say why"));
    assert!(refused(for_ever).contains("1 to 366 days"));
    assert!(refused(nowhere).contains("z9"));
    assert!(listed(&store).is_empty());
}

/// Who sees one tenant suppresses there, and neither sees nor ends what is of others.
#[test]
fn a_tenant_suppresses_its_own_only() {
    let (centre, devices) = centre();
    let store = centre.store();
    let now = Timestamp::now();
    let own = Scope::Tenant(tenant(&store, "isp-b"));
    for new in [
        NewSuppression {
            sensor: Some("a1".to_owned()),
            ..of_rule(1)
        },
        NewSuppression {
            tenant: Some("isp-a".to_owned()),
            ..of_rule(1)
        },
    ] {
        let refused = store.suppress(own, "eve", &new, now);
        assert!(
            matches!(refused, Err(StoreError::Absent { .. })),
            "{refused:?}"
        );
    }
    let theirs = store.suppress(own, "eve", &of_rule(1), now).unwrap();
    let nations = store
        .suppress(Scope::Nation, "ana", &of_rule(2), now)
        .unwrap();
    let at_a1 = NewSuppression {
        sensor: Some("a1".to_owned()),
        ..of_rule(3)
    };
    let hidden = store.suppress(Scope::Nation, "ana", &at_a1, now).unwrap();
    for (device, device_rules) in devices.iter().zip([[1, 2, 3], [1, 2, 3], [1, 2, 3]]) {
        let records: Vec<_> = (0..)
            .zip(device_rules)
            .map(|(number, sid)| {
                Sample {
                    sid,
                    ..Sample::numbered(number)
                }
                .record()
            })
            .collect();
        centre.take(&store, device, 0, &records);
    }
    // Rule 1 at both sensors of the other provider, rule 3 at all but one.
    assert_eq!(in_groups(&store), 4);
    let seen: BTreeMap<i64, u64> = store
        .suppressions(own, now)
        .unwrap()
        .into_iter()
        .map(|one| (one.key, one.findings))
        .collect();
    assert_eq!(
        seen,
        BTreeMap::from([(theirs, 1), (nations, 1)]),
        "counts are of its own sensors; #{hidden} is of another provider"
    );
    assert_eq!(store.suppressed_this_week(own, None, now).unwrap(), 2);
    assert_eq!(
        store
            .suppressed_this_week(Scope::Nation, None, now)
            .unwrap(),
        5
    );
    let refused = store.end_suppression(own, "eve", nations, now);
    assert!(matches!(refused, Err(StoreError::Absent { .. })));
    store
        .end_suppression(own, "eve", theirs, Timestamp::now())
        .unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]
    /// Whatever is suppressed: each finding is in its group or counted with one suppression, never both, never
    /// neither; and what a finding's page says is what was counted.
    #[test]
    fn each_finding_is_in_a_group_or_counted_with_one_suppression(
        suppressions in prop::collection::vec((prop::option::of(1u32..4), prop::option::of(0usize..3), prop::option::of(0usize..2),
            prop::option::of(0usize..4)), 1..6),
        findings in prop::collection::vec((1u32..4, 0usize..3, 0usize..4), 1..30),
    ) {
        const NETWORKS: [&str; 4] = ["192.0.2.0/28", "198.51.100.20/32", "2001:db8::/32", "::/0"];
        let (centre, devices) = centre();
        let store = centre.store();
        let now = Timestamp::now();
        for (sid, sensor, tenant, network) in suppressions {
            let new = NewSuppression {
                rule: sid.map(|sid| (1, sid)),
                sensor: sensor.map(|sensor| SENSORS[sensor].to_owned()),
                tenant: tenant.map(|tenant| ["isp-a", "isp-b"][tenant].to_owned()),
                network: network.map(|network| NETWORKS[network].parse().unwrap()),
                ..of_rule(1)
            };
            let made = store.suppress(Scope::Nation, "ana", &new, now);
            prop_assert_eq!(made.is_err(), new.rule.is_none() && new.sensor.is_none() && new.tenant.is_none() && new.network.is_none());
        }
        for (number, (sid, device, source)) in (0..).zip(&findings) {
            let source = match source {
                0 => clear("192.0.2.3"),
                1 => clear("203.0.113.9"),
                2 => clear("2001:db8::7"),
                _ => lapwing_wire::DisclosedAddress::Withheld,
            };
            let destination = if number % 2 == 0 { clear("198.51.100.20") } else { lapwing_wire::DisclosedAddress::Withheld };
            let sample = Sample { sid: *sid, source, destination, ..Sample::numbered(number) };
            centre.take(&store, &devices[*device], number, &[sample.record()]);
        }
        let all = store.findings(&FindingQuery::all(Scope::Nation), None, 100).unwrap().findings;
        prop_assert_eq!(all.len(), findings.len());
        let mut told = BTreeMap::<i64, u64>::new();
        for finding in &all {
            if let Some((key, _)) = store.suppression_of(finding).unwrap() {
                *told.entry(key).or_default() += 1;
            }
        }
        let counted: BTreeMap<i64, u64> = listed(&store).into_iter().filter(|one| one.findings > 0).map(|one| (one.key, one.findings)).collect();
        prop_assert_eq!(&told, &counted);
        prop_assert_eq!(in_groups(&store) + counted.values().sum::<u64>(), all.len() as u64);
    }
}

#[tokio::test]
async fn people_suppress_on_pages_as_far_as_their_role_goes() {
    let (centre, devices) = centre();
    let store = centre.store();
    let record = Sample {
        sid: 1,
        ..Sample::numbered(0)
    };
    centre.take(&store, &devices[0], 0, &[record.record()]);
    let group = store.group_of_rule(1, 1).unwrap().unwrap();
    let hash = hash_password(PASSWORD).unwrap();
    for (name, role, tenant) in [
        ("ana", Role::Analyst, None),
        ("vic", Role::Viewer, None),
        ("isp", Role::IspContact, Some("isp-a")),
    ] {
        store
            .add_user("test", &name.parse().unwrap(), role, tenant, &hash)
            .unwrap();
    }
    let mut browser = Browser::new(&centre);
    browser.sign_in("ana", PASSWORD).await;
    let page = browser.get(&format!("/groups/{group}")).await;
    assert!(
        page.body.contains("href=\"/suppressions?rule=1:1\""),
        "{}",
        page.body
    );
    let page = browser.get("/suppressions?rule=1:1&sensor=a1").await;
    assert!(
        page.body.contains("value=\"1:1\"") && page.body.contains("<option value=\"a1\" selected>"),
        "{}",
        page.body
    );
    let token = form_token(&page.body);
    let form = |token: &str, days: &str| {
        format!(
            "form_token={token}&rule=1%3A1&sensor=a1&tenant=&network=&days={days}&reason=our+%3Cscanner%3E&close=yes"
        )
    };
    for (token, days, expected) in [
        ("x", "7", StatusCode::FORBIDDEN),
        (token.as_str(), "x", StatusCode::BAD_REQUEST),
        (token.as_str(), "400", StatusCode::CONFLICT),
        (token.as_str(), "7", StatusCode::SEE_OTHER),
    ] {
        let answer = browser.post("/suppressions", &form(token, days)).await;
        assert_eq!(answer.status, expected, "{days}: {}", answer.body);
    }
    let state = store
        .group(Scope::Nation, group, Timestamp::now())
        .unwrap()
        .unwrap()
        .state;
    assert_eq!(state, GroupState::Closed);
    let record = Sample {
        sid: 1,
        ..Sample::numbered(1)
    };
    centre.take(&store, &devices[0], 1, &[record.record()]);
    let page = browser.get("/suppressions").await;
    assert!(
        page.body.contains("our &#60;scanner&#62;")
            && page.body.contains("1 finding suppressed in seven days"),
        "{}",
        page.body
    );
    assert!(
        browser
            .get("/inbox")
            .await
            .body
            .contains("1 finding suppressed in seven days")
    );
    let newest = &store
        .findings(&FindingQuery::all(Scope::Nation), None, 1)
        .unwrap()
        .findings[0];
    let page = browser.get(&format!("/findings/{}", newest.id)).await;
    assert!(page.body.contains("Kept out of its group"), "{}", page.body);

    let mut viewer = Browser::new(&centre);
    viewer.sign_in("vic", PASSWORD).await;
    let page = viewer.get("/suppressions").await;
    assert!(page.status == StatusCode::OK && !page.body.contains("action=\"/suppressions\""));
    let token = form_token(&page.body);
    let refused = viewer.post("/suppressions", &form(&token, "7")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let refused = viewer
        .post("/suppressions/1/end", &format!("form_token={token}"))
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let mut contact = Browser::new(&centre);
    contact.sign_in("isp", PASSWORD).await;
    assert_eq!(
        contact.get("/suppressions").await.status,
        StatusCode::FORBIDDEN
    );
    assert!(!contact.get("/inbox").await.body.contains("/suppressions"));

    let token = form_token(&browser.get("/suppressions").await.body);
    let ended = browser
        .post("/suppressions/1/end", &format!("form_token={token}"))
        .await;
    assert_eq!(ended.status, StatusCode::SEE_OTHER);
    assert!(!listed(&store)[0].holds(Timestamp::now()));
}

#[tokio::test]
async fn programs_suppress_and_end() {
    let (centre, _) = centre();
    let store = centre.store();
    let user = store.user("admin").unwrap().unwrap();
    let token = api_token();
    let all = PermissionSet::of(&Permission::ALL);
    store
        .add_token(user.key, "admin", "test", &token_hash(&token), all, 1)
        .unwrap();
    let browser = Browser::new(&centre);
    let path = "/api/v1/suppressions";
    for (json, expected) in [
        (r#"{"reason":"x"}"#, StatusCode::CONFLICT),
        (r#"{"rule":"x","reason":"x"}"#, StatusCode::BAD_REQUEST),
        (
            r#"{"rule":"7","reason":"x","for":1}"#,
            StatusCode::BAD_REQUEST,
        ),
        (
            r#"{"rule":"7","reason":"x","sensor":"none"}"#,
            StatusCode::NOT_FOUND,
        ),
        (
            r#"{"rule":"7","reason":"x","network":"192.0.2.9"}"#,
            StatusCode::OK,
        ),
    ] {
        let (status, body) = browser.tell(path, &token, json).await;
        assert_eq!(status, expected, "{json}: {body}");
    }
    let (_, body) = browser.ask(path, &token).await;
    for part in [
        "\"state\":\"holds\"",
        "\"rule\":\"1:7\"",
        "\"network\":\"192.0.2.9/32\"",
        "\"created_by\":\"admin\"",
    ] {
        assert!(body.contains(part), "{part}: {body}");
    }
    let (status, body) = browser.tell("/api/v1/suppressions/1/end", &token, "").await;
    assert!(
        status == StatusCode::OK && body.contains("\"state\":\"ended\""),
        "{body}"
    );
    let (status, _) = browser.tell("/api/v1/suppressions/1/end", &token, "").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}
