//! One value for each lane, and sets of lanes.

use lapwing_wire::Lane;

/// One value for each lane.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PerLane<T>([T; Lane::ALL.len()]);

/// Some of the lanes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LaneSet(u8);

impl LaneSet {
    /// No lane.
    pub const NONE: Self = Self(0);
    /// All lanes.
    pub const ALL: Self = Self(0x1f);

    /// The critical lane.
    pub const CRITICAL: Self = Self(1 << Lane::Critical.code());
    /// The lane of heartbeats and digests.
    pub const STATUS: Self = Self(1 << Lane::Status.code());

    /// These lanes.
    pub fn of(lanes: &[Lane]) -> Self {
        Self(lanes.iter().fold(0, |bits, lane| bits | 1 << lane.code()))
    }

    /// Whether a lane is among them.
    pub const fn contains(self, lane: Lane) -> bool {
        self.0 & 1 << lane.code() != 0
    }

    /// The lanes that are not among them.
    #[must_use]
    pub const fn complement(self) -> Self {
        Self(!self.0 & Self::ALL.0)
    }

    /// The lanes that are in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The lanes that are in both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) const fn bits(self) -> u64 {
        self.0 as u64
    }

    pub(crate) fn from_bits(bits: u64) -> Self {
        Self(u8::try_from(bits & Self::ALL.bits()).unwrap_or_default())
    }
}

impl<T: Default> PerLane<T> {
    pub(crate) fn from_fn(mut value: impl FnMut(Lane) -> T) -> Self {
        // Every code below the number of lanes is a lane's.
        Self(std::array::from_fn(|code| {
            u8::try_from(code)
                .ok()
                .and_then(Lane::from_code)
                .map(&mut value)
                .unwrap_or_default()
        }))
    }
}

impl<T> PerLane<T> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Lane, &T)> {
        Lane::ALL.into_iter().map(|lane| (lane, &self[lane]))
    }

    /// The values in the order of the lanes' codes, which is how they are stored.
    pub(crate) fn values(&self) -> &[T] {
        &self.0
    }
}

impl<T> std::ops::Index<Lane> for PerLane<T> {
    type Output = T;

    fn index(&self, lane: Lane) -> &T {
        &self.0[usize::from(lane.code())]
    }
}

impl<T> std::ops::IndexMut<Lane> for PerLane<T> {
    fn index_mut(&mut self, lane: Lane) -> &mut T {
        &mut self.0[usize::from(lane.code())]
    }
}
