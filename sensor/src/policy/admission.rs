//! Rules are egress: what is looked for decides who is watched. Each rule and indicator of a pack is held against the policy
//! before the pack runs; what is refused does not run, is counted by reason, and is told.
//!
//! A rule is refused when it singles out addresses inside a home network: by an address group of its header, or of a `suppress`
//! that it is under, that holds a part of a home network but not all of it (a group as `$HOME_NET` that holds it whole singles out nobody); by an address
//! written in a content or an expression; by a list of addresses. What a content rule can still ask stands in `docs/privacy.md`.

use std::collections::{BTreeMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use lapwing_rules::{
    indicator::{INDICATOR_GENERATOR, IndicatorKind},
    model::{
        AddressSetId, AlertLimit, AppProtocol, HeaderProtocol, ListKind, Match, PacketCondition,
        RuleId,
    },
    pack::{AddressSetView, IndicatorView, ListView, Pack, RuleView},
};

use lapwing_wire::PolicyDigest;

use super::{Mode, Policy, address_text};
use crate::detect::Restriction;

/// Refused rules and indicators that are kept by name; the others are only counted.
const MAX_TOLD: usize = 100;

/// What the policy says of a pack.
#[derive(Clone, Debug, Default)]
pub struct Admission {
    /// The policy that said it.
    pub held_against: HeldAgainst,
    /// For the engine: what does not run.
    pub restriction: Restriction,
    /// How many rules and indicators were refused, by reason.
    pub counts: BTreeMap<RefusalReason, u64>,
    /// The first of them.
    pub told: Vec<Refusal>,
    rules: HashSet<RuleId>,
}

/// What the rules that run were held against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeldAgainst {
    /// Nothing: whatever runs may be told.
    #[default]
    Nothing,
    /// There was no policy, so nothing that they find may be told.
    NoPolicy,
    /// This policy.
    Policy(PolicyDigest),
}

/// A rule or indicator that does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The rule; of an indicator its number, with the generator of indicators.
    pub rule: RuleId,
    /// Why.
    pub reason: RefusalReason,
}

impl Refusal {
    /// Rule and reason in a word.
    #[must_use]
    pub fn said(&self) -> String {
        let RuleId { gid, sid, rev } = self.rule;
        format!("{gid}:{sid}:{rev} {}", self.reason.name())
    }
}

/// Why a rule or an indicator does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefusalReason {
    /// It names an address inside a home network.
    NamesHomeAddress,
    /// It is from an origin that is not allowed.
    Origin,
    /// It is of a group, or a list, that is not allowed.
    Group,
    /// It asks for what the mode does not look at.
    Mode,
}

impl RefusalReason {
    /// Every reason.
    pub const ALL: [Self; 4] = [
        Self::NamesHomeAddress,
        Self::Origin,
        Self::Group,
        Self::Mode,
    ];

    /// Its name in counters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NamesHomeAddress => "rules_refused_home_address",
            Self::Origin => "rules_refused_origin",
            Self::Group => "rules_refused_group",
            Self::Mode => "rules_refused_mode",
        }
    }
}

impl Admission {
    /// Holds a pack against a policy.
    #[must_use]
    pub fn of(policy: &Policy, pack: &Pack) -> Self {
        let mut admission = Self::default();
        admission.restriction.mode = policy.mode.clone();
        let guard = Guard::new(policy);
        let indicators = pack.indicators();
        let telling: BTreeMap<u32, u16> = indicators
            .lists()
            .map(|(list, rule)| (rule, list))
            .collect();
        for (list, _) in indicators.lists() {
            if !policy.rules.allows_list(list) {
                admission.restriction.lists.insert(list);
            }
        }
        for rule in pack.rules() {
            if telling.contains_key(&rule.index()) {
                // It only gives a list its words; the list is held against the policy.
                continue;
            }
            if let Some(reason) = guard.refuses(pack, &rule) {
                admission.restriction.rules.insert(rule.index());
                admission.rules.insert(rule.id());
                admission.refuse(rule.id(), reason);
            }
        }
        for indicator in indicators.iter() {
            if let Some(reason) = guard.refuses_indicator(&indicator) {
                if reason == RefusalReason::NamesHomeAddress {
                    admission.restriction.indicators.insert(indicator);
                }
                let rule = RuleId {
                    gid: INDICATOR_GENERATOR,
                    sid: indicator.id,
                    rev: 0,
                };
                admission.refuse(rule, reason);
            }
        }
        admission
    }

    /// Numbers of the indicators that are not refused.
    pub(super) fn admitted_indicators(policy: &Policy, pack: &Pack) -> Vec<u32> {
        let guard = Guard::new(policy);
        let (mut admitted, mut refused) = (Vec::new(), Vec::new());
        for indicator in pack.indicators().iter() {
            match guard.refuses_indicator(&indicator) {
                Some(_) => refused.push(indicator.id),
                None => admitted.push(indicator.id),
            }
        }
        refused.sort_unstable();
        // One number may stand for several values.
        admitted.retain(|id| refused.binary_search(id).is_err());
        admitted.sort_unstable();
        admitted.dedup();
        admitted
    }

    /// The same, with the policy that said it.
    #[must_use]
    pub fn held_against(self, held_against: HeldAgainst) -> Self {
        Self {
            held_against,
            ..self
        }
    }

    /// Whether a rule was refused.
    #[must_use]
    pub fn refuses(&self, rule: RuleId) -> bool {
        self.rules.contains(&rule)
    }

    /// How many rules of the pack run.
    #[must_use]
    pub fn running_of(&self, pack: &Pack) -> u64 {
        let refused = u64::try_from(self.restriction.rules.len()).unwrap_or(u64::MAX);
        u64::from(pack.rule_count()).saturating_sub(refused)
    }

    /// Whether nothing of the pack runs.
    #[must_use]
    pub fn refuses_all_of(&self, pack: &Pack) -> bool {
        self.running_of(pack) == 0
    }

    /// How many rules and indicators were refused.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.counts.values().sum()
    }

    fn refuse(&mut self, rule: RuleId, reason: RefusalReason) {
        *self.counts.entry(reason).or_default() += 1;
        if self.told.len() < MAX_TOLD {
            self.told.push(Refusal { rule, reason });
        }
    }
}

/// What a rule is held against.
struct Guard<'a> {
    policy: &'a Policy,
    home: Vec<IpNet>,
}

impl<'a> Guard<'a> {
    fn new(policy: &'a Policy) -> Self {
        Self {
            policy,
            home: policy.home_networks.iter().copied().collect(),
        }
    }

    fn refuses(&self, pack: &Pack, rule: &RuleView<'_>) -> Option<RefusalReason> {
        let scope = &self.policy.rules;
        if !scope.allows_origin(rule.id().sid) {
            Some(RefusalReason::Origin)
        } else if !scope.allows_group(rule.class_type()) {
            Some(RefusalReason::Group)
        } else if !self.mode_runs(rule) {
            Some(RefusalReason::Mode)
        } else if self.singles_out(pack, rule) {
            Some(RefusalReason::NamesHomeAddress)
        } else {
            None
        }
    }

    fn refuses_indicator(&self, indicator: &IndicatorView) -> Option<RefusalReason> {
        if !self.policy.rules.allows_list(indicator.list) {
            return Some(RefusalReason::Group);
        }
        if self.policy.mode == Mode::DnsOnly
            && !matches!(indicator.kind, IndicatorKind::Domain | IndicatorKind::Host)
        {
            return Some(RefusalReason::Mode);
        }
        let range = address_range(indicator)?;
        self.names(range).then_some(RefusalReason::NamesHomeAddress)
    }

    fn mode_runs(&self, rule: &RuleView<'_>) -> bool {
        match self.policy.mode {
            Mode::Full | Mode::InfrastructureOnly(_) => true,
            Mode::DnsOnly => rule.header().protocol == HeaderProtocol::App(AppProtocol::Dns),
            Mode::IndicatorsOnly => false,
        }
    }

    fn singles_out(&self, pack: &Pack, rule: &RuleView<'_>) -> bool {
        let header = rule.header();
        let group = |set: AddressSetId| self.group_singles_out(&pack.address_set(set));
        let suppressed = |limit: AlertLimit| match limit {
            // To be silent about one subscriber tells as much as to speak of it.
            AlertLimit::Suppress { addresses, .. } => group(addresses),
            AlertLimit::Threshold(_) | AlertLimit::RateFilter(_) => false,
        };
        group(header.source)
            || group(header.destination)
            || rule.limits().any(suppressed)
            || rule.packet_conditions().any(|condition| {
                matches!(condition, PacketCondition::Reputation { addresses, .. } if group(addresses))
            })
            || rule.inspections().any(|inspection| {
                inspection.matches.iter().any(|item| match item {
                    Match::Content(content) => self.text_names(content.pattern),
                    Match::Regex(regex) => pack
                        .regex(regex.regex)
                        .is_some_and(|regex| self.text_names(&unescaped(regex.original()))),
                    Match::InList { list, .. } | Match::Reputation { list, .. } => {
                        pack.list(*list).is_some_and(|list| self.list_names(&list))
                    }
                    _ => false,
                })
            })
    }

    /// Whether a group holds a part of a home network and not all of it, beyond what may be named.
    fn group_singles_out(&self, set: &AddressSetView<'_>) -> bool {
        if set.is_any() {
            return false;
        }
        let four =
            |(first, last): (u32, u32)| (Ipv4Addr::from(first).into(), Ipv4Addr::from(last).into());
        let six = |(first, last): (u128, u128)| {
            (Ipv6Addr::from(first).into(), Ipv6Addr::from(last).into())
        };
        self.home.iter().any(|network| {
            let ranges: Vec<(IpAddr, IpAddr)> = if network.addr().is_ipv4() {
                set.ipv4_ranges().map(four).collect()
            } else {
                set.ipv6_ranges().map(six).collect()
            };
            let (first, last) = (network.network(), network.broadcast());
            let inside: Vec<_> = ranges
                .into_iter()
                .filter(|(from, to)| *from <= last && first <= *to)
                .map(|(from, to)| (from.max(first), to.min(last)))
                .collect();
            let outside = rest_of((first, last), &inside);
            let may_name =
                |ranges: &[(IpAddr, IpAddr)]| ranges.iter().all(|range| self.may_be_named(*range));
            !inside.is_empty() && !outside.is_empty() && !may_name(&inside) && !may_name(&outside)
        })
    }

    fn may_be_named(&self, (first, last): (IpAddr, IpAddr)) -> bool {
        let networks = self.policy.rules.may_name.iter();
        networks
            .into_iter()
            .any(|network| network.contains(&first) && network.contains(&last))
    }

    fn names(&self, (first, last): (IpAddr, IpAddr)) -> bool {
        self.policy.home_networks.touch(first, last) && !self.may_be_named((first, last))
    }

    fn text_names(&self, text: &[u8]) -> bool {
        let written = address_text::addresses_in(text);
        written
            .iter()
            .any(|written| self.names((written.address, written.address)))
    }

    fn list_names(&self, list: &ListView<'_>) -> bool {
        matches!(list.kind(), ListKind::Ip | ListKind::Ipv4)
            && list.keys().any(|key| {
                let address = IpAddr::from(key).to_canonical();
                self.names((address, address))
            })
    }
}

/// An expression without what stands between the numbers of an address.
fn unescaped(expression: &str) -> Vec<u8> {
    expression.bytes().filter(|byte| *byte != b'\\').collect()
}

/// What of a range is in none of the ascending `parts` of it.
fn rest_of((first, last): (IpAddr, IpAddr), parts: &[(IpAddr, IpAddr)]) -> Vec<(IpAddr, IpAddr)> {
    let mut rest = Vec::new();
    let mut from = Some(first);
    for (part_first, part_last) in parts {
        if let (Some(from), Some(before)) = (from, neighbour(*part_first, false))
            && from <= before
            && from < *part_first
        {
            rest.push((from, before));
        }
        from = neighbour(*part_last, true);
    }
    if let Some(from) = from.filter(|from| *from <= last) {
        rest.push((from, last));
    }
    rest
}

/// The address behind or before one, in its family.
fn neighbour(address: IpAddr, is_behind: bool) -> Option<IpAddr> {
    match address {
        IpAddr::V4(address) => {
            let number = u32::from(address);
            let number = if is_behind {
                number.checked_add(1)
            } else {
                number.checked_sub(1)
            };
            number.map(|number| Ipv4Addr::from(number).into())
        }
        IpAddr::V6(address) => {
            let number = u128::from(address);
            let number = if is_behind {
                number.checked_add(1)
            } else {
                number.checked_sub(1)
            };
            number.map(|number| Ipv6Addr::from(number).into())
        }
    }
}

/// The addresses of an indicator of that kind; IPv4 stands in it as mapped into IPv6.
fn address_range(indicator: &IndicatorView) -> Option<(IpAddr, IpAddr)> {
    if indicator.kind != IndicatorKind::Address {
        return None;
    }
    let first = u128::from_be_bytes(indicator.key);
    let host_bits = u32::from(128 - indicator.prefix_bits.min(128));
    let last = first | u128::MAX.checked_shr(128 - host_bits).unwrap_or(0);
    let address = |number: u128| IpAddr::from(Ipv6Addr::from(number)).to_canonical();
    let (first, last) = (address(first), address(last));
    (first.is_ipv4() == last.is_ipv4()).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use lapwing_rules::{Settings, compile, source::Source};

    use super::*;
    use crate::policy::{TEMPLATE, file};

    fn pack(rules: &str, indicators: &str) -> Pack {
        let source = |name: &str, text: &str| Source {
            name: name.into(),
            bytes: text.as_bytes().to_vec(),
        };
        let mut settings = Settings::default();
        if !indicators.is_empty() {
            settings.indicators.push(source("list.csv", indicators));
        }
        let compiled = compile(&[source("test.rules", rules)], &settings);
        assert_eq!(compiled.counts.refused, 0, "{:?}", compiled.diagnostics);
        Pack::from_bytes(compiled.pack).unwrap()
    }

    fn policy(more: &str) -> Policy {
        file::parse(&format!("{TEMPLATE}\n{more}")).unwrap()
    }

    /// The numbers of the refused, by reason.
    fn refused(policy: &Policy, pack: &Pack) -> BTreeMap<RefusalReason, Vec<u32>> {
        let mut refused = BTreeMap::<_, Vec<u32>>::new();
        for refusal in Admission::of(policy, pack).told {
            refused
                .entry(refusal.reason)
                .or_default()
                .push(refusal.rule.sid);
        }
        refused
    }

    #[test]
    fn a_rule_that_singles_out_a_subscriber_is_refused() {
        let rules = "\
            alert ip 10.1.2.3 any -> any any (msg:\"a\"; sid:1;)\n\
            alert ip any any -> 10.1.2.0/24 any (msg:\"b\"; sid:2;)\n\
            alert ip !10.1.2.3 any -> any any (msg:\"c\"; sid:3;)\n\
            alert ip [203.0.113.1,fd00::7] any -> any any (msg:\"d\"; sid:4;)\n\
            alert tcp any any -> any any (msg:\"e\"; content:\"Host: 10.9.8.7\"; sid:5;)\n\
            alert tcp any any -> any any (msg:\"f\"; content:\"x\"; pcre:\"/for=10\\.9\\.8\\.7/\"; sid:6;)\n\
            alert dns any any -> any any (msg:\"g\"; dns.query; content:\"3.2.1.10.in-addr.arpa\"; sid:7;)\n\
            alert ip 10.0.0.53 any -> any any (msg:\"h\"; sid:8;)\n";
        let harmless = "\
            alert ip any any -> any any (msg:\"i\"; sid:11;)\n\
            alert ip $HOME_NET any -> $EXTERNAL_NET any (msg:\"j\"; sid:12;)\n\
            alert ip 203.0.113.0/24 any -> any any (msg:\"k\"; sid:13;)\n\
            alert ip !203.0.113.7 any -> any any (msg:\"l\"; sid:14;)\n\
            alert tcp any any -> any any (msg:\"m\"; content:\"Host: 203.0.113.7\"; sid:15;)\n";
        let pack = pack(&format!("{rules}{harmless}"), "");
        let named =
            |more: &str| refused(&policy(more), &pack).remove(&RefusalReason::NamesHomeAddress);
        assert_eq!(named("").unwrap(), [1, 2, 3, 4, 5, 6, 7, 8]);
        let own_servers = "[rules]\nmay_name = [\"10.0.0.53/32\", \"10.1.2.3/32\"]\n";
        assert_eq!(named(own_servers).unwrap(), [2, 4, 5, 6]);
    }

    #[test]
    fn a_limit_that_singles_out_a_subscriber_is_refused() {
        let rules: String = (1..=5)
            .map(|sid| format!("alert ip any any -> any any (msg:\"a\"; sid:{sid};)\n"))
            .collect();
        let limits = "\
            suppress gen_id 1, sig_id 1, track by_src, ip 10.1.2.3\n\
            suppress gen_id 1, sig_id 2, track by_either, ip [10.0.0.0/8,!10.1.2.3]\n\
            suppress gen_id 1, sig_id 3, track by_dst, ip 203.0.113.7\n\
            suppress gen_id 1, sig_id 4, track by_src, ip 10.0.0.0/8\n\
            threshold gen_id 1, sig_id 5, type limit, track by_src, count 1, seconds 60\n";
        let source = |name: &str, text: &str| Source {
            name: name.into(),
            bytes: text.as_bytes().to_vec(),
        };
        let settings = Settings {
            thresholds: vec![source("threshold.config", limits)],
            ..Settings::default()
        };
        let compiled = compile(&[source("test.rules", &rules)], &settings);
        assert_eq!(compiled.counts.refused, 0, "{:?}", compiled.diagnostics);
        let pack = Pack::from_bytes(compiled.pack).unwrap();
        let named =
            |more: &str| refused(&policy(more), &pack).remove(&RefusalReason::NamesHomeAddress);
        assert_eq!(named("").unwrap(), [1, 2]);
        assert_eq!(named("[rules]\nmay_name = [\"10.1.2.3/32\"]\n"), None);
    }

    #[test]
    fn origins_groups_and_modes_are_held() {
        let pack = pack(
            "alert dns any any -> any any (msg:\"a\"; dns.query; content:\"x\"; classtype:trojan-activity; sid:2000001;)\n\
             alert http any any -> any any (msg:\"b\"; http.uri; content:\"x\"; classtype:web-application-attack; sid:9000001;)\n",
            "",
        );
        let of = |text: &str| refused(&file::parse(text).unwrap(), &pack);
        assert!(of(TEMPLATE).is_empty());
        let rules = |more: &str| of(&format!("{TEMPLATE}\n[rules]\n{more}\n"));
        assert_eq!(
            rules("origins = ['9000000-9099999']")[&RefusalReason::Origin],
            [2_000_001]
        );
        assert_eq!(
            rules("groups = ['trojan-activity']")[&RefusalReason::Group],
            [9_000_001]
        );
        let mode = |mode: &str| {
            of(&TEMPLATE.replace("serial = 1 ", &format!("mode = '{mode}'\nserial = 1 ")))
        };
        assert_eq!(mode("dns-only")[&RefusalReason::Mode], [9_000_001]);
        assert_eq!(
            mode("indicators-only")[&RefusalReason::Mode],
            [2_000_001, 9_000_001]
        );
    }
}
