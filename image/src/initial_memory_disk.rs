//! The initial memory disk: two archives (cpio, form "newc"), of the first process, and of the modules that find the disk, which
//! is packed with zstd. Everything in it is sorted, of root and of one time, so that the same inputs give the same bytes.

use std::{fs, io::Write, os::unix::fs::PermissionsExt, path::Path};

use anyhow::Context;

const FOLDER: u32 = 0o040_755;
const CHARACTER_DEVICE: u32 = 0o020_600;
const FILE: u32 = 0o100_000;
const LEVEL: i32 = 19;

/// Makes the memory disk of two folders: the one with the first process as it is, so that the difference between two versions is
/// small, and behind it the modules, packed.
pub(crate) fn pack(start: &Path, modules: &Path) -> anyhow::Result<Vec<u8>> {
    let mut first = Archive::default();
    first.add_folder(start, "")?;
    // What the first process speaks on before it has mounted anything.
    first.put("dev/console", CHARACTER_DEVICE, (5, 1), &[])?;
    let mut second = Archive::default();
    second.add_folder(modules, "")?;
    let mut bytes = first.finished()?;
    let packed = zstd::bulk::compress(&second.finished()?, LEVEL)
        .context("cannot pack the initial memory disk")?;
    bytes.extend(packed);
    Ok(bytes)
}

#[derive(Default)]
struct Archive {
    bytes: Vec<u8>,
    count: u32,
}

impl Archive {
    /// Its bytes, with an end.
    fn finished(mut self) -> anyhow::Result<Vec<u8>> {
        self.put("TRAILER!!!", 0, (0, 0), &[])?;
        self.bytes.resize(self.bytes.len().next_multiple_of(512), 0);
        Ok(self.bytes)
    }

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
        let modules = tempfile::tempdir().unwrap();
        fs::write(modules.path().join("module.ko"), vec![7; 5000]).unwrap();
        let pack_in = |order: &[usize]| {
            let folder = tempfile::tempdir().unwrap();
            for index in order {
                let path = folder.path().join(names[*index]);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, names[*index]).unwrap();
            }
            pack(folder.path(), modules.path()).unwrap()
        };
        let packed = pack_in(&[0, 1, 2]);
        assert_eq!(packed, pack_in(&[2, 1, 0]));
        // The first archive is as it is, the second one begins on a boundary behind it.
        assert!(packed.starts_with(b"070701"));
        let end = packed
            .chunks(512)
            .position(|sector| sector.starts_with(&[0x28, 0xB5, 0x2F, 0xFD]));
        let second = &packed[end.unwrap() * 512..];
        let second = zstd::bulk::decompress(second, 1 << 20).unwrap();
        assert!(second.starts_with(b"070701") && second.len().is_multiple_of(512));
    }
}
