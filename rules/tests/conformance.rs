//! Every rule file of the conformance corpus, against what the reference refused. Runs where `LAPWING_CONFORMANCE` names the corpus.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "the totals are the point of the run")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use lapwing_rules::{
    Compiled, Counts, Settings, compile,
    source::{Catalogue, Source},
};

fn corpus() -> Option<PathBuf> {
    let corpus = std::env::var_os("LAPWING_CONFORMANCE").map(PathBuf::from);
    if corpus.is_none() {
        eprintln!("skipped: LAPWING_CONFORMANCE does not name the conformance corpus");
    }
    corpus
}

fn settings(corpus: &Path) -> Settings {
    let read = |name: &str| fs::read_to_string(corpus.join("rules").join(name)).unwrap();
    let mut catalogue = Catalogue::default();
    catalogue
        .read_classification(&read("classification.config"))
        .unwrap();
    catalogue
        .read_references(&read("reference.config"))
        .unwrap();
    Settings {
        catalogue,
        ..Settings::default()
    }
}

fn compile_file(path: &Path, settings: &Settings) -> Compiled {
    let source = Source {
        name: path.display().to_string().into(),
        bytes: fs::read(path).unwrap(),
    };
    compile(&[source], settings)
}

#[test]
fn every_rule_of_the_large_set_parses() {
    let Some(corpus) = corpus() else { return };
    let compiled = compile_file(&corpus.join("rules/et.rules"), &settings(&corpus));
    let refused: Vec<String> = compiled
        .diagnostics
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(compiled.counts.refused, 0, "{refused:#?}");
    let counts = compiled.counts;
    eprintln!(
        "et.rules: {counts:?}, pack of {} bytes",
        compiled.pack.len()
    );
    assert_eq!(counts.compiled + counts.unsupported, 20_018);
}

#[test]
fn rule_files_are_refused_as_the_reference_refused_them() {
    let Some(corpus) = corpus() else { return };
    let settings = settings(&corpus);
    let mut expected: BTreeMap<String, usize> = BTreeMap::new();
    for truth in ["own.jsonl", "own-extra.jsonl"] {
        for line in fs::read_to_string(corpus.join("truth").join(truth))
            .unwrap()
            .lines()
        {
            let case: serde_json::Value = serde_json::from_str(line).unwrap();
            let unloadable = case["unloadable"].as_u64().unwrap_or_default();
            if let Some(rules) = case["rules"].as_str() {
                expected.insert(rules.to_owned(), usize::try_from(unloadable).unwrap());
            }
        }
    }
    let mut totals = Counts::default();
    let (mut files, mut different) = (0, Vec::new());
    for (name, unloadable) in expected {
        let path = [corpus.join("corpus").join(&name), corpus.join(&name)]
            .into_iter()
            .find(|path| path.is_file());
        let Some(path) = path else { continue };
        let compiled = compile_file(&path, &settings);
        files += 1;
        totals.compiled += compiled.counts.compiled;
        totals.unsupported += compiled.counts.unsupported;
        totals.refused += compiled.counts.refused;
        if compiled.counts.refused != unloadable {
            let lines: Vec<String> = compiled
                .diagnostics
                .iter()
                .map(ToString::to_string)
                .collect();
            let what = format!(
                "{name}: refused {} instead of {unloadable}: {lines:#?}",
                compiled.counts.refused
            );
            different.push((name, what));
        }
    }
    eprintln!(
        "{files} rule files: {totals:?}; {} differ from the reference",
        different.len()
    );
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/conformance.md");
    let page = fs::read_to_string(page).unwrap();
    let unexplained: Vec<&String> = different
        .iter()
        .filter(|(name, _)| !page.contains(&format!("| {name} |")))
        .map(|(_, what)| what)
        .collect();
    assert!(files > 300, "only {files} rule files were found");
    assert!(
        unexplained.is_empty(),
        "docs/conformance.md does not explain: {unexplained:#?}"
    );
}
