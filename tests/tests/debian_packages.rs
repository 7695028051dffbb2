//! The Debian packages: made from the built programs, installed into an empty folder, upgraded, removed and purged with the
//! real dpkg. State must outlive all but the purge.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use lapwing_tests::processes::run;
use lapwing_tests::programs::{program, workspace_root};

fn dpkg(root: &Path, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new("dpkg");
    command
        // Its own empty system; nothing of this machine is read or changed.
        .arg(format!("--root={}", root.display()))
        .args([
            "--force-not-root",
            "--force-depends",
            "--force-script-chrootless",
            "--force-architecture",
            "--log=/dev/null",
        ])
        .args(arguments);
    run(&mut command)
}

#[test]
fn packages_install_upgrade_and_purge() {
    if Command::new("dpkg-deb").arg("--version").output().is_err() {
        eprintln!("skipped: this is not Debian");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let built = folder.path().join("built");
    for name in ["lapwing", "lapwing-cirt"] {
        let mut command = Command::new(workspace_root().join("packaging/build-deb"));
        command
            .arg(name)
            .arg(program(name))
            .args(["amd64"])
            .arg(&built)
            .env("SOURCE_DATE_EPOCH", "1790000000")
            .env("LAPWING_DEB_COMPRESSION", "gzip");
        run(&mut command).unwrap();
    }
    let root = folder.path().join("root");
    fs::create_dir_all(root.join("var/lib/dpkg/info")).unwrap();
    fs::write(root.join("var/lib/dpkg/status"), "").unwrap();
    for name in ["lapwing", "lapwing-cirt"] {
        let deb = built.join(format!("{name}_{}_amd64.deb", env!("CARGO_PKG_VERSION")));
        let deb = deb.to_str().unwrap();
        dpkg(&root, &["--install", deb]).unwrap();
        for path in [
            format!("usr/bin/{name}"),
            format!("usr/lib/systemd/system/{name}.service"),
            format!("usr/share/man/man1/{name}.1.gz"),
            format!("usr/share/bash-completion/completions/{name}"),
            format!("usr/share/zsh/vendor-completions/_{name}"),
        ] {
            assert!(root.join(&path).is_file(), "{path} is missing");
        }
        if name == "lapwing" {
            for unit in ["lapwing-report.service", "lapwing-report.timer"] {
                let path = root.join("usr/lib/systemd/system").join(unit);
                assert!(path.is_file(), "{unit} is missing");
            }
        }
        let state = root.join("var/lib").join(name).join("identity");
        let settings = root.join("etc").join(name).join("sensor.toml");
        for path in [&state, &settings] {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "kept").unwrap();
        }
        // An upgrade, here to the same version, and a removal keep what was learned.
        dpkg(&root, &["--install", deb]).unwrap();
        dpkg(&root, &["--remove", name]).unwrap();
        assert!(!root.join(format!("usr/bin/{name}")).exists());
        assert_eq!(fs::read_to_string(&state).unwrap(), "kept");
        assert_eq!(fs::read_to_string(&settings).unwrap(), "kept");
        dpkg(&root, &["--install", deb]).unwrap();
        dpkg(&root, &["--purge", name]).unwrap();
        assert!(
            !state.exists() && !settings.exists(),
            "purging leaves keys behind"
        );
    }
}

#[test]
fn the_same_program_gives_the_same_package() {
    if Command::new("dpkg-deb").arg("--version").output().is_err() {
        eprintln!("skipped: this is not Debian");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let make = |name: &str| {
        let output = folder.path().join(name);
        let mut command = Command::new(workspace_root().join("packaging/build-deb"));
        command
            .arg("lapwing")
            .arg(program("lapwing"))
            .arg("amd64")
            .arg(&output)
            .env("SOURCE_DATE_EPOCH", "1790000000")
            .env("LAPWING_DEB_COMPRESSION", "gzip");
        run(&mut command).unwrap();
        fs::read(output.join(format!("lapwing_{}_amd64.deb", env!("CARGO_PKG_VERSION")))).unwrap()
    };
    assert!(make("one") == make("two"), "two builds differ");
}
