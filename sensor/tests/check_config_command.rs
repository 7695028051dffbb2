//! `lapwing check-config` on right and wrong settings.
#![allow(clippy::unwrap_used)]

mod program;

use std::fs;

use program::lapwing;

#[test]
fn wrong_settings_are_told_in_one_line_with_all_mistakes() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let check =
        |name: &str| lapwing(&["check-config", "--config", &path(name)]).failed_with_one_line();
    fs::write(
        path("wrong.toml"),
        "stat = 'x'\n[capture]\nbuffer = 5\n[uplink]\ncentres = ['nowhere']\n",
    )
    .unwrap();
    let line = check("wrong.toml");
    for expected in [
        "wrong.toml: ",
        "line 1: stat: unknown key; known here:",
        "state is missing",
        "line 3: capture.buffer: must be a text",
        "capture.interface is missing",
        "rules.pack is missing",
        "`nowhere` is not HOST:PORT",
    ] {
        assert!(line.contains(expected), "{expected}: {line}");
    }
    fs::write(path("random"), [0xff, 0x00, 0x80].repeat(1000)).unwrap();
    assert!(check("random").contains("cannot read the settings"));
    fs::write(path("large"), vec![b'#'; 1 << 20]).unwrap();
    assert!(check("large").contains("is it a settings file?"));
    assert!(check("missing").contains("cannot read the settings"));
    assert!(check("").contains("cannot read the settings"));
}

#[test]
fn what_the_settings_name_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("own.rules"), "").unwrap();
    let settings = "state = 'state'\n[rules]\nfiles = ['own.rules']\n[capture]\ninterface = 'lo'\n";
    fs::write(path("sensor.toml"), settings).unwrap();
    let said = lapwing(&["check-config", "--config", &path("sensor.toml")]).succeeded();
    assert!(
        said.contains("nothing leaves but heartbeats") && !said.contains("WRONG"),
        "{said}"
    );

    let wrong = "[policy]\nfile = 'p.signed'\nisp_key = 'isp.pub'\n";
    let wrong = settings
        .replace("'lo'", "'nosuch0'")
        .replace("own", "other")
        + wrong;
    fs::write(path("sensor.toml"), wrong).unwrap();
    let said = lapwing(&["check-config", "--config", &path("sensor.toml")]);
    assert_eq!(said.status, Some(1));
    for expected in [
        "there is no interface nosuch0",
        "other.rules: No such file",
        "cannot read",
        "isp.pub",
    ] {
        assert!(
            said.output.contains(expected),
            "{expected}: {}",
            said.output
        );
    }
    // Looking changes nothing.
    assert!(!folder.path().join("state").exists());
}
