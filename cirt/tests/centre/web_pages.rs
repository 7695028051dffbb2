//! The pages, asked as a browser asks.

use axum::http::StatusCode;
use jiff::Timestamp;
use lapwing_cirt::query::Scope;
use lapwing_cirt::store::RuleText;
use lapwing_wire::{DisclosedAddress, FactKind, Lane};

use crate::browser::{Browser, form_token};
use crate::support::{PASSWORD, Sample, TestCentre, clear};

/// A centre with findings that differ in everything one can filter by.
fn centre_with_findings() -> TestCentre {
    let centre = TestCentre::new();
    let (first, second) = (
        centre.enrolled_device("isp-a"),
        centre.enrolled_device("isp-b"),
    );
    let store = centre.store();
    let pseudonym = DisclosedAddress::Pseudonym {
        address: "203.0.113.77".parse().unwrap(),
        key_epoch: 4,
    };
    let samples = [
        (
            &first,
            Sample {
                lane: Lane::Critical,
                priority: 1,
                sid: 100,
                ..Sample::numbered(0)
            },
        ),
        (
            &first,
            Sample {
                time: "2026-05-02T08:00:00Z",
                sid: 200,
                source: pseudonym,
                facts: vec![(FactKind::HttpUri, b"/<script>alert(1)</script>?\"'&\xff")],
                ..Sample::numbered(0)
            },
        ),
        (
            &second,
            Sample {
                time: "2026-05-03T08:00:00Z",
                priority: 3,
                sid: 300,
                source: DisclosedAddress::Withheld,
                destination: clear("2001:db8::99"),
                ..Sample::numbered(0)
            },
        ),
    ];
    for (batch, (device, sample)) in samples.iter().enumerate() {
        centre.take(&store, device, batch as u64, &[sample.record()]);
    }
    let rule = RuleText {
        gid: 1,
        sid: 100,
        rev: 2,
        message: "WEB exploit <img src=x onerror=alert(1)> 100%_done".to_owned(),
        class_type: Some("web-application-attack".to_owned()),
        category: Some("Web Application Attack".to_owned()),
        severity: Some(1),
        references: vec![
            "https://example.org/advisory".to_owned(),
            "javascript:alert(1)".to_owned(),
        ],
        body: "alert http any any -> any any (msg:\"<b>\"; sid:100; rev:2;)".to_owned(),
    };
    store.import_rules("test", &[rule]).unwrap();
    centre
}

/// The sids on a page of findings, in order.
fn sids(body: &str) -> Vec<u32> {
    let mut found = Vec::new();
    for (sid, mark) in [(100, "WEB exploit"), (200, "1:200:2"), (300, "1:300:2")] {
        if let Some(position) = body.find(mark) {
            found.push((position, sid));
        }
    }
    found.sort_unstable();
    found.into_iter().map(|(_, sid)| sid).collect()
}

#[tokio::test]
async fn nothing_is_shown_without_a_login() {
    let centre = centre_with_findings();
    let mut browser = Browser::new(&centre);
    for path in [
        "/findings",
        "/summary",
        "/sensors",
        "/sensors/isp-a",
        "/findings.csv",
        "/findings/x",
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{path}");
        assert!(
            page.location.starts_with("/login?next=%2F"),
            "{}",
            page.location
        );
    }
    for path in ["/api/v1/findings", "/api/v1/summary", "/api/v1/sensors"] {
        let page = browser.get(path).await;
        assert_eq!(
            (page.status, page.kind.as_str()),
            (StatusCode::UNAUTHORIZED, "application/problem+json")
        );
    }
    browser
        .cookies
        .push(("__Host-lapwing-session".to_owned(), "0".repeat(64)));
    assert_eq!(browser.get("/findings").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_person_signs_in_and_out() {
    let centre = centre_with_findings();
    let mut browser = Browser::new(&centre);
    assert_eq!(
        browser.sign_in("admin", "wrong").await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        browser.sign_in("nobody", PASSWORD).await.status,
        StatusCode::UNAUTHORIZED
    );
    let page = browser.sign_in("admin", PASSWORD).await;
    assert_eq!(
        (page.status, page.location.as_str()),
        (StatusCode::SEE_OTHER, "/summary")
    );
    let page = browser.get("/findings").await;
    assert_eq!(page.status, StatusCode::OK);
    let stolen = browser.cookies.clone();

    assert_eq!(
        browser.post("/logout", "form_token=guess").await.status,
        StatusCode::FORBIDDEN
    );
    let token = form_token(&page.body);
    assert_eq!(
        browser
            .post("/logout", &format!("form_token={token}"))
            .await
            .status,
        StatusCode::SEE_OTHER
    );
    browser.cookies = stolen;
    assert_eq!(
        browser.get("/findings").await.status,
        StatusCode::SEE_OTHER,
        "the session is over, cookie or not"
    );
}

#[tokio::test]
async fn a_login_needs_its_form_and_guessing_is_paused() {
    let centre = TestCentre::new();
    let mut browser = Browser::new(&centre);
    let login = format!("user=admin&password={PASSWORD}");
    assert_eq!(
        browser.post("/login", &login).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        browser
            .post("/login", &format!("form_token=x&{login}"))
            .await
            .status,
        StatusCode::FORBIDDEN
    );
    for _ in 0..5 {
        assert_eq!(
            browser.sign_in("admin", "wrong").await.status,
            StatusCode::UNAUTHORIZED
        );
    }
    assert_eq!(
        browser.sign_in("admin", PASSWORD).await.status,
        StatusCode::TOO_MANY_REQUESTS
    );
}

#[tokio::test]
async fn filters_combine() {
    let centre = centre_with_findings();
    let mut browser = Browser::signed_in(&centre).await;
    for (query, expected) in [
        ("", vec![300, 200, 100]),
        ("since=2026-05-02", vec![300, 200]),
        ("since=2026-05-02&until=2026-05-03", vec![200]),
        ("sensor=isp-a", vec![200, 100]),
        ("sensor=nobody", vec![]),
        ("severity=high", vec![100]),
        ("severity=low,medium", vec![300, 200]),
        ("rule=200", vec![200]),
        ("rule=1:300:2", vec![300]),
        ("rule=1:300:9", vec![]),
        ("rule=exploit", vec![100]),
        ("rule=100%25_d", vec![100]),
        ("rule=%25zzz", vec![]),
        ("address=203.0.113.77", vec![200]),
        ("address=192.0.2.0/24", vec![100]),
        ("address=2001:db8::/32", vec![300]),
        (
            "address=198.51.100.0/24&severity=medium&sensor=isp-a&since=2026-05-01",
            vec![200],
        ),
        ("address=198.51.100.20&severity=low", vec![]),
    ] {
        let page = browser.get(&format!("/findings?{query}")).await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(sids(&page.body), expected, "{query}");
    }
    let page = browser.get("/findings?since=soon&address=here").await;
    assert!(page.body.contains("since: ") && page.body.contains("address: "));
    assert_eq!(
        browser.get("/findings?after=x").await.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        browser.get("/api/v1/findings?limit=0").await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn what_attackers_write_stays_text() {
    let centre = centre_with_findings();
    let mut browser = Browser::signed_in(&centre).await;
    let list = browser
        .get("/findings?rule=%3Cscript%3Ealert(2)%3C/script%3E")
        .await;
    assert!(!list.body.contains("<script>"));
    let list = browser.get("/findings").await;
    let detail = list
        .body
        .split("href=\"/findings/")
        .nth(2)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let rest = list
        .body
        .split("href=\"/findings/")
        .nth(3)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    for path in [
        "/findings".to_owned(),
        "/summary".to_owned(),
        format!("/findings/{detail}"),
        format!("/findings/{rest}"),
    ] {
        let page = browser.get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(
            !page
                .body
                .replace("<script src=\"/static/lapwing.js?v=", "")
                .contains("<script")
                && !page.body.contains("<img src=x")
                && !page.body.contains("<b>"),
            "{path}"
        );
        assert!(!page.body.contains("href=\"javascript:"), "{path}");
        assert!(page.policy.starts_with("default-src 'none'") && !page.policy.contains("unsafe"));
    }
}

#[tokio::test]
async fn addresses_say_what_they_are_worth() {
    let centre = centre_with_findings();
    let mut browser = Browser::signed_in(&centre).await;
    let page = browser.get("/findings").await;
    assert!(
        page.body.contains(">pseudonym</abbr>") && page.body.contains("provider’s key 4"),
        "pseudonym"
    );
    assert!(page.body.contains(">withheld</span>"));
    let page = browser.get("/api/v1/findings?sensor=isp-b").await;
    assert!(
        page.body.contains("\"disclosure\":\"withheld\""),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn pages_are_light_and_complete() {
    let centre = TestCentre::new();
    let device = centre.enrolled_device("isp-a");
    let store = centre.store();
    let records: Vec<_> = (0..120)
        .map(|number| Sample::numbered(number).record())
        .collect();
    centre.take(&store, &device, 0, &records);

    let mut browser = Browser::signed_in(&centre).await;
    // What a first visit costs on the line, style, script and icon included: seconds at 64 kbit/s.
    let mut first = 0;
    for path in [
        "/static/lapwing.css",
        "/static/lapwing.js",
        "/static/lapwing.svg",
    ] {
        first += browser.weight(path).await;
    }
    let mut path = "/findings".to_owned();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let page = browser.get(&path).await;
        let weight = first + browser.weight(&path).await;
        assert!(
            weight <= 24 * 1024 && page.body.len() <= 60 * 1024,
            "{weight}, {}",
            page.body.len()
        );
        seen.extend(
            page.body
                .split("href=\"/findings/")
                .skip(1)
                .map(|rest| rest.split('"').next().unwrap().to_owned()),
        );
        let Some((before, _)) = page.body.split_once("\" rel=\"next\"") else {
            break;
        };
        path = before
            .rsplit_once("href=\"")
            .unwrap()
            .1
            .replace("&#38;", "&");
    }
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(
        (count, seen.len()),
        (120, 120),
        "every finding once over all pages"
    );
}

#[tokio::test]
async fn a_person_approves_and_revokes_a_sensor() {
    let centre = TestCentre::new();
    let voucher = centre.voucher("isp-c", false);
    let device = crate::support::Device::new();
    let hash = lapwing_cirt::enrolment::secret_hash(&voucher.secret);
    centre
        .store()
        .redeem_voucher(&hash, &device.public_key(), &[9; 16], "", Timestamp::now())
        .unwrap()
        .unwrap();

    let mut browser = Browser::signed_in(&centre).await;
    let page = browser.get("/sensors/isp-c").await;
    assert!(
        page.body
            .contains(&lapwing_cirt::api::key_fingerprint(&device.public_key()))
    );
    assert_eq!(
        browser
            .post("/sensors/isp-c/approve", "form_token=guess")
            .await
            .status,
        StatusCode::FORBIDDEN
    );
    let token = form_token(&page.body);
    let form = format!("form_token={token}");
    assert_eq!(
        browser.post("/sensors/isp-c/approve", &form).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(
        centre
            .store()
            .sensor(Scope::Nation, "isp-c")
            .unwrap()
            .state
            .as_str(),
        "active"
    );
    assert_eq!(
        browser.post("/sensors/isp-c/revoke", &form).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(
        centre
            .store()
            .sensor(Scope::Nation, "isp-c")
            .unwrap()
            .state
            .as_str(),
        "revoked"
    );
    assert_eq!(
        browser.get("/sensors/nobody").await.status,
        StatusCode::NOT_FOUND
    );
}
