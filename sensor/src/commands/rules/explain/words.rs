//! What rules are made of, in words.

use std::net::{Ipv4Addr, Ipv6Addr};

use lapwing_rules::{
    model::{
        Action, AddressSetId, AlertLimit, Anchor, BitAction, BitScope, Buffer, ByteTest, BytesSpec,
        Comparison, Content, DetectedProtocol, Effect, FlowRequirement, HeaderField,
        HeaderProtocol, IntegerOperand, ListId, Match, NumberBase, NumberRange, Operand,
        PacketCondition, PortSetId, ReputationSide, RuleDirection, RuleKind, SetAction, Side,
        Sides, SuppressBy, TcpFlagsMode, Threshold, ThresholdKind, TrackBy, Transform,
        VariableScope,
    },
    pack::{Pack, PrefilterScope, RuleView, TransportClass},
    source::keyword_table,
};

pub(super) fn action(action: Action) -> &'static str {
    match action {
        Action::Alert => "alert",
        Action::Pass => "pass: what matches raises no alert",
        Action::Drop => "drop: a sensor only watches, so it alerts and says so",
        Action::Reject => "reject: a sensor only watches, so it alerts and says so",
    }
}

pub(super) fn protocol(protocol: HeaderProtocol) -> String {
    match protocol {
        HeaderProtocol::App(app) => app.name().to_owned(),
        HeaderProtocol::AnyHttp => "http (HTTP/1 and HTTP/2)".to_owned(),
        HeaderProtocol::TcpPacket => "tcp, single packets".to_owned(),
        HeaderProtocol::TcpStream => "tcp, the reassembled stream".to_owned(),
        HeaderProtocol::PacketHeader => "every packet, decoded or not".to_owned(),
        HeaderProtocol::Icmp => "icmp of both versions".to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }
}

pub(super) fn arrow(direction: RuleDirection) -> &'static str {
    match direction {
        RuleDirection::Forward => "",
        RuleDirection::Both => ", or the other way round",
    }
}

fn side(side: Side) -> &'static str {
    match side {
        Side::ToServer => "the client",
        Side::ToClient => "the server",
    }
}

pub(super) fn evaluated(rule: &RuleView<'_>) -> String {
    let of = match rule.sides() {
        Sides::ToServer => " of the client",
        Sides::ToClient => " of the server",
        Sides::Both => "",
    };
    let what = match rule.kind() {
        RuleKind::AddressOnly | RuleKind::LikeAddressOnly => {
            "once for each direction of a flow, by its addresses"
        }
        RuleKind::ProtocolDetectionOnly => "once the protocol is known",
        RuleKind::DecoderEventOnly => "on packets with the event",
        RuleKind::Packet => "on each packet",
        RuleKind::PacketStream => "on each packet, and on the reassembled stream",
        RuleKind::Stream => "on the reassembled stream",
        RuleKind::AppLayer => "on each packet once the protocol is known",
        RuleKind::Transaction => "on each transaction",
        RuleKind::Frame => "on each frame",
    };
    format!("{what}{of}")
}

pub(super) fn buffer(buffer: Buffer) -> String {
    match buffer {
        Buffer::Payload => "the payload".to_owned(),
        other => other.info().name.to_owned(),
    }
}

fn class(class: TransportClass) -> &'static str {
    match class {
        TransportClass::Tcp => "TCP",
        TransportClass::Udp => "UDP",
        TransportClass::Icmp => "ICMP",
        TransportClass::Other => "other protocols",
    }
}

pub(super) fn scope(scope: PrefilterScope) -> String {
    match scope {
        PrefilterScope::PacketPayload(transport) => {
            format!("the payload of a packet of {}", class(transport))
        }
        PrefilterScope::PacketPayloadAtPort(transport, port) => format!(
            "the payload of a packet of {} with port {port}",
            class(transport)
        ),
        PrefilterScope::StreamAtPort(from, port) => {
            format!("the stream of {} with port {port}", side(from))
        }
        PrefilterScope::Stream(from) => format!("the stream of {}", side(from)),
        PrefilterScope::Buffer(of, from) => format!("{} of {}", buffer(of), side(from)),
        PrefilterScope::PacketHeader(transport) => format!("every packet of {}", class(transport)),
        PrefilterScope::AddressOnly => "the first packet of each direction of a flow".to_owned(),
        PrefilterScope::AddressOnlyIpv6 => {
            "the first packet of each direction of a flow over IPv6".to_owned()
        }
        PrefilterScope::Transaction(protocol, from) => format!(
            "every transaction of {}, {}",
            protocol.map_or("http", |protocol| protocol.name()),
            side(from)
        ),
        PrefilterScope::Frame(frame, from) => {
            format!("the frame {} of {}", frame.info().name, side(from))
        }
    }
}

/// A pattern as rules write it.
pub(super) fn shown(pattern: &[u8]) -> String {
    let mut text = String::from("\"");
    for byte in pattern {
        if byte.is_ascii_graphic() && !matches!(byte, b'"' | b'|' | b';' | b'\\') || *byte == b' ' {
            text.push(char::from(*byte));
        } else {
            text.push_str(&format!("|{byte:02X}|"));
        }
    }
    text.push('"');
    text.replace("||", " ")
}

fn operand(operand: Operand) -> String {
    match operand {
        Operand::Number(number) => number.to_string(),
        Operand::Variable(index) => format!("variable {}", index + 1),
    }
}

pub(super) fn range(range: NumberRange) -> String {
    let not = if range.negated { "not " } else { "" };
    let text = match (range.min, range.max) {
        (min, max) if min == max => min.to_string(),
        (0, max) => format!("{max} at most"),
        (min, u64::MAX) => format!("{min} at least"),
        (min, max) => format!("{min} to {max}"),
    };
    format!("{not}{text}")
}

fn content(content: &Content<'_>) -> String {
    let mut text = String::new();
    if content.negated {
        text.push_str("not ");
    }
    text.push_str(&shown(content.pattern));
    if content.nocase {
        text.push_str(" in any case");
    }
    match content.anchor {
        _ if content.starts_with => text.push_str(", at the start"),
        Anchor::Absolute { offset, depth } => {
            if offset != Operand::Number(0) {
                text.push_str(&format!(", from byte {} on", operand(offset)));
            }
            if let Some(depth) = depth {
                text.push_str(&format!(", within {} bytes", operand(depth)));
            }
        }
        Anchor::Relative { distance, within } => {
            text.push_str(", behind the match before");
            if distance != Operand::Number(0) {
                text.push_str(&format!(" by {} bytes or more", operand(distance)));
            }
            if let Some(within) = within {
                text.push_str(&format!(", within {} bytes from there", operand(within)));
            }
        }
    }
    if content.ends_with {
        text.push_str(", at the end");
    }
    text
}

fn read(bytes: &BytesSpec) -> String {
    let mut text = format!(
        "the {} at {}",
        match bytes.count {
            Operand::Number(1) => "byte".to_owned(),
            Operand::Number(0) => "digits".to_owned(),
            count => format!("{} bytes", operand(count)),
        },
        operand(bytes.offset)
    );
    if bytes.relative {
        text.push_str(" behind the match before");
    }
    match bytes.text {
        Some(NumberBase::Hexadecimal) => text.push_str(", as hexadecimal digits"),
        Some(NumberBase::Decimal) => text.push_str(", as decimal digits"),
        Some(NumberBase::Octal) => text.push_str(", as octal digits"),
        None if bytes.dce => text.push_str(", in the byte order of the DCERPC header"),
        None if bytes.little_endian => text.push_str(", little-endian"),
        None => {}
    }
    if let Some(mask) = bytes.bitmask {
        text.push_str(&format!(", masked with {mask:#x}"));
    }
    text
}

fn byte_test(test: &ByteTest) -> String {
    let not = if test.negated { "not " } else { "" };
    let sign = match test.comparison {
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
        Comparison::Equal => "=",
        Comparison::And => "&",
        Comparison::Xor => "^",
    };
    format!(
        "{} are {not}{sign} {}",
        read(&test.bytes),
        operand(test.value)
    )
}

pub(super) fn matched(item: &Match<'_>) -> String {
    match item {
        Match::Content(this) => content(this),
        Match::ByteTest(test) => byte_test(test),
        Match::ByteJump(jump) => {
            let mut text = format!("jump by {}", read(&jump.bytes));
            if jump.multiplier != 1 {
                text.push_str(&format!(", times {}", jump.multiplier));
            }
            if jump.post_offset != 0 {
                text.push_str(&format!(", and {} more", jump.post_offset));
            }
            text
        }
        Match::ByteExtract(extract) => {
            format!(
                "variable {} is {}",
                extract.variable + 1,
                read(&extract.bytes)
            )
        }
        Match::ByteMath(math) => format!(
            "variable {} is {} {} {}",
            math.variable + 1,
            read(&math.bytes),
            char::from(math.operator),
            operand(math.value)
        ),
        Match::IsDataAt(at) => {
            if at.relative && at.offset == Operand::Number(1) {
                let what = if at.negated { "nothing" } else { "something" };
                return format!("{what} follows the match before");
            }
            let not = if at.negated { "no data" } else { "data" };
            let from = if at.relative {
                "behind the match before"
            } else {
                "from the start"
            };
            format!("{not} at {} {from}", operand(at.offset))
        }
        Match::BufferSize(size) => format!("its length is {}", range(*size)),
        other => format!("{other:?}"),
    }
}

/// What is asked of a list.
pub(super) fn listed(pack: &Pack, list: ListId, action: SetAction) -> String {
    let name = list_name(pack, list);
    match action {
        SetAction::Set => format!("it was not in {name} yet, and is put there"),
        SetAction::Unset => format!("it was in {name}, and is taken out"),
        SetAction::IsSet => format!("it is in {name}"),
        SetAction::IsNotSet => format!("it is not in {name}"),
    }
}

pub(super) fn rated(pack: &Pack, list: ListId, reputation: NumberRange) -> String {
    format!(
        "its reputation in {} is {}",
        list_name(pack, list),
        range(reputation)
    )
}

fn list_name(pack: &Pack, list: ListId) -> String {
    pack.list(list).map_or_else(String::new, |list| {
        format!("the list `{}` of {} entries", list.name(), list.len())
    })
}

pub(super) fn transform(pack: &Pack, transform: &Transform<'_>) -> String {
    match transform {
        Transform::Xor(key) => format!("xor with {}", hex::encode(key)),
        Transform::FirstCapture(regex) => format!(
            "pcrexform {}",
            pack.regex(*regex).map_or("", |regex| regex.original())
        ),
        plain => format!("{plain:?}")
            .chars()
            .enumerate()
            .flat_map(|(index, letter)| {
                let gap = (index > 0 && letter.is_uppercase()).then_some('_');
                gap.into_iter().chain(letter.to_lowercase())
            })
            .collect(),
    }
}

fn counted_by(track: TrackBy) -> &'static str {
    match track {
        TrackBy::Source => "each source",
        TrackBy::Destination => "each destination",
        TrackBy::Both => "each pair of hosts",
        TrackBy::Rule => "the rule",
        TrackBy::Flow => "each flow",
    }
}

fn threshold(threshold: Threshold) -> String {
    let by = counted_by(threshold.track);
    let (count, seconds) = (threshold.count, threshold.seconds);
    match threshold.kind {
        ThresholdKind::Limit => format!("at most {count} alerts in {seconds} s for {by}"),
        ThresholdKind::Threshold => {
            format!("an alert each time {count} matches came within {seconds} s for {by}")
        }
        ThresholdKind::Both => {
            format!("one alert in {seconds} s for {by}, from {count} matches on")
        }
        ThresholdKind::DetectionFilter => {
            format!("alerts behind {count} matches in {seconds} s for {by}")
        }
    }
}

fn flow(flow: &FlowRequirement) -> String {
    let said: Vec<&str> = [
        (flow.to_server, "to the server"),
        (flow.to_client, "to the client"),
        (flow.established, "established"),
        (flow.not_established, "not established"),
        (flow.stateless, "in any state"),
        (flow.only_stream, "in the stream only"),
        (flow.no_stream, "in packets only"),
        (flow.only_frag, "in reassembled fragments only"),
        (flow.no_frag, "not in reassembled fragments"),
    ]
    .into_iter()
    .filter_map(|(set, text)| set.then_some(text))
    .collect();
    format!("the flow is {}", said.join(", "))
}

/// The keyword that asks for a field.
fn field(field: HeaderField) -> String {
    match field {
        HeaderField::PayloadSize => "dsize".to_owned(),
        HeaderField::IpId => "id".to_owned(),
        HeaderField::IpProtocol => "ip_proto".to_owned(),
        HeaderField::IcmpId => "icmp_id".to_owned(),
        HeaderField::IcmpSequence => "icmp_seq".to_owned(),
        other => keyword_table::of_field(other)
            .map_or_else(|| format!("{other:?}"), |keyword| keyword.name.to_owned()),
    }
}

fn flags(flags: u8, considered: u8, mode: TcpFlagsMode) -> String {
    const LETTERS: [char; 8] = ['F', 'S', 'R', 'P', 'A', 'U', 'E', 'C'];
    let letters = |bits: u8| -> String {
        let named: String = LETTERS
            .iter()
            .enumerate()
            .filter_map(|(bit, letter)| (bits & (1 << bit) != 0).then_some(*letter))
            .collect();
        if named.is_empty() {
            "none".to_owned()
        } else {
            named
        }
    };
    let ignored = !considered;
    let besides = if ignored == 0 {
        String::new()
    } else {
        format!(", {} aside", letters(ignored))
    };
    match mode {
        TcpFlagsMode::Exact => format!("the TCP flags are {} alone{besides}", letters(flags)),
        TcpFlagsMode::All => format!(
            "the TCP flags {} and perhaps others{besides}",
            letters(flags)
        ),
        TcpFlagsMode::Any => format!("any of the TCP flags {}{besides}", letters(flags)),
        TcpFlagsMode::None => format!("not the TCP flags {}{besides}", letters(flags)),
    }
}

fn scope_of_bit(scope: BitScope) -> &'static str {
    match scope {
        BitScope::Flow => "the flow",
        BitScope::SourceHost => "the source",
        BitScope::DestinationHost => "the destination",
        BitScope::HostPair => "the pair of hosts",
        BitScope::Transaction => "the transaction",
    }
}

/// Names and sets that stand in a pack by number.
pub(super) struct Names<'p> {
    pub(super) pack: &'p Pack,
    /// Most ranges of a set that are shown.
    pub(super) shown_ranges: usize,
}

impl Names<'_> {
    fn bit(&self, bit: u32) -> String {
        format!("`{}`", self.pack.bit_name(bit).unwrap_or("?"))
    }

    fn integer(&self, integer: u32) -> String {
        format!("`{}`", self.pack.integer_name(integer).unwrap_or("?"))
    }

    fn integer_operand(&self, operand: IntegerOperand) -> String {
        match operand {
            IntegerOperand::Number(number) => number.to_string(),
            IntegerOperand::Variable(variable) => self.integer(variable),
        }
    }

    pub(super) fn condition(&self, condition: &PacketCondition<'_>) -> String {
        match condition {
            PacketCondition::Flow(required) => flow(required),
            PacketCondition::Field(of, allowed) => format!("{} is {}", field(*of), range(*allowed)),
            PacketCondition::FieldAnyOf(of, allowed) => {
                format!(
                    "{} is {}",
                    field(*of),
                    ranges(allowed.iter().copied(), self.shown_ranges)
                )
            }
            PacketCondition::TcpFlags {
                flags: wanted,
                considered,
                mode,
            } => flags(*wanted, *considered, *mode),
            PacketCondition::SameIp => "source and destination are the same address".to_owned(),
            PacketCondition::Bits {
                scope,
                action,
                bits,
            } => {
                let names: Vec<String> = bits.iter().map(|bit| self.bit(*bit)).collect();
                let how = match action {
                    BitAction::IsNotSet => "not set",
                    _ => "set",
                };
                format!(
                    "the bit {} of {} is {how}",
                    names.join(" or "),
                    scope_of_bit(*scope)
                )
            }
            PacketCondition::FlowInt {
                variable,
                operator,
                value,
            } => {
                let name = self.integer(*variable);
                let value = self.integer_operand(*value);
                match operator {
                    b's' => format!("the counter {name} is set"),
                    b'n' => format!("the counter {name} is not set"),
                    b'l' => format!("the counter {name} is <= {value}"),
                    b'g' => format!("the counter {name} is >= {value}"),
                    b'!' => format!("the counter {name} is not {value}"),
                    b'e' => format!("the counter {name} is {value}"),
                    sign => format!("the counter {name} is {} {value}", char::from(*sign)),
                }
            }
            PacketCondition::TextVariable {
                scope,
                variable,
                pattern,
            } => {
                let owner = match scope {
                    VariableScope::Flow => "flow",
                    VariableScope::Packet => "packet",
                };
                format!(
                    "the variable {} of the {owner} holds \"{}\"",
                    self.bit(*variable),
                    pattern.escape_ascii()
                )
            }
            PacketCondition::AppProtocol { wanted, negated } => {
                let not = if *negated { "not " } else { "" };
                let wanted = match wanted {
                    DetectedProtocol::One(protocol) => protocol.name(),
                    DetectedProtocol::AnyHttp => "http of any version",
                    DetectedProtocol::Failed => "none that is known",
                };
                format!("the protocol is {not}{wanted}")
            }
            PacketCondition::Event(name) => format!("the event {name} was raised"),
            PacketCondition::StreamSize { side, range: sizes } => {
                format!(
                    "the stream of {} has {} bytes",
                    format!("{side:?}").to_lowercase(),
                    range(*sizes)
                )
            }
            PacketCondition::Checksum { layer, valid } => {
                let is = if *valid { "right" } else { "wrong" };
                format!("{layer} is {is}")
            }
            PacketCondition::CertificateValidity { is_expired: true } => {
                "the server's certificate has expired".to_owned()
            }
            PacketCondition::CertificateValidity { is_expired: false } => {
                "the server's certificate has not expired".to_owned()
            }
            PacketCondition::Reputation { side, addresses } => {
                let whose = match side {
                    ReputationSide::Source => "the source",
                    ReputationSide::Destination => "the destination",
                    ReputationSide::Any => "either end",
                    ReputationSide::Both => "each end",
                };
                let addresses = self.addresses(*addresses);
                format!("by its reputation {whose} is one of {addresses}")
            }
            other => format!("{other:?}"),
        }
    }

    pub(super) fn limit(&self, limit: &AlertLimit) -> String {
        match limit {
            AlertLimit::Suppress { track, addresses } => {
                let whose = match track {
                    SuppressBy::Source => "the source",
                    SuppressBy::Destination => "the destination",
                    SuppressBy::Either => "either end",
                };
                let addresses = self.addresses(*addresses);
                format!("no alert where {whose} is one of {addresses}")
            }
            AlertLimit::Threshold(limit) => threshold(*limit),
            AlertLimit::RateFilter(filter) => format!(
                "beyond {} matches in {} s for {}, for {} s: {}",
                filter.count,
                filter.seconds,
                counted_by(filter.track),
                filter.timeout_seconds,
                action(filter.action)
            ),
        }
    }

    pub(super) fn effect(&self, effect: &Effect) -> String {
        match effect {
            Effect::Bit {
                scope,
                action,
                bit,
                expire_seconds,
            } => {
                let verb = match action {
                    BitAction::Unset => "unset",
                    BitAction::Toggle => "toggle",
                    _ => "set",
                };
                let until = match expire_seconds {
                    0 => String::new(),
                    seconds => format!(" for {seconds} s"),
                };
                format!(
                    "{verb} the bit {} of {}{until}",
                    self.bit(*bit),
                    scope_of_bit(*scope)
                )
            }
            Effect::FlowInt {
                variable,
                operator,
                value,
            } => format!(
                "counter {} {} {}",
                self.integer(*variable),
                char::from(*operator),
                self.integer_operand(*value)
            ),
            Effect::NoAlert => "no alert".to_owned(),
        }
    }

    /// Addresses and ports of one side of the arrow.
    pub(super) fn end(&self, addresses: AddressSetId, ports: PortSetId) -> String {
        format!("{} port {}", self.addresses(addresses), self.ports(ports))
    }

    fn addresses(&self, id: AddressSetId) -> String {
        let set = self.pack.address_set(id);
        if set.is_any() {
            return "any".to_owned();
        }
        let ipv4 = ranges(
            set.ipv4_ranges()
                .map(|(first, last)| (Ipv4Addr::from(first), Ipv4Addr::from(last))),
            self.shown_ranges,
        );
        let ipv6 = ranges(
            set.ipv6_ranges()
                .map(|(first, last)| (Ipv6Addr::from(first), Ipv6Addr::from(last))),
            self.shown_ranges,
        );
        [ipv4, ipv6]
            .into_iter()
            .filter(|text| !text.is_empty())
            .collect::<Vec<_>>()
            .join(",")
    }

    fn ports(&self, id: PortSetId) -> String {
        let set = self.pack.port_set(id);
        if set.is_any() {
            "any".to_owned()
        } else {
            ranges(set.ranges(), self.shown_ranges)
        }
    }
}

fn ranges<T: PartialEq + ToString>(
    ranges: impl Iterator<Item = (T, T)>,
    shown_ranges: usize,
) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut more = 0_usize;
    for (first, last) in ranges {
        if texts.len() == shown_ranges {
            more += 1;
        } else if first == last {
            texts.push(first.to_string());
        } else {
            texts.push(format!("{}-{}", first.to_string(), last.to_string()));
        }
    }
    if more > 0 {
        texts.push(format!("and {more} more"));
    }
    texts.join(",")
}
