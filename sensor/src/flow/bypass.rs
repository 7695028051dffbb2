//! What is no longer looked at in a flow, since a worker fell behind.

use crate::direction::Direction;

/// How much of a flow is let pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bypass {
    /// Nothing: all of it is inspected.
    #[default]
    Nothing,
    /// Rules do not look at the data of these directions any more; the connection is still followed.
    Inspection([bool; 2]),
    /// Nothing is looked at but the connection's end.
    Everything,
}

impl Bypass {
    /// Whether rules are spared the data of this direction.
    #[must_use]
    pub fn spares(self, direction: Direction) -> bool {
        match self {
            Self::Nothing => false,
            Self::Inspection(directions) => directions[direction.index()],
            Self::Everything => true,
        }
    }
}
