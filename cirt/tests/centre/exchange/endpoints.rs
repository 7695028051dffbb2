//! Every endpoint of the TAXII server, and what it says to those who ask wrongly; and what lies there, as the validator sees it.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use jiff::Timestamp;
use lapwing_cirt::exchange::indicator::{IndicatorState, Wanted};
use lapwing_cirt::exchange::{PeerKind, Tlp, feedback, routes, rule, worker};
use lapwing_cirt::store::NewIndicator;
use serde_json::{Value, json};

use super::reader::{Reader, whole};
use super::support::{centre, centre_with, peer, producer, python, script, told};
use crate::support::Sample;

const TAXII: &str = "application/taxii+json;version=2.1";
const ROOT: &str = "/taxii2/lapwing/";

async fn json_of(reader: &Reader, path: &str) -> (u16, Value) {
    let (status, body) = reader.get(path).await;
    (
        status,
        serde_json::from_slice(&body).unwrap_or_else(|_| panic!("{path}: no JSON")),
    )
}

#[tokio::test]
async fn endpoints_answer_and_refuse_as_the_standard_says() {
    let centre = centre_with(10, "publish = \"high,medium,low\"\n");
    let store = Arc::new(centre.store());
    let ours = Arc::new(producer(&centre));
    let password = peer(&store, "partner", PeerKind::Cirt, Tlp::Amber);
    let other = peer(&store, "other", PeerKind::Cirt, Tlp::Green);
    worker::publish_all(&store, &ours).unwrap();
    let router = routes(&store, Some(&ours));
    let reader = Reader::new(router.clone(), "partner", &password);

    let (status, discovery) = json_of(&reader, "/taxii2/").await;
    assert_eq!(
        (status, &discovery["title"]),
        (200, &json!("CIRT of Examplia"))
    );
    assert!(discovery["default"].as_str().unwrap().ends_with(ROOT));
    let (_, root) = json_of(&reader, ROOT).await;
    assert_eq!(root["versions"], json!([TAXII]));
    let (_, list) = json_of(&reader, &format!("{ROOT}collections/")).await;
    let aliases: Vec<&str> = list["collections"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["alias"].as_str().unwrap())
        .collect();
    assert_eq!(
        aliases,
        [
            "tlp-clear",
            "tlp-green",
            "tlp-amber",
            "peer-partner",
            "from-partner"
        ]
    );
    let id = list["collections"][2]["id"].as_str().unwrap();
    let at = |rest: &str| format!("{ROOT}collections/{id}/{rest}");
    assert_eq!(json_of(&reader, &at("")).await.1["alias"], "tlp-amber");

    // Pages are stable, in order, and carry their places.
    let (_, all) = json_of(&reader, &at("manifest/")).await;
    let all = all["objects"].as_array().unwrap();
    let mut next = String::new();
    let mut paged = Vec::new();
    loop {
        let request = Request::get(at(&format!("objects/?limit=7{next}"))).header("accept", TAXII);
        let response = reader.ask(request, Body::empty()).await;
        let place = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        let (first, last) = (
            place("x-taxii-date-added-first"),
            place("x-taxii-date-added-last"),
        );
        let page: Value = serde_json::from_slice(&whole(response).await).unwrap();
        let objects = page["objects"].as_array().unwrap();
        assert!(first <= last && objects.len() <= 7);
        assert_eq!(first, all[paged.len()]["date_added"]);
        paged.extend(
            objects
                .iter()
                .map(|one| one["id"].as_str().unwrap().to_owned()),
        );
        assert_eq!(last, all[paged.len() - 1]["date_added"]);
        if page["more"] != true {
            break;
        }
        next = format!("&next={}", page["next"].as_str().unwrap());
    }
    let named: Vec<&str> = all.iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(paged, named);

    // Filters.
    let ids = async |query: &str| -> Vec<String> {
        let (status, page) = json_of(&reader, &at(&format!("objects/?{query}"))).await;
        assert_eq!(status, 200, "{query}");
        let objects = page["objects"].as_array().cloned().unwrap_or_default();
        objects
            .iter()
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids("match%5Btype%5D=observed-data").await.len(), 10);
    assert_eq!(
        ids("match%5Btype%5D=observed-data,identity").await.len(),
        11
    );
    assert_eq!(
        ids(&format!("match%5Bid%5D={}", paged[3])).await,
        [paged[3].clone()]
    );
    assert!(ids("match%5Bspec_version%5D=2.0").await.is_empty());
    let middle = all[4]["date_added"].as_str().unwrap();
    assert_eq!(ids(&format!("added_after={middle}")).await, paged[5..]);
    let future = "added_after=2100-01-01T00:00:00Z";
    assert!(ids(future).await.is_empty());

    // One object, its versions; and none that is not there.
    let one = paged
        .iter()
        .find(|id| id.starts_with("observed-data--"))
        .unwrap();
    let (_, page) = json_of(&reader, &at(&format!("objects/{one}/"))).await;
    assert_eq!(page["objects"][0]["id"], *one);
    let (_, versions) = json_of(&reader, &at(&format!("objects/{one}/versions/"))).await;
    assert_eq!(versions["versions"].as_array().unwrap().len(), 1);

    let status = async |reader: &Reader, request, body: &'static str| {
        reader
            .ask(request, Body::from(body))
            .await
            .status()
            .as_u16()
    };
    let get = |path: String| Request::get(path).header("accept", TAXII);
    let amber = |rest: &str| get(at(rest));
    let nobody = Reader::new(router.clone(), "partner", "wrong");
    let stranger = Reader::new(router.clone(), "other", &other);
    for (who, request, expected) in [
        (&nobody, get("/taxii2/".to_owned()), 401),
        (&nobody, amber("objects/"), 401),
        // Above the ceiling: not even that it is there.
        (&stranger, amber("objects/"), 404),
        (
            &stranger,
            get(format!("{ROOT}collections/peer-partner/objects/")),
            404,
        ),
        (
            &reader,
            get(format!("{ROOT}collections/nothing/objects/")),
            404,
        ),
        (
            &reader,
            get(format!("{ROOT}collections/from-partner/objects/")),
            403,
        ),
        (
            &reader,
            amber("objects/indicator--00000000-0000-4000-8000-000000000000/"),
            404,
        ),
        (&reader, get(format!("{ROOT}status/nothing/")), 404),
        (&reader, amber("objects/?limit=many"), 400),
        (&reader, amber("objects/?match%5Bcolour%5D=red"), 400),
        (&reader, amber("objects/?added_after=yesterday"), 400),
        (
            &reader,
            Request::get(at("objects/")).header("accept", "text/html"),
            406,
        ),
        (
            &reader,
            Request::delete(at(&format!("objects/{one}/"))).header("accept", TAXII),
            405,
        ),
    ] {
        let asked = format!("{request:?}");
        assert_eq!(status(who, request, "").await, expected, "{asked}");
    }

    // Pushing: what is bad is told in the status and the rest is kept.
    let into = |collection: &str, kind: &str| {
        Request::post(format!("{ROOT}collections/{collection}/objects/"))
            .header("accept", TAXII)
            .header("content-type", kind)
    };
    for (request, body, expected) in [
        (into("tlp-amber", TAXII), "{\"objects\":[]}", 403),
        (into("from-other", TAXII), "{\"objects\":[]}", 404),
        (into("from-partner", "text/plain"), "{\"objects\":[]}", 415),
        (into("from-partner", TAXII), "{\"objects\":7}", 422),
        (into("from-partner", TAXII), "nothing", 422),
    ] {
        let asked = format!("{request:?}");
        assert_eq!(status(&reader, request, body).await, expected, "{asked}");
    }
    let good = json!({
        "type": "indicator", "spec_version": "2.1", "id": "indicator--00000000-0000-4000-8000-000000000001",
        "created": "2026-05-01T12:00:00.000Z", "modified": "2026-05-01T12:00:00.000Z", "pattern_type": "stix",
        "pattern": "[domain-name:value = 'pushed.example']", "valid_from": "2026-05-01T12:00:00Z",
    });
    let pushed = json!({ "objects": [good, { "type": "tool" }] }).to_string();
    let response = reader
        .ask(into("from-partner", TAXII), Body::from(pushed))
        .await;
    assert_eq!(response.status().as_u16(), 202);
    let told: Value = serde_json::from_slice(&whole(response).await).unwrap();
    assert_eq!(
        (
            &told["success_count"],
            &told["failure_count"],
            &told["status"]
        ),
        (&json!(1), &json!(1), &json!("complete"))
    );
    let (_, again) = json_of(
        &reader,
        &format!("{ROOT}status/{}/", told["id"].as_str().unwrap()),
    )
    .await;
    assert_eq!(again, told);
    let path = format!("{ROOT}status/{}/", told["id"].as_str().unwrap());
    assert_eq!(
        status(&stranger, get(path), "").await,
        404,
        "the status of another's push"
    );
    assert_eq!(
        store
            .indicators(IndicatorState::Waiting, 0, 10)
            .unwrap()
            .len(),
        1
    );
}

/// Indicators of every kind, sightings and opinions in the collections that partners poll: strict, no errors and no warnings.
#[tokio::test]
async fn the_validator_accepts_what_lies_in_collections() {
    let Some(python) = python("python-exchange") else {
        return;
    };
    let centre = centre(0);
    let store = Arc::new(centre.store());
    let ours = Arc::new(producer(&centre));
    let password = peer(&store, "partner", PeerKind::Cirt, Tlp::Amber);
    let values = [
        ("address", "198.51.100.9"),
        ("address", "2001:db8:99::/48"),
        ("domain", "c2.example"),
        ("host", "mail.c2.example"),
        ("url", "http://c2.example/gate.php?a=b'c"),
        ("ja3", "e7d705a3286e19ea42f587b344ee6865"),
        ("sha1", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        (
            "sha256",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ),
        (
            "rule",
            "alert dns any any -> any any (msg:\"PARTNER c2\"; dns.query; content:\"c2.example\"; sid:5; rev:1;)",
        ),
    ];
    let indicators: Vec<NewIndicator> = (0..)
        .zip(values)
        .map(|(number, (kind, value))| NewIndicator {
            name_there: format!("indicator--00000000-0000-4000-8000-{number:012}"),
            wanted: vec![Wanted::parse(kind, value).unwrap()],
            comment: if number % 2 == 0 {
                String::new()
            } else {
                "a botnet".to_owned()
            },
            tlp: Tlp::Green,
            until: (number == 2).then(|| Timestamp::now() + jiff::SignedDuration::from_hours(240)),
            revoked: false,
        })
        .collect();
    store
        .take_indicators("partner", &indicators, &[], Timestamp::now())
        .unwrap();
    let all = store.indicators(IndicatorState::Waiting, 0, 100).unwrap();
    let numbers: Vec<u32> = all.iter().map(|one| one.number).collect();
    store
        .decide_indicators("test", &numbers, IndicatorState::Approved, "by a person")
        .unwrap();
    // The rule is hit twice.
    let device = centre.enrolled_device_named("isp-b", [0x22; 16]);
    let hits: Vec<_> = (0..2)
        .map(|number| {
            let sid = rule::sid_of(*numbers.last().unwrap());
            Sample {
                sid,
                ..Sample::numbered(number)
            }
            .record()
        })
        .collect();
    centre.take(&store, &device, 0, &hits);
    worker::publish_all(&store, &ours).unwrap();
    feedback::false_positive(
        &store,
        &ours,
        "test",
        numbers[2],
        "sinkholed",
        Timestamp::now(),
    )
    .unwrap();
    let reader = Reader::new(routes(&store, Some(&ours)), "partner", &password);
    let mut objects = reader.taxii().await;
    objects.sort_by_key(|one| one["id"].to_string());
    objects.dedup_by_key(|one| one["id"].to_string());
    // STIX has no words for JA3; all others are there.
    let count = |kind: &str| objects.iter().filter(|one| one["type"] == kind).count();
    assert_eq!(
        (count("indicator"), count("sighting"), count("opinion")),
        (8, 2, 1),
        "{objects:#?}"
    );
    let bundle = json!({ "type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000000", "objects": objects });
    let path = centre.temporary.path().join("collections.json");
    std::fs::write(&path, bundle.to_string()).unwrap();
    let told = told(
        &script(&python, "stix_validate.py")
            .arg(&path)
            .output()
            .unwrap(),
    );
    assert_eq!(
        (&told["errors"], &told["warnings"]),
        (&json!([]), &json!([])),
        "{told:#}"
    );
}
