//! Traffic generator, cases, end-to-end and repository rules.
