//! Where the built programs are, and how a test starts them.

use std::path::{Path, PathBuf};

/// The root of the workspace.
#[must_use]
pub fn workspace_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package lies in the workspace")
}

/// The path of one of our programs, beside the running one: tests and programs are built into the same profile folder.
///
/// # Panics
/// When it is not built; `make test` builds all programs before it runs the tests.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let running = std::env::current_exe().expect("a running program has a path");
    let folder = running
        .ancestors()
        .skip(1)
        .find(|folder| folder.file_name().is_some_and(|last| last != "deps"))
        .expect("a program lies in a folder");
    let path = folder.join(name);
    assert!(
        path.is_file(),
        "{} is not built: run `cargo build --release --workspace --bins` first (`make test` does)",
        path.display()
    );
    path
}
