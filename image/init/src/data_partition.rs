//! The data partition: made on the first start, repaired before each use, lengthened to its partition.
//!
//! The image brings an empty file system (`layout::EMPTY_DATA`). It is copied with its first block last, so that a power cut
//! while it is copied leaves a partition that is not taken for one; the kernel then lengthens it.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom, Write},
    os::unix::{
        fs::{FileExt, PermissionsExt, chown},
        process::ExitStatusExt,
    },
    process::{Command, Stdio},
};

use anyhow::{Context, bail};

use crate::{console::say, disk, layout, mounts, system};

const BLOCK_BYTES: u64 = 4096;
/// Copied at a time.
const STEP_BYTES: u64 = 2 << 20;
/// Where ext4 says that it is ext4: in the superblock, which begins at 1024.
const MAGIC_AT: u64 = 1024 + 0x38;
const MAGIC: [u8; 2] = [0x53, 0xEF];
/// Where it says how many blocks it has.
const BLOCKS_AT: u64 = 1024 + 4;
/// From this exit status on, damage is left.
const DAMAGE_LEFT: i32 = 4;

/// Mounts the data partition, whatever state it is in; `step_done` is called as it goes on. What was done to it.
pub(crate) fn mount(device: &str, step_done: &mut impl FnMut()) -> anyhow::Result<Vec<String>> {
    let mut done = Vec::new();
    if !is_ext4(device)? {
        make(device, step_done)?;
        done.push("data partition made".to_owned());
    }
    match check(device, "-p") {
        Ok(DAMAGE_LEFT..) => {
            let status = check(device, "-y")?;
            done.push(format!("data partition repaired (status {status})"));
        }
        Ok(0) => {}
        Ok(status) => done.push(format!("data partition checked (status {status})")),
        Err(error) => say(&format!("data partition: {error:#}")),
    }
    step_done();
    if let Err(error) = mounts::data(device, layout::DATA) {
        say(&format!(
            "{error:#}; it is made anew and the sensor must be enrolled again"
        ));
        make(device, step_done)?;
        done.push("data partition was beyond repair and was made anew".to_owned());
        mounts::data(device, layout::DATA)?;
    }
    step_done();
    if lengthen(device)? {
        done.push("data partition lengthened".to_owned());
    }
    for folder in [layout::STATE, layout::SITE, "/data/log", "/data/boot"] {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {folder}"))?;
    }
    chown(
        layout::STATE,
        Some(layout::LAPWING_USER),
        Some(layout::LAPWING_USER),
    )?;
    fs::set_permissions(layout::STATE, fs::Permissions::from_mode(0o700))?;
    Ok(done)
}

fn is_ext4(device: &str) -> anyhow::Result<bool> {
    let mut magic = [0; 2];
    File::open(device)
        .and_then(|file| file.read_exact_at(&mut magic, MAGIC_AT))
        .with_context(|| format!("cannot read {device}"))?;
    Ok(magic == MAGIC)
}

fn make(device: &str, step_done: &mut impl FnMut()) -> anyhow::Result<()> {
    let packed = File::open(layout::EMPTY_DATA).context("the image lacks an empty file system")?;
    let mut from = zstd::stream::read::Decoder::new(packed)?;
    let mut to = File::options()
        .write(true)
        .open(device)
        .with_context(|| format!("cannot write {device}"))?;
    let mut first = vec![0; usize::try_from(BLOCK_BYTES)?];
    from.read_exact(&mut first)?;
    to.write_all(&vec![0; first.len()])?;
    loop {
        let count = std::io::copy(&mut (&mut from).take(STEP_BYTES), &mut to)
            .context("cannot make the data partition")?;
        if count == 0 {
            break;
        }
        // A slow card takes its time for each part, and not for all at the end.
        to.sync_data()?;
        step_done();
    }
    to.seek(SeekFrom::Start(0))?;
    to.write_all(&first)?;
    to.sync_all()?;
    Ok(())
}

fn check(device: &str, how: &str) -> anyhow::Result<i32> {
    let output = Command::new(layout::FILE_SYSTEM_CHECK)
        .args([how, device])
        .stdin(Stdio::null())
        .output()
        .context("cannot run the file system check")?;
    let status = output.status;
    status.code().with_context(|| {
        format!(
            "the file system check was ended by signal {:?}",
            status.signal()
        )
    })
}

/// Lengthens the mounted file system to its partition. Whether it did.
fn lengthen(device: &str) -> anyhow::Result<bool> {
    let wanted = disk::length_bytes(device)? / BLOCK_BYTES;
    let mut blocks = [0; 4];
    File::open(device)?.read_exact_at(&mut blocks, BLOCKS_AT)?;
    let blocks = u64::from(u32::from_le_bytes(blocks));
    if blocks == 0 {
        bail!("{device} has no blocks");
    }
    if blocks >= wanted {
        return Ok(false);
    }
    let folder = File::open(layout::DATA)?;
    system::lengthen_ext4(&folder, wanted).context("cannot lengthen the data partition")?;
    Ok(true)
}
