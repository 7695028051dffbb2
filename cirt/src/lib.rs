//! The centre: one program that a national CIRT runs.
