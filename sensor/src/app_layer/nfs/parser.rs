//! Cuts each direction of a stream into records; a datagram is one message.
//!
//! A record is read once it is whole. Only a READ's reply and a WRITE are followed while they come, as the reference does:
//! once their arguments are there, their bytes go straight to the file. Behind a gap the next byte that looks like the
//! beginning of a record is one.

use lapwing_rules::model::{AppProtocol, Frame};

use super::{
    rpc::{self, Call, Fault, HEADER_BYTES, MARK_BYTES, RecordHeader, Reply},
    session::{Session, Unfinished},
    version3,
};
use crate::{
    app_layer::{DigestSet, Feed, FrameLog, Parser, TransactionStore, Transport, limits},
    direction::Direction,
};

/// A record made no sense: nothing more of the flow is understood.
struct Broken;

/// A record of at least so many bytes may be followed before it is whole.
const FOLLOWED_RECORD_BYTES_MIN: usize = 512;
/// Bytes of such a call and of such a reply that must be there.
const FOLLOWED_BYTES_MIN: [usize; 2] = [44, 128];
/// Where that was too little, so many are waited for.
const FOLLOWED_BYTES_NEXT: usize = 1024;

/// What one direction is in the middle of.
#[derive(Debug, Default)]
struct Side {
    /// Bytes of a record that is not complete.
    pending: Vec<u8>,
    /// Nothing is looked at before so many bytes are pending.
    wanted: usize,
    /// A piece of a file still to come.
    unfinished: Option<Unfinished>,
    /// Bytes of a record still to come that is passed over.
    passed_over: usize,
    /// Bytes were lost: where the next record begins is to be found.
    is_lost: bool,
}

/// NFS of one flow.
#[derive(Debug)]
pub(in crate::app_layer) struct NfsParser {
    transport: Transport,
    session: Session,
    sides: [Side; 2],
    is_broken: bool,
    frames: FrameLog,
}

impl NfsParser {
    pub(in crate::app_layer) fn new(transport: Transport) -> Self {
        Self {
            transport,
            session: Session::default(),
            sides: Default::default(),
            is_broken: false,
            frames: FrameLog::default(),
        }
    }

    fn datagram(&mut self, direction: Direction, bytes: &[u8]) {
        self.report_message(direction, bytes, 0, bytes.len());
        match direction {
            Direction::ToServer => {
                if let Ok(call) = Call::parse(bytes) {
                    self.report_call(&call, bytes, 0);
                    self.session.call(&call);
                }
            }
            Direction::ToClient => {
                if let Ok(reply) = Reply::parse(bytes) {
                    self.report_reply(&reply, bytes);
                    self.session.reply(&reply);
                }
            }
        }
    }

    fn stream(&mut self, direction: Direction, bytes: &[u8]) -> Result<(), Broken> {
        let side = &mut self.sides[direction.index()];
        let mut held = std::mem::take(&mut side.pending);
        held.extend_from_slice(bytes);
        if held.len() < side.wanted {
            side.pending = held;
            return Ok(());
        }
        side.wanted = 0;
        let taken = self.records(direction, &held)?;
        held.drain(..taken);
        self.sides[direction.index()].pending = held;
        Ok(())
    }

    /// Takes what can be taken; gives how many bytes that are.
    fn records(&mut self, direction: Direction, held: &[u8]) -> Result<usize, Broken> {
        let mut at = 0;
        while at < held.len() {
            let fed = &held[at..];
            let taken = match self.rest_of_record(direction, fed)? {
                0 if self.sides[direction.index()].is_lost => {
                    let skipped = self.find_record(direction, fed);
                    if skipped == 0 && self.sides[direction.index()].is_lost {
                        break;
                    }
                    skipped
                }
                0 => match self.record(direction, fed)? {
                    0 => break,
                    taken => taken,
                },
                taken => taken,
            };
            at += taken;
        }
        Ok(at)
    }

    /// Bytes that belong to a record whose beginning was handled; gives how many they are.
    fn rest_of_record(&mut self, direction: Direction, fed: &[u8]) -> Result<usize, Broken> {
        let side = &mut self.sides[direction.index()];
        if side.passed_over > 0 {
            let passed = side.passed_over.min(fed.len());
            side.passed_over -= passed;
            return Ok(passed);
        }
        let Some(unfinished) = side.unfinished.as_mut() else {
            return Ok(0);
        };
        if unfinished.is_hopeless {
            self.session.malformed();
            return Err(Broken);
        }
        let taken = usize::try_from(unfinished.left).map_or(fed.len(), |left| left.min(fed.len()));
        unfinished.left -= taken as u64;
        self.session
            .file_goes_on(&unfinished.handle, direction, &fed[..taken]);
        if unfinished.left == 0 {
            side.unfinished = None;
        }
        Ok(taken)
    }

    /// Looks for the beginning of a record behind a gap; gives how many bytes stand before it.
    fn find_record(&mut self, direction: Direction, fed: &[u8]) -> usize {
        for at in 0..fed.len() {
            match rpc::find_record(direction, &fed[at..]) {
                Some(false) => {}
                Some(true) => {
                    self.sides[direction.index()].is_lost = false;
                    return at;
                }
                None => return at,
            }
        }
        fed.len()
    }

    /// A record begins; gives how many bytes of it are done with.
    fn record(&mut self, direction: Direction, fed: &[u8]) -> Result<usize, Broken> {
        let header = match RecordHeader::parse(fed) {
            Ok(header) => header,
            Err(Fault::Short) => return Ok(0),
            Err(Fault::Wrong) => {
                self.session.malformed();
                return Err(Broken);
            }
        };
        let bytes = header.record_bytes();
        match fed.get(MARK_BYTES..bytes) {
            _ if bytes < MARK_BYTES + HEADER_BYTES => {
                self.session.malformed();
                Err(Broken)
            }
            Some(message) => {
                self.whole_record(direction, message, fed)?;
                Ok(bytes)
            }
            None => self.partial_record(direction, header, fed),
        }
    }

    fn whole_record(
        &mut self,
        direction: Direction,
        message: &[u8],
        fed: &[u8],
    ) -> Result<(), Broken> {
        self.report_message(direction, fed, MARK_BYTES, MARK_BYTES + message.len());
        let unfinished = match direction {
            Direction::ToServer => Call::parse(message).map(|call| {
                self.report_call(&call, fed, MARK_BYTES);
                self.session.call(&call)
            }),
            Direction::ToClient => Reply::parse(message).map(|reply| {
                self.report_reply(&reply, fed);
                self.session.reply(&reply)
            }),
        };
        match unfinished {
            Ok(unfinished) => self.sides[direction.index()].unfinished = unfinished,
            Err(fault) => {
                self.session.malformed();
                // What makes no sense is passed over, as the calls that a server of version 4.1 makes are. The reference
                // fails over a reply that is too short.
                if direction == Direction::ToClient && fault == Fault::Short {
                    return Err(Broken);
                }
            }
        }
        Ok(())
    }

    /// A record of which only the beginning is there.
    fn partial_record(
        &mut self,
        direction: Direction,
        header: RecordHeader,
        fed: &[u8],
    ) -> Result<usize, Broken> {
        let bytes = header.record_bytes();
        if bytes >= FOLLOWED_RECORD_BYTES_MIN && fed.len() >= FOLLOWED_BYTES_MIN[direction.index()]
        {
            let message = &fed[MARK_BYTES..];
            let followed = match direction {
                Direction::ToServer => self.partial_call(message),
                Direction::ToClient => self.partial_reply(header.xid, message),
            };
            match followed {
                Ok(Followed::Yes(unfinished)) => {
                    self.frames
                        .open(direction, Frame::NfsRpcPdu, fed, Some(fed.len()));
                    self.sides[direction.index()].unfinished = unfinished;
                    return Ok(fed.len());
                }
                Ok(Followed::No) | Err(Fault::Short) => {}
                Err(Fault::Wrong) => {
                    self.frames
                        .open(direction, Frame::NfsRpcPdu, fed, Some(fed.len()));
                    self.session.malformed();
                    return Err(Broken);
                }
            }
        }
        let side = &mut self.sides[direction.index()];
        if bytes > limits::NFS_RECORD_BYTES_MAX {
            side.passed_over = bytes - fed.len();
            return Ok(fed.len());
        }
        side.wanted = fed.len().max(FOLLOWED_BYTES_NEXT).min(bytes);
        Ok(0)
    }

    fn partial_call(&mut self, message: &[u8]) -> Result<Followed, Fault> {
        let call = Call::parse(message)?;
        if call.procedure != version3::WRITE {
            return Ok(Followed::No);
        }
        if call.version != 3 {
            return Err(Fault::Wrong);
        }
        let (handle, write) = version3::write(call.data)?;
        let unfinished = self.session.write_begins(&call, handle, &write);
        Ok(Followed::Yes(unfinished))
    }

    fn partial_reply(&mut self, xid: u32, message: &[u8]) -> Result<Followed, Fault> {
        let reply = Reply::parse(message)?;
        if !self.session.is_reply_of_read(xid) {
            return Ok(Followed::No);
        }
        let piece = version3::read_result(reply.data).ok_or(Fault::Short)?;
        if piece.length > limits::NFS_TRANSFER_BYTES_MAX {
            return Err(Fault::Wrong);
        }
        Ok(Followed::Yes(self.session.reply(&reply)))
    }

    /// The message and, of a reply, what its header and its data are. `at`: where it begins behind the mark.
    fn report_message(&mut self, direction: Direction, fed: &[u8], at: usize, bytes: usize) {
        self.frames
            .open(direction, Frame::NfsRpcPdu, fed, Some(bytes));
        let header_bytes = at + HEADER_BYTES;
        if direction == Direction::ToClient
            && let Some(data) = fed.get(header_bytes..)
        {
            self.frames
                .open(direction, Frame::NfsRpcHeader, fed, Some(header_bytes));
            self.frames.open(
                direction,
                Frame::NfsRpcData,
                data,
                Some(bytes.saturating_sub(header_bytes)),
            );
        }
    }

    fn report_call(&mut self, call: &Call<'_>, fed: &[u8], at: usize) {
        let credentials = fed.get(at + Call::CREDENTIALS_AT..).unwrap_or_default();
        self.frames.open(
            Direction::ToServer,
            Frame::NfsRpcCredentials,
            credentials,
            Some(call.credentials_bytes),
        );
        let is_version4 = call.version == 4;
        self.report_body(Direction::ToServer, is_version4, call.data, fed);
    }

    fn report_reply(&mut self, reply: &Reply<'_>, fed: &[u8]) {
        if let Some(version) = self.session.version_of(reply.xid) {
            self.report_body(Direction::ToClient, version == 4, reply.data, fed);
        }
    }

    /// What NFS itself put into a message, `data`, which `fed` holds.
    fn report_body(&mut self, direction: Direction, is_version4: bool, data: &[u8], fed: &[u8]) {
        const STATUS_BYTES: usize = 4;
        const COMPOUND_HEADER_BYTES: usize = 8;
        if data.is_empty() {
            return;
        }
        let at = data.as_ptr().addr().saturating_sub(fed.as_ptr().addr());
        let Some(body) = fed.get(at..) else { return };
        let (pdu, status) = if is_version4 {
            (Frame::Nfs4Pdu, Frame::Nfs4Status)
        } else {
            (Frame::NfsPdu, Frame::NfsStatus)
        };
        self.frames.open(direction, pdu, body, Some(data.len()));
        if is_version4 && data.len() > COMPOUND_HEADER_BYTES {
            self.frames.open(
                direction,
                Frame::Nfs4Header,
                body,
                Some(COMPOUND_HEADER_BYTES),
            );
            self.frames.open(
                direction,
                Frame::Nfs4Operations,
                &body[COMPOUND_HEADER_BYTES..],
                Some(data.len() - COMPOUND_HEADER_BYTES),
            );
        }
        if direction == Direction::ToClient && data.len() >= STATUS_BYTES {
            self.frames
                .open(direction, status, body, Some(STATUS_BYTES));
        }
    }
}

/// Whether a record is followed before it is whole.
enum Followed {
    Yes(Option<Unfinished>),
    No,
}

impl Parser for NfsParser {
    fn protocol(&self) -> AppProtocol {
        AppProtocol::Nfs
    }

    fn feed(&mut self, direction: Direction, bytes: &[u8]) -> Feed {
        if self.is_broken {
            return Feed::Stop;
        }
        if self.transport == Transport::Udp {
            self.datagram(direction, bytes);
            return Feed::More;
        }
        match self.stream(direction, bytes) {
            Ok(()) => Feed::More,
            Err(Broken) => {
                self.is_broken = true;
                Feed::Fail
            }
        }
    }

    fn gap(&mut self, direction: Direction, missing_bytes: u64) -> Feed {
        if self.is_broken {
            return Feed::Stop;
        }
        let side = &mut self.sides[direction.index()];
        side.pending = Vec::new();
        side.wanted = 0;
        let mut missing_bytes = missing_bytes;
        if let Some(unfinished) = side.unfinished.as_mut() {
            let lost = unfinished.left.min(missing_bytes);
            unfinished.left -= lost;
            missing_bytes -= lost;
            self.session.file_lost(&unfinished.handle, direction, lost);
            if unfinished.left == 0 {
                side.unfinished = None;
            }
        }
        if missing_bytes > 0 {
            side.is_lost = true;
            side.passed_over = 0;
            self.session.after_gap(direction);
        }
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
        let pending: usize = self.sides.iter().map(|side| side.pending.capacity()).sum();
        size_of::<Self>() + pending + self.session.held_bytes()
    }
}
