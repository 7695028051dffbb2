//! Names of roles and targets, before they become names of files.

use crate::error::TrustError;
use crate::limits::MAX_NAME_BYTES;

/// A role's name becomes a file's name: one part, nothing that a file system could take for more.
pub(super) fn check_role(name: &str) -> Result<(), TrustError> {
    if name.len() <= MAX_NAME_BYTES && is_plain(name) {
        Ok(())
    } else {
        Err(unsafe_name(name))
    }
}

/// A target's name is a path below the folder of targets.
pub(super) fn check_target(name: &str) -> Result<(), TrustError> {
    if name.len() <= MAX_NAME_BYTES && name.split('/').all(is_plain) {
        Ok(())
    } else {
        Err(unsafe_name(name))
    }
}

/// The path of a target's file, where a hash of any algorithm stands before the name.
pub(super) fn check_target_path(path: &str) -> Result<(), TrustError> {
    if path.split('/').all(is_plain) {
        Ok(())
    } else {
        Err(unsafe_name(path))
    }
}

fn is_plain(part: &str) -> bool {
    !part.is_empty()
        && !part.starts_with('.')
        && part
            .chars()
            .all(|letter| !letter.is_control() && !matches!(letter, '/' | '\\' | ':'))
}

fn unsafe_name(name: &str) -> TrustError {
    TrustError::UnsafeName {
        name: name.chars().take(40).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_leave_their_folder_are_refused() {
        assert!(check_target("rules.pack").is_ok());
        assert!(check_target("deltas/a.b").is_ok());
        assert!(check_role("region-north").is_ok());
        for name in [
            "", "/etc/x", "../x", "a/../b", "a//b", "a\\b", ".hidden", "a\nb", "c:x",
        ] {
            assert!(check_target(name).is_err(), "{name:?}");
            assert!(check_role(name).is_err(), "{name:?}");
        }
        assert!(check_role("a/b").is_err());
        assert!(check_role(&"x".repeat(MAX_NAME_BYTES + 1)).is_err());
    }
}
