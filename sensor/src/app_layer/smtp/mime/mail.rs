//! Goes through a mail line by line: header blocks, bodies, boundaries.

use super::{
    encoding::{Decoder, Encoding},
    header::{self, Header, Unreadable},
};
use crate::app_layer::{DigestSet, digests::FileDigests, limits, transactions::Events};

/// A part with a file name.
#[derive(Debug)]
pub(in crate::app_layer::smtp) struct MailFile {
    pub(in crate::app_layer::smtp) name: Vec<u8>,
    /// Decoded, from its start, as far as it is kept.
    pub(in crate::app_layer::smtp) bytes: Vec<u8>,
    /// All of it, decoded.
    pub(in crate::app_layer::smtp) size: u64,
    pub(in crate::app_layer::smtp) digests: FileDigests,
    /// Nothing more will come.
    pub(in crate::app_layer::smtp) is_whole: bool,
}

impl MailFile {
    fn push(&mut self, bytes: &[u8]) {
        let room = limits::SMTP_FILE_BYTES_MAX.saturating_sub(self.bytes.len());
        if bytes.len() > room {
            self.digests.pass(&self.bytes, bytes);
        }
        self.bytes
            .extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        self.size += bytes.len() as u64;
    }
}

#[derive(Debug)]
enum Place {
    Header(Header),
    Body {
        decoder: Decoder,
        is_file: bool,
    },
    /// Before the first part, behind the last one, or where nothing can be understood any more.
    Outside,
}

impl Default for Place {
    fn default() -> Self {
        Self::Header(Header::default())
    }
}

/// A mail as far as it has come.
#[derive(Debug, Default)]
pub(in crate::app_layer::smtp) struct Mail {
    place: Place,
    /// Boundaries of the multiparts around this place, the outermost first.
    boundaries: Vec<Vec<u8>>,
    files: Vec<MailFile>,
    /// Digests that are made of files.
    digests: DigestSet,
    /// What a line was decoded to.
    decoded: Vec<u8>,
    /// Mails within the mail so far.
    messages: usize,
    is_finished: bool,
}

impl Mail {
    /// A mail of whose files these digests are made.
    pub(in crate::app_layer::smtp) fn new(digests: DigestSet) -> Self {
        Self {
            digests,
            ..Self::default()
        }
    }

    /// The files so far.
    pub(in crate::app_layer::smtp) fn files(&self) -> &[MailFile] {
        &self.files
    }

    /// Takes the next line and its line end.
    pub(in crate::app_layer::smtp) fn line(
        &mut self,
        line: &[u8],
        ending: &[u8],
        events: &mut Events,
    ) {
        if self.is_finished {
            return;
        }
        if line.len() > limits::MIME_LINE_BYTES_MAX {
            events.add("mime_long_line");
        }
        if !matches!(self.place, Place::Header(_)) && self.is_boundary(line) {
            return;
        }
        match &mut self.place {
            Place::Header(header) if line.is_empty() => match header.end_field(events) {
                Ok(()) => self.begin_body(),
                Err(Unreadable) => self.finish(),
            },
            Place::Header(header) if header.is_new() && !header::is_field(line) => {
                // As in the reference: a block that does not begin with a field is none, but the body.
                self.place = Place::Body {
                    decoder: Decoder::default(),
                    is_file: false,
                };
            }
            Place::Header(header) => {
                if header.line(line, events).is_err() {
                    self.finish();
                }
            }
            Place::Body { decoder, is_file } => {
                if decoder.encoding != Encoding::Plain
                    && line.len() > limits::MIME_ENCODED_LINE_BYTES_MAX
                {
                    events.add("mime_long_enc_line");
                }
                self.decoded.clear();
                if decoder.line(line, ending, &mut self.decoded).is_err() {
                    events.add("mime_invalid_qp");
                }
                if let Some(file) = self.files.last_mut().filter(|_| *is_file) {
                    file.push(&self.decoded);
                }
            }
            Place::Outside => {}
        }
    }

    /// The mail was said to end here.
    pub(in crate::app_layer::smtp) fn end(&mut self, events: &mut Events) {
        if !self.is_finished && !self.boundaries.is_empty() {
            events.add("mime_malformed_msg");
        }
        self.finish();
    }

    /// Nothing more belongs to the mail.
    pub(in crate::app_layer::smtp) fn finish(&mut self) {
        self.is_finished = true;
        self.end_part();
        self.place = Place::Outside;
    }

    fn begin_body(&mut self) {
        let Place::Header(header) = std::mem::take(&mut self.place) else {
            return;
        };
        if let Some(boundary) = header.boundary {
            if self.boundaries.len() < limits::MIME_DEPTH_MAX {
                self.boundaries.push(boundary);
            }
            self.place = Place::Outside;
            return;
        }
        if header.is_message && self.messages < limits::MIME_DEPTH_MAX {
            // The body begins with the header block of a mail of its own, whatever encoding is claimed for it.
            self.messages += 1;
            return;
        }
        let is_file = header.file_name.is_some() && self.files.len() < limits::SMTP_FILES_MAX;
        if let Some(name) = header.file_name.filter(|_| is_file) {
            self.files.push(MailFile {
                name,
                bytes: Vec::new(),
                size: 0,
                digests: FileDigests::new(self.digests),
                is_whole: false,
            });
        }
        self.place = Place::Body {
            decoder: Decoder::new(header.encoding),
            is_file,
        };
    }

    /// Whether a line is a boundary of a multipart around this place; if so it is acted on.
    fn is_boundary(&mut self, line: &[u8]) -> bool {
        let Some(name) = line.strip_prefix(b"--") else {
            return false;
        };
        let Some(depth) = self
            .boundaries
            .iter()
            .rposition(|boundary| name.starts_with(boundary))
        else {
            return false;
        };
        let is_last = name[self.boundaries[depth].len()..].starts_with(b"--");
        self.end_part();
        if is_last {
            self.boundaries.truncate(depth);
            self.place = Place::Outside;
        } else {
            self.boundaries.truncate(depth + 1);
            self.place = Place::default();
        }
        true
    }

    fn end_part(&mut self) {
        if let Some(file) = self.files.last_mut() {
            if let Place::Body {
                decoder,
                is_file: true,
            } = &mut self.place
            {
                self.decoded.clear();
                decoder.finish(&mut self.decoded);
                file.push(&self.decoded);
            }
            file.is_whole = true;
            file.digests.finish(true);
        }
    }

    pub(in crate::app_layer::smtp) fn held_bytes(&self) -> usize {
        let files = self.files.iter().map(|file| {
            size_of::<MailFile>()
                + file.name.capacity()
                + file.bytes.capacity()
                + file.digests.held_bytes()
        });
        let place = match &self.place {
            Place::Header(header) => header.held_bytes(),
            Place::Body { decoder, .. } => decoder.held_bytes(),
            Place::Outside => 0,
        };
        files.sum::<usize>()
            + place
            + self.decoded.capacity()
            + self.boundaries.iter().map(Vec::capacity).sum::<usize>()
    }
}
