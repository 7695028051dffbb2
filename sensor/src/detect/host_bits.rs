//! Bits that live with hosts and host pairs: `hostbits` and `xbits`.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
};

use ahash::RandomState;
use hashbrown::HashMap;
use lapwing_rules::{
    model::{BitAction, BitScope},
    pack::Pack,
};

use super::{
    counters::DetectorCounters,
    limits::HOST_BITS_MAX,
    shared_state::{SharedState, lock},
};
use crate::{decode::Ends, time::Timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Owner {
    Host(IpAddr),
    /// In order of address: a pair is the same seen from either side.
    Pair(IpAddr, IpAddr),
}

/// Bits that are set, by their owner and the key of their name, with the last second in which they are set.
#[derive(Debug, Default)]
pub(crate) struct BitTable {
    expiry: HashMap<(Owner, u64), u64, RandomState>,
}

impl BitTable {
    pub(super) fn clear(&mut self) {
        self.expiry.clear();
    }
}

/// The bits of all hosts, by the numbers that one pack gives them.
#[derive(Debug)]
pub(crate) struct HostBits {
    table: Arc<Mutex<BitTable>>,
    /// By number: the key of the name, which is the same for all packs and workers.
    keys: Vec<u64>,
}

impl HostBits {
    pub(crate) fn new(pack: &Pack, shared: &SharedState) -> Self {
        let names = (0..pack.bit_count()).map(|bit| pack.bit_name(bit));
        Self {
            table: Arc::clone(&shared.bits),
            keys: names.map(|name| shared.names.hash_one(name)).collect(),
        }
    }

    fn key(&self, bit: u32) -> u64 {
        let at = usize::try_from(bit).unwrap_or(usize::MAX);
        self.keys.get(at).copied().unwrap_or(u64::from(bit))
    }

    /// Whether the bit is set now. Scopes that are not of hosts have no bits here.
    pub(crate) fn is_set(&self, scope: BitScope, bit: u32, ends: &Ends, now: Timestamp) -> bool {
        owner(scope, ends)
            .and_then(|owner| {
                let table = lock(&self.table);
                table.expiry.get(&(owner, self.key(bit))).copied()
            })
            .is_some_and(|expiry| now.seconds() <= expiry)
    }

    /// Sets, unsets or toggles a bit; 0 seconds never expire. A bit that is set lives on as long as it would have.
    #[expect(
        clippy::too_many_arguments,
        reason = "an effect's fields and where it takes place"
    )]
    pub(crate) fn apply(
        &self,
        scope: BitScope,
        action: BitAction,
        bit: u32,
        expire_seconds: u32,
        ends: &Ends,
        now: Timestamp,
        counters: &mut DetectorCounters,
    ) {
        let Some(owner) = owner(scope, ends) else {
            return;
        };
        let set = match action {
            BitAction::Set => true,
            BitAction::Toggle => !self.is_set(scope, bit, ends, now),
            BitAction::Unset | BitAction::IsSet | BitAction::IsNotSet => false,
        };
        let key = (owner, self.key(bit));
        let expiries = &mut lock(&self.table).expiry;
        if !set {
            expiries.remove(&key);
            return;
        }
        if expiries
            .get(&key)
            .is_some_and(|expiry| now.seconds() <= *expiry)
        {
            return;
        }
        if expiries.len() >= HOST_BITS_MAX && !expiries.contains_key(&key) {
            expiries.retain(|_, expiry| now.seconds() <= *expiry);
            if expiries.len() >= HOST_BITS_MAX {
                counters.host_bits_over_cap += 1;
                return;
            }
        }
        let expiry = match expire_seconds {
            0 => u64::MAX,
            seconds => now.seconds().saturating_add(u64::from(seconds)),
        };
        expiries.insert(key, expiry);
    }
}

fn owner(scope: BitScope, ends: &Ends) -> Option<Owner> {
    match scope {
        BitScope::SourceHost => Some(Owner::Host(ends.source)),
        BitScope::DestinationHost => Some(Owner::Host(ends.destination)),
        BitScope::HostPair if ends.source <= ends.destination => {
            Some(Owner::Pair(ends.source, ends.destination))
        }
        BitScope::HostPair => Some(Owner::Pair(ends.destination, ends.source)),
        BitScope::Flow | BitScope::Transaction => None,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn a_pair_is_the_same_from_either_side_and_bits_run_out() {
        let address = |last| IpAddr::V4(Ipv4Addr::new(10, 0, 0, last));
        let ends = |source, destination| Ends {
            source: address(source),
            destination: address(destination),
            source_port: 0,
            destination_port: 0,
        };
        let bits = HostBits {
            table: Arc::default(),
            keys: vec![10, 11],
        };
        let mut counters = DetectorCounters::default();
        let second = |seconds| Timestamp(seconds * Timestamp::NANOSECONDS_PER_SECOND);
        let mut apply = |bits: &HostBits, scope, action| {
            bits.apply(scope, action, 1, 5, &ends(1, 2), second(0), &mut counters);
        };
        apply(&bits, BitScope::HostPair, BitAction::Set);
        assert!(bits.is_set(BitScope::HostPair, 1, &ends(2, 1), second(5)));
        assert!(!bits.is_set(BitScope::HostPair, 1, &ends(2, 1), second(6)));
        assert!(!bits.is_set(BitScope::SourceHost, 1, &ends(1, 2), second(1)));
        apply(&bits, BitScope::SourceHost, BitAction::Toggle);
        assert!(bits.is_set(BitScope::SourceHost, 1, &ends(1, 9), second(1)));
        assert!(bits.is_set(BitScope::DestinationHost, 1, &ends(9, 1), second(1)));
        apply(&bits, BitScope::SourceHost, BitAction::Unset);
        assert!(!bits.is_set(BitScope::SourceHost, 1, &ends(1, 9), second(1)));
    }
}
