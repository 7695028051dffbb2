//! Names of events: what the rule language says is raised is raised by some code, and nothing else is.
#![allow(clippy::unwrap_used)]

use std::{fs, path::Path};

use lapwing_rules::source::support;

/// The texts of all files of code below a folder.
fn code_below(folder: &Path, texts: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            code_below(&path, texts);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            texts.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

/// Whether some code names an event, by its full name or within its protocol.
fn is_named(code: &str, name: &str) -> bool {
    let event = name.split_once('.').map_or(name, |(_, event)| event);
    code.contains(&format!("\"{name}\"")) || code.contains(&format!("\"{event}\""))
}

#[test]
fn every_event_is_raised_or_listed_as_not_raised() {
    let mut code = String::new();
    code_below(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut code,
    );
    let missing: Vec<String> = support::raised_events()
        .filter(|name| !is_named(&code, name))
        .collect();
    assert_eq!(missing, [""; 0], "said to be raised, and by nothing");
    let raised: Vec<&str> = support::unraised_events()
        .filter(|name| {
            code.contains(&format!(
                "\"{}\"",
                name.split_once('.').map_or(*name, |(_, event)| event)
            ))
        })
        .collect();
    // These names stand for another protocol's event as well.
    assert_eq!(
        raised,
        ["dnp3.flooded", "ike.malformed_data"],
        "said not to be raised, and some code names it"
    );
}

#[test]
fn every_event_of_the_table_is_run_or_refused_with_its_reason() {
    for name in support::raised_events() {
        assert_eq!(support::event(&name), Ok(()), "{name}");
    }
    for name in support::unraised_events() {
        assert!(support::event(name).is_err(), "{name}");
    }
}
