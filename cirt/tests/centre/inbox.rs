//! The inbox for people: groups, ranks, work, relapse; the query language; SQL.

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use lapwing_cirt::people::{PermissionSet, Role};
use lapwing_cirt::query::{FindingFilter, FindingQuery, RawFilter, Scope};
use lapwing_cirt::secrets::{api_token, hash_password, token_hash};
use lapwing_cirt::store::{GroupChange, GroupState, RuleText, StoreError, TenantKind};
use lapwing_cirt::triage::{Reason, Tier};
use lapwing_wire::{DisclosedAddress, FactKind};
use proptest::prelude::*;

use crate::browser::{Browser, form_token};
use crate::support::{PASSWORD, Sample, TestCentre, clear};

fn rule(sid: u32, message: &str, class_type: &str) -> RuleText {
    RuleText {
        gid: 1,
        sid,
        rev: 2,
        message: message.to_owned(),
        class_type: Some(class_type.to_owned()),
        category: None,
        severity: Some(1),
        references: Vec::new(),
        body: "alert".to_owned(),
    }
}

/// Four sensors at three providers; a bot behind two of them, a scan that all see, and noise.
fn busy_centre() -> TestCentre {
    let centre = TestCentre::new();
    let store = centre.store();
    store
        .import_rules(
            "test",
            &[
                rule(1, "BOT check-in", "trojan-activity"),
                rule(2, "SCAN of everything", "attempted-recon"),
                rule(3, "INFO something", "misc-activity"),
                rule(4, "WEB exploit", "web-application-attack"),
            ],
        )
        .unwrap();
    for (number, (sensor, tenant)) in [
        ("a1", "isp-a"),
        ("a2", "isp-a"),
        ("b1", "isp-b"),
        ("c1", "isp-c"),
    ]
    .into_iter()
    .enumerate()
    {
        if number != 1 {
            store
                .add_tenant(
                    "test",
                    &tenant.parse().unwrap(),
                    TenantKind::Provider,
                    tenant,
                )
                .unwrap();
        }
        let device = centre.enrolled_device(sensor);
        store.place_sensor("test", sensor, Some(tenant)).unwrap();
        let now = Timestamp::now().to_string();
        let now: &'static str = Box::leak(now.into_boxed_str());
        let sample = |sid, priority, number| Sample {
            sid,
            priority,
            time: now,
            ..Sample::numbered(number)
        };
        let mut records = vec![sample(2, 2, 0).record()];
        for extra in 1..4 {
            records.push(sample(3, 3, extra).record());
        }
        if sensor == "a2" || sensor == "b1" {
            let bot = Sample {
                source: DisclosedAddress::Withheld,
                destination: clear("203.0.113.66"),
                facts: vec![(FactKind::TlsSni, b"c2.bad.example")],
                ..sample(1, 1, 4)
            };
            records.push(bot.record());
        }
        if sensor == "c1" {
            records.push(sample(4, 1, 4).record());
        }
        centre.take(&store, &device, 0, &records);
    }
    centre
}

#[test]
fn groups_are_ranked_and_say_why() {
    let centre = busy_centre();
    let store = centre.store();
    let groups = store
        .groups(Scope::Nation, false, Timestamp::now())
        .unwrap();
    let order: Vec<(u32, Tier)> = groups
        .iter()
        .map(|group| (group.sid, group.rank.tier))
        .collect();
    assert_eq!(
        order,
        [
            (1, Tier::Infection),
            (2, Tier::Widespread),
            (4, Tier::Grave),
            (3, Tier::Noise)
        ]
    );
    assert_eq!(
        groups[0].rank.reasons[0],
        Reason::OutboundInfection { findings: 2 }
    );
    assert_eq!(
        groups[1].rank.reasons[0],
        Reason::ManyProviders { tenants: 3 }
    );
    assert_eq!((groups[0].sensors, groups[0].tenants), (2, 2));
}

#[test]
fn forty_thousand_alerts_are_tens_of_groups() {
    let centre = TestCentre::new();
    let device = centre.enrolled_device("isp-a");
    let store = centre.store();
    // Each finding stands for three alerts.
    let records: Vec<_> = (0..13_400)
        .map(|number| {
            Sample {
                sid: 1_000 + u32::try_from(number % 30).unwrap(),
                ..Sample::numbered(number)
            }
            .record()
        })
        .collect();
    for (batch, part) in records.chunks(1_000).enumerate() {
        centre.take(&store, &device, batch as u64, part);
    }
    let groups = store
        .groups(Scope::Nation, false, Timestamp::now())
        .unwrap();
    let alerts: u64 = groups.iter().map(|group| group.hits).sum();
    assert!(
        groups.len() <= 50 && alerts >= 40_000,
        "{} groups of {alerts} alerts",
        groups.len()
    );
}

#[test]
fn a_hit_on_critical_infrastructure_is_told() {
    let centre = TestCentre::new();
    let store = centre.store();
    store
        .add_network("test", "198.51.100.0/24".parse().unwrap(), "the grid")
        .unwrap();
    let device = centre.enrolled_device("isp-a");
    centre.take(&store, &device, 0, &[Sample::numbered(0).record()]);
    let group = &store
        .groups(Scope::Nation, false, Timestamp::now())
        .unwrap()[0];
    assert_eq!(
        group.rank.reasons[0],
        Reason::CriticalInfrastructure { findings: 1 }
    );
}

#[test]
fn work_is_written_down_and_a_relapse_opens_again() {
    let centre = busy_centre();
    let store = centre.store();
    let now = Timestamp::now();
    let key = store.group_of_rule(1, 1).unwrap().unwrap();
    let act = |change: GroupChange| store.change_group(Scope::Nation, "admin", key, &change, now);
    act(GroupChange::Assign(Some("admin".to_owned()))).unwrap();
    act(GroupChange::Comment("asked the provider".to_owned())).unwrap();
    act(GroupChange::Classify(
        "malicious-code:infected-system".to_owned(),
    ))
    .unwrap();
    act(GroupChange::SetTlp("red".parse().unwrap())).unwrap();
    let case = store.add_incident("admin", "Botnet of May").unwrap();
    act(GroupChange::Merge(Some(case))).unwrap();
    act(GroupChange::Notified("isp-b by mail".to_owned())).unwrap();
    act(GroupChange::Close("cleaned".to_owned())).unwrap();
    for (change, reason) in [
        (GroupChange::Assign(Some("nobody".to_owned())), "user"),
        (GroupChange::Comment("  ".to_owned()), "comment"),
        (
            GroupChange::Classify("malicious-code:bad-luck".to_owned()),
            "taxonomy",
        ),
        (GroupChange::Close(String::new()), "closed already"),
        (GroupChange::Merge(Some(99)), "case"),
    ] {
        let refused = act(change).unwrap_err().to_string();
        assert!(refused.contains(reason), "{refused}");
    }
    let group = store.group(Scope::Nation, key, now).unwrap().unwrap();
    assert_eq!(group.state, GroupState::Closed);
    assert_eq!(
        (group.assignee.as_deref(), group.incident),
        (Some("admin"), Some(case))
    );
    assert!(
        store
            .audit_trail(20)
            .unwrap()
            .iter()
            .any(|line| line.action == "group.closed")
    );

    // An old finding that comes late changes nothing; a new one opens the group again.
    let device = centre.enrolled_device("late");
    let late = Sample {
        sid: 1,
        time: "2026-05-01T12:00:00Z",
        ..Sample::numbered(0)
    };
    centre.take(&store, &device, 0, &[late.record()]);
    assert_eq!(
        store.group(Scope::Nation, key, now).unwrap().unwrap().state,
        GroupState::Closed
    );
    let later = (now + SignedDuration::from_hours(1)).to_string();
    let again = Sample {
        sid: 1,
        time: Box::leak(later.into_boxed_str()),
        ..Sample::numbered(1)
    };
    centre.take(&store, &device, 1, &[again.record()]);
    let group = store.group(Scope::Nation, key, now).unwrap().unwrap();
    assert_eq!((group.state, group.reopened), (GroupState::Open, 1));
    let kinds: Vec<String> = store
        .group_events(key)
        .unwrap()
        .into_iter()
        .map(|event| event.kind)
        .collect();
    assert_eq!(
        kinds,
        [
            "assigned",
            "comment",
            "classified",
            "tlp",
            "merged",
            "notified",
            "closed",
            "relapse"
        ]
    );
    // The work outlives a rebuild.
    store.reset_derived("test").unwrap();
    centre.loader().run(&store).unwrap();
    let group = store.group(Scope::Nation, key, now).unwrap().unwrap();
    assert_eq!(
        (group.class.as_str(), group.findings),
        ("malicious-code:infected-system", 4)
    );
}

#[test]
fn who_else_saw_this_is_answered_within_the_scope() {
    let centre = busy_centre();
    let store = centre.store();
    let sensors = |scope, host: &str| -> Vec<String> {
        let seen = store.who_saw_host(scope, host).unwrap();
        seen.into_iter().map(|sighting| sighting.sensor).collect()
    };
    assert_eq!(sensors(Scope::Nation, "C2.bad.example."), ["a2", "b1"]);
    let tenant = store
        .tenants(Scope::Nation)
        .unwrap()
        .into_iter()
        .find(|tenant| tenant.name == "isp-b")
        .unwrap();
    assert_eq!(sensors(Scope::Tenant(tenant.key), "c2.bad.example"), ["b1"]);
    let seen = store
        .who_saw_address(Scope::Nation, "203.0.113.66".parse().unwrap())
        .unwrap();
    assert_eq!(seen.len(), 2);
}

#[tokio::test]
async fn people_work_through_the_inbox() {
    let centre = busy_centre();
    let mut browser = Browser::signed_in(&centre).await;
    let page = browser.get("/inbox").await;
    assert_eq!(page.status, StatusCode::OK);
    let place = |text: &str| {
        page.body
            .find(text)
            .unwrap_or_else(|| panic!("{text}: {}", page.body))
    };
    assert!(
        place("BOT check-in") < place("SCAN of everything")
            && place("SCAN of everything") < place("INFO something")
    );
    assert!(
        page.body
            .contains("2 findings of subscribers that call out")
    );
    let token = form_token(&page.body);
    let key = centre.store().group_of_rule(1, 1).unwrap().unwrap();
    let path = format!("/groups/{key}");
    for (action, value) in [
        ("take", ""),
        ("comment", "hello+%3Cb%3E"),
        ("classify", "malicious-code%3Ac2-server"),
        ("tlp", "green"),
    ] {
        let form = format!("form_token={token}&action={action}&value={value}");
        assert_eq!(
            browser.post(&path, &form).await.status,
            StatusCode::SEE_OTHER,
            "{action}"
        );
    }
    assert_eq!(
        browser.post(&path, "form_token=x&action=take").await.status,
        StatusCode::FORBIDDEN
    );
    let page = browser.get(&path).await;
    for expected in ["TLP:GREEN", "hello &#60;b&#62;", "c2.bad.example", "isp-b"] {
        assert!(page.body.contains(expected), "{expected}: {}", page.body);
    }
    assert!(
        browser
            .get("/inbox?view=mine")
            .await
            .body
            .contains("BOT check-in")
    );
    assert!(
        !browser
            .get("/inbox?view=free")
            .await
            .body
            .contains("BOT check-in")
    );
    let bulk = format!("form_token={token}&action=close&group_{key}=on&back=%2Finbox");
    assert_eq!(
        browser.post("/inbox/act", &bulk).await.status,
        StatusCode::SEE_OTHER
    );
    assert!(!browser.get("/inbox").await.body.contains("BOT check-in"));
    assert!(
        browser
            .get("/inbox?view=closed")
            .await
            .body
            .contains("BOT check-in")
    );
    let save =
        format!("form_token={token}&name=closed+ones&link=%2Finbox%3Fview%3Dclosed&shared=yes");
    assert_eq!(
        browser.post("/views", &save).await.status,
        StatusCode::SEE_OTHER
    );
    assert!(browser.get("/inbox").await.body.contains("closed ones"));
    let elsewhere = format!("form_token={token}&name=x&link=%2F%2Fevil.example");
    assert_eq!(
        browser.post("/views", &elsewhere).await.status,
        StatusCode::CONFLICT
    );
}

#[tokio::test]
async fn a_contact_sees_own_groups_and_none_of_the_work() {
    let centre = busy_centre();
    let store = centre.store();
    let key = store.group_of_rule(1, 1).unwrap().unwrap();
    let comment = GroupChange::Comment("secret of the CIRT".to_owned());
    store
        .change_group(Scope::Nation, "admin", key, &comment, Timestamp::now())
        .unwrap();
    let hash = hash_password(PASSWORD).unwrap();
    store
        .add_user(
            "test",
            &"contact".parse().unwrap(),
            Role::IspContact,
            Some("isp-b"),
            &hash,
        )
        .unwrap();
    let mut browser = Browser::new(&centre);
    browser.sign_in("contact", PASSWORD).await;
    let page = browser.get("/inbox").await;
    assert!(
        page.body.contains("1 finding of a subscriber") && !page.body.contains("WEB exploit"),
        "{}",
        page.body
    );
    let page = browser.get(&format!("/groups/{key}")).await;
    assert!(
        page.body.contains(">b1<")
            && !page.body.contains("secret of the CIRT")
            && !page.body.contains(">a2<")
    );
    let exploit = store.group_of_rule(1, 4).unwrap().unwrap();
    assert_eq!(
        browser.get(&format!("/groups/{exploit}")).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(browser.get("/cases").await.status, StatusCode::FORBIDDEN);
}

#[test]
fn sql_reads_what_the_scope_holds_and_nothing_else() {
    let centre = busy_centre();
    let store = centre.store();
    let tenants = store.tenants(Scope::Nation).unwrap();
    let tenant = tenants
        .iter()
        .find(|tenant| tenant.name == "isp-b")
        .unwrap();
    let own = Scope::Tenant(tenant.key);
    let ask = |sql: &str| store.ask_sql(own, sql);
    let first = |sql: &str| ask(sql).unwrap().rows[0][0].clone().unwrap_or_default();
    assert_eq!(first("SELECT count(*) FROM finding"), "5");
    assert_eq!(
        first("SELECT string_agg(DISTINCT sensor, ',') FROM finding"),
        "b1"
    );
    assert_eq!(
        first("SELECT destination FROM finding WHERE sid = 1"),
        "203.0.113.66"
    );
    assert_eq!(
        first("SELECT value FROM sighting WHERE kind = 'host' AND value LIKE 'c2%'"),
        "c2.bad.example"
    );
    assert_eq!(first("WITH x AS (SELECT 7 AS n) SELECT n FROM x"), "7");
    assert_eq!(
        store
            .ask_sql(Scope::Nation, "SELECT name FROM sensor")
            .unwrap()
            .rows
            .len(),
        4
    );
    for forbidden in [
        "SELECT * FROM main.finding",
        "SELECT count(*) FROM MAIN . finding",
        "SELECT count(*) FROM \"main\".finding",
        "SELECT count(*) FROM [main].user",
        "SELECT name FROM main.sensor",
        "SELECT password_hash FROM user",
        "SELECT count(*) FROM user",
        "SELECT count(*) FROM main.user",
        "WITH finding AS (SELECT password_hash FROM user) SELECT * FROM finding",
        "WITH sensor AS (SELECT name FROM main.sensor) SELECT * FROM sensor",
        "SELECT * FROM (SELECT name FROM main.sensor) AS finding",
        "SELECT sql FROM sqlite_temp_schema",
        "SELECT sql FROM sqlite_schema",
        "SELECT * FROM pragma_table_list",
        "EXPLAIN SELECT * FROM finding",
        "DELETE FROM finding",
        "ATTACH 'x.db' AS x",
        "PRAGMA query_only = false",
        "SELECT 1; SELECT 2",
        "SELECT load_extension('x')",
        "CREATE TEMP TABLE t (x)",
        "SELECT length(zeroblob(100000000))",
    ] {
        let answer = ask(forbidden);
        assert!(
            matches!(answer, Err(StoreError::Refused(_))),
            "{forbidden}: {answer:?}"
        );
    }
    let endless =
        "SELECT 1 FROM finding a, finding b, finding c, finding d, finding e, finding f, finding g";
    let answer = ask(endless).unwrap();
    assert!(answer.is_cut && answer.rows.len() == 10_000);
}

#[tokio::test]
async fn programs_work_with_groups_and_sql() {
    let centre = busy_centre();
    let store = centre.store();
    let user = store.user("admin").unwrap().unwrap();
    let token = api_token();
    let scopes: PermissionSet = "findings:read work:read triage:write sql:read"
        .parse()
        .unwrap();
    store
        .add_token(user.key, "admin", "test", &token_hash(&token), scopes, 1)
        .unwrap();
    let browser = Browser::new(&centre);
    let key = store.group_of_rule(1, 1).unwrap().unwrap();
    let (status, body) = browser
        .tell(
            &format!("/api/v1/groups/{key}"),
            &token,
            r#"{"change":"classify","class":"malicious-code:c2-server"}"#,
        )
        .await;
    assert!(
        status == StatusCode::OK && body.contains("\"class\":\"malicious-code:c2-server\""),
        "{body}"
    );
    let (status, body) = browser
        .tell(
            &format!("/api/v1/groups/{key}"),
            &token,
            r#"{"change":"explode"}"#,
        )
        .await;
    assert!(
        status == StatusCode::BAD_REQUEST && body.contains("\"title\""),
        "{body}"
    );
    let (status, body) = browser
        .tell(
            "/api/v1/sql",
            &token,
            r#"{"sql":"SELECT count(*) AS n FROM finding"}"#,
        )
        .await;
    assert!(
        status == StatusCode::OK && body.contains("[[\"19\"]]"),
        "{body}"
    );
    let (_, body) = browser.ask("/api/v1/complete?q=sensor:a", &token).await;
    assert!(
        body.contains("sensor:a1") && body.contains("sensor:a2"),
        "{body}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    /// Sums from the small tables are the sums of the findings, whatever the stretch of time and the filter.
    #[test]
    fn sums_reconcile_with_the_findings(
        rows in prop::collection::vec((0i64..96, 0u32..4, 1u32..5, 0usize..2), 1..60),
        since in prop::option::of(0i64..100),
        length in prop::option::of(0i64..80),
        filter in 0u8..6,
    ) {
        let centre = TestCentre::new();
        let store = centre.store();
        let start: Timestamp = "2026-05-01T00:00:00Z".parse().unwrap();
        let at = |half_hours: i64| start + SignedDuration::from_mins(half_hours * 30 + 7);
        let devices = [centre.enrolled_device("isp-a"), centre.enrolled_device("isp-b")];
        for (number, (half_hours, sid, priority, device)) in rows.iter().enumerate() {
            let host: &'static [u8] = [b"one.example".as_slice(), b"sub.two.example"][*sid as usize % 2];
            let time = at(*half_hours).to_string();
            let sample = Sample {
                time: Box::leak(time.into_boxed_str()),
                sid: 100 + sid,
                priority: *priority,
                destination: clear(["198.51.100.20", "203.0.113.9"][*priority as usize % 2]),
                facts: vec![(FactKind::HttpHost, host)],
                ..Sample::numbered(number as u64)
            };
            centre.take(&store, &devices[*device], number as u64, &[sample.record()]);
        }
        let mut raw = RawFilter::default();
        match filter {
            0 => {}
            1 => raw = raw.with("severity", "high,low"),
            2 => raw = raw.with("rule", "101"),
            3 => raw = raw.with("sensor", "isp-b"),
            4 => raw = raw.with("address", "203.0.113.0/24"),
            _ => raw = raw.with("host", "two.example"),
        }
        let mut checked: FindingFilter = raw.check(start).unwrap();
        checked.since = since.map(|since| at(since) - SignedDuration::from_mins(11));
        checked.until = length.map(|length| at(since.unwrap_or(0) + length));
        let query = FindingQuery::new(Scope::Nation, checked);
        let page = store.findings(&query, None, 1_000).unwrap();
        let activity = store.activity(&query).unwrap();
        prop_assert_eq!(activity.findings, page.findings.len() as u64);
        prop_assert_eq!(store.count_findings(&query).unwrap(), activity.findings);
        prop_assert_eq!(activity.hits, page.findings.iter().map(|finding| finding.hits).sum::<u64>());
        let by_rule: u64 = activity.rules.iter().map(|rule| rule.findings).sum();
        prop_assert_eq!(by_rule, activity.findings);
        let bars: u64 = activity.bars.iter().map(|bar| bar.total()).sum();
        prop_assert_eq!(bars, activity.findings);
        // Page by page the same findings come, each once, newest first.
        let mut paged = Vec::new();
        let mut after = None;
        loop {
            let part = store.findings(&query, after, 7).unwrap();
            paged.extend(part.findings.iter().map(|finding| finding.id.clone()));
            after = part.next;
            if after.is_none() { break; }
        }
        let whole: Vec<String> = page.findings.iter().map(|finding| finding.id.clone()).collect();
        prop_assert_eq!(paged, whole);
    }
}

/// What a report says is what the pages say.
#[test]
fn a_report_reconciles_with_the_store() {
    use jiff::civil::date;
    use lapwing_cirt::language::Language;
    use lapwing_cirt::report::{Period, Report, Stretch};
    use lapwing_cirt::web::report_document;

    let centre = TestCentre::new();
    let store = centre.store();
    let device = centre.enrolled_device("isp-a");
    let times = [
        "2026-05-03T23:59:59Z",
        "2026-05-04T00:00:00Z",
        "2026-05-08T12:00:00Z",
        "2026-05-10T23:59:59Z",
        "2026-05-11T00:00:00Z",
    ];
    for (number, time) in times.into_iter().enumerate() {
        let sample = Sample {
            time,
            ..Sample::numbered(number as u64)
        };
        centre.take(&store, &device, number as u64, &[sample.record()]);
    }
    let stretch = Stretch::ending(Period::Weekly, date(2026, 5, 11)).unwrap();
    let now = Timestamp::now();
    let report = Report::build(&store, Scope::Nation, stretch, now).unwrap();
    let raw = RawFilter::default()
        .with("since", "2026-05-04")
        .with("until", "2026-05-11");
    let query = FindingQuery::new(Scope::Nation, raw.check(now).unwrap());
    let page = store.findings(&query, None, 100).unwrap();
    assert_eq!((report.activity.findings, page.findings.len()), (3, 3));
    assert_eq!(
        (report.findings_before, report.trend_percent()),
        (1, Some(200))
    );
    for language in Language::ALL {
        let html = report_document("test", &report, None, Period::Weekly, language, now).unwrap();
        assert!(
            html.contains("2026-05-04 – 2026-05-10") && html.contains(language.direction()),
            "{html}"
        );
        assert!(
            !html.contains("http://") && !html.contains("https://"),
            "a report fetches nothing"
        );
    }
}
