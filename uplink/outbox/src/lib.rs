//! The disk queue between sensor and uplink.
