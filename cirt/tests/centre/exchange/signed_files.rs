//! Files between partners: signed by one, held against the key on file by the other.

use std::path::Path;
use std::process::Command;

use lapwing_cirt::exchange::openpgp;

/// Makes a key; its public half, armoured.
fn key(home: &Path, address: &str) -> String {
    std::fs::create_dir_all(home).unwrap();
    std::fs::set_permissions(home, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let gpg = |arguments: &[&str]| {
        let output = Command::new("gpg")
            .arg("--homedir")
            .arg(home)
            .args([
                "--batch",
                "--quiet",
                "--pinentry-mode",
                "loopback",
                "--passphrase",
                "",
            ])
            .args(arguments)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    gpg(&[
        "--quick-generate-key",
        address,
        "future-default",
        "default",
        "never",
    ]);
    gpg(&["--armor", "--export", address])
}

#[test]
fn only_the_signature_of_the_key_on_file_over_these_bytes_counts() {
    if Command::new("gpg").arg("--version").output().is_err() {
        super::support::skipped(Path::new("gpg"));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (home, other_home) = (folder.path().join("ours"), folder.path().join("other"));
    let ours = key(&home, "cirt@cirt.example");
    let other = key(&other_home, "mallory@other.example");
    let bytes = b"kind,value\ndomain,c2.example\n";
    let signature = openpgp::sign(&home, "cirt@cirt.example", bytes).unwrap();
    assert!(signature.contains("BEGIN PGP SIGNATURE"));
    openpgp::verify(&ours, &signature, bytes).unwrap();
    assert!(openpgp::verify(&ours, &signature, b"kind,value\ndomain,c3.example\n").is_err());
    assert!(
        openpgp::verify(&other, &signature, bytes).is_err(),
        "a key that is not on file"
    );
    let forged = openpgp::sign(&other_home, "mallory@other.example", bytes).unwrap();
    assert!(openpgp::verify(&ours, &forged, bytes).is_err());
    assert!(openpgp::verify(&ours, "nothing", bytes).is_err());
    assert!(openpgp::verify("no key", &signature, bytes).is_err());
    assert!(openpgp::sign(&home, "nobody@cirt.example", bytes).is_err());
}
