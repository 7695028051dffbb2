//! The block map of an image (bmap, version 2.0): which blocks are not empty, with their digests, so that `bmaptool` and
//! programs like it write only those and notice a damaged download.

use std::{
    fmt::Write,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use anyhow::Context;
use sha2::{Digest, Sha256};

use crate::image_file::fill;

const BLOCK_BYTES: usize = 4096;

/// Blocks that follow each other, first and last.
type Range = (u64, u64);

/// Writes the map of an image.
pub(crate) fn write(image: &Path, to: &Path) -> anyhow::Result<()> {
    let mut file = File::open(image).with_context(|| format!("cannot read {}", image.display()))?;
    let bytes = file.metadata()?.len();
    let mut ranges: Vec<(Range, String)> = Vec::new();
    for (first, last) in ranges_of(&mut io::BufReader::with_capacity(1 << 20, &mut file))? {
        let block = u64::try_from(BLOCK_BYTES)?;
        file.seek(SeekFrom::Start(first * block))?;
        let mut sha = Sha256::new();
        let mut chunk = vec![0; BLOCK_BYTES];
        for _ in first..=last {
            let count = fill(&mut file, &mut chunk)?;
            sha.update(chunk.get(..count).unwrap_or_default());
        }
        ranges.push(((first, last), hex::encode(sha.finalize())));
    }
    // The digest of the map is made with zeros in its own place.
    let unsigned = text(bytes, &ranges, &"0".repeat(64))?;
    let digest = hex::encode(Sha256::digest(unsigned.as_bytes()));
    fs::write(to, text(bytes, &ranges, &digest)?)
        .with_context(|| format!("cannot write {}", to.display()))
}

fn ranges_of(image: &mut impl Read) -> io::Result<Vec<Range>> {
    let mut ranges: Vec<Range> = Vec::new();
    let mut chunk = vec![0; BLOCK_BYTES];
    let mut block = 0;
    loop {
        let count = fill(image, &mut chunk)?;
        if count == 0 {
            return Ok(ranges);
        }
        if chunk.iter().take(count).any(|byte| *byte != 0) {
            match ranges.last_mut().filter(|(_, last)| last + 1 == block) {
                Some((_, last)) => *last = block,
                None => ranges.push((block, block)),
            }
        }
        block += 1;
    }
}

fn text(bytes: u64, ranges: &[(Range, String)], digest: &str) -> anyhow::Result<String> {
    let blocks = bytes.div_ceil(u64::try_from(BLOCK_BYTES)?);
    let mapped: u64 = ranges
        .iter()
        .map(|((first, last), _)| last - first + 1)
        .sum();
    let mut text = format!(
        "<?xml version=\"1.0\" ?>\n<bmap version=\"2.0\">\n    <ImageSize> {bytes} </ImageSize>\n    <BlockSize> {BLOCK_BYTES} </BlockSize>\n    \
         <BlocksCount> {blocks} </BlocksCount>\n    <MappedBlocksCount> {mapped} </MappedBlocksCount>\n    \
         <ChecksumType> sha256 </ChecksumType>\n    <BmapFileChecksum> {digest} </BmapFileChecksum>\n    <BlockMap>\n"
    );
    for ((first, last), digest) in ranges {
        let range = if first == last {
            first.to_string()
        } else {
            format!("{first}-{last}")
        };
        writeln!(text, "        <Range chksum=\"{digest}\"> {range} </Range>")?;
    }
    text.push_str("    </BlockMap>\n</bmap>\n");
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_blocks_are_left_out() {
        let mut image = vec![0; 10 * BLOCK_BYTES + 100];
        for at in [0, 1, 4, 10] {
            image[at * BLOCK_BYTES + 7] = 1;
        }
        assert_eq!(
            ranges_of(&mut image.as_slice()).unwrap(),
            [(0, 1), (4, 4), (10, 10)]
        );
        let folder = tempfile::tempdir().unwrap();
        let (path, map) = (folder.path().join("image"), folder.path().join("map"));
        fs::write(&path, &image).unwrap();
        write(&path, &map).unwrap();
        let text = fs::read_to_string(&map).unwrap();
        assert!(
            text.contains("<MappedBlocksCount> 4 <")
                && text.contains("> 0-1 <")
                && text.contains("<BlocksCount> 11 <"),
            "{text}"
        );
        let digest = hex::encode(Sha256::digest(&image[4 * BLOCK_BYTES..5 * BLOCK_BYTES]));
        assert!(
            text.contains(&format!("<Range chksum=\"{digest}\"> 4 <")),
            "{text}"
        );
    }
}
