//! Content-Transfer-Encoding (RFC 2045, section 6), undone line by line.

/// How a part's bytes travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Encoding {
    /// As they are.
    #[default]
    Plain,
    Base64,
    QuotedPrintable,
}

/// State of decoding one part.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    pub(super) encoding: Encoding,
    /// The line end of the last plain line: it belongs to the part only if another line follows.
    pending_end: Vec<u8>,
    /// Characters of an unfinished group of four.
    group: Vec<u8>,
    /// How many of them are padding.
    padding: usize,
}

/// A line held something that its encoding does not have.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl Decoder {
    pub(super) fn new(encoding: Encoding) -> Self {
        Self {
            encoding,
            ..Self::default()
        }
    }

    /// Appends what a line stands for.
    ///
    /// # Errors
    /// What is malformed; what could be decoded was appended all the same.
    pub(super) fn line(
        &mut self,
        line: &[u8],
        ending: &[u8],
        output: &mut Vec<u8>,
    ) -> Result<(), Malformed> {
        match self.encoding {
            Encoding::Plain => {
                output.append(&mut self.pending_end);
                output.extend_from_slice(line);
                self.pending_end.extend_from_slice(ending);
                Ok(())
            }
            Encoding::Base64 => {
                self.base64(line, output);
                Ok(())
            }
            Encoding::QuotedPrintable => quoted_printable(line, ending, output),
        }
    }

    /// As in the reference: characters outside of the alphabet are passed over, and a padding ends its group, not the part.
    fn base64(&mut self, line: &[u8], output: &mut Vec<u8>) {
        for &byte in line {
            let value = match byte {
                b'=' => {
                    self.padding += 1;
                    0
                }
                _ => match sextet(byte) {
                    Some(value) => value,
                    None => continue,
                },
            };
            self.group.push(value);
            if self.group.len() == 4 {
                self.flush(output);
            }
        }
    }

    /// The part is over: writes what an unfinished group stands for.
    pub(super) fn finish(&mut self, output: &mut Vec<u8>) {
        self.flush(output);
    }

    /// Writes the whole bytes of a group of sextets, those of its padding left out.
    fn flush(&mut self, output: &mut Vec<u8>) {
        let bits = self
            .group
            .iter()
            .fold(0_u32, |bits, &value| bits << 6 | u32::from(value));
        let missing = 4_usize.saturating_sub(self.group.len());
        let bits = bits << (6 * missing);
        let whole_bytes = ((self.group.len() * 6) / 8).saturating_sub(self.padding);
        output.extend_from_slice(&bits.to_be_bytes()[1..=whole_bytes.min(3)]);
        self.group.clear();
        self.padding = 0;
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.group.capacity() + self.pending_end.capacity()
    }
}

fn sextet(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

fn quoted_printable(line: &[u8], ending: &[u8], output: &mut Vec<u8>) -> Result<(), Malformed> {
    let (line, ending) = match line.strip_suffix(b"=") {
        Some(line) => (line, &b""[..]),
        None => (line, ending),
    };
    let mut outcome = Ok(());
    let mut rest = line;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte != b'=' {
            output.push(byte);
            continue;
        }
        match (
            behind.first().and_then(digit),
            behind.get(1).and_then(digit),
        ) {
            (Some(high), Some(low)) => {
                output.push(high << 4 | low);
                rest = &behind[2..];
            }
            _ => {
                output.push(byte);
                outcome = Err(Malformed);
            }
        }
    }
    output.extend_from_slice(ending);
    outcome
}

fn digit(byte: &u8) -> Option<u8> {
    char::from(*byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(encoding: Encoding, lines: &[&[u8]]) -> (Vec<u8>, bool) {
        let mut decoder = Decoder::new(encoding);
        let mut output = Vec::new();
        let mut is_malformed = false;
        for line in lines {
            is_malformed |= decoder.line(line, b"\r\n", &mut output).is_err();
        }
        decoder.finish(&mut output);
        (output, is_malformed)
    }

    #[test]
    fn base64_is_read_as_the_reference_reads_it() {
        for (lines, expected) in [
            (&[&b"aGVsbG8gd29ybGQ="[..]][..], &b"hello world"[..]),
            (&[b"aGV", b"sbG8gd29", b"ybGQ="], b"hello world"),
            (&[b"aGVsbG8gd29ybGQ"], b"hello world"),
            (&[b"YQ==", b"YWJj"], b"aabc"),
            (&[b"YQ==YWJj"], b"aabc"),
            (&[b"Y W!J\0j"], b"abc"),
            (&[b"YWJjY"], b"abc"),
            (&[b"=YWJj"], b"\x01\x85"),
        ] {
            assert_eq!(decoded(Encoding::Base64, lines).0, expected, "{lines:?}");
        }
    }

    #[test]
    fn quoted_printable_joins_soft_breaks() {
        let (text, is_malformed) =
            decoded(Encoding::QuotedPrintable, &[b"=48el=", b"lo=20", b"w=zz"]);
        assert_eq!(text, b"Hello \r\nw=zz\r\n");
        assert!(is_malformed);
    }

    #[test]
    fn plain_lines_keep_their_ends_but_the_last() {
        let (text, _) = decoded(Encoding::Plain, &[b"a", b"", b"b"]);
        assert_eq!(text, b"a\r\n\r\nb");
    }
}
