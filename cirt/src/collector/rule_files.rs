//! Files of the repositories of rules and of images for sensors that ask: bytes from an offset on, nothing else of this machine.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use lapwing_wire::{FilePart, FileRequest, RepositoryPath};

use crate::rule_repository::RuleRepository;
use crate::settings::DataFolder;

/// Bytes of one answer: small enough that an ack between two of them comes through on the slowest link.
const PART_BYTES: u64 = 16 * 1024;

/// The bytes that were asked for; none when there is no such file.
pub(super) fn read_part(
    folder: &DataFolder,
    request: &FileRequest,
) -> io::Result<Option<FilePart>> {
    let path = request.path.as_str();
    match path.strip_prefix(RepositoryPath::IMAGES) {
        Some(path) => read_part_of(&folder.images(), path, request),
        None => read_part_of(RuleRepository::new(folder, None).folder(), path, request),
    }
}

fn read_part_of(
    repository: &Path,
    path: &str,
    request: &FileRequest,
) -> io::Result<Option<FilePart>> {
    let path = repository.join(path);
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(request.offset))?;
    let mut bytes = Vec::new();
    file.take(PART_BYTES).read_to_end(&mut bytes)?;
    Ok(Some(FilePart {
        path: request.path.clone(),
        offset: request.offset,
        total_bytes: metadata.len(),
        bytes,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_comes_in_parts_and_what_is_no_file_does_not_come() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::new(folder.path());
        let rules = RuleRepository::new(&data, None).folder().to_owned();
        std::fs::create_dir_all(rules.join("targets/deltas")).unwrap();
        std::fs::create_dir_all(data.images().join("targets")).unwrap();
        let content: Vec<u8> = (0..40_000u32).map(|n| (n % 251).to_le_bytes()[0]).collect();
        std::fs::write(rules.join("targets/a.pack"), &content).unwrap();
        std::fs::write(data.images().join("targets/a.root"), b"root").unwrap();
        let read = |path: &str, offset| {
            let request = FileRequest {
                path: RepositoryPath::new(path).unwrap(),
                offset,
            };
            read_part(&data, &request).unwrap()
        };
        let mut whole = Vec::new();
        while whole.len() < content.len() {
            let part = read("targets/a.pack", whole.len() as u64).unwrap();
            assert_eq!(part.total_bytes, 40_000);
            whole.extend(part.bytes);
        }
        assert_eq!(whole, content);
        assert!(read("targets/a.pack", 50_000).unwrap().bytes.is_empty());
        assert_eq!(read("targets/b.pack", 0), None);
        assert_eq!(read("targets/deltas", 0), None);
        let part = read("image/targets/a.root", 1).unwrap();
        assert_eq!(
            (part.path.as_str(), part.bytes.as_slice()),
            ("image/targets/a.root", &b"oot"[..])
        );
        assert_eq!(read("targets/a.root", 0), None);
        assert_eq!(read("image/targets/a.pack", 0), None);
    }
}
