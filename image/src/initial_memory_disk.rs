//! The initial memory disk: an archive (cpio, form "newc") of the first process and the modules that find the disk, packed
//! with zstd. Everything in it is sorted, of root and of one time, so that the same inputs give the same bytes.

use std::{fs, io::Write, os::unix::fs::PermissionsExt, path::Path};

use anyhow::Context;

const FOLDER: u32 = 0o040_755;
const CHARACTER_DEVICE: u32 = 0o020_600;
const FILE: u32 = 0o100_000;
const LEVEL: i32 = 19;

/// Packs a folder.
pub(crate) fn pack(folder: &Path) -> anyhow::Result<Vec<u8>> {
    let mut archive = Archive {
        bytes: Vec::new(),
        count: 0,
    };
    archive.add_folder(folder, "")?;
    // What the first process speaks on before it has mounted anything.
    archive.put("dev/console", CHARACTER_DEVICE, (5, 1), &[])?;
    archive.put("TRAILER!!!", 0, (0, 0), &[])?;
    archive
        .bytes
        .resize(archive.bytes.len().next_multiple_of(512), 0);
    zstd::bulk::compress(&archive.bytes, LEVEL).context("cannot pack the initial memory disk")
}

struct Archive {
    bytes: Vec<u8>,
    count: u32,
}

impl Archive {
    fn add_folder(&mut self, folder: &Path, name: &str) -> anyhow::Result<()> {
        let entries =
            fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
        let mut paths = entries
            .map(|entry| Ok(entry?.path()))
            .collect::<std::io::Result<Vec<_>>>()?;
        paths.sort();
        for path in paths {
            let own = path
                .file_name()
                .context("a file has no name")?
                .to_string_lossy();
            let name = if name.is_empty() {
                own.into_owned()
            } else {
                format!("{name}/{own}")
            };
            let metadata = fs::symlink_metadata(&path)?;
            if metadata.is_dir() {
                self.put(&name, FOLDER, (0, 0), &[])?;
                self.add_folder(&path, &name)?;
            } else {
                let mode = FILE
                    | if metadata.permissions().mode() & 0o100 == 0 {
                        0o644
                    } else {
                        0o755
                    };
                self.put(&name, mode, (0, 0), &fs::read(&path)?)?;
            }
        }
        Ok(())
    }

    fn put(
        &mut self,
        name: &str,
        mode: u32,
        device: (u32, u32),
        bytes: &[u8],
    ) -> anyhow::Result<()> {
        self.count += 1;
        let length = u32::try_from(bytes.len())?;
        let name_length = u32::try_from(name.len() + 1)?;
        let fields = [
            self.count,
            mode,
            0,
            0,
            1,
            0,
            length,
            0,
            0,
            device.0,
            device.1,
            name_length,
            0,
        ];
        write!(self.bytes, "070701")?;
        for field in fields {
            write!(self.bytes, "{field:08X}")?;
        }
        self.bytes.extend(name.bytes().chain([0]));
        self.align();
        self.bytes.extend(bytes);
        self.align();
        Ok(())
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_does_not_depend_on_the_order_of_the_disk() {
        let names = ["b", "a", "c/d"];
        let pack_in = |order: &[usize]| {
            let folder = tempfile::tempdir().unwrap();
            for index in order {
                let path = folder.path().join(names[*index]);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, names[*index]).unwrap();
            }
            pack(folder.path()).unwrap()
        };
        assert_eq!(pack_in(&[0, 1, 2]), pack_in(&[2, 1, 0]));
        let bytes = zstd::bulk::decompress(&pack_in(&[0, 1, 2]), 1 << 20).unwrap();
        assert!(bytes.starts_with(b"070701"));
        assert_eq!(bytes.len() % 512, 0);
    }
}
