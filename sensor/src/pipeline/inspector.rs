//! What a pipeline asks of who judges its packets.

use lapwing_rules::model::FrameSet;

use crate::{
    app_layer::{DigestSet, ParserSet},
    decode::Packet,
    detect::{Alert, Detector},
    flow::{Flow, StreamWindow},
};

/// Judges packets; [`Detector`] does it by rules.
pub trait Inspector {
    /// Judges a packet with its flow and what became known of its direction's stream; appends what fired.
    fn inspect(
        &mut self,
        packet: &Packet<'_>,
        flow: Option<&mut Flow>,
        window: Option<StreamWindow<'_>>,
        alerts: &mut Vec<Alert>,
    );

    /// The frames it asks for; parsers report no others.
    fn wanted_frames(&self) -> FrameSet {
        FrameSet::default()
    }

    /// The parsers that may start.
    fn parsers(&self) -> ParserSet {
        ParserSet::default()
    }

    /// The digests of files that it asks for; parsers make no others.
    fn wanted_digests(&self) -> DigestSet {
        DigestSet::default()
    }

    /// All that parsers have to know of it.
    fn wanted(&self) -> (FrameSet, ParserSet, DigestSet) {
        (self.wanted_frames(), self.parsers(), self.wanted_digests())
    }

    /// Whether a packet is looked at; others belong to no flow.
    fn looks_at(&self, _packet: &Packet<'_>) -> bool {
        true
    }

    /// Forgets everything: the next packet belongs to another world.
    fn forget(&mut self);
}

impl Inspector for Detector {
    fn inspect(
        &mut self,
        packet: &Packet<'_>,
        flow: Option<&mut Flow>,
        window: Option<StreamWindow<'_>>,
        alerts: &mut Vec<Alert>,
    ) {
        Self::inspect(self, packet, flow, window, alerts);
    }

    fn wanted_frames(&self) -> FrameSet {
        Self::wanted_frames(self)
    }

    fn parsers(&self) -> ParserSet {
        Self::parsers(self)
    }

    fn wanted_digests(&self) -> DigestSet {
        Self::wanted_digests(self)
    }

    fn looks_at(&self, packet: &Packet<'_>) -> bool {
        Self::looks_at(self, packet)
    }

    fn forget(&mut self) {
        Self::forget(self);
    }
}
