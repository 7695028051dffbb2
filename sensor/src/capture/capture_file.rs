//! Capture files: pcap and pcapng, micro- and nanosecond, either byte order, read by libpcap.

use std::{fs, path::Path, path::PathBuf};

use pcap::{Capture, Linktype, Offline, Precision};

use super::{CaptureDrops, CaptureError, CapturedFrame, LinkType, PacketSource, SourceEvent};
use crate::time::Timestamp;

/// An open capture file.
pub struct CaptureFile {
    path: PathBuf,
    name: String,
    capture: Capture<Offline>,
    link_type: LinkType,
    packets_read: u64,
}

impl CaptureFile {
    /// Opens a file.
    ///
    /// # Errors
    /// When it is not there, is a directory, is no capture file, or has a link type that is not decoded.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        let owned = || path.to_path_buf();
        let metadata = fs::metadata(path).map_err(|error| CaptureError::Open {
            path: owned(),
            reason: error.to_string(),
        })?;
        if metadata.is_dir() {
            return Err(CaptureError::Directory { path: owned() });
        }
        // Opened once by us, for libpcap does not tell a missing right from a broken file.
        fs::File::open(path).map_err(|error| CaptureError::Open {
            path: owned(),
            reason: error.to_string(),
        })?;
        let capture =
            Capture::from_file_with_precision(path, Precision::Nano).map_err(|error| {
                CaptureError::Format {
                    path: owned(),
                    reason: one_line(&error),
                }
            })?;
        let name = path.display().to_string();
        let link_type = known_link_type(&name, capture.get_datalink())?;
        Ok(Self {
            path: owned(),
            name,
            capture,
            link_type,
            packets_read: 0,
        })
    }

    /// How many packets were read so far.
    #[must_use]
    pub fn packets_read(&self) -> u64 {
        self.packets_read
    }
}

impl PacketSource for CaptureFile {
    fn name(&self) -> &str {
        &self.name
    }

    fn next(&mut self) -> Result<SourceEvent<'_>, CaptureError> {
        match self.capture.next_packet() {
            Ok(packet) => {
                self.packets_read += 1;
                Ok(SourceEvent::Frame(CapturedFrame {
                    // In nanosecond precision libpcap puts nanoseconds where the microseconds stand.
                    time: timestamp(packet.header.ts.tv_sec, packet.header.ts.tv_usec, 1),
                    link_type: self.link_type,
                    wire_length_bytes: packet.header.len,
                    bytes: packet.data,
                }))
            }
            Err(pcap::Error::NoMorePackets) => Ok(SourceEvent::End),
            Err(error) => Err(CaptureError::Broken {
                path: self.path.clone(),
                packets_read: self.packets_read,
                reason: one_line(&error),
            }),
        }
    }

    fn drops(&mut self) -> CaptureDrops {
        CaptureDrops::default()
    }
}

/// Seconds and a fraction in units of `nanoseconds_per_unit`; what cannot be a time becomes 0.
pub(super) fn timestamp(seconds: i64, fraction: i64, nanoseconds_per_unit: u64) -> Timestamp {
    let seconds = u64::try_from(seconds).unwrap_or(0);
    let fraction = u64::try_from(fraction).unwrap_or(0);
    Timestamp(
        seconds
            .saturating_mul(Timestamp::NANOSECONDS_PER_SECOND)
            .saturating_add(fraction.saturating_mul(nanoseconds_per_unit)),
    )
}

/// The link type, or the error that names it.
pub(super) fn known_link_type(name: &str, link_type: Linktype) -> Result<LinkType, CaptureError> {
    LinkType::from_number(link_type.0).ok_or_else(|| CaptureError::LinkType {
        name: name.to_owned(),
        number: link_type.0,
        description: link_type
            .get_description()
            .or_else(|_| link_type.get_name())
            .unwrap_or_else(|_| "unknown".to_owned()),
    })
}

/// libpcap's message as one line.
pub(super) fn one_line(error: &pcap::Error) -> String {
    let text = match error {
        pcap::Error::PcapError(message) => message.clone(),
        other => other.to_string(),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// A little-endian microsecond pcap file with `frames` of the given link type.
    fn pcap_file(link_type: u32, frames: &[&[u8]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, link_type] {
            bytes.extend(word.to_le_bytes());
        }
        for (number, frame) in (0_u32..).zip(frames) {
            let length = u32::try_from(frame.len()).unwrap();
            for word in [1_700_000_000 + number, 250_000, length, length] {
                bytes.extend(word.to_le_bytes());
            }
            bytes.extend(*frame);
        }
        bytes
    }

    fn written(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn microseconds_become_nanoseconds() {
        let file = written(&pcap_file(1, &[b"abc"]));
        let mut capture = CaptureFile::open(file.path()).unwrap();
        let SourceEvent::Frame(frame) = capture.next().unwrap() else {
            panic!("no frame");
        };
        assert_eq!(frame.time, Timestamp(1_700_000_000_250_000_000));
        assert_eq!(frame.bytes, b"abc");
        assert!(matches!(capture.next().unwrap(), SourceEvent::End));
    }

    #[test]
    fn a_cut_file_gives_what_came_before_and_says_where() {
        let mut bytes = pcap_file(1, &[b"first", b"second"]);
        bytes.truncate(bytes.len() - 3);
        let file = written(&bytes);
        let mut capture = CaptureFile::open(file.path()).unwrap();
        assert!(matches!(capture.next().unwrap(), SourceEvent::Frame(_)));
        let message = capture.next().unwrap_err().to_string();
        assert!(message.contains("broken after packet 1"), "{message}");
        assert_eq!(message.lines().count(), 1);
    }

    #[test]
    fn what_is_no_capture_gives_one_line() {
        let folder = tempfile::tempdir().unwrap();
        for (path, expected) in [
            (folder.path().to_path_buf(), "is a directory"),
            (folder.path().join("missing"), "cannot open"),
        ] {
            let message = CaptureFile::open(&path).err().unwrap().to_string();
            assert!(message.contains(expected), "{message}");
        }
        let file = written(&[0x5a; 4096]);
        let message = CaptureFile::open(file.path()).err().unwrap().to_string();
        assert!(message.contains("not a pcap"), "{message}");
        let file = written(&pcap_file(147, &[]));
        let message = CaptureFile::open(file.path()).err().unwrap().to_string();
        assert!(message.contains("link type 147"), "{message}");
    }
}
