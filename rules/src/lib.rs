//! The Suricata rule language: parsing, diagnostics, compilation into packs, pack views.
