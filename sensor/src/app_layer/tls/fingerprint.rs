//! Fingerprints of hellos: JA3 and JA3S (salesforce/ja3), JA4 (FoxIO, the TLS client part). Each hello has hundreds of numbers to
//! write, so each list is written into one text.

use std::fmt::Write as _;

use md5::{Digest as _, Md5};
use sha2::Sha256;

use super::hello::{ALPN, Hello, SERVER_NAME, is_grease};

/// The JA3 string of a client hello: version, ciphers, extensions, groups, point formats, without GREASE.
pub(in crate::app_layer) fn ja3(hello: &Hello) -> Vec<u8> {
    let formats: Vec<u16> = hello
        .point_formats
        .iter()
        .map(|&format| u16::from(format))
        .collect();
    let lists = [&hello.ciphers, &hello.extensions, &hello.groups, &formats];
    let mut text = hello.legacy_version.to_string();
    for list in lists {
        text.push(',');
        text.push_str(&dashed(list));
    }
    text.into_bytes()
}

/// The JA3S string of a server hello: version, cipher, extensions.
pub(in crate::app_layer) fn ja3s(hello: &Hello) -> Vec<u8> {
    let chosen = hello.ciphers.get(..1).unwrap_or(&[0]);
    format!(
        "{},{},{}",
        hello.legacy_version,
        dashed(chosen),
        dashed(&hello.extensions)
    )
    .into_bytes()
}

/// MD5 in hexadecimal, as JA3 hashes are written.
pub(in crate::app_layer) fn md5_hex(text: &[u8]) -> Vec<u8> {
    hex::encode(Md5::digest(text)).into_bytes()
}

fn dashed(list: &[u16]) -> String {
    let items = list.iter().filter(|&&item| !is_grease(item));
    let mut text = String::with_capacity(list.len() * "65535-".len());
    for item in items {
        if !text.is_empty() {
            text.push('-');
        }
        // Writing to a text cannot fail.
        write!(text, "{item}").ok();
    }
    text
}

/// What carries a hello, as JA4 writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app_layer) enum Carrier {
    Tcp,
    Quic,
}

/// The JA4 fingerprint of a client hello.
pub(in crate::app_layer) fn ja4(hello: &Hello, carrier: Carrier) -> Vec<u8> {
    let plain = |list: &[u16]| -> Vec<u16> {
        list.iter()
            .copied()
            .filter(|&item| !is_grease(item))
            .collect()
    };
    let mut ciphers = plain(&hello.ciphers);
    let mut extensions = plain(&hello.extensions);
    let version = plain(&hello.versions)
        .into_iter()
        .max()
        .unwrap_or(hello.legacy_version);
    let version = match version {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0x0002 => "s2",
        _ => "00",
    };
    let name = if hello.extensions.contains(&SERVER_NAME) {
        'd'
    } else {
        'i'
    };
    let carrier = match carrier {
        Carrier::Tcp => 't',
        Carrier::Quic => 'q',
    };
    let head = format!(
        "{carrier}{version}{name}{:02}{:02}{}",
        ciphers.len().min(99),
        extensions.len().min(99),
        ja4_alpn(hello.alpn.as_deref())
    );
    ciphers.sort_unstable();
    extensions.retain(|kind| ![SERVER_NAME, ALPN].contains(kind));
    extensions.sort_unstable();
    let mut second = hex_list(&extensions);
    // The underscore stands also where no algorithms follow, as in the reference.
    second.push('_');
    second.push_str(&hex_list(&plain(&hello.signature_algorithms)));
    // As in the reference a list without members has the digest of an empty text, not zeros.
    let first = short_hash(&hex_list(&ciphers));
    let second = short_hash(&second);
    format!("{head}_{first}_{second}").into_bytes()
}

/// First and last character of the first application protocol.
fn ja4_alpn(alpn: Option<&[u8]>) -> String {
    let (Some(&first), Some(&last)) = (alpn.and_then(<[u8]>::first), alpn.and_then(<[u8]>::last))
    else {
        return "00".to_owned();
    };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        return [char::from(first), char::from(last)].iter().collect();
    }
    let digits = [hex::encode([first]), hex::encode([last])];
    digits[0]
        .chars()
        .take(1)
        .chain(digits[1].chars().skip(1))
        .collect()
}

fn hex_list(list: &[u16]) -> String {
    let mut text = String::with_capacity(list.len() * "0000,".len());
    for item in list {
        if !text.is_empty() {
            text.push(',');
        }
        let mut digits = [0; 4];
        // Two bytes are four digits.
        if hex::encode_to_slice(item.to_be_bytes(), &mut digits).is_ok() {
            text.extend(digits.map(char::from));
        }
    }
    text
}

fn short_hash(text: &str) -> String {
    let mut text = hex::encode(Sha256::digest(text.as_bytes()));
    text.truncate(12);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grease_stays_out_of_ja3() {
        let hello = Hello {
            legacy_version: 0x0303,
            ciphers: vec![0x0a0a, 0x1301, 0xc02b],
            extensions: vec![0xfafa, 0, 10, 11],
            groups: vec![0x2a2a, 29],
            point_formats: vec![0],
            ..Hello::default()
        };
        assert_eq!(ja3(&hello), b"771,4865-49195,0-10-11,29,0");
        assert_eq!(md5_hex(b""), b"d41d8cd98f00b204e9800998ecf8427e");
    }

    #[test]
    fn ja4_sorts_and_counts() {
        // The worked example of the JA4 specification.
        let hello = Hello {
            legacy_version: 0x0303,
            versions: vec![0x0304, 0x0303],
            ciphers: vec![
                0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013,
                0xc014, 0x009c, 0x009d, 0x002f, 0x0035,
            ],
            extensions: vec![
                0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023,
                0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x0015,
            ],
            signature_algorithms: vec![
                0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601,
            ],
            alpn: Some(b"h2".to_vec()),
            ..Hello::default()
        };
        assert_eq!(
            ja4(&hello, Carrier::Tcp),
            b"t13d1516h2_8daaf6152771_e5627efa2ab1"
        );
    }
}
