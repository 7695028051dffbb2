//! The root of a slot: programs, kernel modules, and what they read. Packed as erofs, which the board mounts read-only.
//!
//! The files in it are as they are, not compressed: then a line that changes in a program makes a difference of some bytes between two
//! roots, where compressed pieces would all be others from there on. What is given away is compressed as a whole, and smaller so.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::Command,
};

use anyhow::{Context, bail};
use lapwing_init::layout;
use lapwing_trust::tuf::{Metadata as _, Root, TrustedSet, TrustedState};

use crate::{build::Inputs, kernel_modules::KernelModules, tool};

/// Folders that something is mounted on, or that programs expect.
const FOLDERS: [&str; 11] = [
    "dev",
    "proc",
    "sys",
    "run",
    "tmp",
    "boot",
    "data",
    "root",
    "etc",
    "usr/bin",
    "usr/share/lapwing",
];
/// Of the empty file system for the data partition, in KiB and as ext4 wants it.
const EMPTY_DATA_KIB: &str = "16384";
const EMPTY_DATA_SECONDS: &str = "1767225600";
const EMPTY_DATA_ID: &str = "6c617077-696e-4700-8000-000000000001";
const EMPTY_DATA_LEVEL: i32 = 19;
const EMPTY_DATA_OPTIONS: [&str; 14] = [
    "-q",
    "-F",
    "-t",
    "ext4",
    "-b",
    "4096",
    "-m",
    "0",
    "-J",
    "size=4",
    "-O",
    "metadata_csum,64bit",
    "-L",
    "lapwing-data",
];

/// Lays the root out in a folder.
pub(crate) fn lay_out(
    inputs: &Inputs<'_>,
    modules: &KernelModules,
    folder: &Path,
) -> anyhow::Result<()> {
    for name in FOLDERS {
        fs::create_dir_all(folder.join(name))?;
    }
    install(inputs.init, folder, layout::STAGE_TWO)?;
    install(inputs.lapwing, folder, layout::LAPWING)?;
    install(
        &inputs.file_system_check()?,
        folder,
        layout::FILE_SYSTEM_CHECK,
    )?;
    let put = |path: &str, text: &str| {
        let path = folder.join(path.trim_start_matches('/'));
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    let (user, page) = (layout::LAPWING_USER, layout::PAGE_USER);
    put(
        "etc/passwd",
        &format!(
            "root:x:0:0::/:/nonexistent\nlapwing:x:{user}:{user}::/data/state:/nonexistent\nlapwing-page:x:{page}:{page}::/:/nonexistent\n"
        ),
    )?;
    put(
        "etc/group",
        &format!("root:x:0:\nlapwing:x:{user}:\nlapwing-page:x:{page}:\n"),
    )?;
    put("etc/nsswitch.conf", "hosts: files dns\n")?;
    put("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n")?;
    put(layout::RELEASE, &inputs.release())?;
    for (root, to) in [
        (inputs.update_root, layout::UPDATE_ROOT),
        (inputs.rules_root, layout::RULES_ROOT),
    ] {
        if let Some(root) = root {
            copy_trust(root, &folder.join(to.trim_start_matches('/')))?;
        }
    }
    symlink("/run/resolv.conf", folder.join("etc/resolv.conf"))?;
    let pack = folder.join(layout::STARTER_PACK.trim_start_matches('/'));
    fs::copy(inputs.pack, pack).context("cannot read the compiled rules")?;
    make_empty_data(&folder.join(layout::EMPTY_DATA.trim_start_matches('/')))?;
    modules.copy(folder, false)?;
    copy_papers(inputs, &folder.join("usr/share/doc"))
}

/// Copies a root of trust, if it is one: a board would say so only when it is at its site.
fn copy_trust(from: &Path, to: &Path) -> anyhow::Result<()> {
    let read = || format!("cannot read {}", from.display());
    if from.metadata().with_context(read)?.len() > Root::MAX_BYTES as u64 {
        bail!("{} is too large to be a root of trust", from.display());
    }
    let bytes = fs::read(from).with_context(read)?;
    TrustedState::from_root(&bytes)
        .map_err(anyhow::Error::from)
        .and_then(|state| Ok(TrustedSet::open(&state, 0)?))
        .with_context(|| {
            format!(
                "{} is no root of trust: name metadata/1.root.json of a repository",
                from.display()
            )
        })?;
    Ok(fs::write(to, bytes)?)
}

fn install(from: &Path, root: &Path, to: &str) -> anyhow::Result<()> {
    let to = root.join(to.trim_start_matches('/'));
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::copy(from, &to).with_context(|| format!("cannot read {}", from.display()))?;
    fs::set_permissions(&to, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

/// An empty file system, the same bytes in every image, so that an update does not bring it again: the board copies it and
/// lengthens it.
fn make_empty_data(path: &Path) -> anyhow::Result<()> {
    let plain = path.with_extension("");
    tool::run(
        tool::named("mke2fs")
            .env("E2FSPROGS_FAKE_TIME", EMPTY_DATA_SECONDS)
            .args(EMPTY_DATA_OPTIONS)
            .args(["-U", EMPTY_DATA_ID, "-E"])
            .arg(format!(
                "hash_seed={EMPTY_DATA_ID},lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0"
            ))
            .arg(&plain)
            .arg(EMPTY_DATA_KIB),
    )?;
    fs::write(
        path,
        zstd::bulk::compress(&fs::read(&plain)?, EMPTY_DATA_LEVEL)?,
    )?;
    Ok(fs::remove_file(plain)?)
}

/// The licences of what the image holds.
fn copy_papers(inputs: &Inputs<'_>, to: &Path) -> anyhow::Result<()> {
    for (package, unpacked) in inputs.packages {
        let paper = unpacked
            .join("usr/share/doc")
            .join(&package.name)
            .join("copyright");
        if paper.is_file() {
            let folder = to.join(&package.name);
            fs::create_dir_all(&folder)?;
            fs::copy(&paper, folder.join("copyright"))?;
        }
    }
    Ok(())
}

/// Packs a root.
pub(crate) fn pack(inputs: &Inputs<'_>, folder: &Path, to: &Path) -> anyhow::Result<()> {
    tool::run(
        Command::new("mkfs.erofs")
            .args(["--all-root", "-x-1"])
            .arg(format!("-T{}", inputs.seconds))
            .arg(format!("-U{}", inputs.uuid("root")))
            .arg(to)
            .arg(folder),
    )
    .map(drop)
}
