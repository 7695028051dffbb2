//! What a fuzzer and the tests of mutated rules drive: text in, a pack out that opens, and every lint over it.

use crate::{
    Level, Settings, compile,
    lint::{Selection, check},
    pack::{CanonicalPack, Pack},
    source::{Language, Source},
};

/// Compiles and checks bytes as a rule file; what stands behind their first zero byte is a `threshold.config`, what stands behind the
/// second a list of indicators.
///
/// # Panics
/// Where a promise is broken: that whatever is written opens, and that every rule is counted.
#[doc(hidden)]
pub fn fuzz_entry(bytes: &[u8]) {
    let mut parts = bytes.splitn(3, |byte| *byte == 0);
    let mut source = |name: &str| {
        parts.next().map(|bytes| Source {
            name: name.into(),
            bytes: bytes.to_vec(),
        })
    };
    let rules: Vec<Source> = source("rules").into_iter().collect();
    let settings = Settings {
        // It has the keywords of all versions.
        language: Language::Version8,
        thresholds: source("threshold.config").into_iter().collect(),
        indicators: source("indicators").into_iter().collect(),
        ..Settings::default()
    };
    let compiled = compile(&rules, &settings);
    let errors = compiled
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.level == Level::Error);
    assert!(
        errors.count() >= compiled.counts.refused,
        "a refusal has no reason"
    );
    let pack = Pack::from_bytes(compiled.pack);
    // Each list of indicators has a rule of its own.
    let rule_count = pack
        .as_ref()
        .map(|pack| pack.rule_count() as usize - pack.indicators().lists().count());
    assert!(
        rule_count.is_ok_and(|count| count == compiled.counts.compiled),
        "what was compiled does not open"
    );
    assert!(
        CanonicalPack::from_bytes(compiled.canonical).is_ok(),
        "the canonical pack does not open"
    );
    let selection = Selection::default().from_level(Level::Note);
    let checked = check(&rules, &settings, &selection);
    for diagnostic in compiled.diagnostics.iter().chain(&checked.diagnostics) {
        assert!(
            !diagnostic.with_source().is_empty(),
            "a remark says nothing"
        );
    }
}
