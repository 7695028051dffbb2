//! A rule while its options are read: everything owned, names not yet numbers.

use std::{borrow::Cow, sync::Arc};

use super::{
    groups::{AddressSet, PortSet},
    list_files::ListContent,
    problem::Problem,
    syntax::Span,
};
use crate::model::{
    Action, Anchor, AppProtocol, BitAction, BitScope, Buffer, FlowRequirement, Frame,
    HeaderProtocol, ListKind, Match, NumberRange, Operand, PacketCondition, RateFilter,
    ReputationSide, RuleDirection, RuleId, SetAction, SuppressBy, Threshold, Transform,
    VariableScope,
};

/// A rule with its options understood.
#[derive(Clone, Debug)]
pub(crate) struct RuleDraft {
    pub(crate) id: RuleId,
    pub(crate) action: Action,
    pub(crate) protocol: HeaderProtocol,
    pub(crate) source: AddressSet,
    pub(crate) source_port: PortSet,
    pub(crate) direction: RuleDirection,
    pub(crate) destination: AddressSet,
    pub(crate) destination_port: PortSet,
    pub(crate) message: String,
    pub(crate) class_type: String,
    pub(crate) class_description: String,
    pub(crate) severity: Option<u8>,
    pub(crate) class_severity: Option<u8>,
    pub(crate) references: Vec<(String, String)>,
    pub(crate) metadata: Vec<(String, String)>,
    pub(crate) conditions: Vec<ConditionDraft>,
    pub(crate) effects: Vec<EffectDraft>,
    pub(crate) no_alert: bool,
    /// In the order in which they are asked.
    pub(crate) limits: Vec<LimitDraft>,
    pub(crate) flow: FlowRequirement,
    pub(crate) inspections: Vec<InspectionDraft>,
    /// Names of byte variables, in order of number.
    pub(crate) variables: Vec<String>,
    /// The application protocol its keywords imply, beside its header.
    pub(crate) implied: Option<AppProtocol>,
    pub(crate) traits: Traits,
    /// Where a content goes that no sticky buffer claims: index into `inspections`, `None` for the payload.
    pub(crate) current: Option<usize>,
    /// Valid but not run, with the reasons; and remarks.
    pub(crate) remarks: Vec<Problem>,
    /// Places of the keywords that may stand once only.
    pub(crate) seen: Vec<&'static str>,
}

/// One limit of its alerts.
#[derive(Clone, Debug)]
pub(crate) enum LimitDraft {
    Suppress {
        track: SuppressBy,
        addresses: AddressSet,
    },
    Threshold(Threshold),
    RateFilter(RateFilter),
}

impl RuleDraft {
    /// Its `threshold` or `detection_filter`.
    pub(crate) fn threshold(&self) -> Option<Threshold> {
        self.limits.iter().find_map(|limit| match limit {
            LimitDraft::Threshold(threshold) => Some(*threshold),
            LimitDraft::Suppress { .. } | LimitDraft::RateFilter(_) => None,
        })
    }

    /// Its `threshold`, `detection_filter` or `rate_filter`: a rule has one of them at most.
    pub(crate) fn has_rate_limit(&self) -> bool {
        self.limits
            .iter()
            .any(|limit| !matches!(limit, LimitDraft::Suppress { .. }))
    }
}

/// What kinds of keyword it uses: they decide when it is evaluated.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Traits {
    /// Uses a keyword that looks at one packet's own fields.
    pub(crate) needs_packet: bool,
    /// Asked for the stream only.
    pub(crate) needs_stream: bool,
    /// Uses `stream_size`.
    pub(crate) stream_size: bool,
    /// Uses a condition that an address-only rule must not have.
    pub(crate) beyond_addresses: bool,
    /// Asks for an event or a number of a transaction.
    pub(crate) transaction: bool,
    /// Asks for decoder events.
    pub(crate) decoder_event: bool,
    /// Asks for a detected protocol.
    pub(crate) protocol_detection: bool,
}

/// A condition whose names are not yet numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ConditionDraft {
    Plain(PacketCondition<'static>),
    Event(String),
    Bits {
        scope: BitScope,
        action: BitAction,
        names: Vec<String>,
    },
    FlowInt {
        name: String,
        operator: u8,
        value: IntegerDraft,
    },
    TextVariable {
        scope: VariableScope,
        name: String,
        pattern: Vec<u8>,
    },
    Reputation {
        side: ReputationSide,
        addresses: AddressSet,
    },
}

/// What a flow integer is compared or calculated with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IntegerDraft {
    Number(u32),
    Variable(String),
}

/// An effect whose names are not yet numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EffectDraft {
    Bit {
        scope: BitScope,
        action: BitAction,
        name: String,
        expire_seconds: u32,
    },
    FlowInt {
        name: String,
        operator: u8,
        value: IntegerDraft,
    },
}

/// What is asked of one buffer.
#[derive(Clone, Debug)]
pub(crate) struct InspectionDraft {
    pub(crate) buffer: Buffer,
    /// Which frame, with [`Buffer::Frame`].
    pub(crate) frame: Option<Frame>,
    pub(crate) transforms: Vec<TransformDraft>,
    pub(crate) matches: Vec<MatchDraft>,
    /// The keyword that opened it.
    pub(crate) span: Span,
    /// Opened by a sticky keyword, not by a modifier.
    pub(crate) is_sticky: bool,
    /// Something is asked of it that is not run.
    pub(crate) asks_unrun: bool,
}

/// A transform that owns its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TransformDraft {
    Plain(Transform<'static>),
    Xor(Vec<u8>),
    FirstCapture(RegexDraft),
}

/// A match that owns its bytes.
#[derive(Clone, Debug)]
pub(crate) enum MatchDraft {
    Content(ContentDraft),
    Regex {
        regex: RegexDraft,
        relative: bool,
        negated: bool,
        captures: Vec<CaptureDraft>,
    },
    /// The whole buffer against a list.
    List(ListDraft),
    Other(Match<'static>),
}

impl MatchDraft {
    /// Whether it starts from the cursor.
    pub(crate) fn is_relative(&self) -> bool {
        match self {
            Self::Content(content) => content.is_relative(),
            Self::Regex { relative, .. } => *relative,
            Self::List(_) => false,
            Self::Other(other) => match other {
                Match::ByteTest(test) => test.bytes.relative,
                Match::ByteJump(jump) => jump.bytes.relative,
                Match::ByteExtract(extract) => extract.bytes.relative,
                Match::ByteMath(math) => math.bytes.relative,
                Match::IsDataAt(at) => at.relative,
                Match::Base64Decode(decode) => decode.relative,
                // It looks at one place only, so nothing is tried again for it.
                Match::Asn1(_) => false,
                Match::Content(_)
                | Match::Regex(_)
                | Match::BufferSize(_)
                | Match::InList { .. }
                | Match::Reputation { .. } => false,
            },
        }
    }
}

/// A group of an expression that becomes a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CaptureDraft {
    pub(crate) group: u8,
    pub(crate) scope: VariableScope,
    pub(crate) name: String,
}

/// A list and what is asked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListDraft {
    /// Its name; `None` for a list of file digests, which is named by what is in it.
    pub(crate) name: Option<String>,
    /// What it holds; `None` where another rule says so.
    pub(crate) kind: Option<ListKind>,
    /// What its file holds, where the rule names one.
    pub(crate) content: Option<Arc<ListContent>>,
    pub(crate) question: ListQuestion,
    /// Where the rule names it.
    pub(crate) span: Span,
}

/// What is asked of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListQuestion {
    InList(SetAction),
    Reputation(NumberRange),
}

/// A regular expression: what to run and what the rule says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RegexDraft {
    pub(crate) expression: String,
    pub(crate) original: String,
    pub(crate) needs_backtracking: bool,
}

/// `fast_pattern`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FastPattern {
    /// `only`
    pub(crate) only: bool,
    /// Part of the pattern: offset and length.
    pub(crate) part: Option<(usize, usize)>,
}

/// A content and the modifiers seen so far.
#[derive(Clone, Debug)]
pub(crate) struct ContentDraft {
    pub(crate) pattern: Vec<u8>,
    pub(crate) span: Span,
    pub(crate) negated: bool,
    pub(crate) nocase: bool,
    pub(crate) offset: Option<Operand>,
    pub(crate) depth: Option<Operand>,
    pub(crate) distance: Option<Operand>,
    pub(crate) within: Option<Operand>,
    pub(crate) starts_with: bool,
    pub(crate) ends_with: bool,
    pub(crate) fast_pattern: Option<FastPattern>,
    /// Has `rawbytes`, which is not for a content that moves elsewhere.
    pub(crate) raw_bytes: bool,
}

impl ContentDraft {
    pub(crate) fn is_relative(&self) -> bool {
        self.distance.is_some() || self.within.is_some()
    }

    pub(crate) fn is_absolute(&self) -> bool {
        self.offset.is_some() || self.depth.is_some() || self.starts_with
    }

    pub(crate) fn anchor(&self) -> Anchor {
        let zero = Operand::Number(0);
        if self.is_relative() {
            return Anchor::Relative {
                distance: self.distance.unwrap_or(zero),
                within: self.within,
            };
        }
        let length = i64::try_from(self.pattern.len()).unwrap_or(i64::MAX);
        let offset = self.offset.unwrap_or(zero);
        Anchor::Absolute {
            offset,
            depth: if self.starts_with {
                Some(Operand::Number(length))
            } else {
                self.depth
            },
        }
    }
}

impl RuleDraft {
    /// The inspection that a new match goes into; the payload's is made when it is first needed.
    pub(crate) fn current_inspection(&mut self, span: &Span) -> &mut InspectionDraft {
        let index = match self.current {
            Some(index) => index,
            None => self.inspection_of(Buffer::Payload, span),
        };
        &mut self.inspections[index]
    }

    /// The inspection that a match relative to the newest content goes into: that content may have been moved by a modifier.
    pub(crate) fn inspection_of_newest(&mut self, span: &Span) -> &mut InspectionDraft {
        if self.current.is_some() {
            return self.current_inspection(span);
        }
        let newest = self.newest_unsticky();
        match newest {
            Some(index) => &mut self.inspections[index],
            None => self.current_inspection(span),
        }
    }

    /// The index of the inspection of a buffer that is not opened anew by each keyword; made if there is none.
    pub(crate) fn inspection_of(&mut self, buffer: Buffer, span: &Span) -> usize {
        let found = self
            .inspections
            .iter()
            .position(|inspection| inspection.buffer == buffer && !inspection.is_sticky);
        found.unwrap_or_else(|| {
            self.inspections.push(InspectionDraft {
                buffer,
                frame: None,
                transforms: Vec::new(),
                matches: Vec::new(),
                span: span.clone(),
                is_sticky: false,
                asks_unrun: false,
            });
            self.inspections.len() - 1
        })
    }

    /// The content that a modifier is about: the last match of the current list that is one.
    pub(crate) fn last_content(
        &mut self,
        keyword: &str,
        span: &Span,
    ) -> Result<&mut ContentDraft, Problem> {
        let matches = match self.current {
            Some(index) => Some(&mut self.inspections[index].matches),
            // After `content; http_uri;` the content has left the payload; the newest content of all is meant.
            None => self
                .newest_unsticky()
                .map(|index| &mut self.inspections[index].matches),
        };
        matches
            .and_then(|matches| {
                matches.iter_mut().rev().find_map(|item| match item {
                    MatchDraft::Content(content) => Some(content),
                    _ => None,
                })
            })
            .ok_or_else(|| {
                Problem::error(
                    "modifier-without-content",
                    span.clone(),
                    format!("`{keyword}` has no content before it"),
                )
                .hint("a modifier follows the content it is about")
            })
    }

    /// The inspection, among those not opened by sticky keywords, that holds the newest content.
    fn newest_unsticky(&self) -> Option<usize> {
        let newest_content = |inspection: &InspectionDraft| {
            inspection
                .matches
                .iter()
                .filter_map(|item| match item {
                    MatchDraft::Content(content) => Some(content.span.start),
                    _ => None,
                })
                .max()
        };
        self.inspections
            .iter()
            .enumerate()
            .filter(|(_, inspection)| !inspection.is_sticky)
            .filter_map(|(index, inspection)| Some((newest_content(inspection)?, index)))
            .max()
            .map(|(_, index)| index)
    }

    /// Says that the rule is valid and not run.
    pub(crate) fn unsupported(&mut self, span: &Span, reason: impl Into<Cow<'static, str>>) {
        self.remarks
            .push(Problem::unsupported(span.clone(), reason.into()));
    }

    /// Notes that its keywords speak of an application protocol, and refuses a second one.
    pub(crate) fn imply(
        &mut self,
        protocol: AppProtocol,
        keyword: &str,
        span: &Span,
    ) -> Result<(), Problem> {
        self.refuse_others(&[protocol], keyword, span)?;
        if self.implied.is_none() {
            self.implied = Some(protocol);
        }
        Ok(())
    }

    /// Refuses a keyword that these protocols have in a rule that is about another one.
    pub(crate) fn refuse_others(
        &self,
        protocols: &[AppProtocol],
        keyword: &str,
        span: &Span,
    ) -> Result<(), Problem> {
        let header = match self.protocol {
            HeaderProtocol::App(header) => Some(header),
            HeaderProtocol::AnyHttp => Some(AppProtocol::Http1),
            _ => None,
        };
        let are_strange = |other: &AppProtocol| {
            let mut protocols = protocols.iter();
            !protocols.any(|protocol| are_compatible(*other, *protocol))
        };
        let conflict = [header, self.implied]
            .into_iter()
            .flatten()
            .find(are_strange);
        let (Some(other), Some(protocol)) = (conflict, protocols.first()) else {
            return Ok(());
        };
        Err(Problem::error(
            "protocol-conflict",
            span.clone(),
            format!(
                "`{keyword}` is of {}, the rule is of {}",
                protocol.name(),
                other.name()
            ),
        ))
    }

    /// Notes that a keyword means HTTP/1 and not HTTP/2, as the older modifiers do.
    pub(crate) fn confine_to_http1(&mut self, keyword: &str, span: &Span) -> Result<(), Problem> {
        self.imply(AppProtocol::Http1, keyword, span)?;
        if self.protocol == HeaderProtocol::App(AppProtocol::Http2) {
            return Err(Problem::error(
                "protocol-conflict",
                span.clone(),
                format!("`{keyword}` is of HTTP/1 only"),
            )
            .hint("use the sticky buffer"));
        }
        let condition = ConditionDraft::Plain(PacketCondition::SpeaksHttp1);
        match self.protocol {
            HeaderProtocol::AnyHttp => self.protocol = HeaderProtocol::App(AppProtocol::Http1),
            HeaderProtocol::App(AppProtocol::Http1) => {}
            _ if self.conditions.contains(&condition) => {}
            _ => self.conditions.push(condition),
        }
        Ok(())
    }

    /// The application protocol it is confined to, if any.
    pub(crate) fn app_protocol(&self) -> Option<AppProtocol> {
        match self.protocol {
            HeaderProtocol::App(protocol) => Some(protocol),
            HeaderProtocol::AnyHttp => Some(AppProtocol::Http1),
            _ => self.implied,
        }
    }
}

/// Whether a keyword of `other` may stand in a rule of `one`: HTTP buffers are those of both versions, and pipes of SMB
/// carry DCERPC.
fn are_compatible(one: AppProtocol, other: AppProtocol) -> bool {
    if let (AppProtocol::Smb, AppProtocol::Dcerpc) | (AppProtocol::Dcerpc, AppProtocol::Smb) =
        (one, other)
    {
        return true;
    }
    let family = |protocol| match protocol {
        AppProtocol::Http2 => AppProtocol::Http1,
        other => other,
    };
    family(one) == family(other)
}
