//! A PostgreSQL server of one test, by `tools/postgresql`: on a socket in its own folder, gone with the test.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::programs::workspace_root;

/// What the tool says by its status where PostgreSQL is not installed.
const NOT_HERE: i32 = 77;

/// A running server.
#[derive(Debug)]
pub struct PostgreSql {
    folder: PathBuf,
    address: String,
}

impl PostgreSql {
    /// Starts one in a folder below this one; none where PostgreSQL is not installed.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(below: &Path) -> Result<Option<Self>> {
        // Whoever the server runs as goes through it.
        std::fs::set_permissions(below, Permissions::from_mode(0o755))?;
        let folder = below.join("postgresql");
        let address = tool("start", &folder)?;
        Ok(address.map(|address| Self { folder, address }))
    }

    /// The address of a database on it, with rights to everything there.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Kills it without warning.
    ///
    /// # Errors
    /// When it was not running.
    pub fn kill(&self) -> Result<()> {
        let text = std::fs::read_to_string(self.folder.join("data/postmaster.pid"))?;
        let process = text.lines().next().context("no process is named")?;
        let status = Command::new("kill").args(["-9", process]).status()?;
        ensure!(status.success(), "the server was not there to be killed");
        Ok(())
    }

    /// Starts it once more, with what it had on its disk.
    ///
    /// # Errors
    /// When it does not start again.
    pub fn start_again(&self) -> Result<()> {
        tool("start", &self.folder).map(drop)
    }
}

impl Drop for PostgreSql {
    fn drop(&mut self) {
        // There is nobody left to tell.
        drop(tool("stop", &self.folder));
    }
}

fn tool(what: &str, folder: &Path) -> Result<Option<String>> {
    let output = Command::new(workspace_root().join("tools/postgresql"))
        .arg(what)
        .arg(folder)
        .output()?;
    if output.status.code() == Some(NOT_HERE) {
        return Ok(None);
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "tools/postgresql {what}: {complaint}"
    );
    Ok(Some(String::from_utf8(output.stdout)?.trim().to_owned()))
}
