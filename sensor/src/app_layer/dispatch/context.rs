//! What is known of a flow when bytes are fed, and how far the identification of one of its directions has come.

use std::net::IpAddr;

use lapwing_rules::model::{AppProtocol, FrameSet};

use crate::{
    app_layer::{DigestSet, ParserSet},
    time::Timestamp,
};

/// What carries the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// A stream per direction.
    Tcp,
    /// Datagrams: each feed is one.
    Udp,
}

/// What is known of the flow when bytes are fed.
#[derive(Clone, Copy, Debug)]
pub struct FeedContext {
    /// Who opened the flow: some protocols name addresses in what they say.
    pub client_address: IpAddr,
    /// Whom it was opened to.
    pub server_address: IpAddr,
    /// Who is the client was guessed: what is said may tell otherwise.
    pub may_be_reversed: bool,
    /// The client's port: a hint for identification.
    pub client_port: u16,
    /// The server's port: a hint for identification.
    pub server_port: u16,
    /// What carries the bytes.
    pub transport: Transport,
    /// Time of the packet that completed them.
    pub time: Timestamp,
    /// The frames that rules ask for.
    pub frames: FrameSet,
    /// The parsers that may start.
    pub parsers: ParserSet,
    /// The digests of files that rules ask for.
    pub digests: DigestSet,
}

impl FeedContext {
    /// The same with client and server exchanged, which is known for certain then.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self {
            client_address: self.server_address,
            server_address: self.client_address,
            client_port: self.server_port,
            server_port: self.client_port,
            may_be_reversed: false,
            ..*self
        }
    }
}

/// How far the identification of one direction has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Identification {
    /// No bytes yet, or too few to tell.
    #[default]
    Undecided,
    /// By its own content.
    Identified(AppProtocol),
    /// Not by its own content; what it is parsed as, if at all, is what the other direction was identified as.
    Failed,
}
