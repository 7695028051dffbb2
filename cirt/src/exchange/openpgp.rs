//! OpenPGP by the program `gpg`, as a process of its own with a folder of its own: the keys that staff already handle with it.
//!
//! The centre's own key is made (or put) there by staff: `gpg --homedir DIR --quick-generate-key ADDRESS`. A recipient's key is given
//! with each call and used for that call only; the program's web of trust plays no part, because staff put the key on file.

use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Why nothing was signed, encrypted or verified.
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
pub fn encrypt(home: &Path, signer: &str, key: &str, plain: &[u8]) -> Result<String, OpenPgpError> {
    let folder = Folder::with("recipient.asc", key)?;
    let mut command = gpg(home);
    command
        .args([
            "--armor",
            "--trust-model",
            "always",
            "--sign",
            "--encrypt",
            "--local-user",
        ])
        .arg(signer)
        .arg("--recipient-file")
        .arg(folder.0.join("recipient.asc"));
    run(&mut command, plain)
}

/// A signature of `signer` over bytes that stay as they are, armoured.
///
/// # Errors
/// When gpg is absent or refuses, for example because there is no such key.
pub fn sign(home: &Path, signer: &str, bytes: &[u8]) -> Result<String, OpenPgpError> {
    let mut command = gpg(home);
    command
        .args(["--armor", "--detach-sign", "--local-user"])
        .arg(signer);
    run(&mut command, bytes)
}

/// Checks a signature over bytes: it must be of the key in `key`, armoured, and no other.
///
/// # Errors
/// When it is not, or gpg is absent.
pub fn verify(key: &str, signature: &str, bytes: &[u8]) -> Result<(), OpenPgpError> {
    let folder = Folder::with("signer.asc", key)?;
    let signature_file = folder.0.join("signature.asc");
    std::fs::write(&signature_file, signature).map_err(OpenPgpError::Run)?;
    // A ring that holds this key alone: whatever it accepts is of this key.
    run(
        gpg(&folder.0)
            .arg("--import")
            .arg(folder.0.join("signer.asc")),
        &[],
    )?;
    let mut command = gpg(&folder.0);
    command
        .args(["--trust-model", "always", "--verify"])
        .arg(&signature_file)
        .arg("-");
    run(&mut command, bytes).map(drop)
}

fn gpg(home: &Path) -> Command {
    let mut command = Command::new("gpg");
    command
        .arg("--homedir")
        .arg(home)
        .args(["--batch", "--no-tty", "--quiet"]);
    command
}

/// A folder of its own for one call, closed to others. What is left behind holds a public key; its absence matters to nobody.
struct Folder(PathBuf);

impl Folder {
    fn with(name: &str, text: &str) -> Result<Self, OpenPgpError> {
        let folder = std::env::temp_dir().join(format!(
            "lapwing-openpgp-{}",
            uuid::Builder::from_random_bytes(rand::random()).into_uuid()
        ));
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&folder)
            .map_err(OpenPgpError::Run)?;
        let made = Self(folder);
        std::fs::write(made.0.join(name), text).map_err(OpenPgpError::Run)?;
        Ok(made)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
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
