//! Writes a trace as a capture file: classic pcap with microseconds or nanoseconds, or pcapng.

use std::io::{self, Write};

use serde::Deserialize;

use super::trace::{TimedFrame, Trace};

/// Frames longer than this are cut in the file, as `tcpdump` does by default.
const SNAPSHOT_BYTES: u32 = 262_144;

/// The file formats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum FileFormat {
    /// pcap, little-endian, microseconds.
    #[default]
    Pcap,
    /// pcap, little-endian, nanoseconds.
    PcapNanoseconds,
    /// pcapng, little-endian, one section, one interface, microseconds (draft-ietf-opsawg-pcapng).
    #[serde(rename = "pcapng")]
    #[value(name = "pcapng")]
    PcapNg,
}

/// Writes all frames of a trace.
///
/// # Errors
/// When the output cannot be written.
pub fn write(trace: &Trace, format: FileFormat, output: &mut impl Write) -> io::Result<()> {
    match format {
        FileFormat::Pcap | FileFormat::PcapNanoseconds => write_pcap(trace, format, output),
        FileFormat::PcapNg => write_pcapng(trace, output),
    }
}

fn write_pcap(trace: &Trace, format: FileFormat, output: &mut impl Write) -> io::Result<()> {
    let (magic, ticks_a_second) = match format {
        FileFormat::PcapNanoseconds => (0xa1b2_3c4d_u32, 1_000_000_000),
        FileFormat::Pcap | FileFormat::PcapNg => (0xa1b2_c3d4_u32, 1_000_000),
    };
    output.write_all(&magic.to_le_bytes())?;
    output.write_all(&2_u16.to_le_bytes())?;
    output.write_all(&4_u16.to_le_bytes())?;
    output.write_all(&[0; 8])?;
    output.write_all(&SNAPSHOT_BYTES.to_le_bytes())?;
    output.write_all(&u32::from(trace.link().number()).to_le_bytes())?;
    for frame in trace.frames() {
        let kept = kept_bytes(frame);
        let seconds = frame.time_nanoseconds / 1_000_000_000;
        let ticks = frame.time_nanoseconds % 1_000_000_000 / (1_000_000_000 / ticks_a_second);
        for field in [
            low_half(seconds),
            low_half(ticks),
            length(kept),
            length(&frame.bytes),
        ] {
            output.write_all(&field.to_le_bytes())?;
        }
        output.write_all(kept)?;
    }
    Ok(())
}

fn write_pcapng(trace: &Trace, output: &mut impl Write) -> io::Result<()> {
    const SECTION_HEADER: u32 = 0x0a0d_0d0a;
    const INTERFACE_DESCRIPTION: u32 = 1;
    const ENHANCED_PACKET: u32 = 6;

    let mut section = Vec::new();
    section.extend_from_slice(&0x1a2b_3c4d_u32.to_le_bytes());
    section.extend_from_slice(&1_u16.to_le_bytes());
    section.extend_from_slice(&0_u16.to_le_bytes());
    section.extend_from_slice(&u64::MAX.to_le_bytes());
    write_block(output, SECTION_HEADER, &section)?;

    let mut interface = Vec::new();
    interface.extend_from_slice(&trace.link().number().to_le_bytes());
    interface.extend_from_slice(&0_u16.to_le_bytes());
    interface.extend_from_slice(&SNAPSHOT_BYTES.to_le_bytes());
    write_block(output, INTERFACE_DESCRIPTION, &interface)?;

    for frame in trace.frames() {
        let kept = kept_bytes(frame);
        let microseconds = frame.time_nanoseconds / 1_000;
        let mut packet = Vec::with_capacity(kept.len() + 24);
        for field in [
            0,
            low_half(microseconds >> 32),
            low_half(microseconds),
            length(kept),
            length(&frame.bytes),
        ] {
            packet.extend_from_slice(&field.to_le_bytes());
        }
        packet.extend_from_slice(kept);
        write_block(output, ENHANCED_PACKET, &packet)?;
    }
    Ok(())
}

/// A pcapng block: type, length, body padded to four bytes, length again.
fn write_block(output: &mut impl Write, kind: u32, body: &[u8]) -> io::Result<()> {
    let padding = body.len().next_multiple_of(4) - body.len();
    let total =
        u32::try_from(12 + body.len() + padding).expect("a block of one frame fits in 32 bits");
    output.write_all(&kind.to_le_bytes())?;
    output.write_all(&total.to_le_bytes())?;
    output.write_all(body)?;
    output.write_all(&[0; 3][..padding])?;
    output.write_all(&total.to_le_bytes())
}

fn kept_bytes(frame: &TimedFrame) -> &[u8] {
    let limit = usize::try_from(SNAPSHOT_BYTES).expect("32 bits fit");
    &frame.bytes[..frame.bytes.len().min(limit)]
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("a frame fits in 32 bits")
}

fn low_half(value: u64) -> u32 {
    (value & 0xffff_ffff) as u32
}
