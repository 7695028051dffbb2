//! A small capture file: queries from inside a home network to a server outside.
#![allow(clippy::unwrap_used, unreachable_pub)]

use std::{fs, path::Path};

/// Link type of raw IP packets.
const LINK_TYPE_RAW: u32 = 101;

/// Writes `packets` UDP packets, one each 50 ms, as pcap. Each holds `needleN`, N the last digit of its number.
pub fn write_capture(path: &Path, packets: u32) {
    let mut file = Vec::new();
    file.extend(0xa1b2_c3d4_u32.to_le_bytes());
    file.extend([2, 0, 4, 0]);
    file.extend([0; 8]);
    file.extend(65_535_u32.to_le_bytes());
    file.extend(LINK_TYPE_RAW.to_le_bytes());
    for number in 0..packets {
        let packet = packet(number);
        let milliseconds = number * 50;
        let length = u32::try_from(packet.len()).unwrap();
        for word in [
            1_700_000_000 + milliseconds / 1000,
            milliseconds % 1000 * 1000,
            length,
            length,
        ] {
            file.extend(word.to_le_bytes());
        }
        file.extend(packet);
    }
    fs::write(path, file).unwrap();
}

fn packet(number: u32) -> Vec<u8> {
    let payload = format!("needle{}", number % 10).into_bytes();
    let udp_length = u16::try_from(8 + payload.len()).unwrap();
    let mut packet = vec![0x45, 0];
    packet.extend((20 + udp_length).to_be_bytes());
    packet.extend([0, 0, 0, 0, 64, 17, 0, 0]);
    packet.extend([10, 1, 2, 3]);
    packet.extend([198, 51, 100, 9]);
    let sum = packet
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
        .sum::<u32>();
    let sum = !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap();
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet.extend(u16::try_from(20_000 + number % 1000).unwrap().to_be_bytes());
    packet.extend(53_u16.to_be_bytes());
    packet.extend(udp_length.to_be_bytes());
    packet.extend([0, 0]);
    packet.extend(payload);
    packet
}
