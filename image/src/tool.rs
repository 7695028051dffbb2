//! Programs of Debian that the builder uses: run, and their failure told in one line.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, bail};

/// Runs a program to its end; what it printed.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        // What these programs write depends on nothing but their input.
        .env("TZ", "UTC")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {program}; tools/setup installs it"))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        bail!("{program} failed: {}", text.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A program found in the folders of administrators too.
pub(crate) fn named(name: &str) -> Command {
    let folders = ["/usr/sbin", "/sbin", "/usr/lib/apt"];
    let mut paths = folders.iter().map(|folder| Path::new(folder).join(name));
    match paths.find(|path| path.exists()) {
        Some(path) => Command::new(path),
        None => Command::new(name),
    }
}
