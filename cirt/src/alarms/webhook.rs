//! An alarm as a signed request to a web server: HTTPS only, the certificate checked, no redirect followed.
//!
//! The body is signed with the target's secret. A receiver computes HMAC-SHA-256 (RFC 2104) over the timestamp's
//! digits, a dot and the body, compares it with `v1=…` in the signature header, refuses timestamps that are not of
//! these minutes, and drops ids that it has seen: a message whose answer was lost is sent again under the same id.
//!
//! Whoever names an address could make the centre ask a server that only the centre reaches. So the address is
//! resolved here, and the connection goes to what was looked at: never to the machine itself unless the target says
//! that it may, never to link-local addresses (where clouds keep credentials), multicast or none.

use std::net::IpAddr;

use axum::http::{HeaderName, HeaderValue, Uri};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;

use crate::exchange::https::{Client, HttpsError};
use crate::limits::ALARM_ANSWER_BYTES;
use crate::store::{AlarmTarget, DueMessage};

/// `v1=` and 64 hexadecimal digits.
pub const SIGNATURE_HEADER: &str = "lapwing-signature";
/// Seconds since 1970 of the attempt.
pub const TIMESTAMP_HEADER: &str = "lapwing-timestamp";
/// The message's own id.
pub const ID_HEADER: &str = "lapwing-message";

/// Why a webhook was not told.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    #[error("{0}: say an address that begins with https:// and names no user")]
    Address(String),
    #[error(transparent)]
    Https(#[from] HttpsError),
}

/// Whether a text is an address that alarms may go to; what its name stands for is looked at when they go.
///
/// # Errors
/// When it is no address, not HTTPS, or one that is never allowed.
pub fn check_address(address: &str, allows_loopback: bool) -> Result<(), WebhookError> {
    let wrong = || WebhookError::Address(address.to_owned());
    let uri: Uri = address.parse().map_err(|_| wrong())?;
    let has_user = uri
        .authority()
        .is_none_or(|authority| authority.as_str().contains('@'));
    if uri.scheme_str() != Some("https") || has_user {
        return Err(wrong());
    }
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    match host.parse::<IpAddr>() {
        Ok(literal) if !is_allowed(literal, allows_loopback) => {
            Err(HttpsError::Forbidden(host.to_owned()).into())
        }
        _ => Ok(()),
    }
}

/// Whether a connection may go there.
pub(crate) fn is_allowed(address: IpAddr, allows_loopback: bool) -> bool {
    // Beneath a mapping or a translation (RFC 6052) lies the address that is reached.
    let address = match address {
        IpAddr::V6(six) => {
            let segments = six.segments();
            if let [0x64, 0xff9b, 0, 0, 0, 0, high, low] = segments {
                let [a, b] = high.to_be_bytes();
                let [c, d] = low.to_be_bytes();
                IpAddr::from([a, b, c, d])
            } else {
                address.to_canonical()
            }
        }
        IpAddr::V4(_) => address,
    };
    if address.is_loopback() {
        return allows_loopback;
    }
    let is_link_local = match address {
        IpAddr::V4(four) => four.is_link_local() || four.is_broadcast() || four.octets()[0] == 0,
        IpAddr::V6(six) => six.is_unicast_link_local(),
    };
    !(is_link_local || address.is_unspecified() || address.is_multicast())
}

/// The signature of a body at a time, for [`SIGNATURE_HEADER`].
#[must_use]
pub fn signature(secret: &str, timestamp_seconds: i64, body: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        // A key of any length is one.
        return String::new();
    };
    mac.update(format!("{timestamp_seconds}.").as_bytes());
    mac.update(body.as_bytes());
    format!("v1={}", hex::encode(mac.finalize().into_bytes()))
}

/// Sends one message. The server took it when it answers with success.
pub(super) async fn send(message: &DueMessage, now: Timestamp) -> Result<(), WebhookError> {
    let target: &AlarmTarget = &message.target;
    check_address(&target.address, target.allows_loopback)?;
    let seconds = now.as_second();
    let secret = target.secret.as_deref().unwrap_or_default();
    let value = |text: &str| HeaderValue::from_str(text).map_err(|_| HttpsError::Header);
    let headers = vec![
        (
            HeaderName::from_static(SIGNATURE_HEADER),
            value(&signature(secret, seconds, &message.body))?,
        ),
        (
            HeaderName::from_static(TIMESTAMP_HEADER),
            value(&seconds.to_string())?,
        ),
        (HeaderName::from_static(ID_HEADER), value(&message.id)?),
    ];
    let allows_loopback = target.allows_loopback;
    let client = Client::new(target.authority.as_deref(), None, "*/*")?
        .with_headers(headers)
        .only_to(move |address| is_allowed(address, allows_loopback));
    client
        .post(
            &target.address,
            "application/json",
            message.body.clone().into_bytes(),
            ALARM_ANSWER_BYTES,
        )
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_itself_and_its_neighbours_are_not_reached() {
        let allowed = |text: &str, loopback| is_allowed(text.parse().unwrap(), loopback);
        for text in [
            "169.254.169.254",
            "fe80::1",
            "::",
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.1",
            "ff02::1",
            "255.255.255.255",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
        ] {
            assert!(!allowed(text, true), "{text}");
        }
        for text in [
            "127.0.0.1",
            "::1",
            "127.9.9.9",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
        ] {
            assert!(!allowed(text, false) && allowed(text, true), "{text}");
        }
        for text in ["192.0.2.7", "10.1.2.3", "2001:db8::1", "fd00::7"] {
            assert!(allowed(text, false), "{text}");
        }
    }

    #[test]
    fn addresses_are_https_and_name_no_user() {
        assert!(check_address("https://hooks.example/x?y=1", false).is_ok());
        for wrong in [
            "http://hooks.example/",
            "ftp://hooks.example/",
            "hooks.example",
            "https://user:password@hooks.example/",
            "https://127.0.0.1/",
            "https://[::1]:8443/",
            "https://169.254.169.254/latest/meta-data",
        ] {
            assert!(check_address(wrong, false).is_err(), "{wrong}");
        }
        assert!(check_address("https://127.0.0.1:8443/", true).is_ok());
    }

    /// RFC 4231, test case 2, through our composition: the key is `Jefe`.
    #[test]
    fn the_signature_is_an_hmac_over_time_and_body() {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"Jefe").unwrap();
        mac.update(b"what do ya want for nothing?");
        assert_eq!(
            hex::encode(mac.finalize().into_bytes()),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        let one = signature("secret", 7, "{}");
        assert!(one.starts_with("v1=") && one.len() == 67);
        for other in [
            signature("Secret", 7, "{}"),
            signature("secret", 8, "{}"),
            signature("secret", 7, "{ }"),
        ] {
            assert_ne!(one, other);
        }
    }
}
