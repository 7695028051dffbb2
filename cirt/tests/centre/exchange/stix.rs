//! Bundles, as the validator of OASIS' open repository sees them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lapwing_cirt::exchange::{PeerKind, Tlp, Way, release, stix};

use super::support::{all_findings, centre, peer, producer, python, script, told};

#[test]
fn the_same_findings_are_the_same_objects() {
    let centre = centre(10);
    let (store, producer) = (centre.store(), producer(&centre));
    peer(&store, "partner", PeerKind::Cirt, Tlp::Amber);
    let now = Timestamp::now();
    let write = || {
        let findings = all_findings(&store, &producer);
        stix::bundle(
            &producer,
            &release(&store, "partner", Way::Stix, now, findings).unwrap(),
            now,
        )
    };
    let bundle = write();
    assert_eq!(bundle, write());
    let bundle: serde_json::Value = serde_json::from_str(&bundle).unwrap();
    let mut kinds = BTreeMap::<&str, usize>::new();
    for object in bundle["objects"].as_array().unwrap() {
        *kinds.entry(object["type"].as_str().unwrap()).or_default() += 1;
    }
    assert_eq!(
        (kinds["observed-data"], kinds["indicator"], kinds["report"]),
        (10, 3, 1)
    );
    // Of ten findings two are of the rule whose text nobody imported.
    assert_eq!(kinds["sighting"], 8);
    let sighting = bundle["objects"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["type"] == "sighting")
        .unwrap();
    assert_eq!(sighting["count"], 3);
}

#[test]
fn the_validator_accepts_bundles_in_strict_mode() {
    let Some(python) = python("python-exchange") else {
        return;
    };
    let centre = centre(40);
    let (store, producer) = (centre.store(), producer(&centre));
    peer(&store, "partner", PeerKind::Own, Tlp::AmberStrict);
    for (finding, tlp) in all_findings(&store, &producer)
        .iter()
        .zip(Tlp::ALL.into_iter().cycle())
    {
        use lapwing_cirt::exchange::Shareable as _;
        store.mark("test", finding.subject(), tlp).unwrap();
    }
    let now = Timestamp::now();
    let released = release(
        &store,
        "partner",
        Way::Stix,
        now,
        all_findings(&store, &producer),
    )
    .unwrap();
    let path = centre.temporary.path().join("bundle.json");
    std::fs::write(&path, stix::bundle(&producer, &released, now)).unwrap();
    let told = told(
        &script(&python, "stix_validate.py")
            .arg(&path)
            .output()
            .unwrap(),
    );
    assert_eq!(told["errors"], serde_json::json!([]), "{told:#}");
    assert_eq!(told["warnings"], serde_json::json!([]), "{told:#}");
    assert!(told["objects"].as_u64().unwrap() > 100, "{told:#}");
}
