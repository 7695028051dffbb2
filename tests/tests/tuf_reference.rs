//! Our repository held against the reference implementation of TUF, in both directions: its client takes what
//! `lapwing-cirt` publishes, and `lapwing` takes what its metadata API writes.
//!
//! `tools/setup` installs it (PyPI `tuf`) beside the built programs; where there is no network the tests say that they were
//! skipped.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use lapwing_tests::cases::starter_rules;
use lapwing_tests::processes::run;
use lapwing_tests::programs::{program, workspace_root};
use serde_json::Value;
use tempfile::TempDir;

/// The interpreter that has the reference implementation, or nothing to run the test with.
fn python() -> Option<PathBuf> {
    let folder = program("lapwing").parent()?.parent()?.join("python-tuf");
    let python = folder.join("bin/python");
    let is_there = Command::new(&python)
        .args(["-c", "import tuf.ngclient"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !is_there {
        skipped(&folder);
        return None;
    }
    Some(python)
}

#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn skipped(folder: &Path) {
    eprintln!(
        "skipped: the reference implementation of TUF is not in {}; tools/setup installs it",
        folder.display()
    );
}

fn tool(python: &Path, name: &str) -> Command {
    let mut command = Command::new(python);
    command.arg(workspace_root().join("tests/tools/tuf").join(name));
    command
}

fn words(command: &str) -> impl Iterator<Item = &str> {
    command.split_whitespace()
}

/// A centre that has a repository with two root keys, both needed.
struct Centre {
    temporary: TempDir,
}

impl Centre {
    fn new() -> Self {
        let centre = Self {
            temporary: tempfile::tempdir().unwrap(),
        };
        let data = centre.path("data");
        run(Command::new(program("lapwing-cirt"))
            .args(["init", "--data"])
            .arg(data))
        .unwrap();
        let mut init = centre.rules("init --threshold 2");
        for key in ["a.key", "b.key"] {
            init.arg("--new-root-key").arg(centre.path(key));
        }
        run(&mut init).unwrap();
        centre
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temporary.path().join(name)
    }

    fn repository(&self) -> PathBuf {
        self.path("data/rules/repository")
    }

    fn rules(&self, arguments: &str) -> Command {
        let mut command = Command::new(program("lapwing-cirt"));
        command.arg("rules").arg("--data").arg(self.path("data"));
        command.args(words(arguments));
        command
    }

    /// Publishes so many of the starter rules' files.
    fn publish(&self, files: usize) {
        let rules = starter_rules().unwrap();
        run(self.rules("publish").args(&rules[..files])).unwrap();
    }

    /// One update of the reference client, which keeps what it believes; its answer.
    fn update(&self, python: &Path, target: &str) -> Value {
        let mut command = tool(python, "update.py");
        command
            .arg(self.repository())
            .arg(self.path("client"))
            .arg(target);
        let output = command.output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
    }
}

/// A site that trusts the first root of a repository.
struct Site {
    temporary: TempDir,
    repository: PathBuf,
}

impl Site {
    fn new(repository: PathBuf) -> Self {
        Self {
            temporary: tempfile::tempdir().unwrap(),
            repository,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temporary.path().join(name)
    }

    fn trust(&self) {
        fs::copy(
            self.repository.join("metadata/1.root.json"),
            self.path("root.json"),
        )
        .unwrap();
    }

    fn command(&self, arguments: &str) -> Output {
        let mut command = Command::new(program("lapwing"));
        command
            .arg("rules")
            .args(words(arguments))
            .arg(&self.repository);
        command.arg("--root").arg(self.path("root.json"));
        command.arg("--pack").arg(self.path("rules.pack"));
        command.output().unwrap()
    }

    /// The one line that an update prints.
    fn update(&self) -> String {
        let output = self.command("update --from");
        let line = String::from_utf8(output.stdout).unwrap();
        assert_eq!(
            output.status.success(),
            !line.starts_with("REFUSED"),
            "{line}"
        );
        assert_eq!(
            line.lines().count(),
            1,
            "{line}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        line
    }
}

/// A canonical pack of so many of the starter rules' files.
fn canonical(folder: &Path, files: usize) -> PathBuf {
    let path = folder.join(format!("{files}.canonical"));
    let rules = starter_rules().unwrap();
    let mut compile = Command::new(program("lapwing"));
    compile
        .args(["rules", "compile", "--output"])
        .arg(folder.join("x.pack"));
    compile.arg("--canonical").arg(&path).args(&rules[..files]);
    run(&mut compile).unwrap();
    path
}

#[test]
fn the_reference_client_takes_what_the_centre_publishes() {
    let Some(python) = python() else { return };
    let centre = Centre::new();
    centre.publish(1);
    let first = centre.update(&python, "rules.pack");
    assert_eq!(
        (&first["root"], &first["timestamp"]),
        (&1.into(), &2.into()),
        "{first}"
    );
    let taken = fs::read(first["path"].as_str().unwrap()).unwrap();
    assert_eq!(
        taken,
        fs::read(canonical(centre.temporary.path(), 1)).unwrap()
    );

    centre.publish(2);
    run(&mut centre.rules("refresh")).unwrap();
    let second = centre.update(&python, "rules.pack");
    assert_eq!(
        (&second["timestamp"], &second["targets"]),
        (&4.into(), &3.into()),
        "{second}"
    );
    let taken = fs::read(second["path"].as_str().unwrap()).unwrap();
    assert_eq!(
        taken,
        fs::read(canonical(centre.temporary.path(), 2)).unwrap()
    );

    // The delta is a target like any other.
    let targets = fs::read_to_string(centre.repository().join("metadata/3.targets.json")).unwrap();
    let targets: Value = serde_json::from_str(&targets).unwrap();
    let names = targets["signed"]["targets"].as_object().unwrap().keys();
    let delta = names
        .into_iter()
        .find(|name| name.starts_with("deltas/"))
        .unwrap();
    assert!(centre.update(&python, delta)["path"].is_string());
}

#[test]
fn the_reference_client_follows_new_keys() {
    let Some(python) = python() else { return };
    let centre = Centre::new();
    centre.publish(1);
    centre.update(&python, "rules.pack");
    let key = centre.path("c");
    run(centre.rules("keygen --out").arg(key.with_extension("key"))).unwrap();
    let mut rotate = centre.rules("rotate --role timestamp --role snapshot --role targets");
    rotate.arg("--add").arg(key.with_extension("pub"));
    for key in ["a.key", "b.key"] {
        rotate.arg("--sign-with").arg(centre.path(key));
    }
    run(&mut rotate).unwrap();
    centre.publish(3);
    let taken = centre.update(&python, "rules.pack");
    assert_eq!(taken["root"], 2, "{taken}");
    assert!(taken["path"].is_string(), "{taken}");
}

#[test]
fn the_reference_client_refuses_what_ours_refuses() {
    let Some(python) = python() else { return };
    let centre = Centre::new();
    let site = Site::new(centre.repository());
    centre.publish(1);
    site.trust();
    centre.update(&python, "rules.pack");
    site.update();
    let timestamp = centre.repository().join("metadata/timestamp.json");
    let old = fs::read(&timestamp).unwrap();
    centre.publish(2);
    assert!(centre.update(&python, "rules.pack")["path"].is_string());
    site.update();
    let new = fs::read(&timestamp).unwrap();

    fs::write(&timestamp, &old).unwrap();
    assert_eq!(
        centre.update(&python, "rules.pack")["refused"],
        "BadVersionNumberError"
    );
    assert!(site.update().contains("was seen before"));

    let forged = String::from_utf8(new.clone())
        .unwrap()
        .replace("\"version\": 3", "\"version\": 9");
    fs::write(&timestamp, forged).unwrap();
    assert_eq!(
        centre.update(&python, "rules.pack")["refused"],
        "UnsignedMetadataError"
    );
    assert!(site.update().contains("does not fit"));
    fs::write(&timestamp, new).unwrap();
    assert!(site.update().starts_with("CURRENT"));
}

#[test]
fn we_take_what_the_reference_implementation_writes() {
    let Some(python) = python() else { return };
    let temporary = tempfile::tempdir().unwrap();
    let site = Site::new(temporary.path().join("repository"));
    let make = |step: &str, pack: &Path| {
        run(tool(&python, "make.py")
            .arg(step)
            .arg(&site.repository)
            .arg(pack))
        .unwrap();
    };
    let pack = |files| canonical(temporary.path(), files);
    make("first", &pack(1));
    site.trust();
    assert!(site.update().starts_with("UPDATED"));
    make("next", &pack(2));
    let line = site.update();
    assert!(
        line.starts_with("UPDATED") && line.contains("timestamp 2 "),
        "{line}"
    );
    make("rotate", &pack(3));
    let line = site.update();
    assert!(
        line.starts_with("UPDATED") && line.contains("timestamp 3 "),
        "{line}"
    );
    assert!(site.update().starts_with("CURRENT"));
}

#[test]
fn we_refuse_what_the_reference_implementation_lets_end() {
    let Some(python) = python() else { return };
    let temporary = tempfile::tempdir().unwrap();
    let site = Site::new(temporary.path().join("repository"));
    let pack = canonical(temporary.path(), 1);
    for (step, begins) in [("first", "UPDATED"), ("expired", "REFUSED: timestamp.json")] {
        run(tool(&python, "make.py")
            .arg(step)
            .arg(&site.repository)
            .arg(&pack))
        .unwrap();
        if step == "first" {
            site.trust();
        }
        let line = site.update();
        assert!(line.starts_with(begins), "{line}");
    }
    assert!(site.path("rules.pack").is_file());
}

#[test]
fn we_take_a_repository_without_consistent_snapshots() {
    let Some(python) = python() else { return };
    let temporary = tempfile::tempdir().unwrap();
    let site = Site::new(temporary.path().join("repository"));
    let pack = canonical(temporary.path(), 1);
    run(tool(&python, "make.py")
        .arg("flat")
        .arg(&site.repository)
        .arg(&pack))
    .unwrap();
    site.trust();
    assert!(site.update().starts_with("UPDATED"));
}
