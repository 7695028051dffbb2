//! `lapwing-image update add`: the parts of an image as targets, and their differences from earlier images.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use lapwing_init::{
    layout::{self, Slot, word},
    release,
    update::{
        difference,
        offer::{Notes, Part},
        packed_part,
    },
};
use lapwing_trust::tuf::TargetFile;
use sha2::{Digest, Sha256};

use super::repository::{Repository, path_of, write};
use crate::{boot_partition, image_file::ImageFile, report};

/// Digits of a digest in the name of a difference.
const SHORT_DIGEST: usize = 16;

/// What to add.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Folder of the repository
    #[arg(long, value_name = "DIR")]
    repository: PathBuf,
    /// The image, packed or not
    #[arg(long, value_name = "FILE")]
    image: PathBuf,
    /// An earlier image, which boards run; may be given several times
    #[arg(long, value_name = "FILE")]
    from: Vec<PathBuf>,
    /// Days for which it holds
    #[arg(long, default_value_t = super::DAYS)]
    days: u32,
    /// How hard to pack, from 1 (quick) to 19 (small)
    #[arg(long, value_name = "LEVEL", default_value_t = 19, value_parser = clap::value_parser!(i32).range(1..=19))]
    level: i32,
}

/// Adds an image.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let repository = Repository::new(&arguments.repository);
    let mut targets = repository.targets()?;
    let image = ImageParts::read(&arguments.image)?;
    let earlier: Vec<ImageParts> = arguments
        .from
        .iter()
        .map(|path| ImageParts::read(path))
        .collect::<anyhow::Result<_>>()?;
    for (earlier, path) in earlier.iter().zip(&arguments.from) {
        if earlier.board != image.board {
            bail!("{} is an image for another board", path.display());
        }
        if earlier.version >= image.version {
            bail!(
                "{} is not older than {}",
                path.display(),
                arguments.image.display()
            );
        }
    }
    let of_board = |file: &TargetFile| Notes::of(file).filter(|notes| notes.board == image.board);
    let newest = targets.values().filter_map(of_board);
    let newest = newest.map(|notes| notes.version).max();
    if newest.is_some_and(|newest| newest >= image.version) {
        bail!("a newer image for {} is published", image.board);
    }
    // Boards take the newest only; what they skip is not kept.
    targets.retain(|_, file| of_board(file).is_none());
    for (part, bytes) in &image.parts {
        let bases = earlier.iter().map(|earlier| Some(&earlier.parts[part]));
        // The entry is small, and its difference would be hardly smaller.
        let bases = bases.filter(|base| *part != Part::Entry && *base != Some(bytes));
        for base in [None].into_iter().chain(bases) {
            let (name, packed, notes) = target(&image, *part, bytes, base, arguments.level)?;
            let file = TargetFile::of(&packed, Some(serde_json::to_value(&notes)?));
            let kind = if base.is_some() {
                "difference"
            } else {
                "whole"
            };
            report(format_args!("{name}: {kind}, {} bytes", file.length))?;
            write(&repository.target(&path_of(&name, &file)), &packed)?;
            targets.insert(name, file);
        }
    }
    repository.draft_targets(targets, arguments.days)?;
    report(format_args!(
        "{} {} is drafted: each keeper of an image key runs `lapwing-image update sign --repository {} --key FILE`",
        image.board,
        image.version,
        arguments.repository.display()
    ))
}

fn target(
    image: &ImageParts,
    part: Part,
    bytes: &[u8],
    base: Option<&Vec<u8>>,
    level: i32,
) -> anyhow::Result<(String, Vec<u8>, Notes)> {
    let from = base.map(|base| hex::encode(Sha256::digest(base)));
    let ending = match &from {
        Some(from) => format!(".from-{}", from.get(..SHORT_DIGEST).unwrap_or(from)),
        None => String::new(),
    };
    let name = format!("{}/{}/{}{ending}", image.board, image.version, part.name());
    let packed = match base {
        Some(base) => difference::make(bytes, base, level)?,
        None => packed_part::pack(bytes, packed_part::CHUNK_BYTES, level)?,
    };
    let notes = Notes {
        board: image.board.clone(),
        version: image.version,
        part,
        digest: hex::encode(Sha256::digest(bytes)),
        bytes: bytes.len() as u64,
        from,
    };
    Ok((name, packed, notes))
}

/// The parts of an image, and whose.
struct ImageParts {
    board: String,
    version: u64,
    parts: BTreeMap<Part, Vec<u8>>,
}

impl ImageParts {
    /// Takes an image apart.
    fn read(path: &Path) -> anyhow::Result<Self> {
        let work = tempfile::tempdir()?;
        let image = ImageFile::open(path, work.path())?;
        let boot = work.path().join("boot");
        image.extract_boot(&boot)?;
        let read = |name: &str| {
            fs::read(boot.join(name))
                .with_context(|| format!("{} has no {name}: it is too old", path.display()))
        };
        let release_text = String::from_utf8(read(boot_partition::RELEASE)?)?;
        let value = |name: &str| release::value(&release_text, name);
        let entry = read(boot_partition::ENTRY)?;
        let root_bytes: usize = word(std::str::from_utf8(&entry)?, layout::WORD_ROOT_BYTES)
            .and_then(|text| text.parse().ok())
            .context("the boot entry names no root")?;
        let slot = Slot::A;
        let partition = image
            .table
            .find(slot.root_partition())
            .context("there is no slot a")?;
        let root = work.path().join("root");
        image.extract(partition, &root)?;
        let mut root = fs::read(&root)?;
        root.truncate(root_bytes);
        Ok(Self {
            board: value("BOARD")
                .context("the image does not say its board")?
                .to_owned(),
            version: value("BUILT_SECONDS")
                .and_then(|text| text.parse().ok())
                .context("the image does not say when it was built")?,
            parts: BTreeMap::from([
                (Part::Root, root),
                (Part::Kernel, read(&format!("lapwing/{slot}/kernel"))?),
                (Part::MemoryDisk, read(&format!("lapwing/{slot}/initrd"))?),
                (Part::Entry, entry),
            ]),
        })
    }
}
