//! `packages.lock`: the Debian packages that images are made of, each with its address and its hash. `tools/lock-packages`
//! writes it; a build takes these bytes and no others.

use std::{fs, path::Path};

use anyhow::Context;
use serde::Deserialize;

use crate::board::Board;

/// What a package is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Use {
    Kernel,
    KernelModules,
    BootLoader,
    FileSystemCheck,
    Firmware,
    DeviceTrees,
}

/// One package.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Package {
    #[serde(rename = "use")]
    pub(crate) purpose: Use,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) architecture: String,
    pub(crate) boards: Vec<String>,
    pub(crate) url: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LockFile {
    package: Vec<Package>,
}

/// The packages for a board.
pub(crate) fn read(path: &Path, board: Board) -> anyhow::Result<Vec<Package>> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut packages = toml::from_str::<LockFile>(&text)
        .with_context(|| format!("{} is damaged", path.display()))?
        .package;
    packages.retain(|package| package.boards.iter().any(|name| name == board.name()));
    Ok(packages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_board_has_its_packages_locked() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packages.lock");
        for board in Board::ALL {
            let packages = read(&path, board).unwrap();
            for purpose in [Use::Kernel, Use::BootLoader, Use::FileSystemCheck] {
                assert!(
                    packages.iter().any(|package| package.purpose == purpose),
                    "{board:?} {purpose:?}"
                );
            }
            for package in packages {
                assert_eq!(package.sha256.len(), 64, "{}", package.name);
                assert!(
                    package
                        .url
                        .starts_with("http://deb.debian.org/debian/pool/")
                        && package.bytes > 0
                );
            }
        }
    }
}
