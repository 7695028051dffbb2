//! Alarms: what is told, once, to whom, and what becomes of it when nobody takes it.

use std::sync::Arc;

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use lapwing_cirt::alarms::worker::{Teller, Tried, round};
use lapwing_cirt::alarms::{AlarmKind, TargetText, watch};
use lapwing_cirt::exchange::ExchangeSettings;
use lapwing_cirt::people::{Permission, PermissionSet, Role};
use lapwing_cirt::query::Scope;
use lapwing_cirt::secrets::{api_token, hash_password, token_hash};
use lapwing_cirt::store::{
    AlarmTarget, GroupChange, NewSuppression, RuleText, Store, StoreError, TenantKind,
};
use lapwing_wire::DisclosedAddress;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::browser::{Browser, form_token};
use crate::exchange::mail::MailHost;
use crate::exchange::support::{centre_with, producer, python};
use crate::hook_server::HookServer;
use crate::support::{Device, PASSWORD, Sample, TestCentre, accept};

/// A centre, a sensor, and rules of malware with these sids.
struct Watched {
    centre: TestCentre,
    store: Store,
    device: Device,
    teller: Teller,
    batches: std::cell::Cell<u64>,
}

impl Watched {
    fn new() -> Self {
        let centre = TestCentre::new();
        let store = centre.store();
        let rules: Vec<RuleText> = (1..60)
            .map(|sid| RuleText {
                gid: 1,
                sid,
                rev: 2,
                message: format!("BOT number {sid}"),
                class_type: Some("trojan-activity".to_owned()),
                category: None,
                severity: Some(1),
                references: Vec::new(),
                body: "alert".to_owned(),
            })
            .collect();
        store.import_rules("test", &rules).unwrap();
        Self {
            device: centre.enrolled_device("north"),
            teller: Teller {
                folder: centre.folder.clone(),
                centre: "cirt".to_owned(),
                producer: None,
            },
            store,
            centre,
            batches: std::cell::Cell::new(0),
        }
    }

    /// A subscriber calls out by each of these rules.
    fn infected(&self, sids: std::ops::Range<u32>, at: Timestamp) {
        let time: &'static str = at.to_string().leak();
        let batch = self.batches.replace(self.batches.get() + 1);
        let records: Vec<_> = (batch * 100..)
            .zip(sids)
            .map(|(number, sid)| {
                Sample {
                    sid,
                    priority: 1,
                    time,
                    source: DisclosedAddress::Withheld,
                    ..Sample::numbered(number)
                }
                .record()
            })
            .collect();
        self.centre.take(&self.store, &self.device, batch, &records);
    }

    fn hook(&self, server: &HookServer, pause_minutes: u32) -> AlarmTarget {
        let text = TargetText {
            name: "siem",
            address: &server.address(),
            language: "en",
            pause_minutes,
            authority: &server.authority,
            allows_loopback: true,
        };
        let new = text.check().unwrap();
        self.store
            .add_alarm_target("ana", &new, Timestamp::now())
            .unwrap();
        self.store.alarm_target("siem").unwrap()
    }

    fn tell(&self, target: &AlarmTarget, kind: AlarmKind, words: &str) -> i64 {
        let words = kind.read_words(words).unwrap();
        let rule = watch::NewRule {
            target,
            kind,
            words: &words,
            tenant: None,
        };
        watch::add_rule(
            &self.store,
            &self.centre.folder,
            "ana",
            &rule,
            Timestamp::now(),
        )
        .unwrap()
    }

    fn round(&self, now: Timestamp) -> Vec<Tried> {
        round(&self.store, &self.teller, now).unwrap()
    }
}

fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

/// HMAC-SHA-256 by its definition (RFC 2104), for keys of up to a block.
fn hmac_sha256(key: &[u8], text: &[u8]) -> String {
    let mut block = [0u8; 64];
    block[..key.len()].copy_from_slice(key);
    let hash = |pad: u8, text: &[u8]| {
        let padded: Vec<u8> = block.iter().map(|byte| byte ^ pad).collect();
        let mut hash = Sha256::new();
        hash.update(&padded);
        hash.update(text);
        hash.finalize()
    };
    let inner = hash(0x36, text);
    hex::encode(hash(0x5c, &inner))
}

#[test]
fn a_webhook_is_told_once_of_what_is_new_and_the_body_is_signed() {
    let watched = Watched::new();
    let server = HookServer::start();
    let now = Timestamp::now();
    watched.infected(1..2, now);
    let target = watched.hook(&server, 0);
    watched.tell(&target, AlarmKind::Group, "infection,critical");
    assert!(watched.round(now).is_empty(), "what was there is not news");
    watched.infected(2..3, now);
    let tried = watched.round(now);
    assert_eq!(tried.len(), 1, "{tried:?}");
    assert_eq!(tried[0].problem, None);
    assert!(watched.round(now + minutes(60)).is_empty(), "once");

    let request = &server.requests()[0];
    assert_eq!(request.line, "POST /hook?from=cirt HTTP/1.1");
    assert_eq!(request.header("lapwing-message"), tried[0].id);
    let secret = target.secret.as_deref().unwrap();
    let signed = format!("{}.{}", request.header("lapwing-timestamp"), request.body);
    assert_eq!(
        request.header("lapwing-signature"),
        format!("v1={}", hmac_sha256(secret.as_bytes(), signed.as_bytes()))
    );
    let body: Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!(body["id"], tried[0].id.as_str());
    let event = &body["events"][0];
    assert_eq!(
        [
            &event["kind"],
            &event["tier"],
            &event["rule"],
            &event["message"]
        ],
        ["group", "infection", "1:2", "BOT number 2"]
    );
    assert!(
        !request.body.contains("198.51.100.") && !request.body.contains("www.example.org"),
        "no address and no fact: {}",
        request.body
    );

    // A rebuild brings no news; a relapse is news.
    watched.store.reset_derived("test").unwrap();
    watched.centre.loader().run(&watched.store).unwrap();
    assert!(watched.round(now + minutes(61)).is_empty());
    let group = watched.store.group_of_rule(1, 2).unwrap().unwrap();
    let close = GroupChange::Close(String::new());
    watched
        .store
        .change_group(Scope::Nation, "ana", group, &close, now)
        .unwrap();
    watched.infected(2..3, now + minutes(90));
    assert_eq!(watched.round(now + minutes(91)).len(), 1);
    let body: Value = serde_json::from_str(&server.requests()[1].body).unwrap();
    assert_eq!(body["events"][0]["reopened"], 1);
}

#[test]
fn what_is_not_taken_is_tried_again_the_same_and_given_up_in_the_end() {
    let watched = Watched::new();
    let server = HookServer::start();
    let now = Timestamp::now();
    let target = watched.hook(&server, 0);
    watched.tell(&target, AlarmKind::Group, "infection");
    // No, an answer that never comes, a redirect; then yes.
    server.answer(&[
        "HTTP/1.1 503 Service Unavailable",
        "",
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: https://localhost/elsewhere",
    ]);
    watched.infected(1..2, now);
    let mut at = now;
    for (wait, expected) in [(0, "503"), (31, "broke"), (61, "307")] {
        at += SignedDuration::from_secs(wait);
        let tried = watched.round(at);
        let problem = tried[0].problem.clone().unwrap();
        assert!(problem.contains(expected), "{problem}");
        assert!(watched.round(at + SignedDuration::from_secs(20)).is_empty());
        // News wait for it: they go together in the next one.
        watched.infected(2..3, now);
    }
    at += SignedDuration::from_secs(121);
    assert_eq!(watched.round(at)[0].problem, None);
    let requests = server.requests();
    assert_eq!(requests.len(), 4);
    for request in &requests {
        assert_eq!(request.body, requests[0].body);
        assert_eq!(
            request.header("lapwing-message"),
            requests[0].header("lapwing-message")
        );
    }
    let message = &watched.store.alarm_messages(1).unwrap()[0];
    assert_eq!((message.state.as_str(), message.attempts), ("sent", 4));

    // A server that is gone for good.
    assert_eq!(watched.round(at + minutes(1)).len(), 1, "what waited");
    server.answer(&["HTTP/1.1 500 No"; 40]);
    watched.infected(3..4, now);
    let mut tries = 0;
    for _ in 0..40 {
        at += SignedDuration::from_hours(2);
        tries += watched.round(at).len();
    }
    assert_eq!(tries, 30);
    let message = &watched.store.alarm_messages(1).unwrap()[0];
    assert_eq!((message.state.as_str(), message.attempts), ("given-up", 30));
    let trail = watched.store.audit_trail(5).unwrap();
    assert!(trail.iter().any(|line| line.action == "alarm.give-up"));
}

#[test]
fn many_are_one_message_within_the_pause() {
    let watched = Watched::new();
    let server = HookServer::start();
    let now = Timestamp::now();
    let target = watched.hook(&server, 10);
    watched.tell(&target, AlarmKind::Group, "infection");
    watched.infected(1..2, now);
    assert_eq!(watched.round(now).len(), 1, "the first goes at once");
    watched.infected(2..30, now);
    assert!(watched.round(now + minutes(1)).is_empty());
    watched.infected(30..33, now);
    assert!(watched.round(now + minutes(9)).is_empty());
    assert_eq!(watched.round(now + minutes(11)).len(), 1);
    let body: Value = serde_json::from_str(&server.requests()[1].body).unwrap();
    assert_eq!(body["count"], 31);
    assert_eq!(body["events"].as_array().unwrap().len(), 31);
    let text = body["text"].as_str().unwrap();
    assert!(
        text.contains("31 alarms") && text.contains("21 more of these"),
        "{text}"
    );
    assert!(watched.round(now + minutes(30)).is_empty());
}

#[test]
fn only_servers_that_show_who_they_are_and_may_be_reached_are_told() {
    let watched = Watched::new();
    let server = HookServer::start();
    let now = Timestamp::now();
    let add = |name: &str, authority: &str, allows_loopback: bool| {
        let text = TargetText {
            name,
            address: &server.address(),
            language: "en",
            pause_minutes: 0,
            authority,
            allows_loopback,
        };
        let new = text.check().unwrap();
        watched.store.add_alarm_target("ana", &new, now).unwrap();
        let target = watched.store.alarm_target(name).unwrap();
        watched.tell(&target, AlarmKind::Group, "infection");
    };
    let other = HookServer::start();
    add("stranger", "", true);
    add("impostor", &other.authority, true);
    // The name passes; what it stands for is this machine.
    add("itself", &server.authority, false);
    watched.infected(1..2, now);
    let tried = watched.round(now);
    let problem = |target: &str| {
        let one = tried.iter().find(|one| one.target == target).unwrap();
        one.problem.clone().unwrap()
    };
    assert!(problem("stranger").contains("UnknownIssuer"), "{tried:?}");
    assert!(problem("impostor").contains("certificate"), "{tried:?}");
    assert!(
        problem("itself").contains("this machine itself"),
        "{tried:?}"
    );
    assert!(server.requests().is_empty());
}

#[test]
fn sensors_and_batches_are_watched() {
    let watched = Watched::new();
    let server = HookServer::start();
    let now = Timestamp::now();
    let target = watched.hook(&server, 0);
    watched.tell(&target, AlarmKind::Sensor, "offline,blind");
    watched.tell(&target, AlarmKind::Batch, "conflicting-batch");
    let sensor = watched.store.sensor(Scope::Nation, "north").unwrap().key;
    watched
        .store
        .note_contact(sensor, "192.0.2.1", now)
        .unwrap();
    assert!(watched.round(now).is_empty());
    assert_eq!(watched.round(now + minutes(90)).len(), 1);
    assert!(watched.round(now + minutes(95)).is_empty(), "still offline");
    watched
        .store
        .note_contact(sensor, "192.0.2.1", now + minutes(100))
        .unwrap();
    assert!(watched.round(now + minutes(101)).is_empty(), "back");
    assert_eq!(watched.round(now + minutes(200)).len(), 1, "gone again");
    // The same batch with other bytes.
    for number in [0, 1] {
        let record = Sample::numbered(number).record();
        let envelope = watched
            .device
            .seal(watched.centre.sealing_key(), 77, &[record]);
        accept(&watched.store, &watched.device, envelope);
    }
    assert_eq!(watched.round(now + minutes(201)).len(), 1);
    let events: Vec<Value> = server
        .requests()
        .iter()
        .map(|request| serde_json::from_str::<Value>(&request.body).unwrap()["events"][0].take())
        .collect();
    assert_eq!(events[0]["condition"], "offline");
    assert_eq!(events[0]["cause"], "cause-silent");
    assert_eq!(events[1]["sensor"], "north");
    assert_ne!(events[0]["since"], events[1]["since"]);
    assert_eq!(events[2]["trouble"], "conflicting batch");
    assert_eq!(events[2]["path"], "/sensors/north");
}

#[test]
fn what_is_suppressed_or_at_another_tenant_is_not_told() {
    let watched = Watched::new();
    let server = HookServer::start();
    let now = Timestamp::now();
    let store = &watched.store;
    for tenant in ["here", "there"] {
        let name = tenant.parse().unwrap();
        store
            .add_tenant("test", &name, TenantKind::Provider, tenant)
            .unwrap();
    }
    store.place_sensor("test", "north", Some("here")).unwrap();
    let target = watched.hook(&server, 0);
    let words = ["infection".to_owned()];
    let rule = |tenant: &'static str| {
        let rule = watch::NewRule {
            target: &target,
            kind: AlarmKind::Group,
            words: &words,
            tenant: Some(tenant),
        };
        watch::add_rule(store, &watched.centre.folder, "ana", &rule, now)
    };
    rule("there").unwrap();
    assert!(matches!(rule("nowhere"), Err(StoreError::Absent { .. })));
    watched.infected(1..2, now);
    assert!(watched.round(now).is_empty(), "at another tenant");
    let known = rule("here").unwrap();
    let suppression = NewSuppression {
        rule: Some((1, 2)),
        reason: "known".to_owned(),
        days: 1,
        ..NewSuppression::default()
    };
    store
        .suppress(Scope::Nation, "ana", &suppression, now)
        .unwrap();
    watched.infected(2..3, now);
    assert!(watched.round(now).is_empty(), "suppressed");
    watched.infected(3..4, now);
    assert_eq!(watched.round(now).len(), 1);
    store.end_alarm_rule("ana", known, now).unwrap();
    watched.infected(4..5, now);
    assert!(watched.round(now + minutes(1)).is_empty(), "ended");
    store.remove_alarm_target("ana", "siem", now).unwrap();
    assert!(store.alarm_rules().unwrap().is_empty());
}

#[test]
fn mail_leaves_over_tls_and_comes_once() {
    let Some(python) = python("python-exchange") else {
        return;
    };
    let host = MailHost::start(&python);
    let more = format!(
        "\n[mail]\nhost = \"localhost\"\nport = {}\ntls = \"starttls\"\nauthority = {:?}\n",
        host.server.port,
        host.server.authority.as_ref().unwrap()
    );
    let centre = centre_with(1, &more);
    let store = centre.store();
    let now = Timestamp::now();
    let text = TargetText {
        name: "duty",
        address: "duty@cirt.example",
        language: "fr",
        pause_minutes: 0,
        ..TargetText::default()
    };
    let new = text.check().unwrap();
    assert_eq!(new.secret, None);
    store.add_alarm_target("ana", &new, now).unwrap();
    let mut teller = Teller {
        folder: centre.folder.clone(),
        centre: "cirt".to_owned(),
        producer: None,
    };
    teller.queue_test(&store, "ana", "duty", now).unwrap();
    let tried = round(&store, &teller, now).unwrap();
    let problem = tried[0].problem.clone().unwrap();
    assert!(problem.contains("exchange.toml"), "{problem}");
    teller.producer = Some(Arc::new(producer(&centre)));
    let tried = round(&store, &teller, now + minutes(1)).unwrap();
    assert_eq!(tried[0].problem, None);
    assert!(round(&store, &teller, now + minutes(2)).unwrap().is_empty());
    let mail = host.mail(0).unwrap();
    for part in [
        "To: duty@cirt.example",
        "CIRT of Examplia",
        "<cirt@cirt.example>",
        "Auto-Submitted: auto-generated",
        &format!("Message-ID: <{}@cirt.example>", tried[0].id),
        "Un essai de ana",
    ] {
        assert!(
            mail.replace("=E2=80=AF", " ").contains(part),
            "{part}: {mail}"
        );
    }
    assert!(host.mail(1).is_none());
    assert!(ExchangeSettings::load(&centre.folder).is_ok());
}

#[tokio::test]
async fn administrators_name_targets_and_rules_on_a_page() {
    let watched = Watched::new();
    let store = &watched.store;
    let hash = hash_password(PASSWORD).unwrap();
    store
        .add_user("test", &"ana".parse().unwrap(), Role::Analyst, None, &hash)
        .unwrap();
    let mut analyst = Browser::new(&watched.centre);
    analyst.sign_in("ana", PASSWORD).await;
    assert_eq!(analyst.get("/alarms").await.status, StatusCode::FORBIDDEN);
    let mut browser = Browser::signed_in(&watched.centre).await;
    let token = form_token(&browser.get("/alarms").await.body);
    let add = |address: &str, token: &str| {
        format!("form_token={token}&name=siem&address={address}&language=ar&pause=5&authority=")
    };
    for (address, token, expected) in [
        (
            "https%3A%2F%2Fsiem.example%2Fhook",
            "x",
            StatusCode::FORBIDDEN,
        ),
        (
            "http%3A%2F%2Fsiem.example%2F",
            &token,
            StatusCode::BAD_REQUEST,
        ),
        (
            "https%3A%2F%2F127.0.0.1%2F",
            &token,
            StatusCode::BAD_REQUEST,
        ),
        ("nobody", &token, StatusCode::BAD_REQUEST),
        ("https%3A%2F%2Fsiem.example%2Fhook", &token, StatusCode::OK),
        (
            "https%3A%2F%2Fsiem.example%2Fhook",
            &token,
            StatusCode::CONFLICT,
        ),
    ] {
        let answer = browser.post("/alarms/targets", &add(address, token)).await;
        assert_eq!(answer.status, expected, "{address}: {}", answer.body);
        if expected == StatusCode::OK {
            let secret = store.alarm_target("siem").unwrap().secret.unwrap();
            assert!(answer.body.contains(&secret), "shown once");
        }
    }
    let rule = |words: &str| format!("form_token={token}&target=siem&kind=group&tenant=&{words}");
    let none = browser.post("/alarms/rules", &rule("")).await;
    assert_eq!(none.status, StatusCode::BAD_REQUEST);
    let unknown = browser.post("/alarms/rules", &rule("word_x=yes")).await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
    let added = browser
        .post(
            "/alarms/rules",
            &rule("word_infection=yes&word_critical=yes"),
        )
        .await;
    assert_eq!(added.status, StatusCode::SEE_OTHER);
    let test = format!("form_token={token}&action=test");
    let tested = browser.post("/alarms/targets/siem", &test).await;
    assert_eq!(tested.status, StatusCode::SEE_OTHER);
    let page = browser.get("/alarms").await;
    let secret = store.alarm_target("siem").unwrap().secret.unwrap();
    for part in ["siem.example/hook", "Infected subscribers", "waiting"] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    assert!(!page.body.contains(&secret));
    let key = store.alarm_rules().unwrap()[0].key;
    let ended = browser
        .post(
            &format!("/alarms/rules/{key}/end"),
            &format!("form_token={token}"),
        )
        .await;
    assert_eq!(ended.status, StatusCode::SEE_OTHER);
    let remove = format!("form_token={token}&action=remove");
    browser.post("/alarms/targets/siem", &remove).await;
    assert!(store.alarm_targets().unwrap().is_empty());
    let message = &store.alarm_messages(1).unwrap()[0];
    assert_eq!(message.state, "given-up");
}

#[tokio::test]
async fn programs_name_targets_and_rules() {
    let watched = Watched::new();
    let store = &watched.store;
    let user = store.user("admin").unwrap().unwrap();
    let token = api_token();
    let all = PermissionSet::of(&Permission::ALL);
    store
        .add_token(user.key, "admin", "test", &token_hash(&token), all, 1)
        .unwrap();
    let browser = Browser::new(&watched.centre);
    let (status, body) = browser
        .tell(
            "/api/v1/alarms/targets",
            &token,
            r#"{"name":"siem","address":"https://siem.example/hook"}"#,
        )
        .await;
    let secret = store.alarm_target("siem").unwrap().secret.unwrap();
    assert!(status == StatusCode::OK && body.contains(&secret), "{body}");
    for (path, json, expected) in [
        (
            "rules",
            r#"{"target":"siem","kind":"sensor","words":["offline"]}"#,
            StatusCode::OK,
        ),
        (
            "rules",
            r#"{"target":"siem","kind":"sensor","words":["asleep"]}"#,
            StatusCode::BAD_REQUEST,
        ),
        (
            "rules",
            r#"{"target":"none","kind":"sensor","words":["offline"]}"#,
            StatusCode::NOT_FOUND,
        ),
        (
            "targets",
            r#"{"name":"x","address":"https://u:p@siem.example/"}"#,
            StatusCode::BAD_REQUEST,
        ),
        ("targets/siem/test", "", StatusCode::OK),
        ("targets/none/test", "", StatusCode::NOT_FOUND),
    ] {
        let (status, body) = browser
            .tell(&format!("/api/v1/alarms/{path}"), &token, json)
            .await;
        assert_eq!(status, expected, "{json}: {body}");
    }
    let (_, body) = browser.ask("/api/v1/alarms", &token).await;
    assert!(
        body.contains("\"words\":[\"offline\"]")
            && body.contains("\"state\":\"waiting\"")
            && !body.contains(&secret),
        "{body}"
    );
    for path in ["rules/1/end", "targets/siem/remove"] {
        let (status, body) = browser
            .tell(&format!("/api/v1/alarms/{path}"), &token, "")
            .await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
    }
}
