//! Cuts each direction into session records and hands them to the version they are of.

use lapwing_rules::model::{AppProtocol, Frame};
use memchr::memmem;

use super::{
    record::{
        NBSS_HEADER_BYTES, Nbss, SESSION_MESSAGE, SMB1_HEADER_BYTES, SMB3_HEADER_BYTES, Smb1, Smb2,
        Version,
    },
    session::{Rest, Session},
    smb1, smb2,
};
use crate::{
    app_layer::{DigestSet, Feed, FrameLog, Parser, TransactionStore, limits},
    direction::Direction,
};

/// A record made no sense: nothing more of the connection is understood.
struct Broken;

/// What one direction is in the middle of.
#[derive(Debug, Default)]
struct Side {
    /// Bytes of a record that is not complete.
    pending: Vec<u8>,
    /// Bytes of a record still to come that is followed or passed over, and what they belong to.
    left: u64,
    rest: Rest,
    /// Bytes were lost: where the next record begins is to be found.
    is_lost: bool,
}

/// SMB of one connection.
#[derive(Debug, Default)]
pub(in crate::app_layer) struct SmbParser {
    session: Session,
    sides: [Side; 2],
    is_broken: bool,
    frames: FrameLog,
}

impl SmbParser {
    /// Bytes of a record whose beginning was handled; gives how many they are.
    fn take_rest(&mut self, direction: Direction, bytes: &[u8]) -> usize {
        let side = &mut self.sides[direction.index()];
        let taken = usize::try_from(side.left).map_or(bytes.len(), |left| left.min(bytes.len()));
        side.left -= taken as u64;
        if let Rest::OfFile(handle) = side.rest
            && taken > 0
        {
            self.session
                .file_goes_on(handle, direction, &bytes[..taken]);
        }
        taken
    }

    /// Everything behind the records that are complete or can be followed is kept.
    fn records(&mut self, direction: Direction, held: &[u8]) -> Result<usize, Broken> {
        let mut at = 0;
        while let Some(nbss) = Nbss::parse(&held[at..]) {
            let fed = &held[at..];
            let bytes = NBSS_HEADER_BYTES + nbss.length;
            match fed.get(..bytes) {
                Some(_) => {
                    self.record(direction, nbss, fed)?;
                    at += bytes;
                }
                None => {
                    if self.partial_record(direction, nbss, fed) {
                        at = held.len();
                    }
                    break;
                }
            }
        }
        Ok(at)
    }

    /// A whole record; `fed` runs from its first byte to the last one there is.
    fn record(&mut self, direction: Direction, nbss: Nbss, fed: &[u8]) -> Result<(), Broken> {
        self.report_nbss(direction, nbss, fed);
        if nbss.kind != SESSION_MESSAGE {
            return Ok(());
        }
        let behind = fed.get(NBSS_HEADER_BYTES..).unwrap_or_default();
        let message = behind.get(..nbss.length).unwrap_or_default();
        let from_client = direction == Direction::ToServer;
        match Version::of(message) {
            Some(Version::Smb1) => {
                let record = Smb1::parse(message).ok_or(Broken)?;
                self.report_smb1(direction, behind, message.len());
                if from_client && !record.is_response {
                    smb1::request(&mut self.session, &record);
                } else if !from_client && record.is_response {
                    smb1::response(&mut self.session, &record);
                }
            }
            Some(Version::Smb2) => {
                let mut rest = message;
                for _ in 0..limits::SMB_CHAIN_MAX {
                    if rest.is_empty() {
                        break;
                    }
                    let record = Smb2::parse(rest).ok_or(Broken)?;
                    let chained = &behind[message.len() - rest.len()..];
                    self.report_smb2(direction, chained, &record);
                    if from_client && !record.is_response {
                        smb2::request(&mut self.session, &record);
                    } else if !from_client && record.is_response {
                        smb2::response(&mut self.session, &record);
                    }
                    rest = record.next;
                }
            }
            Some(Version::Smb3) => self.report_smb3(direction, behind, message.len()),
            None if from_client || message.len() >= 4 => return Err(Broken),
            None => {}
        }
        Ok(())
    }

    /// A record of which more is to come. Whether what is there was taken.
    fn partial_record(&mut self, direction: Direction, nbss: Nbss, fed: &[u8]) -> bool {
        let behind = fed.get(NBSS_HEADER_BYTES..).unwrap_or_default();
        let left = (nbss.length - behind.len()) as u64;
        if fed.len() < limits::SMB_PARTIAL_RECORD_BYTES_MIN {
            let is_smb = nbss.is_known() && Version::of(behind).is_some();
            if fed.len() > 2 * NBSS_HEADER_BYTES && !is_smb {
                self.session.truncate(direction);
            }
            return false;
        }
        let followed = match Version::of(behind).filter(|_| nbss.kind == SESSION_MESSAGE) {
            Some(Version::Smb1) => self.follow_smb1(direction, nbss, fed, behind),
            Some(Version::Smb2) => self.follow_smb2(direction, nbss, fed, behind),
            _ => None,
        };
        let rest = match followed {
            Some(rest) => rest,
            None if nbss.length > limits::SMB_RECORD_BYTES_MAX => {
                self.session.event("record_overflow");
                Rest::Passed
            }
            None => return false,
        };
        let side = &mut self.sides[direction.index()];
        (side.left, side.rest) = (left, rest);
        true
    }

    fn follow_smb1(
        &mut self,
        direction: Direction,
        nbss: Nbss,
        fed: &[u8],
        behind: &[u8],
    ) -> Option<Rest> {
        let record = Smb1::parse(behind)
            .filter(|record| smb1::is_followed(&self.session, record, direction))?;
        self.report_nbss(direction, nbss, fed);
        self.report_smb1(direction, behind, nbss.length);
        Some(match direction {
            Direction::ToServer => smb1::request(&mut self.session, &record),
            Direction::ToClient => smb1::response(&mut self.session, &record),
        })
    }

    fn follow_smb2(
        &mut self,
        direction: Direction,
        nbss: Nbss,
        fed: &[u8],
        behind: &[u8],
    ) -> Option<Rest> {
        let record =
            Smb2::parse(behind).filter(|record| smb2::is_followed(record.command, direction))?;
        self.report_nbss(direction, nbss, fed);
        let header_bytes = record.header_bytes;
        self.report_parts(
            direction,
            [Frame::Smb2Pdu, Frame::Smb2Header, Frame::Smb2Data],
            behind,
            (nbss.length, header_bytes),
        );
        Some(match direction {
            Direction::ToServer => smb2::request(&mut self.session, &record),
            Direction::ToClient => smb2::response(&mut self.session, &record),
        })
    }

    fn report_nbss(&mut self, direction: Direction, nbss: Nbss, fed: &[u8]) {
        self.report_parts(
            direction,
            [Frame::SmbNbssPdu, Frame::SmbNbssHeader, Frame::SmbNbssData],
            fed,
            (NBSS_HEADER_BYTES + nbss.length, NBSS_HEADER_BYTES),
        );
    }

    fn report_smb1(&mut self, direction: Direction, fed: &[u8], length: usize) {
        self.report_parts(
            direction,
            [Frame::Smb1Pdu, Frame::Smb1Header, Frame::Smb1Data],
            fed,
            (length, SMB1_HEADER_BYTES),
        );
    }

    fn report_smb2(&mut self, direction: Direction, fed: &[u8], record: &Smb2<'_>) {
        self.report_parts(
            direction,
            [Frame::Smb2Pdu, Frame::Smb2Header, Frame::Smb2Data],
            fed,
            (record.message.len(), record.header_bytes),
        );
    }

    fn report_smb3(&mut self, direction: Direction, fed: &[u8], length: usize) {
        self.report_parts(
            direction,
            [Frame::Smb3Pdu, Frame::Smb3Header, Frame::Smb3Data],
            fed,
            (length, SMB3_HEADER_BYTES),
        );
    }

    /// The whole, its header and what is behind that.
    fn report_parts(
        &mut self,
        direction: Direction,
        [whole, header, data]: [Frame; 3],
        fed: &[u8],
        (length, header_bytes): (usize, usize),
    ) {
        self.frames.open(direction, whole, fed, Some(length));
        self.frames.open(direction, header, fed, Some(header_bytes));
        if let Some(behind) = fed.get(header_bytes..).filter(|behind| !behind.is_empty()) {
            let data_bytes = length.saturating_sub(header_bytes);
            self.frames.open(direction, data, behind, Some(data_bytes));
        }
    }

    /// Where the next record begins behind lost bytes: four bytes before a version's magic.
    fn next_record(bytes: &[u8]) -> Option<usize> {
        memmem::find_iter(bytes, b"SMB").find_map(|at| {
            let magic = at.checked_sub(1)?;
            Version::of(&bytes[magic..])?;
            magic.checked_sub(NBSS_HEADER_BYTES)
        })
    }

    fn break_off(&mut self) -> Feed {
        self.session.event("malformed_data");
        self.is_broken = true;
        for direction in Direction::BOTH {
            self.frames.clear(direction);
            self.sides[direction.index()].pending = Vec::new();
        }
        Feed::Stop
    }
}

/// Bytes in which a header and a magic may begin.
const RESYNC_BYTES: usize = NBSS_HEADER_BYTES + 3;

impl Parser for SmbParser {
    fn protocol(&self) -> AppProtocol {
        AppProtocol::Smb
    }

    fn feed(&mut self, direction: Direction, bytes: &[u8]) -> Feed {
        if self.is_broken {
            return Feed::Stop;
        }
        let taken = self.take_rest(direction, bytes);
        let bytes = &bytes[taken..];
        if bytes.is_empty() {
            return Feed::More;
        }
        let side = &mut self.sides[direction.index()];
        let mut held = std::mem::take(&mut side.pending);
        held.extend_from_slice(bytes);
        let mut start = 0;
        if side.is_lost {
            match Self::next_record(&held) {
                Some(at) => {
                    start = at;
                    side.is_lost = false;
                }
                None => {
                    let kept = held.len().saturating_sub(RESYNC_BYTES);
                    side.pending = held.split_off(kept);
                    return Feed::More;
                }
            }
        }
        match self.records(direction, &held[start..]) {
            Ok(taken) => {
                held.drain(..start + taken);
                self.sides[direction.index()].pending = held;
                Feed::More
            }
            Err(Broken) => self.break_off(),
        }
    }

    fn gap(&mut self, direction: Direction, missing_bytes: u64) -> Feed {
        if self.is_broken {
            return Feed::Stop;
        }
        let side = &mut self.sides[direction.index()];
        let lost = side.left.min(missing_bytes);
        side.left -= lost;
        side.pending = Vec::new();
        side.is_lost = true;
        if let Rest::OfFile(handle) = side.rest
            && lost > 0
        {
            self.session.file_lost(handle, direction, lost);
        }
        self.session.after_gap(direction);
        Feed::More
    }

    fn end(&mut self, direction: Direction) {
        self.sides[direction.index()].pending = Vec::new();
        self.session.end(direction);
    }

    fn want_digests(&mut self, digests: DigestSet) {
        self.session.digests = digests;
    }

    fn store(&self) -> Option<&dyn TransactionStore> {
        Some(&self.session.transactions)
    }

    fn store_mut(&mut self) -> Option<&mut dyn TransactionStore> {
        Some(&mut self.session.transactions)
    }

    fn frames(&self) -> Option<&FrameLog> {
        Some(&self.frames)
    }

    fn frames_mut(&mut self) -> Option<&mut FrameLog> {
        Some(&mut self.frames)
    }

    fn held_bytes(&self) -> usize {
        size_of::<Self>()
            + self.session.held_bytes()
            + self
                .sides
                .iter()
                .map(|side| side.pending.capacity())
                .sum::<usize>()
    }
}
