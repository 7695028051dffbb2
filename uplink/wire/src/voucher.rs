//! A voucher: one string, made at the centre, that lets one device enrol once.
//!
//! It names the centre's addresses and the SHA-256 of its CA certificate, so that the very
//! first contact is authenticated too, and holds a one-time secret. Upper-case letters and
//! digits only, which a QR code stores at 5.5 bits a character; case, spaces and dashes are
//! ignored when it is read.
//!
//! ```text
//! voucher = "LAPWING1" base32 (RFC 4648, without padding) of body, CRC32C u32 of body
//! body    = addresses u8, (length u8, text)*, CA digest [32], secret [16]
//! ```

use crate::bytes::{Reader, put_text};
use crate::error::DecodeError;
use crate::limits::{MAX_CENTRE_ADDRESSES, MAX_TEXT_BYTES, MAX_VOUCHER_CHARACTERS};

/// The name in every centre's TLS certificate. Clients ask for it whatever address they
/// connect to: a centre is known by its CA, and may move.
pub const CENTRE_SERVER_NAME: &str = "centre.lapwing.internal";
/// The application protocol negotiated in TLS.
pub const ALPN: &[u8] = b"lapwing/1";
/// Bytes of a voucher's secret.
pub const VOUCHER_SECRET_BYTES: usize = 16;

const PREFIX: &str = "LAPWING1";
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// What a voucher says.
#[derive(Clone, PartialEq, Eq)]
pub struct Voucher {
    /// Where the centre is reached, `host:port`, in the order to try; one at least.
    pub addresses: Vec<String>,
    /// SHA-256 of the centre's CA certificate (DER). The centre sends that certificate in its
    /// TLS chain.
    pub ca_digest: [u8; 32],
    /// The one-time secret. The centre needs to keep only its hash.
    pub secret: [u8; VOUCHER_SECRET_BYTES],
}

impl std::fmt::Debug for Voucher {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Voucher")
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

impl Voucher {
    /// The string.
    ///
    /// # Errors
    /// [`DecodeError`] when there is no address, there are too many, or one is too long.
    pub fn encode(&self) -> Result<String, DecodeError> {
        if self.addresses.is_empty() {
            return Err(DecodeError::Missing {
                what: "address of the centre",
            });
        }
        check_cap(
            "addresses in a voucher",
            self.addresses.len(),
            MAX_CENTRE_ADDRESSES,
        )?;
        let mut body = Vec::new();
        body.push(u8::try_from(self.addresses.len()).unwrap_or(u8::MAX));
        for address in &self.addresses {
            check_cap("address in a voucher", address.len(), MAX_TEXT_BYTES)?;
            put_text(&mut body, address, MAX_TEXT_BYTES);
        }
        body.extend_from_slice(&self.ca_digest);
        body.extend_from_slice(&self.secret);
        let checksum = crc32c::crc32c(&body);
        body.extend_from_slice(&checksum.to_le_bytes());
        let text = format!("{PREFIX}{}", base32(&body));
        check_cap("voucher", text.len(), MAX_VOUCHER_CHARACTERS)?;
        Ok(text)
    }

    /// Reads a string that a person typed, pasted or scanned.
    ///
    /// # Errors
    /// [`DecodeError`] when it is not a voucher, or a character is wrong.
    pub fn decode(text: &str) -> Result<Self, DecodeError> {
        check_cap("voucher", text.len(), MAX_VOUCHER_CHARACTERS)?;
        let letters: String = text
            .chars()
            .filter(|letter| !letter.is_whitespace() && *letter != '-')
            .map(|letter| letter.to_ascii_uppercase())
            .collect();
        let digits = letters.strip_prefix(PREFIX).ok_or(DecodeError::Mismatch {
            what: "the beginning of a voucher",
        })?;
        let bytes = from_base32(digits)?;
        let (body, checksum) = bytes
            .split_last_chunk::<4>()
            .ok_or(DecodeError::Truncated { what: "voucher" })?;
        if crc32c::crc32c(body) != u32::from_le_bytes(*checksum) {
            return Err(DecodeError::Mismatch {
                what: "checksum of a voucher",
            });
        }
        let mut reader = Reader::new(body);
        let count = reader.length(MAX_CENTRE_ADDRESSES, "addresses in a voucher")?;
        if count == 0 {
            return Err(DecodeError::Missing {
                what: "address of the centre",
            });
        }
        let addresses = (0..count).map(|_| reader.text(MAX_TEXT_BYTES, "address of the centre"));
        let voucher = Self {
            addresses: addresses.collect::<Result<_, _>>()?,
            ca_digest: reader.array("digest of the CA")?,
            secret: reader.array("voucher secret")?,
        };
        reader.finish("voucher")?;
        Ok(voucher)
    }
}

fn check_cap(what: &'static str, value: usize, cap: usize) -> Result<(), DecodeError> {
    if value <= cap {
        Ok(())
    } else {
        Err(DecodeError::OverCap {
            what,
            value: value as u64,
            cap,
        })
    }
}

fn base32(bytes: &[u8]) -> String {
    let bits = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |bit| usize::from(byte >> bit & 1)));
    let bits: Vec<usize> = bits.collect();
    bits.chunks(5)
        .filter_map(|group| {
            let value = group.iter().fold(0, |value, bit| value << 1 | bit) << (5 - group.len());
            ALPHABET.get(value).map(|letter| char::from(*letter))
        })
        .collect()
}

fn from_base32(text: &str) -> Result<Vec<u8>, DecodeError> {
    let (mut bytes, mut value, mut bits) = (Vec::new(), 0u32, 0u32);
    for letter in text.bytes() {
        let digit = ALPHABET.iter().position(|known| *known == letter);
        let digit = digit.and_then(|digit| u32::try_from(digit).ok());
        value = (value << 5
            | digit.ok_or(DecodeError::Mismatch {
                what: "a character of a voucher",
            })?)
            & 0xfff;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(value >> bits & 0xff).unwrap_or_default());
        }
    }
    if bits >= 5 || value & ((1 << bits) - 1) != 0 {
        return Err(DecodeError::Mismatch {
            what: "the end of a voucher",
        });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Voucher {
        Voucher {
            addresses: vec![
                "cirt.example:7400".to_owned(),
                "[2001:db8::7]:7400".to_owned(),
            ],
            ca_digest: [7; 32],
            secret: [9; VOUCHER_SECRET_BYTES],
        }
    }

    #[test]
    fn a_voucher_survives_being_read_aloud() {
        let text = sample().encode().unwrap();
        assert!(
            text.bytes()
                .all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit())
        );
        let spoken: String = text
            .to_lowercase()
            .as_bytes()
            .chunks(4)
            .map(|group| format!("{} -", String::from_utf8_lossy(group)))
            .collect();
        assert_eq!(Voucher::decode(&spoken).unwrap(), sample());
    }

    #[test]
    fn a_wrong_character_is_noticed() {
        let text = sample().encode().unwrap();
        for (position, letter) in text.char_indices() {
            let wrong = if letter == 'A' { 'B' } else { 'A' };
            let mut changed: Vec<char> = text.chars().collect();
            changed[position] = wrong;
            let changed: String = changed.into_iter().collect();
            assert!(Voucher::decode(&changed).is_err(), "{position}");
        }
    }

    #[test]
    fn a_voucher_needs_an_address() {
        let voucher = Voucher {
            addresses: Vec::new(),
            ..sample()
        };
        assert_eq!(
            voucher.encode(),
            Err(DecodeError::Missing {
                what: "address of the centre"
            })
        );
    }
}
