//! What people write to make a target or a rule, checked the same way on the command line, on pages and in the API.

use jiff::SignedDuration;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::{check_address, test_address};
use crate::language::Language;
use crate::secrets::random_token;
use crate::store::NewAlarmTarget;

/// A target as people write it.
#[derive(Clone, Debug, Default)]
pub struct TargetText<'a> {
    pub name: &'a str,
    /// A mail address, or one that begins with `https://`.
    pub address: &'a str,
    pub language: &'a str,
    pub pause_minutes: u32,
    /// PEM; empty where browsers know the server's authority.
    pub authority: &'a str,
    pub allows_loopback: bool,
}

impl TargetText<'_> {
    /// Checks it, and makes the secret of a webhook.
    ///
    /// # Errors
    /// In one line, what is wrong.
    pub fn check(&self) -> Result<NewAlarmTarget, String> {
        let address = self.address.trim();
        let is_mail = !address.contains("://");
        if is_mail {
            test_address(address).map_err(|error| error.to_string())?;
        } else {
            check_address(address, self.allows_loopback).map_err(|error| error.to_string())?;
        }
        let authority = self.authority.trim();
        if !authority.is_empty() {
            let mut certificates = CertificateDer::pem_slice_iter(authority.as_bytes());
            if is_mail || !matches!(certificates.next(), Some(Ok(_))) {
                return Err(
                    "authority: say the certificates of a webhook's authority as PEM; that of the mail server stands in exchange.toml"
                        .to_owned(),
                );
            }
        }
        let language = match self.language {
            "" => Language::English,
            tag => Language::from_tag(tag)
                .ok_or_else(|| format!("language: {tag:?} is none of en, fr, es, pt, ar, ru"))?,
        };
        Ok(NewAlarmTarget {
            name: self
                .name
                .parse()
                .map_err(|error| format!("name: {error}"))?,
            is_mail,
            address: address.to_owned(),
            language: language.tag().to_owned(),
            secret: (!is_mail).then(random_token),
            authority: Some(authority.to_owned()).filter(|text| !text.is_empty()),
            allows_loopback: self.allows_loopback,
            pause: SignedDuration::from_mins(i64::from(self.pause_minutes)),
        })
    }
}
