//! One value for each lane.

use lapwing_wire::Lane;

/// One value for each lane.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PerLane<T>([T; Lane::ALL.len()]);

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
