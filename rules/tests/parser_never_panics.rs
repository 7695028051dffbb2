//! Rules that were cut, mixed and changed: the parser answers, and what it takes makes a pack that opens.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use lapwing_rules::{Settings, compile, pack::Pack, source::Source};
use proptest::prelude::*;

const RULES: &[&str] = &[
    include_str!("diagnostics/accepted.rules"),
    include_str!("diagnostics/refused.rules"),
];

fn compile_text(bytes: Vec<u8>) {
    let source = Source {
        name: "test".into(),
        bytes,
    };
    let compiled = compile(&[source], &Settings::default());
    let pack = Pack::from_bytes(compiled.pack).unwrap();
    assert_eq!(pack.rule_count() as usize, compiled.counts.compiled);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn mutated_rules(
        file in any::<proptest::sample::Index>(),
        line in any::<proptest::sample::Index>(),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..4),
        inserted in proptest::option::of((any::<proptest::sample::Index>(), any::<proptest::sample::Index>())),
    ) {
        let lines: Vec<&str> = RULES[file.index(RULES.len())].lines().collect();
        let mut bytes = line.get(&lines).as_bytes().to_vec();
        if let Some((other, place)) = inserted {
            let other = other.get(&lines).as_bytes().to_vec();
            let place = place.index(bytes.len());
            bytes.splice(place..place, other);
        }
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        compile_text(bytes);
    }

    #[test]
    fn any_options(text in "alert (tcp|http|dns) any any -> any any \\(([a-z_.]{1,12}(:[\"!|,0-9a-z \\\\/]{0,20})?;){0,6} sid:1;\\)") {
        compile_text(text.into_bytes());
    }

    #[test]
    fn any_bytes(bytes: Vec<u8>) {
        compile_text(bytes);
    }
}
