//! `lapwing policy` as an ISP's engineer uses it, right and wrong.
#![allow(clippy::unwrap_used)]

mod program;

use std::fs;

use program::{Said, lapwing};

#[test]
fn from_key_and_template_to_a_signed_policy() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    lapwing(&["policy", "keygen", "--out", &path("isp.key")]).succeeded();
    fs::write(
        path("policy.toml"),
        lapwing(&["policy", "template"]).succeeded(),
    )
    .unwrap();
    lapwing(&["policy", "check", &path("policy.toml")]).succeeded();
    lapwing(&[
        "policy",
        "sign",
        "--key",
        &path("isp.key"),
        &path("policy.toml"),
    ])
    .succeeded();
    let public = path("isp.pub");
    let checked = lapwing(&[
        "policy",
        "check",
        "--isp-key",
        &public,
        &path("policy.signed"),
    ])
    .succeeded();
    assert!(
        checked.contains("policy 1 is right, validly signed"),
        "{checked}"
    );
    let explained = lapwing(&[
        "policy",
        "explain",
        "--isp-key",
        &public,
        &path("policy.signed"),
    ])
    .succeeded();
    assert!(
        explained.contains("Payload and packets: never leave."),
        "{explained}"
    );
}

#[test]
fn what_is_wrong_is_one_line_each() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    lapwing(&["policy", "keygen", "--out", &path("isp.key")]).succeeded();
    lapwing(&["policy", "keygen", "--out", &path("other.key")]).succeeded();
    fs::write(
        path("policy.toml"),
        lapwing(&["policy", "template"]).succeeded(),
    )
    .unwrap();
    fs::write(
        path("wrong.toml"),
        "format = 1\nserial = 'one'\npayload = true\n",
    )
    .unwrap();
    fs::write(path("broken.toml"), "format = = 1\n").unwrap();
    fs::write(path("random"), [0xff, 0x00, 0x80].repeat(1000)).unwrap();
    lapwing(&[
        "policy",
        "sign",
        "--key",
        &path("other.key"),
        &path("policy.toml"),
    ])
    .succeeded();

    let one_line = |arguments: &[&str], expected: &[&str]| {
        let line = lapwing(arguments).failed_with_one_line();
        for expected in expected {
            assert!(line.contains(expected), "{expected}: {line}");
        }
    };
    one_line(
        &["policy", "check", &path("missing")],
        &["cannot read", "missing"],
    );
    one_line(&["policy", "check", &path("random")], &["is not text"]);
    one_line(
        &["policy", "check", &folder.path().display().to_string()],
        &["cannot read"],
    );
    one_line(
        &["policy", "check", &path("broken.toml")],
        &["broken.toml", "line 1"],
    );
    one_line(
        &["policy", "check", &path("wrong.toml")],
        &[
            "line 2: serial",
            "line 3: payload: unknown key",
            "site is missing",
        ],
    );
    one_line(
        &[
            "policy",
            "sign",
            "--key",
            &path("isp.key"),
            &path("wrong.toml"),
        ],
        &["payload: unknown key"],
    );
    one_line(
        &[
            "policy",
            "sign",
            "--key",
            &path("isp.pub"),
            &path("policy.toml"),
        ],
        &["not an Ed25519 private key"],
    );
    one_line(
        &["policy", "keygen", "--out", &path("isp.key")],
        &["cannot write", "isp.key"],
    );
    one_line(
        &["policy", "explain", &path("policy.signed")],
        &["--isp-key"],
    );
    one_line(
        &[
            "policy",
            "explain",
            "--isp-key",
            &path("isp.pub"),
            &path("policy.signed"),
        ],
        &["not validly signed by the ISP's key"],
    );
    one_line(
        &[
            "policy",
            "explain",
            "--isp-key",
            &path("random"),
            &path("policy.signed"),
        ],
        &["is not a public key"],
    );
}

#[test]
fn a_wrong_command_line_is_one_line_and_status_2() {
    for arguments in [
        &["policy", "sgin"] as &[&str],
        &["nonsense"],
        &["policy", "sign"],
        &["run"],
        &["policy", "check", "a", "b"],
    ] {
        let Said { status, errors, .. } = lapwing(arguments);
        assert_eq!(status, Some(2), "{errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
    }
}
