//! One file a format: what it looks like (golden outputs), and what programs of others make of it.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use lapwing_cirt::exchange::{
    PeerKind, Producer, Released, SharedFinding, Tlp, Way, classification, csv, eve, idea, intelmq,
    iodef, misp, release, syslog,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::support::{all_findings, centre, fixed_producer, peer, python, script, told};
use crate::support::TestCentre;

/// When documents are made that say when they were.
const NOW: &str = "2026-05-02T00:00:00Z";

struct Made {
    centre: TestCentre,
    producer: Producer,
    folder: TempDir,
}

impl Made {
    fn new() -> Self {
        let centre = centre(5);
        let producer = fixed_producer();
        peer(&centre.store(), "partner", PeerKind::Cirt, Tlp::Amber);
        Self {
            centre,
            producer,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn released(&self, way: Way) -> Released<SharedFinding> {
        let store = self.centre.store();
        let findings = all_findings(&store, &self.producer);
        release(&store, "partner", way, Timestamp::now(), findings).unwrap()
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

/// Compares with what a reviewer has seen; `UPDATE_EXPECT=1` writes it anew.
fn compare(name: &str, bytes: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/centre/golden/exchange")
        .join(name);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
    }
    let known = std::fs::read(&path).unwrap_or_default();
    assert!(
        known == bytes,
        "{name} is another: UPDATE_EXPECT=1 writes it anew if that is meant"
    );
}

#[test]
fn the_formats_stay() {
    let made = Made::new();
    let producer = &made.producer;
    let now = NOW.parse().unwrap();
    let lines = |messages: Vec<String>| messages.join("\n") + "\n";
    compare(
        "findings.csv",
        &csv::findings(&made.released(Way::Csv)).unwrap(),
    );
    compare("eve.json", eve::alerts(&made.released(Way::Eve)).as_bytes());
    compare(
        "idea.json",
        idea::events(producer, &made.released(Way::Idea)).as_bytes(),
    );
    compare(
        "intelmq.json",
        intelmq::events(producer, &made.released(Way::IntelMq)).as_bytes(),
    );
    compare(
        "iodef.xml",
        &iodef::document(producer, &made.released(Way::Iodef), now).unwrap(),
    );
    compare(
        "syslog.txt",
        lines(syslog::messages(producer, &made.released(Way::Syslog))).as_bytes(),
    );
    let feed = misp::feed(producer, &made.released(Way::Misp), None);
    let pretty = |text: &str| {
        serde_json::to_string_pretty(&serde_json::from_str::<Value>(text).unwrap()).unwrap()
    };
    compare("misp-manifest.json", pretty(&feed.manifest).as_bytes());
    compare(
        "misp-event.json",
        pretty(feed.events.values().next().unwrap()).as_bytes(),
    );
}

#[test]
fn intelmq_idea_and_syslog_are_read() {
    let Some(python) = python("python-intelmq") else {
        return;
    };
    let made = Made::new();
    let lines = syslog::messages(&made.producer, &made.released(Way::Syslog)).join("\n");
    for (name, text) in [
        (
            "intelmq_check.py",
            intelmq::events(&made.producer, &made.released(Way::IntelMq)),
        ),
        (
            "idea_check.py",
            idea::events(&made.producer, &made.released(Way::Idea)),
        ),
        ("syslog_check.py", lines),
    ] {
        let told = told(
            &script(&python, name)
                .arg(made.file(name, text))
                .output()
                .unwrap(),
        );
        assert_eq!(
            (&told["events"], &told["problems"]),
            (&json!(5), &json!([])),
            "{name}"
        );
    }
    // Every class that findings can have is one that IntelMQ knows.
    let events: String = classification::all()
        .into_iter()
        .map(|one| {
            let event = json!({
                "__type": "Event", "classification.type": one.kind, "classification.taxonomy": one.class,
                "feed.name": "test", "time.observation": NOW, "raw": "",
            });
            format!("{event}\n")
        })
        .collect();
    let told = told(
        &script(&python, "intelmq_check.py")
            .arg(made.file("classes", events))
            .output()
            .unwrap(),
    );
    assert_eq!(
        (&told["events"], &told["problems"]),
        (&json!(classification::all().len()), &json!([]))
    );
}

#[test]
fn the_schema_of_the_rfc_accepts_documents() {
    let Some(python) = python("python-exchange") else {
        return;
    };
    let schema = python.ancestors().nth(3).unwrap().join("iodef-schema");
    if !schema.join("iodef-2.0.xsd").is_file() {
        super::support::skipped(&schema);
        return;
    }
    let made = Made::new();
    let good = iodef::document(
        &made.producer,
        &made.released(Way::Iodef),
        NOW.parse().unwrap(),
    )
    .unwrap();
    let bad = String::from_utf8(good.clone())
        .unwrap()
        .replace("GenerationTime", "GeneratedTime");
    let told = told(
        &script(&python, "iodef_validate.py")
            .arg(schema)
            .arg(made.file("good.xml", &good))
            .arg(made.file("bad.xml", bad))
            .output()
            .unwrap(),
    );
    assert_eq!(told[0], json!([]));
    assert_ne!(told[1], json!([]), "the schema is blind");
}

#[test]
fn pymisp_loads_the_feed_and_its_hashes_match() {
    let Some(python) = python("python-exchange") else {
        return;
    };
    let made = Made::new();
    let feed = misp::feed(&made.producer, &made.released(Way::Misp), None);
    made.file("manifest.json", &feed.manifest);
    made.file("hashes.csv", &feed.hashes);
    for (uuid, event) in &feed.events {
        made.file(&format!("{uuid}.json"), event);
    }
    let told = told(
        &script(&python, "misp_check.py")
            .arg(made.folder.path())
            .output()
            .unwrap(),
    );
    assert_eq!(told["problems"], json!([]), "{told:#}");
    assert_eq!(told["events"], 4);
    let tags = told["tags"].as_array().unwrap();
    for tag in [
        "tlp:amber",
        "rsit:malicious-code=\"infected-system\"",
        "misp-galaxy:rsit=\"Malicious Code:Infected System\"",
    ] {
        assert!(tags.contains(&json!(tag)), "{tags:?}");
    }
}
