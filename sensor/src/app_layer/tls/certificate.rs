//! Certificates of the server, as rules see them.

use sha1::{Digest as _, Sha1};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::app_layer::{limits, reader::Reader};

/// The chain a server sent, and what is told of its first certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Certificates {
    /// DER, the server's own first.
    pub(super) chain: Vec<Vec<u8>>,
    /// Certificates in the message, also those beyond the cap.
    pub(super) count: usize,
    /// `C=…, O=…, CN=…`
    pub(super) subject: Option<Vec<u8>>,
    pub(super) issuer: Option<Vec<u8>>,
    /// `0A:FF`
    pub(super) serial: Option<Vec<u8>>,
    /// SHA-1 in lower case with colons.
    pub(super) fingerprint: Option<Vec<u8>>,
    pub(super) anomalies: Vec<&'static str>,
}

impl Certificates {
    /// Reads a certificate message (RFC 5246, section 7.4.2).
    pub(super) fn read(body: &[u8]) -> Self {
        let mut certificates = Self::default();
        let mut message = Reader::new(body);
        let length = message
            .u24()
            .and_then(|length| usize::try_from(length).ok());
        let Some(list) = length.and_then(|length| message.take(length)) else {
            certificates.anomalies.push("invalid_certificate");
            return certificates;
        };
        let mut list = Reader::new(list);
        while !list.is_empty() {
            let length = list.u24().and_then(|length| usize::try_from(length).ok());
            let Some(der) = length.and_then(|length| list.take(length)) else {
                certificates.anomalies.push("invalid_certificate");
                break;
            };
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
                self.serial = Some(colons(certificate.raw_serial(), true));
            }
            Err(_) => self.anomalies.push("certificate_invalid_der"),
        }
    }

    pub(super) fn held_bytes(&self) -> usize {
        let texts = [&self.subject, &self.issuer, &self.serial, &self.fingerprint];
        self.chain.iter().map(Vec::capacity).sum::<usize>()
            + texts
                .into_iter()
                .flatten()
                .map(Vec::capacity)
                .sum::<usize>()
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
