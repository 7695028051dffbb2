//! OpenPGP by the program `gpg`, as a process of its own with a folder of its own: the keys that staff already handle with it.
//!
//! The centre's own key is made (or put) there by staff: `gpg --homedir DIR --quick-generate-key ADDRESS`. A recipient's key is given
//! with each call and used for that call only; the program's web of trust plays no part, because staff put the key on file.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Why nothing was encrypted.
#[derive(Debug, thiserror::Error)]
pub enum OpenPgpError {
    #[error("cannot run gpg: is it installed?")]
    Run(#[source] std::io::Error),
    #[error("gpg refused: {0}")]
    Refused(String),
}

/// Signs as `signer` and encrypts to the key in `key`, armoured.
///
/// # Errors
/// When gpg is absent or refuses, for example because a key has expired.
pub(super) fn encrypt(
    home: &Path,
    signer: &str,
    key: &str,
    plain: &[u8],
) -> Result<String, OpenPgpError> {
    let folder = std::env::temp_dir().join(format!(
        "lapwing-openpgp-{}",
        uuid::Builder::from_random_bytes(rand::random()).into_uuid()
    ));
    let file = folder.join("recipient.asc");
    let prepared = std::fs::create_dir(&folder).and_then(|()| std::fs::write(&file, key));
    let result = prepared.map_err(OpenPgpError::Run).and_then(|()| {
        let mut command = Command::new("gpg");
        command
            .arg("--homedir")
            .arg(home)
            .args([
                "--batch",
                "--no-tty",
                "--quiet",
                "--armor",
                "--trust-model",
                "always",
                "--sign",
                "--encrypt",
                "--local-user",
            ])
            .arg(signer)
            .arg("--recipient-file")
            .arg(&file);
        run(&mut command, plain)
    });
    // What is left behind holds a public key; its absence matters to nobody.
    drop(std::fs::remove_dir_all(&folder));
    result
}

fn run(command: &mut Command, input: &[u8]) -> Result<String, OpenPgpError> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(OpenPgpError::Run)?;
    let mut stdin = child.stdin.take();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.as_mut().map(|stdin| stdin.write_all(input)));
        child.wait_with_output()
    })
    .map_err(OpenPgpError::Run)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if !output.status.success() {
        return Err(OpenPgpError::Refused(
            text(&output.stderr).replace('\n', "; "),
        ));
    }
    Ok(text(&output.stdout).replace('\n', "\r\n") + "\r\n")
}
