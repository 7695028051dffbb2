//! Signed documents, roles and rollback checks over bytes and a given time.
