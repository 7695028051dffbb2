//! What the image's first process writes for the sensor, the sensor reads.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::time::Duration;

use lapwing_init::{sensor_settings, site_file};
use lapwing_sensor::settings;

const SITE: &str = "
[policy]
file = 'policy.signed'
isp_key = 'isp.pub'
ledger_key = 'ledger.pub'
pseudonym_keys = 'pseudonyms.keys'
[report]
key = 'ledger.key'
[outbox]
key_partition = 'lapwing-key'
key_file = 'north-1.key'
";

#[test]
fn the_sensor_reads_the_settings_of_the_image() {
    let site = site_file::parse(SITE).unwrap();
    let given = Path::new("/data/site");
    let text = sensor_settings::settings(&site, &["eth1".to_owned()], 1024, given, None);
    let read = settings::parse(&text, Path::new("/run/lapwing")).unwrap();
    let policy = read.policy.unwrap();
    let path = |name: &str| Some(Path::new("/data/site").join(name));
    // With the ledger key the sensor keeps what the weekly report is made of, and the report opens it with the other half.
    assert_eq!(policy.ledger_key, path("ledger.pub"));
    assert_eq!(policy.pseudonym_keys, path("pseudonyms.keys"));
    assert_eq!(policy.file, Path::new("/data/site/policy.signed"));
    assert_eq!(
        read.outbox_key_file.as_deref(),
        Some(Path::new("/run/lapwing/key/north-1.key"))
    );
    assert_eq!(read.capture.unwrap().interfaces, ["eth1"]);
    assert_eq!(read.window, Duration::from_secs(60));

    let plain = site_file::parse("").unwrap();
    let text = sensor_settings::settings(&plain, &[], 1024, given, None);
    let read = settings::parse(&text, Path::new("/run/lapwing")).unwrap();
    assert!(read.policy.is_none() && read.outbox_key_file.is_none());
    assert!(read.rules.root.is_none() && !read.rules.are_followed);
}

/// The image's root for rules is for sites that give none.
#[test]
fn rules_are_taken_from_whom_the_site_or_else_the_image_names() {
    let given = Path::new("/data/site");
    let of_image = Path::new("/usr/share/lapwing/rules-root.json");
    let rules = |site: &str| {
        let site = site_file::parse(site).unwrap();
        let text = sensor_settings::settings(&site, &[], 1024, given, Some(of_image));
        settings::parse(&text, Path::new("/run/lapwing"))
            .unwrap()
            .rules
    };
    let plain = rules("");
    assert_eq!(plain.root.as_deref(), Some(of_image));
    assert!(plain.are_followed && plain.starter.is_some());
    let own = rules("[rules]\nroot = 'north.json'\n");
    assert_eq!(own.root, Some(given.join("rules-root.json")));
}
