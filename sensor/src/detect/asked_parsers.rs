//! Which parsers run only where a rule asks for them.
//!
//! Version 7.0 of the reference does not know LDAP and WebSocket. So that a sensor whose rules do not name them sees what the
//! reference sees, and spends nothing on them, they are neither identified nor parsed there.

use lapwing_rules::model::{
    AppProtocol, DetectedProtocol, HeaderField, HeaderProtocol, PacketCondition,
};

use super::whole_rule::WholeRule;
use crate::app_layer::ParserSet;

/// Protocols that are left alone unless a rule asks for them.
const ON_DEMAND: [AppProtocol; 2] = [AppProtocol::Ldap, AppProtocol::Websocket];

/// Which of the protocols on demand the rules seen so far ask for.
#[derive(Debug, Default)]
pub(crate) struct AskedParsers([bool; ON_DEMAND.len()]);

impl AskedParsers {
    pub(crate) fn note(&mut self, rule: &WholeRule<'_>) {
        if let HeaderProtocol::App(protocol) = rule.view.header().protocol {
            self.ask(protocol);
        }
        let of_conditions = rule.conditions.iter().filter_map(protocol_of);
        let of_buffers = rule
            .inspections
            .iter()
            .filter_map(|inspection| inspection.buffer.info().protocol);
        of_conditions
            .chain(of_buffers)
            .for_each(|protocol| self.ask(protocol));
    }

    fn ask(&mut self, protocol: AppProtocol) {
        if let Some(place) = ON_DEMAND.iter().position(|known| *known == protocol) {
            self.0[place] = true;
        }
    }

    /// All parsers but those on demand that no rule asks for.
    pub(crate) fn set(&self) -> ParserSet {
        ParserSet::of(|protocol| {
            let place = ON_DEMAND.iter().position(|known| *known == protocol);
            place.is_none_or(|place| self.0[place])
        })
    }
}

/// The protocol on demand that a condition speaks of, if any.
fn protocol_of(condition: &PacketCondition<'_>) -> Option<AppProtocol> {
    match condition {
        PacketCondition::AppProtocol {
            wanted: DetectedProtocol::One(protocol),
            ..
        } => Some(*protocol),
        PacketCondition::LdapResponses(_)
        | PacketCondition::Field(HeaderField::LdapRequestOperation, _) => Some(AppProtocol::Ldap),
        PacketCondition::Field(field, _) | PacketCondition::FieldAnyOf(field, _) => match field {
            HeaderField::WebsocketFlags
            | HeaderField::WebsocketMask
            | HeaderField::WebsocketOpcode => Some(AppProtocol::Websocket),
            _ => None,
        },
        PacketCondition::Event(name) => match name.split_once('.')?.0 {
            "ldap" => Some(AppProtocol::Ldap),
            "websocket" => Some(AppProtocol::Websocket),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use lapwing_rules::{
        Settings, compile,
        pack::Pack,
        source::{Language, Source},
    };

    use super::*;

    fn asked(rules: &str) -> [bool; 2] {
        let source = Source {
            name: "test".into(),
            bytes: rules.as_bytes().to_vec(),
        };
        let settings = Settings {
            language: Language::Version8,
            ..Settings::default()
        };
        let pack = Pack::from_bytes(compile(&[source], &settings).pack).unwrap();
        let mut asked = AskedParsers::default();
        for rule in pack.rules() {
            asked.note(&WholeRule::new(rule));
        }
        let parsers = asked.set();
        ON_DEMAND.map(|protocol| parsers.contains(protocol))
    }

    #[test]
    fn a_parser_on_demand_runs_where_any_rule_speaks_of_it() {
        assert_eq!(asked("alert http any any -> any any (sid:1;)"), [false; 2]);
        for (rule, expected) in [
            ("alert ldap any any -> any any (sid:1;)", [true, false]),
            (
                "alert tcp any any -> any any (app-layer-protocol:!ldap; sid:1;)",
                [true, false],
            ),
            (
                "alert tcp any any -> any any (ldap.request.dn; content:\"x\"; sid:1;)",
                [true, false],
            ),
            (
                "alert tcp any any -> any any (ldap.responses.count:2; sid:1;)",
                [true, false],
            ),
            (
                "alert tcp any any -> any any (ldap.request.operation:2; sid:1;)",
                [true, false],
            ),
            (
                "alert tcp any any -> any any (app-layer-event:ldap.invalid_data; sid:1;)",
                [true, false],
            ),
            (
                "alert tcp any any -> any any (websocket.flags:fin; sid:1;)",
                [false, true],
            ),
            (
                "alert tcp any any -> any any (websocket.opcode:text; sid:1;)",
                [false, true],
            ),
        ] {
            assert_eq!(asked(rule), expected, "{rule}");
        }
    }
}
