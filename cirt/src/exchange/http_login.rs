//! HTTP Basic (RFC 7617): name and password of a peer. Passwords are random tokens of 256 bits, so their hash is a key by itself.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::limits::PASSWORD_BYTES;
use crate::secrets::token_hash;

/// What a client says of itself.
pub(super) struct Login {
    pub(super) name: String,
    pub(super) password_hash: [u8; 32],
}

/// Reads the header; none when it is absent or odd.
pub(super) fn login(headers: &HeaderMap) -> Option<Login> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") || encoded.len() > 4 * PASSWORD_BYTES {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (name, password) = text.split_once(':')?;
    Some(Login {
        name: name.to_owned(),
        password_hash: token_hash(password),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_headers_are_no_login() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, value.parse().unwrap());
            login(&headers)
        };
        assert_eq!(of("Basic YTpiOmM=").unwrap().name, "a");
        for bad in [
            "Basic",
            "Basic !",
            "Bearer YTpi",
            "Basic YQ==",
            "Basic /w==",
        ] {
            assert!(of(bad).is_none(), "{bad}");
        }
    }
}
