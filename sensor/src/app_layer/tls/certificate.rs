//! Certificates of either side, as rules see them.

use sha1::{Digest as _, Sha1};
use x509_parser::{
    nom,
    prelude::{FromDer as _, X509Certificate, X509Error},
};

use crate::app_layer::{limits, reader::Reader};

/// The chain that one side sent, and what is told of its first certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::app_layer) struct Certificates {
    /// DER, the side's own first.
    pub(super) chain: Vec<Vec<u8>>,
    /// Certificates in the message, also those beyond the cap.
    pub(super) count: usize,
    /// `C=…, O=…, CN=…`
    pub(in crate::app_layer) subject: Option<Vec<u8>>,
    pub(in crate::app_layer) issuer: Option<Vec<u8>>,
    /// `0A:FF`
    pub(super) serial: Option<Vec<u8>>,
    /// SHA-1 in lower case with colons.
    pub(in crate::app_layer) fingerprint: Option<Vec<u8>>,
    /// Begin and end of its validity, in seconds since 1970.
    pub(super) validity: Option<[u64; 2]>,
    pub(super) anomalies: Vec<&'static str>,
}

impl Certificates {
    /// Reads a certificate message (RFC 5246, section 7.4.2).
    pub(in crate::app_layer) fn read(body: &[u8]) -> Self {
        let mut certificates = Self::default();
        let mut message = Reader::new(body);
        let length = message
            .u24()
            .and_then(|length| usize::try_from(length).ok());
        // As in the reference, a list that is cut off is none, and not told.
        let Some(list) = length.and_then(|length| message.take(length)) else {
            return certificates;
        };
        let mut list = Reader::new(list);
        while !list.is_empty() {
            let length = list.u24().and_then(|length| usize::try_from(length).ok());
            let Some(der) = length.and_then(|length| list.take(length)) else {
                certificates.anomalies.push("invalid_certificate");
                break;
            };
            if der.is_empty() {
                certificates.anomalies.push("certificate_invalid_length");
                break;
            }
            certificates.count += 1;
            if certificates.chain.len() < limits::TLS_CERTIFICATES_MAX {
                certificates.chain.push(der.to_vec());
            }
        }
        certificates.read_first();
        certificates
    }

    fn read_first(&mut self) {
        let Some(der) = self.chain.first() else {
            return;
        };
        self.fingerprint = Some(colons(&Sha1::digest(der), false));
        match X509Certificate::from_der(der) {
            Ok((_, certificate)) => {
                self.subject = Some(certificate.subject().to_string().into_bytes());
                self.issuer = Some(certificate.issuer().to_string().into_bytes());
                let validity = certificate.validity();
                self.validity = Some(
                    [validity.not_before, validity.not_after]
                        .map(|time| u64::try_from(time.timestamp()).unwrap_or(0)),
                );
                self.serial = Some(colons(certificate.raw_serial(), true));
            }
            Err(error) => {
                self.fingerprint = None;
                self.chain.clear();
                self.count = 0;
                self.anomalies.push(anomaly(&error));
            }
        }
    }

    pub(in crate::app_layer) fn held_bytes(&self) -> usize {
        let texts = [&self.subject, &self.issuer, &self.serial, &self.fingerprint];
        self.chain.iter().map(Vec::capacity).sum::<usize>()
            + texts
                .into_iter()
                .flatten()
                .map(Vec::capacity)
                .sum::<usize>()
    }
}

/// The event that says what is wrong with a certificate.
fn anomaly(error: &nom::Err<X509Error>) -> &'static str {
    let (nom::Err::Error(error) | nom::Err::Failure(error)) = error else {
        return "invalid_certificate";
    };
    match error {
        X509Error::InvalidVersion => "certificate_invalid_version",
        X509Error::InvalidSerial => "certificate_invalid_serial",
        X509Error::InvalidAlgorithmIdentifier => "certificate_invalid_algorithmidentifier",
        X509Error::InvalidX509Name => "certificate_invalid_x509name",
        X509Error::InvalidDate => "certificate_invalid_date",
        X509Error::InvalidExtensions => "certificate_invalid_extensions",
        _ => "invalid_certificate",
    }
}

fn colons(bytes: &[u8], upper_case: bool) -> Vec<u8> {
    let pairs: Vec<String> = bytes
        .iter()
        .map(|byte| {
            if upper_case {
                format!("{byte:02X}")
            } else {
                format!("{byte:02x}")
            }
        })
        .collect();
    pairs.join(":").into_bytes()
}
