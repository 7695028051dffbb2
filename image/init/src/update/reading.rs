//! Reading what may be cut off or damaged, of either form that a part comes in.

use std::io::{self, Read};

/// A number of four bytes, little-endian.
pub(super) fn read_number(from: &mut dyn Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    from.read_exact(&mut bytes).map_err(cut_off)?;
    Ok(u32::from_le_bytes(bytes))
}

/// What an end before its time means here.
pub(super) fn cut_off(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => damaged("it is cut off"),
        _ => error,
    }
}

/// What is there makes no sense.
pub(super) fn damaged(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
